//! Bodies under lock and key, on the path.

use signalbox_carriers::Outcome;
use signalbox_engine::registry::holds::On;
use signalbox_engine::{EraseRefused, Registrar, Request};
use signalbox_model::{ManualClock, Partition, Status};
use signalbox_store::memory::{self, Crash, MemoryStore, Moment};
use signalbox_store::{Range, Store, Table};

use crate::house::{House, Scripted, THEIRS, noon};

const WORDS: &str = "the blue heron lands at noon";
const SOMEBODY_ELSE: &str = "+15550199002";
const HEARD: &str = "the grey heron answers at one";

async fn open(master: Option<u8>) -> House {
    let store = MemoryStore::new(memory::Config::default());
    House::sealed(master, store, Scripted::new(), ManualClock::at(noon())).await.unwrap()
}

/// In which tables does this stand?
async fn tables_with(store: &MemoryStore, what: &str) -> Vec<Table> {
    let mut found = Vec::new();
    for partition in (0..store.partitions()).map(Partition::new).chain([Partition::DIRECTORY]) {
        for table in Table::ALL.into_iter().filter(|table| *table != Table::Inbox) {
            let rows = store.range(partition, Range::prefix(table, "", 10_000)).await.unwrap();
            let has = |bytes: &[u8]| bytes.windows(what.len()).any(|window| window == what.as_bytes());
            if rows.iter().any(|(key, value)| has(key) || has(value)) {
                found.push(table);
            }
        }
    }
    found
}

#[tokio::test]
async fn what_is_said_both_ways_is_in_no_row_and_is_shown_after_a_crash() {
    let house = open(Some(1)).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let sent = house.send(&House::request(WORDS)).await;
    house.until(sent, Status::Sent).await;
    assert_eq!(house.carrier.seen()[0].text, WORDS, "the carrier gets it as it is");
    house.text(HEARD).await;
    let heard = house.messages().await.into_iter().find(|(message, _)| message.body.text == HEARD).unwrap().0.id;
    assert_eq!(tables_with(&house.store, WORDS).await, []);
    assert_eq!(tables_with(&house.store, HEARD).await, []);
    let house = house.crash_sealed(Some(1)).await.unwrap();
    assert_eq!(house.record(sent).await.message.body.text, WORDS);
    assert_eq!(house.record(heard).await.message.body.text, HEARD);
    let page = house.handle.messages(&house.caller.tenant, &Default::default(), None, 10).await.unwrap();
    let texts: Vec<_> = page.items.iter().map(|(message, _)| message.body.text.as_str()).collect();
    assert_eq!(texts, [HEARD, WORDS]);
    house.verified_log().await;
}

#[tokio::test]
async fn without_a_key_it_lies_there_as_it_is() {
    let house = open(None).await;
    house.send(&House::request(WORDS)).await;
    assert_eq!(tables_with(&house.store, WORDS).await, [Table::Message]);
}

#[tokio::test]
async fn a_message_that_waited_through_a_crash_goes_as_it_was_written() {
    let house = open(Some(1)).await;
    house.carrier.close(true);
    let id = house.send(&House::request(WORDS)).await;
    house.until(id, Status::Queued).await;
    let house = house.crash_sealed(Some(1)).await.unwrap();
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.carrier.close(false);
    house.until(id, Status::Sent).await;
    assert_eq!(house.carrier.seen()[0].text, WORDS);
}

#[tokio::test]
async fn a_start_with_another_key_or_none_says_so() {
    let house = open(Some(1)).await;
    house.send(&House::request(WORDS)).await;
    let store = house.store.crash_image();
    let refused = house.crash_sealed(Some(2)).await.err().unwrap().to_string();
    assert!(refused.contains("isn't the one"), "{refused}");
    let refused = House::sealed(None, store, Scripted::new(), ManualClock::at(noon())).await.err().unwrap().to_string();
    assert!(refused.contains("no master key is configured"), "{refused}");
}

async fn erase(house: &House) -> Result<u64, EraseRefused> {
    let theirs = THEIRS.parse().unwrap();
    Ok(house.handle.erase(&house.caller.tenant, Registrar::Operator, &theirs).await?.messages)
}

#[tokio::test]
async fn an_erasure_leaves_the_record_and_none_of_its_words_and_later_ones_are_read() {
    let house = open(Some(1)).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let sent = house.send(&House::request(WORDS)).await;
    house.until(sent, Status::Sent).await;
    house.text(HEARD).await;
    assert_eq!(erase(&house).await.unwrap(), 2);
    assert_eq!(erase(&house).await.unwrap(), 0, "nothing is erased twice");
    house.clock.advance(std::time::Duration::from_secs(1));
    let later = house.send(&House::request("hello again")).await;
    house.until(later, Status::Sent).await;
    let house = house.crash_sealed(Some(1)).await.unwrap();
    let record = house.record(sent).await;
    assert!(record.message.is_erased() && record.message.body.text == "[erased]" && record.head.status == Status::Sent);
    assert_eq!(house.record(later).await.message.body.text, "hello again");
    let (_, items) = house.verified_log().await;
    let erasures = items.iter().filter(|item| matches!(item, signalbox_records::audit::Item::Erased { .. })).count();
    assert_eq!(erasures, 2);
}

#[tokio::test]
async fn what_waits_when_its_words_are_erased_never_goes() {
    let house = open(Some(1)).await;
    house.carrier.close(true);
    let id = house.send(&House::request(WORDS)).await;
    house.until(id, Status::Queued).await;
    assert_eq!(erase(&house).await.unwrap(), 1);
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.carrier.close(false);
    house.until(id, Status::Rejected).await;
    assert_eq!(house.carrier.seen_count(), 0);
}

#[tokio::test]
async fn whoever_opted_out_stays_so_when_their_words_are_erased() {
    let house = open(Some(1)).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.text("STOP").await;
    house.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(tables_with(&house.store, THEIRS).await, [Table::Message, Table::Consent]);
    erase(&house).await.unwrap();
    // The record stays with its numbers until it was kept long enough.
    assert_eq!(tables_with(&house.store, THEIRS).await, [Table::Message]);
    house.clock.advance(std::time::Duration::from_secs(1));
    let refused = house.handle.accept(&house.caller, &House::request(WORDS), None).await;
    assert!(matches!(refused, Err(signalbox_engine::Refused::Policy(_))), "{refused:?}");
    let house = house.crash_sealed(Some(1)).await.unwrap();
    let refused = house.handle.accept(&house.caller, &House::request(WORDS), None).await;
    assert!(matches!(refused, Err(signalbox_engine::Refused::Policy(_))), "{refused:?}");
}

#[tokio::test]
async fn a_legal_hold_wins_over_an_erasure() {
    let house = open(Some(1)).await;
    let id = house.send(&House::request(WORDS)).await;
    let tenant = house.caller.tenant.clone();
    let on = On::Contact(THEIRS.parse().unwrap());
    let hold = house.handle.place_hold(&tenant, Registrar::Operator, on, "Doe v. Acme").await.unwrap();
    let refused = erase(&house).await.unwrap_err();
    assert!(refused.to_string().contains(&hold.id.to_string()), "{refused}");
    assert_eq!(house.record(id).await.message.body.text, WORDS);
    house.handle.release_hold(&tenant, Registrar::Operator, hold.id, "settled").await.unwrap();
    assert_eq!(erase(&house).await.unwrap(), 1);
}

#[tokio::test]
async fn words_from_before_there_was_a_key_are_taken_out_of_their_rows() {
    let house = open(None).await;
    let id = house.send(&House::request(WORDS)).await;
    let house = house.crash_sealed(Some(1)).await.unwrap();
    assert_eq!(tables_with(&house.store, WORDS).await, [Table::Message]);
    assert_eq!(erase(&house).await.unwrap(), 1);
    assert_eq!(tables_with(&house.store, WORDS).await, []);
    assert!(house.record(id).await.message.is_erased());
    house.verified_log().await;
}

#[tokio::test]
async fn where_nothing_is_sealed_words_are_overwritten_and_another_persons_stay() {
    let house = open(None).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let id = house.send(&House::request(WORDS)).await;
    house.until(id, Status::Sent).await;
    let other = house.send(&Request { to: SOMEBODY_ELSE.to_owned(), ..House::request(HEARD) }).await;
    house.until(other, Status::Sent).await;
    assert_eq!(erase(&house).await.unwrap(), 1);
    assert_eq!(tables_with(&house.store, WORDS).await, []);
    assert_eq!(house.record(other).await.message.body.text, HEARD);
    let house = house.crash_sealed(None).await.unwrap();
    assert!(house.record(id).await.message.is_erased());
    assert_eq!(house.record(other).await.message.body.text, HEARD);
    house.verified_log().await;
}

/// Dies at every entry of the log that an erasure writes, on either side of it, and starts again.
async fn crash_at_every_entry(master: Option<u8>) {
    let before = open(master).await;
    before.carrier.always(Outcome::Taken { ids: vec![] });
    let id = before.send(&House::request(WORDS)).await;
    before.until(id, Status::Sent).await;
    before.text(HEARD).await;
    before.text("STOP").await;
    before.clock.advance(std::time::Duration::from_secs(1));
    let (mut half, mut whole) = (0, 0);
    for moment in [Moment::BeforeDurable, Moment::AfterDurable] {
        for boundary in 0.. {
            let store = before.store.image_that_crashes(Crash { boundary, moment });
            let dying = House::sealed(master, store.clone(), Scripted::new(), before.clock.clone()).await;
            // It died before it was up.
            let Ok(dying) = dying else { continue };
            let done = erase(&dying).await.is_ok();
            let house = dying.crash_sealed(master).await.unwrap();
            let is_erased = house.record(id).await.message.is_erased();
            let left = tables_with(&house.store, WORDS).await;
            assert!(left.is_empty() == (is_erased || master.is_some()), "{boundary} {moment:?}: {left:?}");
            assert!(is_erased || !done, "{boundary} {moment:?}");
            let noted = tables_with(&house.store, "path/erasing").await;
            assert_eq!(noted, [], "{boundary} {moment:?}: the start went on with it to its end");
            let person = tables_with(&house.store, THEIRS).await;
            let is_hidden = is_erased && master.is_some();
            assert_eq!(!person.contains(&Table::Consent), is_hidden, "{boundary} {moment:?}: {person:?}");
            let refused = house.handle.accept(&house.caller, &House::request(WORDS), None).await;
            assert!(matches!(refused, Err(signalbox_engine::Refused::Policy(_))), "{boundary} {moment:?}: {refused:?}");
            half += u32::from(!done && is_erased);
            house.verified_log().await;
            if done {
                whole += 1;
                break;
            }
        }
    }
    assert!(half > 2 && whole == 2, "{half} {whole}");
}

#[tokio::test]
async fn an_erasure_that_a_crash_interrupts_is_finished_by_the_next_start() {
    crash_at_every_entry(Some(1)).await;
}

#[tokio::test]
async fn likewise_where_words_are_overwritten() {
    crash_at_every_entry(None).await;
}
