//! Words that lie elsewhere than in messages: what handlers keep and want to be told later, parts that wait, contacts.

use std::collections::BTreeMap;
use std::time::Duration;

use signalbox_carriers::{Brought, Outcome};
use signalbox_engine::{Contact, Registrar};
use signalbox_model::Partition;
use signalbox_store::memory::MemoryStore;
use signalbox_store::{Range, Store, Table};

use crate::house::{House, Scripted, THEIRS, noon, part};

/// What the person calls themself, where nothing else has these letters.
const NAME: &str = "Zebediah";

async fn open(master: Option<u8>) -> House {
    let store = MemoryStore::new(signalbox_store::memory::Config::default());
    let clock = signalbox_model::ManualClock::at(noon());
    let house = House::sealed(master, store, Scripted::new(), clock).await.unwrap();
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house
}

/// The rows of a table, one after another.
async fn rows(house: &House, table: Table) -> Vec<u8> {
    let mut all = Vec::new();
    for partition in (0..house.store.partitions()).map(Partition::new).chain([Partition::DIRECTORY]) {
        let rows = house.store.range(partition, Range::prefix(table, "", 10_000)).await.unwrap();
        all.extend(rows.iter().flat_map(|(_, row)| row.to_vec()));
    }
    all
}

async fn stands_in(house: &House, table: Table, what: &str) -> bool {
    rows(house, table).await.windows(what.len()).any(|window| window == what.as_bytes())
}

async fn tables_with(house: &House, what: &str) -> Vec<Table> {
    let mut found = Vec::new();
    for table in Table::ALL {
        if stands_in(house, table, what).await {
            found.push(table);
        }
    }
    found
}

/// The texts that went, once there are so many.
async fn sent(house: &House, count: usize) -> Vec<String> {
    house.until_messages(|all| all.iter().filter(|(_, status)| status.as_str() == "sent").count() == count).await;
    house.carrier.seen().iter().map(|submission| submission.text.clone()).collect()
}

async fn erase(house: &House) -> signalbox_engine::Erased {
    house.handle.erase(&house.caller.tenant, Registrar::Operator, &THEIRS.parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn what_a_handler_keeps_and_waits_for_is_in_no_row_and_comes_back_after_a_crash() {
    let house = open(Some(1)).await;
    house.bind_guest("echo-support").await;
    house.text(&format!("my name is {NAME}")).await;
    sent(&house, 1).await;
    house.text("AGENT please").await;
    sent(&house, 2).await;
    assert_eq!(tables_with(&house, NAME).await, []);
    assert!(!rows(&house, Table::State).await.is_empty() && !rows(&house, Table::Timer).await.is_empty());
    assert!(!stands_in(&house, Table::Timer, "agent").await);
    let house = house.crash_sealed(Some(1)).await.unwrap();
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.clock.advance(Duration::from_secs(3_601));
    sent(&house, 3).await;
    let text = house.carrier.seen().last().unwrap().text.clone();
    assert_eq!(text, format!("Hello {NAME}, is your question settled? Write AGENT if not."));
    assert_eq!(tables_with(&house, NAME).await, []);

    let erased = erase(&house).await;
    assert!(erased.messages >= 5 && erased.others > 0, "{erased:?}");
    assert!(rows(&house, Table::State).await.is_empty() && rows(&house, Table::Timer).await.is_empty());
}

#[tokio::test]
async fn without_a_key_it_lies_there_until_it_is_erased() {
    let house = open(None).await;
    house.bind_guest("echo-support").await;
    house.text(&format!("my name is {NAME}")).await;
    sent(&house, 1).await;
    house.text("AGENT please").await;
    sent(&house, 2).await;
    assert_eq!(tables_with(&house, NAME).await, [Table::Message, Table::State]);
    assert!(stands_in(&house, Table::Timer, "agent").await);
    erase(&house).await;
    assert_eq!(tables_with(&house, NAME).await, []);
    assert!(rows(&house, Table::Timer).await.is_empty());
    house.clock.advance(Duration::from_secs(3_601));
    house.text("hours").await;
    assert!(sent(&house, 3).await[2].starts_with("We are here"), "nothing came of the timer");
}

#[tokio::test]
async fn parts_that_wait_are_sealed_and_make_the_message_after_a_crash() {
    let house = open(Some(1)).await;
    house.bring(Brought::Part(part("I am Zebe", Some((1, 2))))).await;
    assert!(!rows(&house, Table::Part).await.is_empty());
    assert_eq!(tables_with(&house, "Zebe").await, []);
    let house = house.crash_sealed(Some(1)).await.unwrap();
    house.bring(Brought::Part(part("diah", Some((2, 2))))).await;
    assert_eq!(house.messages().await[0].0.body.text, "I am Zebediah");
    assert_eq!(tables_with(&house, "Zebe").await, []);

    let plain = open(None).await;
    plain.bring(Brought::Part(part("I am Zebe", Some((1, 2))))).await;
    assert_eq!(tables_with(&plain, "Zebe").await, [Table::Part]);
}

#[tokio::test]
async fn parts_of_whom_is_erased_wait_no_more() {
    let house = open(Some(1)).await;
    house.bring(Brought::Part(part("I am Zebe", Some((1, 2))))).await;
    erase(&house).await;
    house.clock.advance(Duration::from_secs(61));
    house.text("hello").await;
    let messages = house.messages().await;
    assert_eq!(messages.iter().map(|(message, _)| message.body.text.as_str()).collect::<Vec<_>>(), ["hello"]);
}

#[tokio::test]
async fn what_is_recorded_of_a_person_is_sealed_shown_and_erased() {
    let house = open(Some(1)).await;
    let tenant = house.caller.tenant.clone();
    let theirs = THEIRS.parse().unwrap();
    let attributes = BTreeMap::from([("name".to_owned(), NAME.to_owned())]);
    let contact = Contact { time_zone: None, attributes };
    house.handle.put_contact(&tenant, &theirs, &contact).await.unwrap();
    assert_eq!(tables_with(&house, NAME).await, []);
    let house = house.crash_sealed(Some(1)).await.unwrap();
    assert_eq!(house.handle.contact(&tenant, &theirs).await.unwrap(), Some(contact));
    assert_eq!(erase(&house).await.others, 1);
    assert_eq!(house.handle.contact(&tenant, &theirs).await.unwrap(), None);
}
