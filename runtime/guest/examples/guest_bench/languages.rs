//! What an event costs in each language, and what threads and many tenants make of it.
//!
//! A language is measured by the handler that `signalbox new` writes in it: a count is read and written, and one message
//! goes back. Examples stand beside them under names of their own, for they do much besides.

use crate::floor::Floor;
use crate::{Effort, Times, component, draft, fresh, invocation, measure, message, settings};
use serde_json::json;
use signalbox_guest::{Cache, Config, Handler, HandlerInfo, Host, Kind, Names};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// A new project, and the most that it may take on a fresh instance.
struct Starter {
    lang: &'static str,
    name: &'static str,
    /// Microseconds, on an idle machine.
    most_us: Option<f64>,
    /// Of what bare wasmtime takes. Interpreters are held to their time alone.
    most_of_floor: Option<f64>,
    effort: Effort,
}

/// A larger handler.
struct Example {
    lang: &'static str,
    name: &'static str,
    effort: Effort,
}

const QUICK: Effort = Effort { warm_up: 2_000, rounds: 20, calls: 1_000 };
const SLOW: Effort = Effort { warm_up: 100, rounds: 10, calls: 60 };

const STARTERS: &[Starter] = &[
    compiled("c", "starter-c"),
    compiled("rust", "starter-rust"),
    with_a_runtime("typescript", "starter-ts", Some(150.0)),
    with_a_runtime("javascript", "starter-js", Some(150.0)),
    with_a_runtime("go", "starter-go", None),
    with_a_runtime("python", "starter-python", Some(1_200.0)),
];

const EXAMPLES: &[Example] = &[
    Example { lang: "c", name: "otp", effort: QUICK },
    Example { lang: "rust", name: "echo-support", effort: QUICK },
    Example { lang: "typescript", name: "campaign", effort: SLOW },
    Example { lang: "javascript", name: "llm-assistant", effort: SLOW },
    Example { lang: "go", name: "echo", effort: SLOW },
    Example { lang: "python", name: "support-triage", effort: SLOW },
];

const fn compiled(lang: &'static str, name: &'static str) -> Starter {
    Starter { lang, name, most_us: Some(12.0), most_of_floor: Some(1.5), effort: QUICK }
}

const fn with_a_runtime(lang: &'static str, name: &'static str, most_us: Option<f64>) -> Starter {
    Starter { lang, name, most_us, most_of_floor: None, effort: SLOW }
}

/// Measures all.
pub fn run(runtime: &Runtime) {
    for starter in STARTERS {
        runtime.block_on(small(starter));
    }
    for example in EXAMPLES {
        runtime.block_on(larger(example));
    }
    threads();
    run_tenants(runtime);
}

/// Measures many tenants alone.
pub fn run_tenants(runtime: &Runtime) {
    for (lang, name) in [("c", "starter-c"), ("rust", "starter-rust")] {
        runtime.block_on(tenants(lang, name));
    }
}

async fn small(starter: &Starter) {
    let Starter { lang, name, most_us, most_of_floor, effort } = *starter;
    let Measured { kind, times, info, grown_mb } = measured(name, effort).await;
    let show = |what: &str, value: f64, unit: &str, expected: &str, note: &str| {
        show(&format!("guest_{what}"), lang, value, unit, expected, &format!("{name}: {note}"));
    };
    let of_floor = of_floor(&times);
    show(
        "fresh_p50_us",
        times.p50,
        "us",
        &at_most(most_us),
        &format!("{kind:?} on a fresh instance, limits and staging; {of_floor}; the bound is of an idle machine"),
    );
    show("fresh_p99_us", times.p99, "us", "", "the same");
    if let Some(floor_p50) = times.floor_p50 {
        show("floor_p50_us", floor_p50, "us", "", "bare wasmtime, same component and settings, in turns");
        // The floor knows how fast this machine is just now.
        let (ratio, most) = (times.p50 / floor_p50, at_most(most_of_floor));
        show("fresh_floor_ratio", ratio, "x", &most, "fresh_p50 over floor_p50, measured in turns");
    }
    show("compile_s", info.compile_time.as_secs_f64(), "s", "", "once, at upload");
    let from = format!("from {:.2} MB", info.size_bytes as f64 / 1e6);
    show("native_mb", info.native_bytes as f64 / 1e6, "MB", "", &from);
    show("rss_mb", grown_mb, "MB", "", "what compiling it and 100 events add to the process");
}

async fn larger(example: &Example) {
    let Example { lang, name, effort } = *example;
    let Measured { kind, times, .. } = measured(name, effort).await;
    let show = |what: &str, value: f64, unit: &str, note: &str| {
        show(&format!("example_{what}"), lang, value, unit, "", &format!("{name}: {note}"));
    };
    show("fresh_p50_us", times.p50, "us", &format!("{kind:?} on a fresh instance; {}", of_floor(&times)));
    if let Some(floor_p50) = times.floor_p50 {
        show("floor_p50_us", floor_p50, "us", "bare wasmtime, same component and settings, in turns");
        show("fresh_floor_ratio", times.p50 / floor_p50, "x", "fresh_p50 over floor_p50, measured in turns");
    }
}

/// What was seen of a handler.
struct Measured {
    kind: Kind,
    times: Times,
    info: HandlerInfo,
    grown_mb: f64,
}

async fn measured(name: &str, effort: Effort) -> Measured {
    let (bytes, settings) = (component(name), settings(name));
    let host = Host::new(Config::default()).expect("a host");
    let before = rss_mb();
    let handler = host.compile(bytes).await.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    let event = if handler.handles(Kind::Message) { message() } else { draft() };
    for _ in 0..100 {
        fresh(&host, &handler, &invocation(event, &settings)).await;
    }
    let grown_mb = (rss_mb() - before).max(0.0);
    let floor = Floor::new(&handler, settings.clone()).expect("a floor");
    let floor = floor.call(&event).await.is_ok().then_some(floor);
    let times = measure(&host, &handler, floor.as_ref(), &invocation(event, &settings), effort).await;
    Measured { kind: event.kind(), times, info: handler.info().clone(), grown_mb }
}

fn of_floor(times: &Times) -> String {
    let shown = times.floor_p50.map(|floor_p50| format!("{:.2} of the floor", times.p50 / floor_p50));
    shown.unwrap_or_else(|| "bare wasmtime can't run it".to_owned())
}

fn at_most(bound: Option<f64>) -> String {
    bound.map(|most| format!("<= {most}")).unwrap_or_default()
}

/// The same handler on one thread and on two.
fn threads() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let host = Arc::new(Host::new(Config::default()).expect("a host"));
    let handler = runtime.block_on(host.compile(component("echo-support"))).expect("a handler");
    let mut ratios = Vec::new();
    let mut last = (0.0, 0.0);
    for _ in 0..5 {
        let one = rate(&runtime, &host, &handler, 1);
        let two = rate(&runtime, &host, &handler, 2);
        ratios.push(two / one);
        last = (one, two);
    }
    ratios.sort_by(f64::total_cmp);
    let note = format!("events/s on two threads over one, median of 5; last {:.0} and {:.0}", last.0, last.1);
    show("guest_two_threads_ratio", "rust", ratios[2], "x", ">= 1.7", &note);
}

fn rate(runtime: &Runtime, host: &Arc<Host>, handler: &Arc<Handler>, threads: usize) -> f64 {
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let tasks: Vec<_> = (0..threads)
        .map(|_| {
            let (host, handler, stop, count) = (host.clone(), handler.clone(), stop.clone(), count.clone());
            runtime.spawn(async move {
                let invocation = invocation(message(), &Names::default());
                while !stop.load(Ordering::Relaxed) {
                    fresh(&host, &handler, &invocation).await;
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(700));
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(async {
        for task in tasks {
            task.await.expect("no panic");
        }
    });
    count.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

/// A handler each for many tenants, one event each in turn: what one of them needs is in no cache any more when its turn
/// comes again. Bare wasmtime runs the same components between the rounds: what it takes is the cold memory of that many.
async fn tenants(lang: &str, name: &str) {
    const TENANTS: usize = 500;
    const ROUNDS: usize = 12;
    let settings = settings(name);
    let (host, handlers) = loaded(component(name), TENANTS).await;
    let floor = |handler: &Arc<Handler>| Floor::new(handler, settings.clone()).expect("a floor");
    let floors: Vec<_> = handlers.iter().map(floor).collect();
    let (mut times, mut floor_times) = (Vec::new(), Vec::new());
    let invocation = invocation(message(), &settings);
    for round in 0..ROUNDS {
        // The first rounds fill the slots.
        let counts = round >= 2;
        for handler in &handlers {
            let took = fresh(&host, handler, &invocation).await;
            times.extend(counts.then_some(took));
        }
        for floor in &floors {
            let took = floor.call(&invocation.event).await.expect("no trap");
            floor_times.extend(counts.then_some(took));
        }
    }
    let (p50, floor_p50) = (crate::percentile(&mut times, 50), crate::percentile(&mut floor_times, 50));
    let note = format!("{name}: 500 handlers in turn, a fresh instance each; {:.2} of the floor", p50 / floor_p50);
    show("guest_500_tenants_p50_us", lang, p50, "us", "<= 25", &note);
    let note = format!("{name}: the same components in bare wasmtime, in turn");
    show("guest_500_tenants_floor_us", lang, floor_p50, "us", "", &note);
}

/// A handler many times over, as a server has them after a start: loaded from what was compiled before, each with code and
/// data of its own. What a compiler leaves behind in the heap would lie between them otherwise.
async fn loaded(component: Vec<u8>, count: usize) -> (Host, Vec<Arc<Handler>>) {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::open(folder.path(), u64::MAX, || [7; 32]).expect("a cache");
    let host = Host::new(Config { cache: Some(cache), ..Config::default() }).expect("a host");
    host.compile(component.clone()).await.expect("a handler");
    let mut handlers = Vec::with_capacity(count);
    for _ in 0..count {
        let handler = host.compile(component.clone()).await.expect("a handler");
        assert!(handler.info().from_cache, "it was compiled before");
        handlers.push(handler);
    }
    let places: HashSet<_> = handlers.iter().map(|handler| handler.component().image_range().start).collect();
    assert_eq!(places.len(), count, "they share code: these are no {count} tenants");
    (host, handlers)
}

fn show(name: &str, lang: &str, value: f64, unit: &str, expected: &str, note: &str) {
    let value = (value * 1_000.0).round() / 1_000.0;
    let line = json!({ "name": name, "lang": lang, "value": value, "unit": unit, "expected": expected, "note": note });
    println!("{line}");
}

fn rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
    kb.unwrap_or(0.0) / 1_024.0
}
