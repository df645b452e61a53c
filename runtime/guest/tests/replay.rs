//! A recorded call comes to the same effects when it is run again, offline; another handler shows what it would have done.

mod common;

use common::*;
use signalbox_guest::replay::{BadRecording, End};
use signalbox_guest::*;
use std::time::Duration;

async fn record(world: &mut World, text: &str) -> (Outcome, Option<Recording>) {
    let (host, handler) = shared("misbehaving").await;
    let invocation = world.invocation(message(text));
    host.record(handler, &invocation, world).await
}

fn eventful() -> World {
    let mut world = World::default();
    world.contact.time_zone = Some("America/Chicago".into());
    world.past = vec![PastMessage { inbound: true, text: "hi".into(), ..PastMessage::default() }; 3];
    world.state.insert((Scope::Contact, "list/a".into()), b"old".to_vec());
    world.secrets.insert("token".into(), "sk-1234567".into());
    world.settings.insert("mood".into(), "good".into());
    world.answer = Ok(HttpAnswer { status: 201, headers: Vec::new(), body: b"made, sk-1234567".to_vec() });
    world
}

#[tokio::test]
async fn every_kind_of_call_comes_to_the_same_end_again() {
    let (host, handler) = shared("misbehaving").await;
    for text in [
        "be good",
        "own writes",
        "withdraw",
        "history",
        "local time",
        "bad local times",
        "surroundings",
        "fetch",
        "flood http",
        "bad fetches",
        "wasi fetch",
        "wasi flood",
        "tell secret",
        "flood log",
        "panic",
        "exit",
        "retry",
        "reject",
        "flood sends",
        "allocate",
    ] {
        let (outcome, recording) = record(&mut eventful(), text).await;
        let recording = recording.expect(text);
        let read = Recording::from_bytes(&recording.to_bytes()).expect(text);
        assert!(read == recording, "{text}");
        let replayed = host.replay(handler, &read).await;
        assert!(replayed.is_same(), "{text}: {:?} {:?}", replayed.divergences, replayed.difference);
        assert_eq!(outcome.is_ok(), replayed.outcome.is_ok(), "{text}");
        let again = End::of(&replayed.outcome);
        assert!(again == recording.end, "{text}");
    }
}

#[tokio::test]
async fn drafts_receipts_and_timers_are_recorded_too() {
    let (host, handler) = shared("misbehaving").await;
    let set = TimerSet { at: NOW, payload: b"x".to_vec() };
    let failed = receipt("undelivered", Some("dest.unreachable"));
    for event in [draft("change all"), draft("drop"), draft("unknown decision"), failed, timer("soon", &set)] {
        let mut world = World::default();
        let invocation = world.invocation(event);
        let (_, recording) = host.record(handler, &invocation, &mut world).await;
        let recording = recording.expect("it is small");
        assert_eq!(recording.event.kind(), event.kind());
        assert!(host.replay(handler, &recording).await.is_same(), "{event:?}");
    }
}

#[tokio::test]
async fn a_request_that_was_given_up_is_given_up_again_without_the_wait() {
    let (host, handler) = shared("misbehaving").await;
    let mut world = World { slow: Some(Duration::from_secs(3_600)), ..World::default() };
    world.limits.http_time = Duration::from_millis(5);
    let (outcome, recording) = record(&mut world, "flood http").await;
    assert_eq!(replies(&outcome)[1], "denied: 5 HTTP requests are the most of an event");
    let replayed = host.replay(handler, &recording.expect("it is small")).await;
    assert!(replayed.is_same(), "{:?} {:?}", replayed.divergences, replayed.difference);
}

#[tokio::test]
async fn a_run_just_under_its_limit_does_not_fail_because_its_replay_computes_longer() {
    let (host, handler) = shared("misbehaving").await;
    let (_, recording) = record(&mut eventful(), "history").await;
    let mut recording = recording.expect("it is small");
    // As if it had run on a machine on which this took no time.
    recording.limits.cpu = Duration::from_nanos(1);
    let replayed = host.replay(handler, &recording).await;
    assert!(replayed.is_same() && replayed.is_slow, "{:?} {:?}", replayed.divergences, replayed.difference);
}

#[tokio::test]
async fn what_was_stopped_is_replayed_as_far_as_it_came() {
    let (host, handler) = shared("misbehaving").await;
    let mut world = eventful();
    world.limits.cpu = Duration::from_millis(5);
    let (outcome, recording) = record(&mut world, "spin").await;
    assert_eq!(outcome.expect_err("it never ends").kind, FailureKind::CpuLimit);
    let replayed = host.replay(handler, &recording.expect("it is small")).await;
    assert!(replayed.is_same() && replayed.was_stopped && replayed.is_slow);

    // Stopped between two questions: what comes behind is neither the same nor different.
    let (_, recording) = record(&mut eventful(), "own writes").await;
    let mut recording = recording.expect("it is small");
    assert!(recording.answers.len() > 1);
    recording.answers.truncate(1);
    recording.end = End::Failed { kind: "cpu-limit".into(), message: "it was stopped".into() };
    let replayed = host.replay(handler, &recording).await;
    assert!(replayed.is_same() && replayed.was_stopped, "{:?}", replayed.divergences);

    // Whatever doesn't come as far is different.
    let other = guest(host, "echo-support").await;
    let replayed = host.replay(&other, &recording).await;
    assert!(!replayed.is_same(), "it asks something else");
}

#[tokio::test]
async fn a_wait_that_took_too_long_is_where_its_replay_ends() {
    let (host, handler) = shared("misbehaving").await;
    let mut world = World { slow: Some(Duration::from_secs(3_600)), ..World::default() };
    world.limits.wall = Duration::from_millis(50);
    let (outcome, recording) = record(&mut world, "history").await;
    assert_eq!(outcome.expect_err("nothing answers").kind, FailureKind::WallLimit);
    let replayed = host.replay(handler, &recording.expect("it is small")).await;
    assert!(replayed.is_same() && replayed.was_stopped, "{:?}", replayed.divergences);
}

#[tokio::test]
async fn no_secret_is_kept() {
    for text in ["tell secret", "fetch", "wasi fetch"] {
        let (_, recording) = record(&mut eventful(), text).await;
        let bytes = recording.expect("it is small").to_bytes();
        assert!(!bytes.windows(10).any(|window| window == b"sk-1234567"), "{text}");
    }
}

#[tokio::test]
async fn a_secret_is_not_kept_in_the_forms_in_which_requests_carry_it() {
    let (host, handler) = shared("misbehaving").await;
    // What a server repeats of it stands for what a handler may make of it.
    let forms = ["c2stMTIzNDU2Nw==", "dXNlcjpzay0xMjM0NTY3", "736b2d31323334353637", "736B2D31323334353637"];
    let mut world = eventful();
    world.secrets.insert("path".into(), "a/b c+d=e".into());
    world.answer = Ok(HttpAnswer {
        status: 200,
        headers: vec![("x-was".into(), b"a%2Fb%20c%2Bd%3De".to_vec())],
        body: forms.join(" ").into_bytes(),
    });
    let (_, recording) = record(&mut world, "fetch").await;
    let recording = recording.expect("it is small");
    let text = String::from_utf8_lossy(&recording.to_bytes()).into_owned();
    for form in [forms[0], &forms[1][7..], forms[2], forms[3], "a%2Fb%20c%2Bd%3De"] {
        assert!(!text.contains(form), "{form} is kept: {text}");
    }
    assert!(host.replay(handler, &recording).await.is_same());
}

#[tokio::test]
async fn another_handler_shows_what_it_would_have_done() {
    let (host, _) = shared("misbehaving").await;
    let (_, recording) = record(&mut eventful(), "history").await;
    let recording = recording.expect("it is small");
    let other = guest(host, "echo-support").await;
    let replayed = host.replay(&other, &recording).await;
    assert!(!replayed.is_same());
    let first = replayed.divergences.first().expect("it asks otherwise").to_string();
    assert!(first.starts_with("question 1: recorded was conversation.recent(50), now it is state."), "{first}");
    let gone = replayed.difference.iter().any(|line| line.starts_with("- send msg_") && line.contains("\"before\""));
    let come = replayed.difference.iter().any(|line| line.starts_with("+ send msg_") && line.contains("you wrote"));
    assert!(gone && come, "{:#?}", replayed.difference);
}

#[tokio::test]
async fn what_is_too_large_to_keep_is_not_kept() {
    let text = "x".repeat(200 << 10);
    let past = vec![PastMessage { inbound: true, text, ..PastMessage::default() }; 50];
    let mut world = World { past, ..World::default() };
    let (outcome, recording) = record(&mut world, "history").await;
    assert!(outcome.is_err() && recording.is_none());
}

#[tokio::test]
async fn what_is_no_recording_is_refused() {
    let (_, recording) = record(&mut World::default(), "be good").await;
    let mut bytes = recording.expect("it is small").to_bytes();
    assert!(matches!(Recording::from_bytes(&bytes[..bytes.len() - 1]), Err(BadRecording::Damaged(_))));
    bytes[0] = 9;
    assert_eq!(Recording::from_bytes(&bytes), Err(BadRecording::Form { found: 9 }));
    assert!(matches!(Recording::from_bytes(&[]), Err(BadRecording::Damaged(_))));
}
