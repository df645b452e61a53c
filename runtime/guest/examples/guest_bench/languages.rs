//! Every language's example, and what threads and many tenants make of an event.

use crate::floor::Floor;
use crate::{Effort, Times, component, draft, fresh, invocation, measure, message, settings};
use serde_json::json;
use signalbox_guest::{Config, Handler, Host, Kind, Names};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// The most that a small handler of a compiled language may take of what bare wasmtime takes.
const MOST_OF_FLOOR: f64 = 1.5;

/// What a language is measured by, and the most that a fresh instance may take on an idle machine, in microseconds.
struct Example {
    lang: &'static str,
    name: &'static str,
    most_us: Option<f64>,
    effort: Effort,
}

const QUICK: Effort = Effort { warm_up: 2_000, rounds: 20, calls: 1_000 };
const SLOW: Effort = Effort { warm_up: 100, rounds: 10, calls: 60 };

const EXAMPLES: &[Example] = &[
    Example { lang: "c", name: "otp", most_us: Some(12.0), effort: QUICK },
    Example { lang: "rust", name: "echo-support", most_us: Some(12.0), effort: QUICK },
    Example { lang: "typescript", name: "campaign", most_us: Some(150.0), effort: SLOW },
    Example { lang: "javascript", name: "llm-assistant", most_us: Some(150.0), effort: SLOW },
    Example { lang: "go", name: "echo", most_us: None, effort: SLOW },
    Example { lang: "python", name: "support-triage", most_us: Some(1_200.0), effort: SLOW },
];

/// Measures all.
pub fn run(runtime: &Runtime) {
    for example in EXAMPLES {
        runtime.block_on(one(example));
    }
    threads();
    runtime.block_on(tenants());
}

async fn one(example: &Example) {
    let Example { lang, name, most_us, effort } = *example;
    let (bytes, settings) = (component(name), settings(name));
    let host = Host::new(Config::default()).expect("a host");
    let before = rss_mb();
    let handler = host.compile(bytes.clone()).await.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    let event = if handler.handles(Kind::Message) { message() } else { draft() };
    let kind = event.kind();
    for _ in 0..100 {
        fresh(&host, &handler, &invocation(event, &settings)).await;
    }
    let grown = rss_mb() - before;
    let floor = Floor::new(&host, &bytes, settings.clone()).expect("a floor");
    let floor = floor.call(&event).await.is_ok().then_some(floor);
    let Times { p50, p99, floor_p50 } =
        measure(&host, &handler, floor.as_ref(), &invocation(event, &settings), effort).await;
    let of_floor =
        floor_p50.map_or("bare wasmtime can't run it".to_owned(), |f| format!("{:.2} of the floor", p50 / f));
    let most = most_us.map(|most| format!("<= {most}")).unwrap_or_default();
    let show = |what: &str, value: f64, unit: &str, expected: &str, note: &str| {
        show(&format!("guest_{what}"), lang, value, unit, expected, &format!("{name}: {note}"));
    };
    show(
        "fresh_p50_us",
        p50,
        "us",
        &most,
        &format!("{kind:?} on a fresh instance, limits and staging; {of_floor}; the bound is of an idle machine"),
    );
    show("fresh_p99_us", p99, "us", "", "the same");
    if let Some(floor_p50) = floor_p50 {
        show("floor_p50_us", floor_p50, "us", "", "bare wasmtime, same component and settings, in turns");
        // Interpreters are held to their time alone; the floor knows how fast this machine is just now.
        let most = if most_us.is_some_and(|most| most < 100.0) { format!("<= {MOST_OF_FLOOR}") } else { String::new() };
        show("fresh_floor_ratio", p50 / floor_p50, "x", &most, "fresh_p50 over floor_p50, measured in turns");
    }
    let info = handler.info();
    show("compile_s", info.compile_time.as_secs_f64(), "s", "", "once, at upload");
    show(
        "native_mb",
        info.native_bytes as f64 / 1e6,
        "MB",
        "",
        &format!("from {:.2} MB", info.size_bytes as f64 / 1e6),
    );
    show("rss_mb", grown.max(0.0), "MB", "", "what compiling it and 100 events add to the process");
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

/// A handler each for many tenants, one event each in turn: no slot is warm for the next.
async fn tenants() {
    const TENANTS: usize = 500;
    let host = Host::new(Config::default()).expect("a host");
    let bytes = component("draft-stamp");
    let mut handlers = Vec::with_capacity(TENANTS);
    for _ in 0..TENANTS {
        handlers.push(host.compile(bytes.clone()).await.expect("a handler"));
    }
    let mut times = Vec::new();
    for round in 0..12 {
        for handler in &handlers {
            let took = fresh(&host, handler, &invocation(draft(), &Names::default())).await;
            // The first rounds fill the slots.
            if round >= 2 {
                times.push(took);
            }
        }
    }
    let p50 = crate::percentile(&mut times, 50);
    show(
        "guest_500_tenants_p50_us",
        "rust",
        p50,
        "us",
        "<= 25",
        "draft-stamp: 500 handlers in turn, a fresh instance each",
    );
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
