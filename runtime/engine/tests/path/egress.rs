//! Egress before carriers that say "not now", say nothing, or are gone; its rates and its turns.

use std::collections::BTreeMap;
use std::time::Duration;

use signalbox_carriers::{Outcome, Verdict};
use signalbox_engine::{Caller, Request, Resolution, ResolveRefused};
use signalbox_model::directory::{NumberPlan, Tenant};
use signalbox_model::{Category, Cause, ErrorClass, MessageId, ReceiptState, Status};
use signalbox_policy::Policies;

use crate::house::{ELSE, House, OTHER, OURS, Scripted, acme};

fn taken(id: &str) -> Outcome {
    Outcome::Taken { ids: vec![id.to_owned()] }
}

fn busy(raw_code: &str, class: ErrorClass) -> Outcome {
    Outcome::Busy { raw_code: raw_code.to_owned(), class }
}

fn system_error() -> Outcome {
    busy("ESME_RSYSERR (0x00000008)", ErrorClass::Transient)
}

fn to(phone: &str, text: &str) -> Request {
    Request { to: phone.to_owned(), ..House::request(text) }
}

/// The `n`-th of many phones.
fn phone(n: usize) -> String {
    format!("+1555019{n:04}")
}

/// How often a message was put on the wire until now, and after `time` more, second by second.
async fn attempts_in(house: &House, seconds: u64) -> usize {
    for _ in 0..seconds {
        house.clock.advance(Duration::from_secs(1));
        for _ in 0..60 {
            tokio::task::yield_now().await;
        }
    }
    house.carrier.seen_count()
}

#[tokio::test]
async fn a_message_that_a_carrier_is_too_busy_for_waits_longer_each_time() {
    let house = House::new().await;
    house.carrier.always(system_error());
    let id = house.send(&House::request("hello")).await;
    house.still().await;
    assert_eq!(house.carrier.seen_count(), 1, "it was brought again at once");
    let in_a_minute = attempts_in(&house, 60).await;
    assert!((4..=9).contains(&in_a_minute), "{in_a_minute} attempts in a minute");
    let in_an_hour = attempts_in(&house, 3_540).await;
    assert!((10..=25).contains(&in_an_hour), "{in_an_hour} attempts in an hour");
    let record = house.record(id).await;
    assert_eq!((record.head.status, record.head.class), (Status::Queued, Some(ErrorClass::Transient)));
    house.carrier.always(taken(""));
    house.clock.advance(Duration::from_secs(900));
    house.until(id, Status::Sent).await;
    assert_eq!(house.handle.readiness().waiting, 0);
}

#[tokio::test]
async fn what_is_behind_a_message_in_its_conversation_waits_with_it_and_others_go_on() {
    let house = House::new().await;
    let first = house.send(&to(&phone(1), "first")).await;
    house.carrier.next().await.answer.send(busy("ESME_RMSGQFUL (0x00000014)", ErrorClass::LimitQueue)).unwrap();
    house.until(first, Status::Queued).await;
    house.still().await;
    let second = house.send(&to(&phone(1), "second")).await;
    let third = house.send(&to(&phone(1), "third")).await;
    let other = house.send(&to(&phone(2), "other")).await;
    house.carrier.next().await.answer.send(taken("o")).unwrap();
    house.until(other, Status::Sent).await;
    house.still().await;
    assert_eq!(house.carrier.seen_count(), 2, "what was behind it went before it");
    house.carrier.always(taken(""));
    house.clock.advance(Duration::from_secs(5));
    for id in [first, second, third] {
        house.until(id, Status::Sent).await;
    }
    let texts: Vec<_> = house.carrier.seen().iter().map(|seen| seen.text.clone()).collect();
    assert_eq!(texts, ["first", "other", "first", "second", "third"]);
}

#[tokio::test]
async fn several_of_a_conversation_that_come_back_keep_their_order() {
    let house = House::new().await;
    house.carrier.close(true);
    let mut ids = Vec::new();
    for text in ["first", "second", "third"] {
        ids.push(house.send(&to(&phone(1), text)).await);
    }
    for id in &ids {
        house.until(*id, Status::Queued).await;
    }
    house.carrier.close(false);
    let mut out = vec![house.carrier.next().await, house.carrier.next().await, house.carrier.next().await];
    // Their answers come in whatever order.
    out.rotate_left(1);
    for submitted in out {
        submitted.answer.send(system_error()).unwrap();
        house.still().await;
    }
    house.carrier.always(taken(""));
    attempts_in(&house, 10).await;
    let texts: Vec<_> = house.carrier.seen().iter().skip(3).map(|seen| seen.text.clone()).collect();
    assert_eq!(texts, ["first", "second", "third"]);
}

#[tokio::test]
async fn a_message_that_waits_for_a_busy_carrier_goes_at_once_after_a_restart() {
    let house = House::new().await;
    let id = house.send(&House::request("hello")).await;
    house.carrier.next().await.answer.send(system_error()).unwrap();
    house.until(id, Status::Queued).await;
    let house = house.crash().await;
    house.carrier.next().await.answer.send(taken("c1")).unwrap();
    house.until(id, Status::Sent).await;
}

#[tokio::test]
async fn a_message_whose_validity_runs_out_while_its_carrier_is_busy_expires() {
    let house = House::new().await;
    house.carrier.always(system_error());
    let id = house.send(&Request { valid_for: Some(60), ..House::request("hello") }).await;
    attempts_in(&house, 61).await;
    house.until(id, Status::Expired).await;
    assert_eq!(house.handle.readiness().waiting, 0);
}

#[tokio::test]
async fn a_message_that_came_back_as_often_as_its_operator_wants_fails() {
    let house = House::tuned(vec![acme()], vec![Scripted::new()], |config| config.max_busy = 3).await;
    house.carrier.always(system_error());
    let id = house.send(&House::request("hello")).await;
    attempts_in(&house, 20).await;
    let record = house.until(id, Status::Failed).await;
    assert_eq!((record.head.class, house.carrier.seen_count()), (Some(ErrorClass::Transient), 3));
    assert_eq!(house.handle.readiness().waiting, 0);
}

#[tokio::test]
async fn a_message_that_comes_back_without_end_is_ended_before_its_timeline_is_too_long() {
    let tune = |config: &mut signalbox_engine::Config| config.busy_wait_most = Duration::from_millis(1);
    let house = House::tuned(vec![acme()], vec![Scripted::new()], tune).await;
    house.carrier.always(system_error());
    let id = house.send(&House::request("hello")).await;
    house.still().await;
    let (mut turns, most) = (0, usize::from(signalbox_model::timeline::MOST_LINES));
    while house.handle.readiness().waiting > 0 && turns < 2 * most {
        turns += 1;
        house.clock.advance(Duration::from_millis(2));
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    let record = house.record(id).await;
    assert_eq!((record.head.status, record.head.class), (Status::Failed, Some(ErrorClass::Transient)));
    assert!(record.entries.len() <= most, "{}", record.entries.len());
    assert!(record.entries.iter().enumerate().all(|(n, entry)| usize::from(entry.n) == n));
}

#[tokio::test]
async fn what_stays_in_doubt_is_not_sent_again_without_end() {
    let house = House::new().await;
    house.carrier.always(Outcome::Unknown { why: "no answer within the response timeout".to_owned() });
    let id = house.send(&Request { category: Category::Otp, ..House::request("your code is 1") }).await;
    house.still().await;
    let record = house.until(id, Status::InDoubt).await;
    house.still().await;
    assert_eq!(house.carrier.seen_count(), 3, "once, and twice again");
    assert_eq!(house.record(id).await.entries.len(), record.entries.len());
    assert_eq!(house.handle.readiness().waiting, 0);
}

#[tokio::test]
async fn somebody_decides_on_what_is_in_doubt() {
    let house = House::new().await;
    house.carrier.always(Outcome::Unknown { why: "no answer within the response timeout".to_owned() });
    let mut ids = Vec::new();
    for n in 0..3 {
        let offer = Request { category: Category::Marketing, ..House::request(&format!("offer {n}")) };
        ids.push(house.send(&offer).await);
        house.until(ids[n], Status::InDoubt).await;
    }
    house.still().await;
    assert_eq!((house.carrier.seen_count(), house.handle.readiness().waiting), (3, 0));
    let decide = async |id, resolution| house.handle.resolve(&house.caller, id, resolution).await;

    let delivered = decide(ids[0], Resolution::Delivered).await.unwrap();
    let failed = decide(ids[1], Resolution::Failed).await.unwrap();
    assert_eq!((delivered.head.status, failed.head.status), (Status::Delivered, Status::Failed));
    assert_eq!(failed.head.class, Some(ErrorClass::InDoubt));
    assert!(matches!(&delivered.entries.last().unwrap().cause, Cause::Resolved { how } if how.contains("its sender")));
    assert!(matches!(decide(ids[0], Resolution::Resend).await, Err(ResolveRefused::Certain(Status::Delivered))));
    let other = Caller { tenant: "other".parse().unwrap(), ..house.caller.clone() };
    let refused = house.handle.resolve(&other, ids[2], Resolution::Resend).await;
    assert!(matches!(refused, Err(ResolveRefused::NotFound)));

    // In doubt again, over a crash, and taken at last.
    decide(ids[2], Resolution::Resend).await.unwrap();
    house.until(ids[2], Status::InDoubt).await;
    let house = house.crash().await;
    // Chance begins anew with the house: another time makes other ids.
    house.clock.advance(Duration::from_secs(1));
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let before = house.carrier.seen_count();
    house.handle.resolve(&house.caller, ids[2], Resolution::Resend).await.unwrap();
    house.until(ids[2], Status::Sent).await;
    house.still().await;
    assert_eq!((house.carrier.seen_count() - before, house.handle.readiness().waiting), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn receipts_of_others_do_not_stop_ours() {
    let house = House::tuned(vec![acme()], vec![Scripted::new()], |config| config.max_parked_receipts = 3).await;
    let id = house.send(&House::request("hello")).await;
    house.carrier.next().await.answer.send(taken("ours")).unwrap();
    house.until(id, Status::Sent).await;
    for n in 0..3 {
        assert_eq!(house.receipt(&format!("foreign-{n}"), ReceiptState::Delivered).await, Verdict::Durable);
    }
    assert_eq!(house.receipt("foreign", ReceiptState::Delivered).await, Verdict::Later);
    assert_eq!(house.receipt("ours", ReceiptState::Delivered).await, Verdict::Durable);
    house.until(id, Status::Delivered).await;
}

#[tokio::test]
async fn a_message_that_was_taken_back_does_not_count_as_waiting_after_a_restart() {
    let house = House::new().await;
    let at = (crate::house::noon() + Duration::from_secs(60)).to_rfc3339();
    let later = || Request { send_at: Some(at.clone()), ..House::request("later") };
    let (first, second) = (house.send(&later()).await, house.send(&later()).await);
    house.until(first, Status::Held).await;
    house.until(second, Status::Held).await;
    house.handle.cancel(&house.caller, first).await.unwrap();
    assert_eq!(house.handle.readiness().waiting, 1);
    let house = house.crash().await;
    house.until_waiting(1).await;
    house.handle.cancel(&house.caller, second).await.unwrap();
    house.clock.advance(Duration::from_secs(120));
    house.still().await;
    assert_eq!(house.handle.readiness().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_carrier_that_is_gone_goes_by_another() {
    let (first, second) = (Scripted::new(), Scripted::named("second"));
    let house = House::set(&[], Policies::built_in(), vec![first.clone(), second.clone()]).await;
    first.close(true);
    let ids = [house.send(&to(&phone(1), "one")).await, house.send(&to(&phone(1), "two")).await];
    for id in ids {
        house.until(id, Status::Queued).await;
    }
    // It is up, and only full: nobody else is asked.
    house.clock.advance(Duration::from_secs(3_600));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(second.seen_count(), 0);
    first.down(true);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(second.seen_count(), 0, "it may be back in a moment");
    house.clock.advance(Duration::from_secs(3_600));
    second.always(taken(""));
    for id in ids {
        let record = house.until(id, Status::Sent).await;
        assert_eq!(record.head.carrier.as_deref(), Some("second"));
    }
    let texts: Vec<_> = second.seen().iter().map(|seen| seen.text.clone()).collect();
    assert_eq!(texts, ["one", "two"]);
    assert_eq!((first.seen_count(), house.handle.readiness().waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_on_the_wire_is_not_sent_by_another_carrier() {
    let (first, second) = (Scripted::new(), Scripted::named("second"));
    let house = House::set(&[], Policies::built_in(), vec![first.clone(), second.clone()]).await;
    let id = house.send(&House::request("one")).await;
    let submitted = first.next().await;
    first.down(true);
    house.clock.advance(Duration::from_secs(3_600));
    tokio::time::sleep(Duration::from_secs(10)).await;
    house.clock.advance(Duration::from_secs(3_600));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((house.record(id).await.head.status, second.seen_count()), (Status::Sending, 0));
    submitted.answer.send(taken("c1")).unwrap();
    house.until(id, Status::Sent).await;
}

/// A tenant of this weight and rate, with numbers of this rate.
fn tenant(name: &str, weight: u16, per_tenant: u32, numbers: &[(&str, u32)]) -> Tenant {
    let plan = |rate| NumberPlan { carriers: vec!["scripted".to_owned()], segments_per_second: rate };
    let numbers = numbers.iter().map(|(number, rate)| (number.parse().unwrap(), plan(*rate)));
    let numbers: BTreeMap<_, _> = numbers.collect();
    Tenant { id: name.parse().unwrap(), weight, segments_per_second: per_tenant, numbers, ..acme() }
}

/// Sends `count` messages to as many people, and waits until they are with the carrier.
async fn send_many(house: &House, from: &str, count: usize) -> Vec<MessageId> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(house.send(&Request { from: from.to_owned(), ..to(&phone(n), "hello") }).await);
    }
    ids
}

/// The time between the first and the last submission.
async fn spread(house: &House, count: usize) -> Duration {
    while house.carrier.seen_count() < count {
        house.carrier.arrives().await;
    }
    let at = house.carrier.seen_at();
    *at.last().unwrap() - at[0]
}

#[tokio::test(start_paused = true)]
async fn a_number_keeps_its_rate_and_others_do_not_wait_for_it() {
    let tenants = vec![tenant("acme", 1, 0, &[(OURS, 2), (OTHER, 0)])];
    let house = House::tuned(tenants, vec![Scripted::new()], |_| {}).await;
    house.carrier.always(taken(""));
    let slow = send_many(&house, OURS, 7).await;
    let begun = tokio::time::Instant::now();
    let other = house.send(&Request { from: OTHER.to_owned(), ..House::request("other") }).await;
    house.until(other, Status::Sent).await;
    assert_eq!(begun.elapsed(), Duration::ZERO, "it waited for another number's rate");
    let took = spread(&house, 8).await;
    assert!((2_900..=3_200).contains(&took.as_millis()), "7 at 2 a second took {took:?}");
    for id in slow {
        house.until(id, Status::Sent).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_keeps_its_rate_over_all_its_numbers_and_others_do_not_wait_for_it() {
    let tenants = vec![tenant("acme", 1, 4, &[(OURS, 0), (OTHER, 0)]), tenant("other", 1, 0, &[(ELSE, 0)])];
    let house = House::tuned(tenants, vec![Scripted::new()], |_| {}).await;
    house.carrier.always(taken(""));
    send_many(&house, OURS, 5).await;
    send_many(&house, OTHER, 4).await;
    let caller = Caller { tenant: "other".parse().unwrap(), ..house.caller.clone() };
    let begun = tokio::time::Instant::now();
    let request = Request { from: ELSE.to_owned(), ..House::request("other") };
    house.handle.accept(&caller, &request, None).await.unwrap();
    while !house.carrier.seen().iter().any(|seen| seen.text == "other") {
        house.carrier.arrives().await;
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "it waited for another tenant's rate");
    let took = spread(&house, 10).await;
    assert!((1_900..=2_200).contains(&took.as_millis()), "9 at 4 a second took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_long_message_that_found_no_place_pays_its_rate_once() {
    let tenants = vec![tenant("acme", 1, 0, &[(OURS, 1), (OTHER, 0)])];
    let house = House::tuned(tenants, vec![Scripted::new()], |_| {}).await;
    house.carrier.window(2);
    house.send(&Request { from: OTHER.to_owned(), ..to(&phone(1), "short") }).await;
    let short = house.carrier.next().await;
    let long = house.send(&to(&phone(2), &"long ".repeat(40))).await;
    house.until(long, Status::Queued).await;
    house.still().await;
    let begun = tokio::time::Instant::now();
    short.answer.send(taken("s")).unwrap();
    house.carrier.next().await.answer.send(Outcome::Taken { ids: vec!["1".into(), "2".into()] }).unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO, "it waited for a rate that it had paid");
    house.until(long, Status::Sent).await;
}

#[tokio::test]
async fn tenants_go_by_their_weights() {
    let tenants = vec![tenant("acme", 3, 0, &[(OURS, 0)]), tenant("other", 1, 0, &[(ELSE, 0)])];
    let house = House::tuned(tenants, vec![Scripted::new()], |_| {}).await;
    house.carrier.close(true);
    let other = Caller { tenant: "other".parse().unwrap(), ..house.caller.clone() };
    for n in 0..40 {
        house.send(&to(&phone(n), "three")).await;
        let request = Request { from: ELSE.to_owned(), ..to(&phone(n), "one") };
        house.handle.accept(&other, &request, None).await.unwrap();
    }
    house.until_messages(|all| all.iter().all(|(_, status)| *status == Status::Queued)).await;
    house.still().await;
    house.carrier.always(taken(""));
    house.carrier.close(false);
    while house.carrier.seen_count() < 80 {
        house.carrier.arrives().await;
    }
    let first: Vec<_> = house.carrier.seen().iter().take(40).map(|seen| seen.text.clone()).collect();
    assert_eq!(first.iter().filter(|text| **text == "three").count(), 30);
}

#[tokio::test]
async fn a_long_message_that_found_no_place_leaves_its_tenant_its_weight() {
    let tenants = vec![tenant("acme", 3, 0, &[(OURS, 0)]), tenant("other", 1, 0, &[(ELSE, 0)])];
    let house = House::tuned(tenants, vec![Scripted::new()], |_| {}).await;
    house.carrier.window(2);
    let other = Caller { tenant: "other".parse().unwrap(), ..house.caller.clone() };
    house.send(&to(&phone(9_999), "before")).await;
    let before = house.carrier.next().await;
    let long = "long ".repeat(40);
    for n in 0..12 {
        house.send(&to(&phone(n), &long)).await;
        let request = Request { from: ELSE.to_owned(), ..to(&phone(n), &long.replace("long", "else")) };
        house.handle.accept(&other, &request, None).await.unwrap();
    }
    house.until_messages(|all| all.iter().filter(|(_, status)| *status == Status::Queued).count() == 12).await;
    house.still().await;
    house.carrier.always(taken(""));
    before.answer.send(taken("b")).unwrap();
    while house.carrier.seen_count() < 25 {
        house.carrier.arrives().await;
    }
    let first: Vec<_> = house.carrier.seen().iter().skip(1).take(12).map(|seen| seen.text.clone()).collect();
    assert_eq!(first.iter().filter(|text| text.starts_with("long")).count(), 9);
}

#[tokio::test(start_paused = true)]
async fn every_number_is_asked_whether_it_may_go() {
    // More numbers than are asked in one turn wait for their rates; one that is free doesn't wait with them.
    let slow: Vec<String> = (0..80).map(|n| format!("+1555020{n:04}")).collect();
    let mut numbers: Vec<(&str, u32)> = slow.iter().map(|number| (number.as_str(), 1)).collect();
    numbers.push((OURS, 0));
    let house = House::tuned(vec![tenant("acme", 1, 0, &numbers)], vec![Scripted::new()], |_| {}).await;
    house.carrier.always(taken(""));
    for number in &slow {
        for n in 0..3 {
            house.send(&Request { from: number.clone(), ..to(&phone(n), "slow") }).await;
        }
    }
    while house.carrier.seen_count() < 80 {
        house.carrier.arrives().await;
    }
    house.still().await;
    let begun = tokio::time::Instant::now();
    let free = house.send(&House::request("free")).await;
    house.until(free, Status::Sent).await;
    assert_eq!(begun.elapsed(), Duration::ZERO, "it slept with those that wait");
}

#[tokio::test]
async fn a_defect_in_a_step_does_not_strand_its_conversation() {
    let house = House::new().await;
    house.carrier.always(taken(""));
    house.carrier.panics(true);
    let (first, second) = (house.send(&House::request("first")).await, house.send(&House::request("second")).await);
    house.still().await;
    house.carrier.panics(false);
    house.clock.advance(Duration::from_secs(10));
    house.until(first, Status::Sent).await;
    house.until(second, Status::Sent).await;
    let texts: Vec<_> = house.carrier.seen().iter().map(|seen| seen.text.clone()).collect();
    assert_eq!(texts, ["first", "second"]);
}

#[tokio::test]
async fn an_event_that_panics_each_time_is_left_for_the_next_start_and_its_conversation_goes_on() {
    let house = House::new().await;
    house.carrier.always(taken(""));
    house.carrier.panics(true);
    let first = house.send(&House::request("first")).await;
    for _ in 0..5 {
        house.still().await;
        house.clock.advance(Duration::from_secs(600));
    }
    house.still().await;
    house.carrier.panics(false);
    let second = house.send(&House::request("second")).await;
    house.until(second, Status::Sent).await;
    assert_eq!(house.record(first).await.head.status, Status::Accepted);
    let house = house.crash().await;
    house.until(first, Status::Sent).await;
}

#[tokio::test]
async fn a_defect_while_a_message_is_taken_in_does_not_stop_the_next() {
    let (house, trap) = House::trapped().await;
    trap.armed.store(true, std::sync::atomic::Ordering::Relaxed);
    let half = || signalbox_carriers::Brought::Part(crate::house::part("half", Some((1, 2))));
    assert_eq!(house.bring(half()).await, Verdict::Later);
    assert_eq!(house.text("whole").await, Verdict::Durable);
    trap.armed.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(house.bring(half()).await, Verdict::Durable);
}
