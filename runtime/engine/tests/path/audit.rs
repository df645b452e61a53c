//! The audit log: all that happens to a message is in it, in the commit that makes it so.

use std::collections::BTreeSet;

use signalbox_carriers::Outcome;
use signalbox_model::{Partition, Status};
use signalbox_policy::Policies;
use signalbox_records::audit::chain::Chain;
use signalbox_records::audit::item::Item;
use signalbox_store::{Batch, Store, Table, layout};

use crate::house::{House, THEIRS, noon};

#[tokio::test]
async fn every_line_of_a_record_is_logged() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let id = house.send(&House::request("hello")).await;
    let record = house.until(id, Status::Sent).await;
    let (summary, items) = house.verified_log().await;
    let logged: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::Line { message, n, status, .. } if *message == id => Some((*n, *status)),
            _ => None,
        })
        .collect();
    // A row has the lines of one step: it is logged with the first one's number and the last one's status.
    assert_eq!(logged.first().map(|(n, _)| *n), Some(0));
    let ends = logged.iter().skip(1).map(|(n, _)| usize::from(*n)).chain([record.entries.len()]);
    let statuses: Vec<_> = ends.map(|end| record.entries[end - 1].status).collect();
    assert_eq!(logged.iter().map(|(_, status)| *status).collect::<Vec<_>>(), statuses);
    assert!(summary.frames > 2);
}

#[tokio::test]
async fn many_messages_at_once_make_one_chain_in_each_partition() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let mut sent = BTreeSet::new();
    let requests: Vec<_> = (0..300)
        .map(|i| signalbox_engine::Request { to: format!("+1555019{:04}", 9_000 + i % 50), ..House::request("hello") })
        .collect();
    let sending = requests.iter().map(|request| house.send(request));
    sent.extend(futures_util::future::join_all(sending).await);
    for id in &sent {
        house.until(*id, Status::Sent).await;
    }
    let (_, items) = house.verified_log().await;
    let accepted = items.iter().filter(|item| matches!(item, Item::Line { n: 0, .. })).count();
    assert_eq!(accepted, sent.len());
    let (mut frames, mut bytes) = (0, 0);
    for partition in (0..house.store.partitions()).map(Partition::new) {
        for frame in Chain::new(&house.caller.tenant, partition).page(&*house.store, 0, 10_000).await.unwrap() {
            frames += 1;
            bytes += 13 + 32 + frame.body.len();
        }
    }
    println!("{} frames and {} bytes for {} messages", frames, bytes, sent.len());
    // A frame for each commit that has a line of the message: what the log costs where it is on.
    assert!(frames <= 4 * sent.len() && bytes <= 600 * sent.len(), "{frames} frames, {bytes} bytes");
}

#[tokio::test]
async fn the_drain_signs_all_of_it_and_the_next_start_goes_on() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let id = house.send(&House::request("hello")).await;
    house.until(id, Status::Sent).await;
    let (store, carrier, clock) = (house.store.clone(), house.carrier.clone(), house.clock.clone());
    house.stop().await.unwrap();
    let house = House::on(store.crash_image(), carrier, clock).await.unwrap();
    let (summary, _) = house.verified_log().await;
    assert!(summary.marks > 0);
    assert_eq!(summary.unsigned, 0);
    let id = house.send(&House::request("again")).await;
    house.until(id, Status::Sent).await;
    assert!(house.verified_log().await.0.frames > summary.frames);
}

#[tokio::test]
async fn a_record_that_somebody_changed_isn_t_as_it_was_logged() {
    let house = House::new().await;
    let id = house.send(&House::request("hello")).await;
    let mut record = house.record(id).await;
    record.message.body.text = "goodbye".to_owned();
    let partition = id.partition();
    let epoch = house.store.acquire(partition).await.unwrap();
    let mut batch = Batch::new(partition, epoch);
    let tenant = &house.caller.tenant;
    batch.put(Table::Message, layout::message_key(tenant, id), layout::encode(&record.message));
    house.store.commit(batch).await.unwrap();
    let query = signalbox_engine::AuditQuery { limit: 10, compare: true, ..Default::default() };
    let page = house.handle.audit_page(tenant, partition, &query).await.unwrap();
    let standings: Vec<_> = page.frames.iter().flat_map(|(_, standings)| standings.clone()).flatten().collect();
    assert!(standings.contains(&signalbox_engine::Standing::Other));
}

#[tokio::test]
async fn nobody_s_number_is_in_the_log() {
    let house = House::new().await;
    let id = house.send(&House::request("hello")).await;
    let chain = Chain::new(&house.caller.tenant, id.partition());
    for frame in chain.page(&*house.store, 0, 100).await.unwrap() {
        let holds = |what: &str| frame.body.windows(what.len()).any(|window| window == what.as_bytes());
        assert!(!holds("hello") && !holds(&THEIRS[1..]));
    }
}

#[tokio::test]
async fn policies_that_were_in_use_can_be_read_when_others_are_and_the_log_tells_of_each_change() {
    let house = House::new().await;
    let first = house.handle.policies();
    let origin = signalbox_policy::Origin { folder: None, packs: vec!["us".to_owned()] };
    let house = house.crash_and(Policies::open(&origin).unwrap()).await;
    let kept = house.handle.policy_set(first.rules.hash(), first.tables.hash()).await.unwrap().unwrap();
    assert_eq!((kept.described, kept.taken_at), (first.describe(), noon()));
    let second = house.handle.policies();
    assert!(house.handle.policy_set(second.rules.hash(), second.tables.hash()).await.unwrap().is_some());
    assert!(house.handle.policy_set(1, 2).await.unwrap().is_none());
    house.handle.take_policies(Policies::built_in()).await;
    // What is in force already isn't told again.
    house.handle.take_policies(Policies::built_in()).await;
    let (_, items) = house.verified_log().await;
    let name = |policies: &Policies| format!("{:016x}-{:016x}", policies.rules.hash(), policies.tables.hash());
    let told: Vec<String> = items
        .into_iter()
        .filter_map(|item| match item {
            Item::Changed { what, name, .. } if what == "policy" => Some(name),
            _ => None,
        })
        .collect();
    assert_eq!(told, [name(&first), name(&second), name(&first)]);
}
