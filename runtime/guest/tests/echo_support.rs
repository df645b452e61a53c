//! The guest example `echo-support`, in a conversation.

mod common;

use common::*;
use signalbox_guest::*;

#[tokio::test]
async fn it_answers_remembers_and_asks_again() {
    let (host, handler) = shared("echo-support").await;
    let mut world = World::default();

    let outcome = world.hear(host, handler, "hello").await;
    assert_eq!(replies(&outcome), ["you wrote: hello (message 1). Try HOURS, ORDER or AGENT."]);
    let outcome = world.hear(host, handler, "My name is Ada.").await;
    assert_eq!(replies(&outcome), ["Nice to meet you, Ada. How can we help?"]);
    let outcome = world.hear(host, handler, "where is order 4711?").await;
    assert_eq!(replies(&outcome), ["Order 4711 is on its way. We'll ask again later."]);
    let set = world.timers["follow-up"].clone();
    assert_eq!((set.at, set.payload.as_slice()), (NOW + 3_600_000_000, &b"order"[..]));
    let outcome = world.hear(host, handler, "hm").await;
    assert_eq!(
        replies(&outcome),
        ["Ada, is this still about order? you wrote: hm (message 4). Try HOURS, ORDER or AGENT."]
    );
    assert!(world.timers.is_empty());

    let outcome = world.call(host, handler, timer("follow-up", &set)).await;
    assert_eq!(replies(&outcome), ["Hello Ada, is your order settled? Write AGENT if not."]);
}

#[tokio::test]
async fn a_reply_goes_back_through_the_conversation_under_an_id_that_a_second_attempt_repeats() {
    let (host, handler) = shared("echo-support").await;
    let first = World::default().hear(host, handler, "hours").await.expect("an answer");
    let second = World::default().hear(host, handler, "hours").await.expect("an answer");
    let send = &first.effects.sends[0];
    assert_eq!((send.sender.as_str(), send.recipient.as_str()), (NUMBER, CONTACT));
    assert!(send.id.starts_with("msg_") && send.id.len() == 30, "{}", send.id);
    assert_eq!(first.effects, second.effects);
    assert_eq!(first.effects.notes, [Note::Label("hours".into())]);
}

#[tokio::test]
async fn settings_reach_it() {
    let (host, handler) = shared("echo-support").await;
    let mut world = World::default();
    world.settings.insert("hours".into(), "Always.".into());
    world.settings.insert("follow-up-ms".into(), "5".into());
    assert_eq!(replies(&world.hear(host, handler, "HOURS?").await), ["Always."]);
    world.hear(host, handler, "agent please").await.expect("an answer");
    assert_eq!(world.timers["follow-up"].at, NOW + 5_000);
}

#[tokio::test]
async fn a_draft_without_a_brace_is_left_alone_and_reads_nothing() {
    let (host, handler) = shared("echo-support").await;
    let mut world = World::default();
    let completed = world.call(host, handler, draft("Your parcel is here")).await.expect("a decision");
    assert_eq!(completed.answer, Answer::Draft(DraftDecision::Send));
    assert!(completed.effects.is_empty());
    assert_eq!((world.reads, completed.usage.host_calls), (0, 0));
}

#[tokio::test]
async fn a_draft_gets_the_contacts_name() {
    let (host, handler) = shared("echo-support").await;
    let mut world = World::default();
    world.hear(host, handler, "my name is Ada").await.expect("an answer");
    let completed = world.call(host, handler, draft("Dear {name}, hello {name}")).await.expect("a decision");
    let Answer::Draft(DraftDecision::Change(changes)) = completed.answer else { panic!("{:?}", completed.answer) };
    assert_eq!(changes.text.as_deref(), Some("Dear Ada, hello Ada"));
    assert_eq!(DraftChanges { text: None, ..*changes }, DraftChanges::default());
}

#[tokio::test]
async fn an_undelivered_message_is_noted_and_a_delivered_one_is_not() {
    let (host, handler) = shared("echo-support").await;
    let mut world = World::default();
    let completed = world.call(host, handler, receipt("undelivered", Some("dest.unreachable"))).await.expect("ok");
    assert_eq!(
        completed.effects.notes,
        [Note::Label("undelivered".into()), Note::Text("undelivered-because".into(), "dest.unreachable".into())]
    );
    let line = LogLine { level: Level::Warn, text: "msg_out ended as undelivered: dest.unreachable".into() };
    assert_eq!(completed.logs, Logs { lines: vec![line], cut: 0 });
    let completed = world.call(host, handler, receipt("delivered", None)).await.expect("ok");
    assert!(completed.effects.is_empty() && completed.logs.lines.is_empty());
}

#[tokio::test]
async fn the_upload_tells_what_it_is() {
    let (_, handler) = shared("echo-support").await;
    let info = handler.info();
    assert_eq!(info.exports.iter().map(|e| e.kind).collect::<Vec<_>>(), Kind::ALL);
    assert!(info.exports.iter().all(|e| e.version == "0.1.0"));
    assert!(info.imports.iter().any(|i| i == "signalbox:messaging/outbox@0.1.0"), "{:?}", info.imports);
    assert!(!info.imports.iter().any(|i| i.contains("sockets") || i.contains("secrets")), "{:?}", info.imports);
    assert_eq!((info.digest.len(), info.size_bytes), (64, guest_bytes("echo-support").len()));
    assert!(info.native_bytes > 0 && info.compile_time.as_nanos() > 0);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_not_the_handlers_fault() {
    let (host, handler) = shared("echo-support").await;
    let mut world = World { broken: true, ..World::default() };
    let failure = world.hear(host, handler, "hello").await.expect_err("a failure");
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.kind.is_retryable());
}
