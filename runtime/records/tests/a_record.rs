//! A message and its timeline come back as they were written.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

mod house;

use std::sync::Arc;

use house::{House, at, decision, tenant};
use signalbox_model::receipt::ReceiptState;
use signalbox_model::timeline::{HandlerMark, Note, NoteValue};
use signalbox_model::{
    Cause, Direction, Entry, ErrorClass, EventId, Head, InvocationId, Reason, Status, Timestamp, Verdict,
};
use signalbox_records::form::{decode_entries, encode_entries};
use signalbox_records::{Error, head, history, load, load_message, stage_entries, told};
use signalbox_store::Store;

fn mark() -> HandlerMark {
    HandlerMark {
        name: "help".into(),
        version: "0123456789ab".into(),
        invocation: InvocationId::from_bytes([1; 16]),
        event: EventId::from_bytes([2; 16]),
        action: "rewrote".into(),
        route: Some("backup".into()),
        cpu_us: 7,
        notes: vec![
            Note { key: "intent".into(), value: NoteValue::Label("refund".into()) },
            Note { key: "score".into(), value: NoteValue::Number(0.5) },
            Note { key: "why".into(), value: NoteValue::Text("said so".into()) },
        ],
    }
}

fn causes() -> Vec<Cause> {
    let (carrier, handler) = (|| "c".to_owned(), Some(mark()));
    let mut held = decision();
    held.trace = signalbox_model::Trace {
        tables: 5,
        outcomes: vec![1, 2],
        facts: vec![signalbox_model::FactRead(3, None), signalbox_model::FactRead(9, Some(-2))],
    };
    held.verdict = Verdict::Hold { until: at(9) };
    held.reasons.push(Reason {
        rule: "quiet-hours".into(),
        severity: "hold".into(),
        cite: "x".into(),
        explain: "y".into(),
        fix: "z".into(),
        class: ErrorClass::LimitRate,
    });
    let deny = signalbox_model::Decision { verdict: Verdict::Deny, ..held.clone() };
    vec![
        Cause::Accepted { decision: held.clone() },
        Cause::Held { until: at(1), why: "quiet hours".into(), handler: handler.clone(), decision: Some(held.clone()) },
        Cause::Held { until: at(1), why: "its sender asked".into(), handler: None, decision: None },
        Cause::Queued { carrier: carrier(), handler: handler.clone(), decision: decision() },
        Cause::Rejected { decision: Some(deny), handler: None, why: "no".into() },
        Cause::Rejected { decision: None, handler, why: "no".into() },
        Cause::Sending { carrier: carrier(), attempt: 3 },
        Cause::Sent { carrier: carrier(), carrier_ids: vec!["1".into(), "2".into()] },
        Cause::Refused { carrier: carrier(), raw_code: "0x58".into(), part: Some(1) },
        Cause::Unsent { carrier: carrier() },
        Cause::InDoubt { carrier: carrier(), why: "no answer".into() },
        Cause::Resolved { how: "sent again".into() },
        Cause::Receipt {
            carrier: carrier(),
            carrier_id: "1".into(),
            part: 0,
            state: ReceiptState::Delivered,
            raw_code: Some("000".into()),
            carrier_time: Some(at(2)),
        },
        Cause::Expired,
        Cause::Canceled { by: "the API".into() },
        Cause::NoRoute { why: "none".into() },
        Cause::Received { carrier: carrier(), parts: 1, of: 2, keyword: Some("STOP".into()) },
        Cause::Handled { handler: mark() },
        Cause::Unhandled { why: "none bound".into() },
        Cause::HandlerFailed { handler: mark(), error: "trap".into(), attempt: 5, parked: true },
        Cause::Busy { carrier: carrier(), raw_code: "0x8".into(), until: at(3) },
        Cause::Rerouted { carrier: carrier(), from: "other".into(), why: "gone".into() },
    ]
}

#[test]
fn every_cause_survives_its_stored_form() {
    for cause in causes() {
        let entry =
            Entry { n: 3, seq: 9, at: at(5), status: Status::Queued, cause, class: Some(ErrorClass::Transient) };
        let lines = [Arc::new(entry.clone()), Arc::new(Entry { n: 4, ..entry.clone() })];
        assert_eq!(decode_entries(&encode_entries(&lines)), Ok(vec![entry.clone(), Entry { n: 4, ..entry }]));
    }
}

/// The form on disk, byte for byte: a change here is a change of format, and needs a new version.
#[test]
fn the_stored_form_is_what_older_versions_wrote() {
    let cause = Cause::Sent { carrier: "c".into(), carrier_ids: vec!["ab".into()] };
    let entry = Entry { n: 3, seq: 300, at: Timestamp::from_micros(1), status: Status::Sent, cause, class: None };
    let bytes = [1, 1, 3, 0xAC, 2, 1, 4, 5, 1, b'c', 1, 2, b'a', b'b', 0];
    assert_eq!(encode_entries(&[Arc::new(entry.clone())]), &bytes[..]);
    assert_eq!(decode_entries(&bytes), Ok(vec![entry]));
}

#[tokio::test]
async fn a_message_comes_back_with_its_timeline_folded() {
    let house = House::new().await;
    let message = house.message("acme", Direction::Outbound, "72345", "+14155550123", 0);
    let entries = house.put(&message, 3).await;
    let record = load(&*house.store, &message.tenant, message.id).await.unwrap().unwrap();
    assert_eq!((&record.message, &record.entries), (&message, &entries));
    assert_eq!(Some(&record.head), Head::fold(&entries).as_ref());
    assert_eq!(head(&*house.store, &message.tenant, message.id).await.unwrap(), Some(record.head));
    assert_eq!(load_message(&*house.store, &message.tenant, message.id).await.unwrap(), Some(message));
}

#[tokio::test]
async fn a_timeline_longer_than_a_read_comes_back_whole() {
    let house = House::new().await;
    let message = house.message("acme", Direction::Outbound, "72345", "+14155550123", 0);
    let entries = house.put(&message, 300).await;
    let record = load(&*house.store, &message.tenant, message.id).await.unwrap().unwrap();
    assert_eq!(record.entries, entries);
}

#[tokio::test]
async fn another_tenant_sees_nothing() {
    let house = House::new().await;
    let message = house.message("acme", Direction::Outbound, "72345", "+14155550123", 0);
    house.put(&message, 0).await;
    for other in ["acm", "acme2", "other"] {
        assert_eq!(load(&*house.store, &tenant(other), message.id).await.unwrap(), None);
        assert_eq!(load_message(&*house.store, &tenant(other), message.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_is_told_is_the_message_as_it_was_then() {
    let house = House::new().await;
    let message = house.message("acme", Direction::Outbound, "72345", "+14155550123", 0);
    let entries = house.put(&message, 3).await;
    let then = told(&*house.store, &message.tenant, message.id, 0).await.unwrap().unwrap();
    assert_eq!((then.head.status, then.head.entries, &then.entry), (Status::Accepted, 1, &entries[0]));
    assert_eq!(told(&*house.store, &message.tenant, message.id, 4).await.unwrap(), None);
}

#[tokio::test]
async fn a_timeline_without_its_message_is_called_incomplete() {
    let house = House::new().await;
    let message = house.message("acme", Direction::Outbound, "72345", "+14155550123", 0);
    let entry = Entry { n: 0, seq: 1, at: at(0), status: Status::Sent, cause: Cause::Expired, class: None };
    let mut batch = house.batch(message.id.partition());
    stage_entries(&mut batch, &message.tenant, message.id, &[Arc::new(entry)]);
    house.store.commit(batch).await.unwrap();
    let found = load(&*house.store, &message.tenant, message.id).await;
    assert!(matches!(found, Err(Error::Incomplete { .. })), "{found:?}");
}

#[tokio::test]
async fn history_is_both_ways_newest_first_and_of_one_conversation() {
    let house = House::new().await;
    let (ours, theirs) = ("72345", "+14155550123");
    let mut expected = Vec::new();
    for ms in 0..6 {
        let message = match ms % 2 {
            0 => house.message("acme", Direction::Outbound, ours, theirs, ms),
            _ => house.message("acme", Direction::Inbound, theirs, ours, ms),
        };
        house.put(&message, 0).await;
        expected.push(message);
    }
    let other = house.message("acme", Direction::Outbound, ours, "+14155550124", 9);
    house.put(&other, 0).await;
    expected.reverse();
    let id = expected[0].conversation_id();
    assert_eq!(history(&*house.store, &tenant("acme"), id, 100).await.unwrap(), expected);
    assert_eq!(history(&*house.store, &tenant("acme"), id, 2).await.unwrap(), expected[..2]);
}
