//! What an event costs on a fresh instance, beside bare wasmtime with the same settings and the same component.
//!
//! `cargo run --release -p signalbox-guest --example guest_bench` prints one JSON object a line. The floor makes a
//! store, instantiates, looks the export up and calls it, with imports that answer constants; what the host adds to
//! that are limits, the clock and the chance of the event, staging, logs, reads that wait, and the measuring itself.

#![allow(clippy::print_stdout, reason = "a command's output")]

use futures_util::FutureExt;
use serde_json::json;
use signalbox_guest::bindings::exports::signalbox::messaging::{draft_handler, message_handler};
use signalbox_guest::bindings::signalbox::messaging::{self as wit, types as wit_types};
use signalbox_guest::{
    Answer, Config, Contact, DerivedIds, Event, Handler, Host, InboundMessage, Invocation, Kind, Limits, Names,
    OutboundDraft, PastMessage, Reading, Scope, Surroundings,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::Store;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

const WARM_UP: usize = 5_000;
const ROUNDS: usize = 40;
const CALLS_PER_ROUND: usize = 2_500;
const NOW: u64 = 1_767_268_800_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/guests/echo-support.wasm");
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}: run `cargo xtask guests`", path.display()));
    let host = Host::new(Config::default()).expect("a host");
    let handler = host.compile(bytes.clone()).await.expect("a handler");
    let floor = Floor::new(&host, &bytes);
    for (suffix, event) in [("draft", draft()), ("message", message())] {
        measure(&host, &handler, &floor, suffix, event).await;
    }
}

async fn measure(host: &Host, handler: &Handler, floor: &Floor, suffix: &str, event: Event<'static>) {
    let (mut fresh_times, mut floor_times) = (Vec::new(), Vec::new());
    let invocation = invocation(event);
    for _ in 0..WARM_UP {
        fresh(host, handler, &invocation).await;
        floor.call(&event).await;
    }
    // In turns, so that whatever else the machine does falls on both.
    for _ in 0..ROUNDS {
        for _ in 0..CALLS_PER_ROUND {
            fresh_times.push(fresh(host, handler, &invocation).await);
        }
        for _ in 0..CALLS_PER_ROUND {
            floor_times.push(floor.call(&event).await);
        }
    }
    let (p50, p99) = (percentile(&mut fresh_times, 50), percentile(&mut fresh_times, 99));
    let floor_p50 = percentile(&mut floor_times, 50);
    let note = format!("echo-support, on-{suffix}; {:.2} of the floor", p50 / floor_p50);
    print(&format!("guest_fresh_p50_us_{suffix}"), p50, &format!("<= {:.2}", floor_p50 * 1.5), &note);
    print(&format!("guest_fresh_p99_us_{suffix}"), p99, "none", "one thread, in turns with the floor");
    print(&format!("guest_floor_p50_us_{suffix}"), floor_p50, "none", "bare wasmtime, same component and settings");
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

fn invocation(event: Event<'_>) -> Invocation<'_> {
    Invocation {
        event,
        event_id: "evt_06cq3k5v7m2h8n4p9r1t6w0x3z",
        attempt: 1,
        now: NOW,
        seed: [1; 32],
        limits: Limits::for_kind(event.kind()),
        settings: Names::default(),
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

/// A store with nothing in it, which answers at once.
struct Nothing;

impl Surroundings for Nothing {
    fn state_get<'a>(&'a mut self, _: Scope, _: &'a str) -> Reading<'a, Option<Vec<u8>>> {
        async { Ok(None) }.boxed()
    }

    fn state_list<'a>(
        &'a mut self,
        _: Scope,
        _: &'a str,
        _: Option<&'a str>,
        _: usize,
    ) -> Reading<'a, Vec<(String, Vec<u8>)>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn recent(&mut self, _: usize) -> Reading<'_, Vec<PastMessage>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn contact<'a>(&'a mut self, _: &'a str) -> Reading<'a, Contact> {
        async { Ok(Contact::default()) }.boxed()
    }
}

/// Bare wasmtime.
struct Floor {
    engine: wasmtime::Engine,
    pre: InstancePre<Bare>,
    message: message_handler::GuestIndices,
    draft: draft_handler::GuestIndices,
}

impl Floor {
    fn new(host: &Host, bytes: &[u8]) -> Self {
        let engine = host.engine().clone();
        let component = Component::from_binary(&engine, bytes).expect("a component");
        let mut linker = Linker::<Bare>::new(&engine);
        wit::state::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare).expect("linked");
        wit::outbox::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare).expect("linked");
        wit::notes::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare).expect("linked");
        wit::timers::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare).expect("linked");
        linker.define_unknown_imports_as_traps(&component).expect("stubs");
        let pre = linker.instantiate_pre(&component).expect("linked");
        let message = message_handler::GuestIndices::new(&pre).expect("exported");
        let draft = draft_handler::GuestIndices::new(&pre).expect("exported");
        Self { engine, pre, message, draft }
    }

    async fn call(&self, event: &Event<'_>) -> Duration {
        let began = Instant::now();
        let mut store = Store::new(&self.engine, Bare);
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.pre.instantiate_async(&mut store).await.expect("an instance");
        match event {
            Event::Message(m) => self.on_message(&mut store, &instance, m).await,
            Event::Draft(d) => self.on_draft(&mut store, &instance, d).await,
            Event::Receipt(_) | Event::Timer(_) => unreachable!("not measured"),
        }
        drop(store);
        began.elapsed()
    }

    async fn on_message(
        &self,
        store: &mut Store<Bare>,
        instance: &wasmtime::component::Instance,
        m: &InboundMessage<'_>,
    ) {
        let guest = self.message.load(&mut *store, instance).expect("its type");
        let message = wit_types::InboundMessage {
            event_id: "evt_06cq3k5v7m2h8n4p9r1t6w0x3z",
            attempt: 1,
            id: m.id,
            channel: m.channel,
            sender: m.sender,
            recipient: m.recipient,
            text: m.text,
            media: &[],
            received_at: m.received_at,
            attributes: &[],
        };
        guest.call_on_message(store, message).await.expect("no trap").expect("ok");
    }

    async fn on_draft(&self, store: &mut Store<Bare>, instance: &wasmtime::component::Instance, d: &OutboundDraft<'_>) {
        let guest = self.draft.load(&mut *store, instance).expect("its type");
        let draft = wit_types::OutboundDraft {
            event_id: "evt_06cq3k5v7m2h8n4p9r1t6w0x3z",
            attempt: 1,
            id: d.id,
            channel: d.channel,
            origin: d.origin,
            category: d.category,
            sender: d.sender,
            recipient: d.recipient,
            text: d.text,
            media: &[],
            accepted_at: d.accepted_at,
            attributes: &[],
        };
        guest.call_on_draft(store, draft).await.expect("no trap").expect("ok");
    }
}

/// Imports that answer constants.
struct Bare;

type Answered<T> = wasmtime::Result<Result<T, wit_types::CallError>>;

impl wit_types::Host for Bare {}

impl wit::state::Host for Bare {
    async fn get(&mut self, _: wit::state::Scope, _: String) -> Answered<Option<Vec<u8>>> {
        Ok(Ok(None))
    }
    fn set(&mut self, _: wit::state::Scope, _: String, _: Vec<u8>, _: Option<u64>) -> Answered<()> {
        Ok(Ok(()))
    }
    fn delete(&mut self, _: wit::state::Scope, _: String) -> Answered<()> {
        Ok(Ok(()))
    }
    async fn list(
        &mut self,
        _: wit::state::Scope,
        _: String,
        _: Option<String>,
        _: u32,
    ) -> Answered<Vec<wit::state::Entry>> {
        Ok(Ok(Vec::new()))
    }
    async fn increment(&mut self, _: wit::state::Scope, _: String, by: i64, _: Option<u64>) -> Answered<i64> {
        Ok(Ok(by))
    }
}

impl wit::outbox::Host for Bare {
    fn reply(&mut self, _: String) -> Answered<String> {
        Ok(Ok("msg_06cq3k5v7m2h8n4p9r1t6w0x3z".to_owned()))
    }
    fn reply_with_media(&mut self, _: String, _: Vec<wit_types::MediaResult>) -> Answered<String> {
        Ok(Ok("msg_06cq3k5v7m2h8n4p9r1t6w0x3z".to_owned()))
    }
    fn send(&mut self, _: wit::outbox::OutgoingMessage) -> Answered<String> {
        Ok(Ok("msg_06cq3k5v7m2h8n4p9r1t6w0x3z".to_owned()))
    }
    fn cancel(&mut self, _: String) -> Answered<()> {
        Ok(Ok(()))
    }
}

impl wit::notes::Host for Bare {
    fn label(&mut self, _: String) -> Answered<()> {
        Ok(Ok(()))
    }
    fn number(&mut self, _: String, _: f64) -> Answered<()> {
        Ok(Ok(()))
    }
    fn text(&mut self, _: String, _: String) -> Answered<()> {
        Ok(Ok(()))
    }
}

impl wit::timers::Host for Bare {
    fn set_at(&mut self, _: String, _: u64, _: Vec<u8>) -> Answered<()> {
        Ok(Ok(()))
    }
    fn set_after(&mut self, _: String, _: u64, _: Vec<u8>) -> Answered<()> {
        Ok(Ok(()))
    }
    async fn set_local(
        &mut self,
        _: String,
        _: wit_types::LocalDay,
        _: u8,
        _: u8,
        _: Option<String>,
        _: Vec<u8>,
    ) -> Answered<u64> {
        Ok(Ok(0))
    }
    fn cancel(&mut self, _: String) -> Answered<()> {
        Ok(Ok(()))
    }
}
