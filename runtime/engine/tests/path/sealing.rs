//! Bodies under lock and key, on the path.

use signalbox_carriers::Outcome;
use signalbox_model::{ManualClock, Partition, Status};
use signalbox_store::memory::{self, MemoryStore};
use signalbox_store::{Range, Store, Table};

use crate::house::{House, Scripted, noon};

const WORDS: &str = "the blue heron lands at noon";
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
