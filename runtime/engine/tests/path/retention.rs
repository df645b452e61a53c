//! Retention: what was kept long enough goes, whole, and nothing else does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use signalbox_carriers::{Outcome, Verdict};
use signalbox_engine::registry::holds::On;
use signalbox_engine::{Caller, Registrar, Request, RetentionKind};
use signalbox_model::directory::{RetentionClass, RetentionPlan};
use signalbox_model::{ManualClock, MessageId, Partition, ReceiptState, Status};
use signalbox_records::audit::Item;
use signalbox_store::memory::{Config, Crash, MemoryStore, Moment};
use signalbox_store::{Range, Store, Table};

use crate::house::{ELSE, House, Scripted, noon};

const DAY: Duration = Duration::from_secs(86_400);
/// Whose parts are of one message and lead to it.
const OF_MESSAGES: [Table; 3] = [Table::Message, Table::History, Table::CarrierId];

fn standard() -> [RetentionPlan; 2] {
    [RetentionPlan::default(); 2]
}

fn carrier() -> Arc<Scripted> {
    let carrier = Scripted::new();
    carrier.always(Outcome::Taken { ids: vec![] });
    carrier
}

async fn house(plans: [RetentionPlan; 2]) -> House {
    let store = MemoryStore::new(Config::default());
    House::keeping(plans, store, carrier(), ManualClock::at(noon())).await.expect("a fresh store opens")
}

async fn rows(house: &House, table: Table) -> usize {
    let mut rows = 0;
    for partition in (0..house.store.partitions()).map(Partition::new) {
        rows += house.store.range(partition, Range::prefix(table, Vec::new(), 100_000)).await.unwrap().len();
    }
    rows
}

/// Sends so many messages, each to another phone.
async fn send(house: &House, count: usize) -> Vec<MessageId> {
    let requests: Vec<_> =
        (0..count).map(|i| Request { to: format!("+1555019{:04}", 1_000 + i), ..House::request("hello") }).collect();
    let ids = futures_util::future::join_all(requests.iter().map(|request| house.send(request))).await;
    for id in &ids {
        house.until(*id, Status::Sent).await;
    }
    ids
}

/// Has everything deleted that is to be; how many there were of a kind so far. The house's own passes come in between.
async fn swept(house: &House, caller: &Caller, kind: RetentionKind) -> u64 {
    while house.handle.run_retention(&caller.tenant).await.unwrap().more {}
    house.handle.retention(&caller.tenant).await.unwrap().unwrap().totals.deleted.of(kind)
}

async fn sweep(house: &House, caller: &Caller) -> u64 {
    swept(house, caller, RetentionKind::Messages).await
}

#[tokio::test]
async fn what_was_kept_long_enough_goes_with_all_that_leads_to_it() {
    let house = house(standard()).await;
    let old = send(&house, 150).await;
    assert_eq!(house.text("thanks").await, Verdict::Durable);
    house.until_messages(|all| all.iter().any(|(_, status)| *status == Status::Unhandled)).await;
    let page = house.handle.messages(&house.caller.tenant, &Default::default(), None, 10).await.unwrap();
    let into_old = page.next.expect("there are more than ten");

    house.clock.advance(399 * DAY);
    let young = send(&house, 5).await;
    assert_eq!(sweep(&house, &house.caller).await, 0);
    house.clock.advance(2 * DAY);
    assert_eq!(sweep(&house, &house.caller).await, 151);

    let left: BTreeSet<_> = house.all_messages().await.into_iter().map(|(message, _)| message.id).collect();
    assert_eq!(left, young.iter().copied().collect());
    assert_eq!(rows(&house, Table::History).await, 5);
    assert!(house.handle.message(&house.caller.tenant, old[0]).await.unwrap().is_none());
    // A listing that was begun before goes on into nothing.
    let page = house.handle.messages(&house.caller.tenant, &Default::default(), Some(into_old), 10).await.unwrap();
    assert!(page.items.is_empty() && page.next.is_none());

    house.clock.advance(401 * DAY);
    assert_eq!(sweep(&house, &house.caller).await, 151 + 5);
    for table in OF_MESSAGES {
        assert_eq!(rows(&house, table).await, 0, "{table:?}");
    }
    let report = house.handle.retention(&house.caller.tenant).await.unwrap().unwrap();
    // Those of the last five went with their messages.
    assert_eq!(report.totals.deleted.of(RetentionKind::CarrierIds), 150);
}

#[tokio::test]
async fn the_log_tells_what_was_deleted_and_verifies_without_it() {
    let house = house(standard()).await;
    let ids = send(&house, 70).await;
    house.clock.advance(401 * DAY);
    assert_eq!(sweep(&house, &house.caller).await, 70);
    let (_, items) = house.verified_log().await;
    let mut told = BTreeSet::new();
    for item in items {
        if let Item::Swept { what, day, count, messages } = item
            && what == "messages"
        {
            assert_eq!((day.as_str(), count), ("2026-06-01", messages.len() as u64));
            told.extend(messages);
        }
    }
    assert_eq!(told, ids.into_iter().collect());
}

#[tokio::test]
async fn the_log_is_cut_at_a_checkpoint_and_what_is_left_verifies() {
    let house = house(standard()).await;
    let tenant = house.caller.tenant.clone();
    send(&house, 30).await;
    house.handle.sign_audit(&tenant).await.unwrap();
    house.clock.advance(10 * DAY);
    send(&house, 30).await;
    house.handle.sign_audit(&tenant).await.unwrap();
    house.clock.advance(RetentionPlan::SIX_YEARS - 9 * DAY);
    send(&house, 3).await;
    let frames = rows(&house, Table::Audit).await;
    sweep(&house, &house.caller).await;
    assert!(rows(&house, Table::Audit).await < frames);
    let report = house.handle.retention(&tenant).await.unwrap().unwrap();
    // Of the first thirty messages, four frames each; not of the others, for they are younger.
    let cut = report.totals.deleted.of(RetentionKind::Audit);
    assert!((30..=30 * 4).contains(&cut), "{cut}");
    house.handle.sign_audit(&tenant).await.unwrap();
    let (_, items) = house.verified_log().await;
    let told = |item: &Item| matches!(item, Item::Cut { behind: 2.., mark, marks_from } if marks_from <= mark);
    assert!(items.iter().any(told), "{items:?}");
    // Nothing is cut twice, and the chains go on.
    send(&house, 3).await;
    sweep(&house, &house.caller).await;
    house.handle.sign_audit(&tenant).await.unwrap();
    house.verified_log().await;
}

#[tokio::test]
async fn nothing_under_a_legal_hold_is_deleted() {
    let house = house(standard()).await;
    let ids = send(&house, 20).await;
    let held = house.record(ids[7]).await.message.to;
    let tenant = house.caller.tenant.clone();
    let registrar = Registrar::Tenant(house.caller.key);
    let hold = house.handle.place_hold(&tenant, registrar, On::Contact(held), "matter 1").await.unwrap();
    house.clock.advance(401 * DAY);
    assert_eq!(sweep(&house, &house.caller).await, 19);
    assert_eq!(house.record(ids[7]).await.head.status, Status::Sent);
    assert_eq!((rows(&house, Table::History).await, rows(&house, Table::CarrierId).await), (1, 1));

    let whole = house.handle.place_hold(&tenant, registrar, On::Tenant, "matter 2").await.unwrap();
    house.handle.release_hold(&tenant, registrar, hold.id, "settled").await.unwrap();
    assert_eq!(sweep(&house, &house.caller).await, 19);
    house.handle.release_hold(&tenant, registrar, whole.id, "settled").await.unwrap();
    assert_eq!(sweep(&house, &house.caller).await, 20);
    assert_eq!(rows(&house, Table::CarrierId).await, 0);
}

#[tokio::test]
async fn a_message_that_still_waits_is_not_deleted_however_old_it_is() {
    let week = RetentionPlan {
        messages: Some(RetentionPlan::LEAST_MESSAGES),
        carrier_ids: Some(RetentionPlan::LEAST_CARRIER_IDS),
        ..RetentionPlan::default()
    };
    let house = house([week, week]).await;
    let waits = Request { send_at: Some((noon() + 30 * DAY).to_rfc3339()), ..House::request("later") };
    let waits = house.send(&waits).await;
    house.until(waits, Status::Held).await;
    let done = house.send(&House::request("now")).await;
    house.until(done, Status::Sent).await;
    house.clock.advance(20 * DAY);
    assert_eq!(sweep(&house, &house.caller).await, 1);
    assert_eq!(house.record(waits).await.head.status, Status::Held);
    house.clock.advance(10 * DAY);
    house.until(waits, Status::Sent).await;
    // Its carrier may still report.
    assert_eq!(sweep(&house, &house.caller).await, 1);
    assert_eq!(house.receipt("id-2-0", ReceiptState::Delivered).await, Verdict::Durable);
    house.until(waits, Status::Delivered).await;
    house.clock.advance(6 * DAY);
    assert_eq!(sweep(&house, &house.caller).await, 2);
    assert_eq!(rows(&house, Table::CarrierId).await, 0);
}

#[tokio::test]
async fn carriers_ids_stay_as_long_as_receipts_may_come() {
    let house = house(standard()).await;
    let id = house.send(&House::request("hello")).await;
    house.until(id, Status::Sent).await;
    house.clock.advance(4 * DAY);
    assert_eq!(swept(&house, &house.caller, RetentionKind::CarrierIds).await, 0);
    assert_eq!(house.receipt("id-1-0", ReceiptState::Delivered).await, Verdict::Durable);
    house.until(id, Status::Delivered).await;
    house.clock.advance(31 * DAY);
    assert_eq!(swept(&house, &house.caller, RetentionKind::CarrierIds).await, 1);
    assert_eq!(rows(&house, Table::CarrierId).await, 0);
    // The message is there as before.
    assert_eq!(house.record(id).await.head.status, Status::Delivered);
}

#[tokio::test]
async fn each_tenant_has_its_own_class() {
    let house = house([RetentionPlan::default(), RetentionPlan::of(RetentionClass::Finance)]).await;
    let other = Caller { tenant: "other".parse().unwrap(), key: house.caller.key };
    let ours = house.send(&House::request("hello")).await;
    let request = Request { from: ELSE.to_owned(), ..House::request("hello") };
    let theirs = house.handle.accept(&other, &request, None).await.unwrap().id;
    house.until(ours, Status::Sent).await;
    house.clock.advance(401 * DAY);
    assert_eq!((sweep(&house, &house.caller).await, sweep(&house, &other).await), (1, 0));
    assert!(house.handle.message(&other.tenant, theirs).await.unwrap().is_some());
    house.clock.advance(RetentionPlan::SIX_YEARS);
    assert_eq!(sweep(&house, &other).await, 1);
}

#[tokio::test]
async fn passes_come_by_themselves() {
    let house = house(standard()).await;
    send(&house, 10).await;
    house.clock.advance(401 * DAY);
    let wait = async {
        while rows(&house, Table::Message).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("a pass comes");
    assert!(house.handle.readiness().retention.deleted >= 10);
}

/// A process that dies at any commit of a pass: the next one goes on, and nothing is half there.
#[tokio::test]
async fn a_pass_that_dies_goes_on_where_it_was() {
    let before = MemoryStore::new(Config { partitions: 2, ..Config::default() });
    let clock = ManualClock::at(noon());
    let first = House::keeping(standard(), before, carrier(), clock.clone()).await.unwrap();
    let ids = send(&first, 40).await;
    let image = first.store.crash_image();
    first.stop().await.unwrap();
    let mut died = 0;
    for boundary in 0..24 {
        for moment in [Moment::BeforeDurable, Moment::AfterDurable] {
            let clock = ManualClock::at(noon() + 401 * DAY);
            let store = image.image_that_crashes(Crash { boundary, moment });
            let dying = House::keeping(standard(), store.clone(), carrier(), clock.clone()).await;
            if let Ok(house) = dying
                && house.handle.run_retention(&house.caller.tenant).await.is_err()
            {
                died += 1;
            }
            let house = House::keeping(standard(), store.crash_image(), carrier(), clock).await.unwrap();
            // Every message that is left is whole.
            let left = house.all_messages().await;
            assert!(left.iter().all(|(message, _)| ids.contains(&message.id)));
            assert_eq!(rows(&house, Table::History).await, left.len());
            sweep(&house, &house.caller).await;
            for table in OF_MESSAGES {
                assert_eq!(rows(&house, table).await, 0, "{table:?} after {boundary} {moment:?}");
            }
            let report = house.handle.retention(&house.caller.tenant).await.unwrap().unwrap();
            assert_eq!(report.totals.deleted.of(RetentionKind::Messages), 40);
            house.verified_log().await;
        }
    }
    assert!(died > 2, "{died}");
}
