//! Every way in which a handler goes wrong ends its event, with no effect and a clear word; the host lives on.

mod common;

use common::*;
use signalbox_guest::*;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

struct Bench {
    host: &'static Host,
    handler: &'static Handler,
    world: World,
}

impl Bench {
    async fn new() -> Self {
        let (host, handler) = shared("misbehaving").await;
        Self { host, handler, world: World::default() }
    }

    async fn hear(&mut self, text: &str) -> Outcome {
        self.world.hear(self.host, self.handler, text).await
    }

    /// Fails as expected, keeps nothing, and the host goes on.
    async fn fails(&mut self, text: &str, kind: FailureKind, words: &str) -> Box<Failure> {
        let failure = self.hear(text).await.expect_err("a failure");
        assert_eq!(failure.kind, kind, "{text}: {failure:?}");
        assert!(failure.message.contains(words), "{text}: {}", failure.message);
        assert!(self.world.state.is_empty() && self.world.timers.is_empty());
        assert_eq!(replies(&self.hear("be good").await), ["before"]);
        failure
    }
}

#[tokio::test]
async fn a_loop_is_stopped_by_the_computing_limit() {
    let mut bench = Bench::new().await;
    bench.world.limits.cpu = Limits::default().cpu;
    let failure = bench.fails("spin", FailureKind::CpuLimit, "50ms").await;
    assert!(failure.usage.cpu >= Duration::from_millis(45), "{:?}", failure.usage);
    assert!(failure.message.contains("on-message"), "{}", failure.message);
}

#[tokio::test]
async fn a_draft_handler_has_less_time() {
    let mut bench = Bench::new().await;
    bench.world.limits.cpu = Limits::for_kind(Kind::Draft).cpu;
    let failure = bench.world.call(bench.host, bench.handler, draft("spin")).await.expect_err("a failure");
    assert_eq!(failure.kind, FailureKind::CpuLimit);
    assert!(failure.message.contains("10ms"), "{}", failure.message);
}

#[tokio::test(flavor = "current_thread")]
async fn a_loop_lets_others_run_on_the_same_thread() {
    // A host of its own, where nobody else computes, and a handler for each: events of one take turns.
    let host = host();
    let (looping, quick) = (guest(&host, "misbehaving").await, guest(&host, "misbehaving").await);
    let (mut a, mut b) = (World::default(), World::default());
    a.limits.cpu = Limits::default().cpu;
    let began = Instant::now();
    let spinning = async {
        let outcome = a.hear(&host, &looping, "spin").await;
        (outcome.is_err(), began.elapsed())
    };
    let working = async {
        let outcome = b.hear(&host, &quick, "be good").await;
        (outcome.is_ok(), began.elapsed())
    };
    let ((failed, spun), (worked, took)) = tokio::join!(spinning, working);
    assert!(failed && worked && took < spun, "{took:?} {spun:?}");
}

#[tokio::test]
async fn recursion_is_stopped_by_the_stack() {
    let mut bench = Bench::new().await;
    // One keeps things on the stack that its language has in linear memory, the other doesn't.
    bench.fails("recurse", FailureKind::Stack, "in misbehaving::deeds::recurse").await;
    bench.fails("recurse lightly", FailureKind::Stack, "recursion").await;
}

#[tokio::test]
async fn memory_is_limited() {
    let failure = Bench::new().await.fails("allocate", FailureKind::Memory, "64 MiB").await;
    assert!(failure.usage.peak_memory_bytes > 60 << 20 && failure.usage.peak_memory_bytes <= 64 << 20);
}

#[tokio::test]
async fn a_tenant_may_be_granted_less_memory() {
    let mut bench = Bench::new().await;
    let mut invocation = bench.world.invocation(message("allocate"));
    invocation.limits.memory_bytes = 4 << 20;
    let failure = bench.host.invoke(bench.handler, &invocation, &mut bench.world).await.expect_err("a failure");
    assert_eq!(failure.kind, FailureKind::Memory);
    assert!(failure.usage.peak_memory_bytes <= 4 << 20 && failure.message.contains("4 MiB"), "{failure:?}");
}

#[tokio::test]
async fn a_panic_says_where_in_the_log() {
    let mut bench = Bench::new().await;
    let failure = bench.fails("panic", FailureKind::Trap, "panic").await;
    let said = failure.logs.lines.iter().any(|line| line.text.contains("on request"));
    assert!(said, "{:?}", failure.logs);
    bench.fails("trap", FailureKind::Trap, "gave up").await;
    bench.fails("exit", FailureKind::Trap, "called exit").await;
}

#[tokio::test]
async fn going_over_a_limit_undoes_all_even_if_the_handler_ignores_it() {
    let mut bench = Bench::new().await;
    for (text, name, words) in [
        ("flood sends", "sends", "10 sends"),
        ("flood timers", "timers", "10 timers"),
        ("flood notes", "notes", "64 notes"),
        ("flood state", "state operations", "100 state operations"),
        ("large state", "bytes of state", "262144 bytes of state"),
        ("large call", "bytes in one call", "1048576 bytes"),
    ] {
        bench.fails(text, FailureKind::HostLimit(name), words).await;
    }
}

#[tokio::test]
async fn a_log_is_cut_and_says_so() {
    let mut bench = Bench::new().await;
    let logs = bench.hear("flood log").await.expect("a log is no reason to fail").logs;
    assert_eq!((logs.lines.len(), logs.cut), (64, 10_000 - 64));
    let logs = bench.hear("flood stdout").await.expect("nor is output").logs;
    let bytes: usize = logs.lines.iter().map(|line| line.text.len()).sum();
    assert!(logs.lines.len() <= 64 && bytes <= 16 << 10 && logs.cut > 0, "{} {bytes} {}", logs.lines.len(), logs.cut);
}

#[tokio::test]
async fn a_handlers_own_errors_keep_their_kind() {
    let mut bench = Bench::new().await;
    bench.fails("retry", FailureKind::Retry(Some(1_500)), "another attempt").await;
    bench.fails("reject", FailureKind::Reject, "not for me").await;
    bench.fails("other", FailureKind::Other, "no idea").await;
}

#[tokio::test]
async fn there_are_no_files_and_sleeping_takes_no_time() {
    let mut bench = Bench::new().await;
    assert_eq!(replies(&bench.hear("files").await), ["before", "true true"]);
    let completed = bench.hear("sleep").await.expect("an hour later");
    assert!(completed.usage.wall < Duration::from_secs(2));
}

#[tokio::test]
async fn time_and_chance_follow_from_the_event() {
    let mut bench = Bench::new().await;
    let first = bench.hear("surroundings").await;
    let second = bench.hear("surroundings").await;
    assert_eq!(replies(&first), replies(&second));
    let text = replies(&first)[1].to_owned();
    let words: Vec<&str> = text.split(' ').collect();
    let wall: u64 = words[0].parse().expect("microseconds");
    assert!((NOW..NOW + 1_000).contains(&wall), "{text}");
    assert_eq!(words[2..], ["0", "true", "true"]);

    let mut invocation = bench.world.invocation(message("surroundings"));
    invocation.seed = [8; 32];
    let other = bench.host.invoke(bench.handler, &invocation, &mut bench.world).await;
    assert_ne!(replies(&other)[1], text);
}

#[tokio::test]
async fn secrets_do_not_reach_logs_notes_and_errors() {
    let mut bench = Bench::new().await;
    bench.world.secrets.insert("token".into(), "sk-1234567".into());
    let completed = bench.hear("tell secret").await.expect("ok");
    assert_eq!(completed.logs.lines[0].text, "the token is [secret]");
    assert_eq!(completed.effects.notes, [Note::Text("token".into(), "[secret]".into())]);
    assert_eq!(completed.effects.sends[1].text, "sk-1234567");
    bench.world.secrets.insert("token".into(), "sk-123456789012345678901".into());
    let failure = bench.hear("tell secret").await.expect_err("a failure");
    assert!(failure.message.contains("no use for [secret]"), "{}", failure.message);
}

#[tokio::test]
async fn bad_arguments_are_refused_one_by_one() {
    let mut bench = Bench::new().await;
    assert_eq!(replies(&bench.hear("bad arguments").await), ["before", "11 of 11"]);
}

#[tokio::test]
async fn reads_see_the_calls_own_writes() {
    let mut bench = Bench::new().await;
    for key in ["list/a", "list/c", "other"] {
        bench.world.state.insert((Scope::Contact, key.into()), b"old".to_vec());
    }
    let outcome = bench.hear("own writes").await;
    assert_eq!(replies(&outcome), ["before", "8 list/b,list/c None"]);
    let written = outcome.expect("ok").effects.state;
    let write = |key: &str, value: Option<&[u8]>, expires_at| StateWrite {
        scope: Scope::Contact,
        key: key.into(),
        value: value.map(<[u8]>::to_vec),
        added: None,
        expires_at,
    };
    let count = StateWrite { added: Some(3), ..write("count", Some(b"3"), None) };
    assert_eq!(written, [count, write("list/a", None, None), write("list/b", Some(b"own"), Some(NOW + 1_000_000)),]);
}

#[tokio::test]
async fn what_is_withdrawn_in_the_same_call_is_not_sent() {
    let mut bench = Bench::new().await;
    let effects = bench.hear("withdraw").await.expect("ok").effects;
    assert_eq!(effects.sends.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(), ["before"]);
    assert_eq!(effects.cancels, ["msg_of_another_event"]);
    assert_eq!(effects.timers, [TimerWrite { name: "soon".into(), set: None }]);
}

#[tokio::test]
async fn history_and_contact_are_bounded_reads() {
    let mut bench = Bench::new().await;
    let past = PastMessage { inbound: true, text: "hi".into(), ..PastMessage::default() };
    bench.world.past = vec![past; 80];
    bench.world.contact =
        Contact { consent: "granted".into(), time_zone: Some("America/Chicago".into()), ..Contact::default() };
    let expected = format!("50 Direction::Inbound hi {CONTACT} granted America/Chicago");
    assert_eq!(replies(&bench.hear("history").await), ["before", &expected]);
}

#[tokio::test]
async fn a_slow_store_meets_the_wall_limit() {
    let mut bench = Bench::new().await;
    bench.world.slow = Some(Duration::from_secs(60));
    let mut invocation = bench.world.invocation(message("history"));
    invocation.limits.wall = Duration::from_millis(30);
    let failure = bench.host.invoke(bench.handler, &invocation, &mut bench.world).await.expect_err("a failure");
    assert_eq!(failure.kind, FailureKind::WallLimit);
    assert!(failure.message.contains("30ms") && failure.usage.wall < Duration::from_secs(10));
}

#[tokio::test]
async fn decisions_about_a_draft_arrive_and_unknown_ones_fail() {
    let mut bench = Bench::new().await;
    let mut decide = async |text: &'static str| bench.world.call(bench.host, bench.handler, draft(text)).await;
    let dropped = decide("drop").await.expect("a decision").answer;
    assert_eq!(dropped, Answer::Draft(DraftDecision::Drop("on request".into())));
    let changed = decide("change all").await.expect("a decision").answer;
    let media = Media { url: "https://example.com/a.png".into(), content_type: "image/png".into(), size_bytes: 7 };
    let changes = DraftChanges {
        text: Some("second".into()),
        media: Some(vec![media]),
        sender: Some("+15559990000".into()),
        route: Some("backup".into()),
        not_before: Some(42),
    };
    assert_eq!(changed, Answer::Draft(DraftDecision::Change(Box::new(changes))));
    for (text, name) in [("unknown decision", "postpone"), ("unknown change", "font")] {
        let failure = decide(text).await.expect_err("a failure");
        assert_eq!(failure.kind, FailureKind::Contract);
        assert!(failure.message.contains(name), "{}", failure.message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_run_on_several_threads_without_seeing_each_other() {
    let (host, handler) = shared("misbehaving").await;
    // Fewer at once than there are slots: who calls the host sees to that.
    let at_once = Arc::new(Semaphore::new(16));
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let at_once = Arc::clone(&at_once);
            tokio::spawn(async move {
                let _permit = at_once.acquire().await;
                let text = if n % 10 == 0 { "panic" } else { "own writes" };
                (n, World::default().hear(host, handler, text).await)
            })
        })
        .collect();
    for task in tasks {
        let (n, outcome) = task.await.expect("no panic of the host");
        if n % 10 == 0 {
            assert_eq!(outcome.expect_err("a failure").kind, FailureKind::Trap);
        } else {
            assert_eq!(replies(&outcome), ["before", "8 list/b None"]);
        }
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_half_way_gives_its_slot_back() {
    let host = Host::new(Config { instances: 1, ..Config::default() }).expect("a host");
    let handler = guest(&host, "misbehaving").await;
    let mut waiting = World { slow: Some(Duration::from_secs(3_600)), ..World::default() };
    let call = waiting.hear(&host, &handler, "history");
    assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
    assert_eq!(replies(&World::default().hear(&host, &handler, "be good").await), ["before"]);
}

#[tokio::test]
async fn many_events_at_once_share_the_pool_and_one_too_many_is_told_to_come_again() {
    let host = Host::new(Config { instances: 2, ..Config::default() }).expect("a host");
    let handler = guest(&host, "misbehaving").await;
    let slow = Some(Duration::from_millis(200));
    let mut worlds: Vec<World> = (0..3).map(|_| World { slow, ..World::default() }).collect();
    let [a, b, c] = worlds.as_mut_slice() else { panic!("three worlds") };
    let (a, b, c) = tokio::join!(
        a.hear(&host, &handler, "history"),
        b.hear(&host, &handler, "history"),
        c.hear(&host, &handler, "history")
    );
    assert!(a.is_ok() && b.is_ok());
    let failure = c.expect_err("no slot");
    assert_eq!(failure.kind, FailureKind::Unavailable, "{failure:?}");
    assert!(World::default().hear(&host, &handler, "be good").await.is_ok());
}
