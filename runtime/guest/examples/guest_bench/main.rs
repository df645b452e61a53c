//! What an event costs on a fresh instance, beside bare wasmtime with the same settings and the same component.
//!
//! `guest_bench` measures the help-desk example; `guest_bench guests` a new project and a larger example in every
//! language, and what threads and many tenants make of an event; `guest_bench tenants` the tenants alone. One JSON object a
//! line. The floor makes a store, instantiates, looks the export up and calls it, with imports that answer constants; what
//! the host adds to that are limits, the clock and the chance of the event, staging, logs, reads that wait, and the measuring
//! itself.

#![allow(clippy::print_stdout, reason = "a command's output")]

mod bare;
mod floor;
mod languages;
mod nothing;
mod runtimes;

use floor::Floor;
use nothing::Nothing;
use serde_json::json;
use signalbox_guest::{
    Answer, Config, DerivedIds, Event, Handler, Host, InboundMessage, Invocation, Kind, Limits, Manifest, Names,
    OutboundDraft,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The one that the server has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NOW: u64 = 1_767_268_800_000_000;

/// How often a call is measured: in rounds, in turns with the floor, so that whatever else the machine does falls on
/// both.
#[derive(Clone, Copy)]
struct Effort {
    warm_up: usize,
    rounds: usize,
    calls: usize,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match std::env::args().nth(1).as_deref() {
        Some("guests") => languages::run(&runtime),
        Some("tenants") => languages::run_tenants(&runtime),
        _ => runtime.block_on(help_desk()),
    }
}

async fn help_desk() {
    let (bytes, settings) = (component("echo-support"), settings("echo-support"));
    let host = Host::new(Config::default()).expect("a host");
    let handler = host.compile(bytes).await.expect("a handler");
    let floor = Floor::new(&handler, settings.clone()).expect("a floor");
    let effort = Effort { warm_up: 5_000, rounds: 40, calls: 2_500 };
    for (suffix, event) in [("draft", draft()), ("message", message())] {
        let times = measure(&host, &handler, Some(&floor), &invocation(event, &settings), effort).await;
        let floor_p50 = times.floor_p50.expect("it has a floor");
        let note = format!("echo-support, on-{suffix}; {:.2} of the floor", times.p50 / floor_p50);
        print(&format!("guest_fresh_p50_us_{suffix}"), times.p50, &format!("<= {:.2}", floor_p50 * 1.5), &note);
        print(&format!("guest_fresh_p99_us_{suffix}"), times.p99, "none", "one thread, in turns with the floor");
        print(&format!("guest_floor_p50_us_{suffix}"), floor_p50, "none", "bare wasmtime, same component and settings");
    }
}

/// A built example, or a new project's component.
fn component(name: &str) -> Vec<u8> {
    let path = root().join("target/guests").join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|e| {
        let path = path.display();
        panic!("{path}: {e}: `cargo xtask guests` makes the examples, `cargo xtask bench guests` new projects, too")
    })
}

/// What its manifest gives where a tenant says nothing.
fn settings(name: &str) -> Names {
    let languages = std::fs::read_dir(root().join("guest-examples")).expect("the examples are there").flatten();
    let folders = languages.map(|language| language.path()).chain([root().join("target/guests-build/starters")]);
    let mut manifests = folders.map(|folder| folder.join(name).join("handler.toml"));
    let text = manifests.find_map(|path| std::fs::read_to_string(path).ok()).expect("it has a manifest");
    let manifest = Manifest::parse("handler.toml", &text).expect("it is in order");
    let defaults = manifest.settings.into_iter().filter_map(|(name, setting)| Some((name, setting.default?)));
    Arc::new(defaults.collect())
}

/// The repository's folder.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Microseconds.
struct Times {
    p50: f64,
    p99: f64,
    /// None where bare wasmtime can't run it.
    floor_p50: Option<f64>,
}

async fn measure(
    host: &Host,
    handler: &Handler,
    floor: Option<&Floor>,
    invocation: &Invocation<'_>,
    effort: Effort,
) -> Times {
    let (mut fresh_times, mut floor_times) = (Vec::new(), Vec::new());
    let event = invocation.event;
    for _ in 0..effort.warm_up {
        fresh(host, handler, invocation).await;
        if let Some(floor) = floor {
            floor.call(&event).await.expect("no trap");
        }
    }
    for _ in 0..effort.rounds {
        for _ in 0..effort.calls {
            fresh_times.push(fresh(host, handler, invocation).await);
        }
        if let Some(floor) = floor {
            for _ in 0..effort.calls {
                floor_times.push(floor.call(&event).await.expect("no trap"));
            }
        }
    }
    Times {
        p50: percentile(&mut fresh_times, 50),
        p99: percentile(&mut fresh_times, 99),
        floor_p50: floor.map(|_| percentile(&mut floor_times, 50)),
    }
}

fn print(name: &str, value: f64, expected: &str, note: &str) {
    let value = (value * 100.0).round() / 100.0;
    println!("{}", json!({ "name": name, "value": value, "unit": "us", "expected": expected, "note": note }));
}

fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    times[times.len() * percent / 100].as_secs_f64() * 1e6
}

/// One event through the host, from invocation to outcome.
async fn fresh(host: &Host, handler: &Handler, invocation: &Invocation<'_>) -> Duration {
    let began = Instant::now();
    let outcome = host.invoke(handler, invocation, &mut Nothing).await;
    let took = began.elapsed();
    let completed = outcome.expect("an outcome");
    assert_eq!(matches!(completed.answer, Answer::Draft(_)), invocation.event.kind() == Kind::Draft);
    took
}

fn invocation<'a>(event: Event<'a>, settings: &Names) -> Invocation<'a> {
    Invocation {
        event,
        event_id: "evt_06cq3k5v7m2h8n4p9r1t6w0x3z",
        attempt: 1,
        now: NOW,
        seed: [1; 32],
        limits: Limits::for_kind(event.kind()),
        settings: settings.clone(),
        secrets: Names::default(),
        ids: Arc::new(DerivedIds),
    }
}

fn message() -> Event<'static> {
    Event::Message(InboundMessage {
        id: "msg_06cq3k5v7m2h8n4p9r1t6w0x3z",
        channel: "sms",
        sender: "+15552223333",
        recipient: "+15550001111",
        text: "Hello, is anybody there today?",
        received_at: NOW,
        ..InboundMessage::default()
    })
}

fn draft() -> Event<'static> {
    Event::Draft(OutboundDraft {
        id: "msg_06cq3k5v7m2h8n4p9r1t6w0x3z",
        channel: "sms",
        origin: "api",
        category: "transactional",
        sender: "+15550001111",
        recipient: "+15552223333",
        text: "Your parcel will be with you between two and four in the afternoon.",
        accepted_at: NOW,
        ..OutboundDraft::default()
    })
}
