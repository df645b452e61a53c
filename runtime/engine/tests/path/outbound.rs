use std::time::Duration;

use signalbox_carriers::{Outcome, Verdict};
use signalbox_engine::{CancelRefused, Refused, Request};
use signalbox_model::{Category, Cause, ErrorClass, ReceiptState, Status};

use crate::house::{House, Scripted};

fn taken(id: &str) -> Outcome {
    Outcome::Taken { ids: vec![id.to_owned()] }
}

#[tokio::test]
async fn a_message_goes_from_accepted_to_delivered() {
    let house = House::new().await;
    let id = house.send(&House::request("hello")).await;
    let submitted = house.carrier.next().await;
    assert_eq!(submitted.submission.text, "hello");
    submitted.answer.send(taken("c1")).unwrap();
    house.until(id, Status::Sent).await;
    assert_eq!(house.receipt("c1", ReceiptState::Delivered).await, Verdict::Durable);
    let record = house.until(id, Status::Delivered).await;
    let path: Vec<_> = record.entries.iter().map(|entry| entry.status).collect();
    assert_eq!(path, [Status::Accepted, Status::Queued, Status::Sending, Status::Sent, Status::Delivered]);
    assert!(record.entries.windows(2).all(|pair| pair[0].seq < pair[1].seq && pair[0].n + 1 == pair[1].n));
    assert_eq!(house.handle.readiness().waiting, 0);
    house.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_comes_long_before_the_answer_is_kept_and_applied() {
    let house = House::new().await;
    let id = house.send(&House::request("hello")).await;
    let submitted = house.carrier.next().await;
    assert_eq!(house.receipt("early", ReceiptState::Delivered).await, Verdict::Durable);
    submitted.answer.send(taken("early")).unwrap();
    house.until(id, Status::Delivered).await;
}

#[tokio::test]
async fn a_carrier_waits_for_the_answer_to_its_early_receipt_until_both_are_on_record() {
    let house = House::new().await;
    let id = house.send(&House::request("hello")).await;
    let submitted = house.carrier.next().await;
    let mut receipt = std::pin::pin!(house.receipt("early", ReceiptState::Delivered));
    tokio::select! {
        biased;
        verdict = &mut receipt => panic!("answered {verdict:?} before its message is known as sent"),
        record = house.until(id, Status::Sending) => assert_eq!(record.head.status, Status::Sending),
    }
    submitted.answer.send(taken("early")).unwrap();
    assert_eq!(receipt.await, Verdict::Durable);
    assert_eq!(house.record(id).await.head.status, Status::Delivered);
}

#[tokio::test(start_paused = true)]
async fn an_early_receipt_survives_a_crash() {
    let house = House::new().await;
    let id = house.send(&Request { category: Category::Transactional, ..House::request("hello") }).await;
    let first = house.carrier.next().await;
    assert_eq!(house.receipt("c9", ReceiptState::Delivered).await, Verdict::Durable);
    drop(first);
    let house = house.crash().await;
    house.carrier.next().await.answer.send(taken("c9")).unwrap();
    house.until(id, Status::Delivered).await;
}

#[tokio::test]
async fn a_repeated_receipt_changes_nothing_and_a_late_one_is_kept_without_moving_the_message() {
    let house = House::new().await;
    let id = house.send(&House::request("hello")).await;
    house.carrier.next().await.answer.send(taken("c1")).unwrap();
    house.until(id, Status::Sent).await;
    house.receipt("c1", ReceiptState::Delivered).await;
    house.receipt("c1", ReceiptState::Delivered).await;
    assert_eq!(house.record(id).await.entries.len(), 5);
    house.receipt("c1", ReceiptState::Expired).await;
    let record = house.record(id).await;
    assert_eq!((record.entries.len(), record.head.status), (6, Status::Delivered));
}

#[tokio::test]
async fn a_long_message_is_delivered_when_its_last_part_is() {
    let house = House::new().await;
    let id = house.send(&House::request(&"long ".repeat(40))).await;
    let ids = vec!["p1".to_owned(), "p2".to_owned()];
    house.carrier.next().await.answer.send(Outcome::Taken { ids }).unwrap();
    house.until(id, Status::Sent).await;
    house.receipt("p2", ReceiptState::Delivered).await;
    assert_eq!(house.record(id).await.head.status, Status::Sent);
    house.receipt("p1", ReceiptState::Delivered).await;
    house.until(id, Status::Delivered).await;
}

#[tokio::test]
async fn a_busy_carrier_gets_the_message_again() {
    let house = House::new().await;
    let id = house.send(&House::request("hello")).await;
    let busy = Outcome::Busy { raw_code: "ESME_RTHROTTLED".to_owned(), class: ErrorClass::LimitRate };
    house.carrier.next().await.answer.send(busy).unwrap();
    house.until(id, Status::Queued).await;
    house.clock.advance(Duration::from_secs(2));
    house.carrier.next().await.answer.send(taken("c1")).unwrap();
    let record = house.until(id, Status::Sent).await;
    assert_eq!(record.head.attempts, 2);
}

#[tokio::test]
async fn a_refusal_for_good_ends_the_message_with_the_raw_code() {
    let house = House::new().await;
    let id = house.send(&House::request("hello")).await;
    let refused =
        Outcome::Refused { raw_code: "ESME_RINVDSTADR".to_owned(), class: ErrorClass::DestInvalid, part: None };
    house.carrier.next().await.answer.send(refused).unwrap();
    let record = house.until(id, Status::Failed).await;
    let last = record.entries.last().unwrap();
    assert_eq!(last.class, Some(ErrorClass::DestInvalid));
    assert!(matches!(&last.cause, Cause::Refused { raw_code, .. } if raw_code == "ESME_RINVDSTADR"));
}

#[tokio::test]
async fn without_an_answer_a_code_goes_again_and_an_advertisement_is_held() {
    let house = House::new().await;
    let unknown = || Outcome::Unknown { why: "no answer in time".to_owned() };
    let code = house.send(&Request { category: Category::Otp, ..House::request("your code is 1") }).await;
    house.carrier.next().await.answer.send(unknown()).unwrap();
    house.carrier.next().await.answer.send(taken("c1")).unwrap();
    let record = house.until(code, Status::Sent).await;
    assert!(record.entries.iter().any(|entry| entry.status == Status::InDoubt));
    let advert = house.send(&Request { category: Category::Marketing, ..House::request("buy") }).await;
    house.carrier.next().await.answer.send(unknown()).unwrap();
    house.until(advert, Status::InDoubt).await;
    assert_eq!(house.carrier.seen().len(), 3);
}

#[tokio::test]
async fn what_is_sent_later_waits_survives_a_crash_and_then_goes() {
    let house = House::new().await;
    let at = (crate::house::noon() + Duration::from_secs(3_600)).to_rfc3339();
    let id = house.send(&Request { send_at: Some(at), ..House::request("later") }).await;
    house.until(id, Status::Held).await;
    let house = house.crash().await;
    assert_eq!(house.carrier.seen().len(), 0);
    house.clock.advance(Duration::from_secs(3_601));
    house.carrier.next().await.answer.send(taken("c1")).unwrap();
    house.until(id, Status::Sent).await;
}

#[tokio::test]
async fn a_message_whose_validity_ran_out_while_it_waited_is_not_sent() {
    let house = House::new().await;
    let at = (crate::house::noon() + Duration::from_secs(60)).to_rfc3339();
    let request = Request { send_at: Some(at), valid_for: Some(30), ..House::request("soon or never") };
    let id = house.send(&request).await;
    house.until(id, Status::Held).await;
    house.clock.advance(Duration::from_secs(120));
    house.until(id, Status::Expired).await;
    assert_eq!((house.carrier.seen().len(), house.handle.readiness().waiting), (0, 0));
}

#[tokio::test]
async fn a_held_message_can_be_taken_back_and_a_sent_one_cannot() {
    let house = House::new().await;
    let at = (crate::house::noon() + Duration::from_secs(60)).to_rfc3339();
    let held = house.send(&Request { send_at: Some(at), ..House::request("later") }).await;
    house.until(held, Status::Held).await;
    let record = house.handle.cancel(&house.caller, held).await.unwrap();
    assert_eq!(record.head.status, Status::Canceled);
    house.clock.advance(Duration::from_secs(120));
    let sent = house.send(&House::request("now")).await;
    house.carrier.next().await.answer.send(taken("c1")).unwrap();
    house.until(sent, Status::Sent).await;
    let refused = house.handle.cancel(&house.caller, sent).await;
    assert!(matches!(refused, Err(CancelRefused::TooLate(Status::Sent))));
    assert_eq!(house.carrier.seen().len(), 1);
}

#[tokio::test]
async fn an_idempotency_key_stands_for_one_message() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let request = House::request("once");
    let first = house.handle.accept(&house.caller, &request, Some("k1")).await.unwrap();
    let again = house.handle.accept(&house.caller, &request, Some("k1")).await.unwrap();
    assert_eq!((first.id, first.segments), (again.id, again.segments));
    let other = house.handle.accept(&house.caller, &House::request("twice"), Some("k1")).await;
    assert!(matches!(other, Err(Refused::KeyReused)));
    let house = house.crash().await;
    let after = house.handle.accept(&house.caller, &request, Some("k1")).await.unwrap();
    assert_eq!(after.id, first.id);
    assert_eq!(house.messages().await.len(), 1);
}

#[tokio::test]
async fn a_key_stands_for_its_message_though_its_carrier_is_gone() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let request = House::request("once");
    let first = house.handle.accept(&house.caller, &request, Some("k1")).await.unwrap();
    house.until(first.id, Status::Sent).await;
    let house = House::on(house.store.crash_image(), Scripted::named("another"), house.clock.clone()).await.unwrap();
    let again = house.handle.accept(&house.caller, &request, Some("k1")).await.unwrap();
    assert_eq!(again.id, first.id);
    let other = house.handle.accept(&house.caller, &House::request("twice"), Some("k1")).await;
    assert!(matches!(other, Err(Refused::KeyReused)));
    let fresh = house.handle.accept(&house.caller, &request, Some("k2")).await;
    assert!(matches!(fresh, Err(Refused::Invalid(wrong)) if wrong[0].code == "route.none"));
}

#[tokio::test]
async fn what_no_carrier_could_take_is_refused_at_once() {
    let house = House::new().await;
    let media = vec!["https://media.example.com/cat.jpg".to_owned()];
    let cat = Request { media_urls: media, ..House::request("a cat") };
    let wrong = |refused: Refused| match refused {
        Refused::Invalid(wrong) => (wrong[0].field.clone(), wrong[0].code),
        other => panic!("{other}"),
    };
    let told = ("media_urls".to_owned(), "media.unsupported");
    assert_eq!(wrong(house.handle.accept(&house.caller, &cat, None).await.unwrap_err()), told);
    assert_eq!(wrong(house.handle.explain(&house.caller, &cat).await.unwrap_err()), told);
    let requests = [cat, House::request("no cat")];
    let mut results = house.handle.accept_batch(&house.caller, &requests, None).await.unwrap().into_iter();
    assert_eq!(wrong(results.next().unwrap().unwrap_err()), told);
    assert!(results.next().unwrap().is_ok());
    assert_eq!(house.messages().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_drain_leaves_a_silent_carrier_in_time_to_write_down_what_is_in_doubt() {
    let house = House::new().await;
    let id = house.send(&Request { category: Category::Marketing, ..House::request("buy") }).await;
    house.until(id, Status::Sending).await;
    let (store, carrier, clock) = (house.store.clone(), house.carrier.clone(), house.clock.clone());
    let began = tokio::time::Instant::now();
    house.stop().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(carrier.was_left());
    let house = House::on(store.crash_image(), carrier, clock).await.unwrap();
    let record = house.until(id, Status::InDoubt).await;
    let last = record.entries.last().unwrap();
    assert!(matches!(&last.cause, Cause::InDoubt { why, .. } if why.contains("left before")), "{last:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_all_at_once() {
    let house = House::new().await;
    let request = Request { to: "12".to_owned(), text: String::new(), tags: vec![String::new()], ..House::request("") };
    let Err(Refused::Invalid(wrong)) = house.handle.accept(&house.caller, &request, None).await else {
        panic!("it was accepted");
    };
    let fields: Vec<_> = wrong.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["to", "text", "tags"]);
    assert!(house.messages().await.is_empty());
}

#[tokio::test]
async fn a_batch_has_a_result_for_each_in_order() {
    let house = House::new().await;
    let requests = [House::request("one"), House::request(""), House::request("three")];
    let results = house.handle.accept_batch(&house.caller, &requests, None).await.unwrap();
    let ok: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(ok, [true, false, true]);
}

#[tokio::test]
async fn explaining_sends_and_records_nothing() {
    let house = House::new().await;
    let told = house.handle.explain(&house.caller, &House::request("“quoted”")).await.unwrap();
    assert_eq!((told.text.as_str(), told.segments, told.folded.len()), ("\"quoted\"", 1, 2));
    assert_eq!(told.route.unwrap(), ["scripted".into()]);
    assert!(house.messages().await.is_empty());
}

#[tokio::test]
async fn messages_of_one_conversation_keep_their_order() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    for i in 0..50 {
        house.send(&House::request(&format!("{i}"))).await;
    }
    house.until_messages(|all| all.iter().filter(|(_, status)| *status == Status::Sent).count() == 50).await;
    let order: Vec<_> = house.carrier.seen().iter().map(|s| s.text.clone()).collect();
    assert_eq!(order, (0..50).map(|i| i.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_receipt_for_a_message_that_never_was_is_given_up_after_a_while() {
    let house = House::new().await;
    assert_eq!(house.receipt("nobodys", ReceiptState::Delivered).await, Verdict::Durable);
    house.clock.advance(Duration::from_secs(400));
    let mut registry = prometheus_client::registry::Registry::default();
    house.handle.register_metrics(&mut registry);
    let given_up = async {
        loop {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
            if text.contains("signalbox_receipts_unmatched_total 1") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), given_up).await.expect("the receipt is waited for without end");
}
