//! A host, a handler, and surroundings that remember.

#![allow(dead_code, reason = "each test file uses a part")]

use futures_util::FutureExt;
use signalbox_guest::*;
use std::collections::{BTreeMap, HashMap};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

pub const NUMBER: &str = "+15550001111";
pub const CONTACT: &str = "+15552223333";
/// 2026-01-01T12:00:00Z
pub const NOW: u64 = 1_767_268_800_000_000;

pub fn host() -> Host {
    Host::new(Config { instances: 16, ..Config::default() }).expect("a host")
}

/// The bytes of a guest from `guest-examples/`.
pub fn guest_bytes(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/guests/{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}: run `cargo xtask guests`", path.display()))
}

pub async fn guest(host: &Host, name: &str) -> Arc<Handler> {
    host.compile(guest_bytes(name)).await.unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
}

/// A host and a handler for all tests of a file: compiling is most of what a test would cost.
pub async fn shared(name: &'static str) -> &'static (Host, Arc<Handler>) {
    static SHARED: OnceCell<(Host, Arc<Handler>)> = OnceCell::const_new();
    SHARED
        .get_or_init(|| async {
            let host = Host::new(Config { instances: 64, ..Config::default() }).expect("a host");
            let handler = guest(&host, name).await;
            (host, handler)
        })
        .await
}

/// The defaults, but time enough for a machine that is busy with other tests.
pub fn patient() -> Limits {
    Limits { cpu: Duration::from_secs(10), wall: Duration::from_secs(60), ..Limits::default() }
}

/// What the engine would keep between events.
pub struct World {
    pub limits: Limits,
    pub state: BTreeMap<(Scope, String), Vec<u8>>,
    pub timers: HashMap<String, TimerSet>,
    pub past: Vec<PastMessage>,
    pub contact: Contact,
    pub settings: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, String>,
    /// What servers answer.
    pub answer: HttpResult,
    /// What was sent to them.
    pub sent: Vec<HttpRequest>,
    /// How often it was asked.
    pub reads: usize,
    /// Set to have every read fail.
    pub broken: bool,
    /// Set to have every read take this long.
    pub slow: Option<Duration>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            limits: patient(),
            state: BTreeMap::new(),
            timers: HashMap::new(),
            past: Vec::new(),
            contact: Contact::default(),
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            answer: Ok(HttpAnswer::default()),
            sent: Vec::new(),
            reads: 0,
            broken: false,
            slow: None,
        }
    }
}

impl World {
    pub fn invocation<'a>(&self, event: Event<'a>) -> Invocation<'a> {
        Invocation {
            event,
            event_id: "evt_test",
            attempt: 1,
            now: NOW,
            seed: [7; 32],
            limits: self.limits,
            settings: Arc::new(self.settings.clone()),
            secrets: Arc::new(self.secrets.clone()),
            ids: Arc::new(DerivedIds),
        }
    }

    /// Calls a handler, and keeps what it asked for as the engine would. The call must do the same when it is replayed.
    pub async fn call(&mut self, host: &Host, handler: &Handler, event: Event<'_>) -> Outcome {
        let invocation = self.invocation(event);
        let (outcome, recording) = host.record(handler, &invocation, self).await;
        if let Some(recording) = recording {
            replayed(host, handler, &recording).await;
        }
        if let Ok(completed) = &outcome {
            self.commit(&completed.effects);
        }
        outcome
    }

    pub async fn hear(&mut self, host: &Host, handler: &Handler, text: &str) -> Outcome {
        self.call(host, handler, message(text)).await
    }

    fn commit(&mut self, effects: &Effects) {
        for write in &effects.state {
            let key = (write.scope, write.key.clone());
            match &write.value {
                Some(value) => drop(self.state.insert(key, value.clone())),
                None => drop(self.state.remove(&key)),
            }
        }
        for timer in &effects.timers {
            match &timer.set {
                Some(set) => drop(self.timers.insert(timer.name.clone(), set.clone())),
                None => drop(self.timers.remove(&timer.name)),
            }
        }
    }

    async fn read<T>(&mut self, value: impl FnOnce(&Self) -> T) -> Result<T, Unavailable> {
        self.reads += 1;
        if let Some(slow) = self.slow {
            tokio::time::sleep(slow).await;
        }
        if self.broken { Err(Unavailable("the store is away".into())) } else { Ok(value(self)) }
    }
}

impl Surroundings for World {
    fn state_get<'a>(&'a mut self, scope: Scope, key: &'a str) -> Reading<'a, Option<Vec<u8>>> {
        self.read(move |world| world.state.get(&(scope, key.to_owned())).cloned()).boxed()
    }

    fn state_list<'a>(
        &'a mut self,
        scope: Scope,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Reading<'a, Vec<(String, Vec<u8>)>> {
        self.read(move |world| {
            let all = world.state.iter().filter(|((s, key), _)| *s == scope && key.starts_with(prefix));
            let rest = all.filter(|((_, key), _)| after.is_none_or(|after| key.as_str() > after));
            rest.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect()
        })
        .boxed()
    }

    fn recent(&mut self, limit: usize) -> Reading<'_, Vec<PastMessage>> {
        self.read(move |world| world.past.iter().take(limit).cloned().collect()).boxed()
    }

    fn contact<'a>(&'a mut self, address: &'a str) -> Reading<'a, Contact> {
        self.read(move |world| Contact { address: address.to_owned(), ..world.contact.clone() }).boxed()
    }

    fn http(&mut self, request: HttpRequest) -> Reading<'_, HttpResult> {
        self.sent.push(request);
        self.read(|world| world.answer.clone()).boxed()
    }
}

/// Replays a call, and counts it in: `cargo xtask test` says how many there were.
async fn replayed(host: &Host, handler: &Handler, recording: &Recording) {
    let replayed = host.replay(handler, recording).await;
    assert!(replayed.is_same(), "not the same again: {:#?} {:#?}", replayed.divergences, replayed.difference);
    let counts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/replayed.txt");
    let mut counts = OpenOptions::new().create(true).append(true).open(counts).expect("target can be written");
    counts.write_all(b"1 1\n").expect("target can be written");
}

pub fn message(text: &str) -> Event<'_> {
    Event::Message(InboundMessage {
        id: "msg_in",
        channel: "sms",
        sender: CONTACT,
        recipient: NUMBER,
        text,
        received_at: NOW,
        ..InboundMessage::default()
    })
}

pub fn draft(text: &str) -> Event<'_> {
    Event::Draft(OutboundDraft {
        id: "msg_out",
        channel: "sms",
        origin: "api",
        category: "transactional",
        sender: NUMBER,
        recipient: CONTACT,
        text,
        accepted_at: NOW,
        ..OutboundDraft::default()
    })
}

pub fn receipt(status: &'static str, error_class: Option<&'static str>) -> Event<'static> {
    Event::Receipt(Receipt {
        message: "msg_out",
        channel: "sms",
        sender: NUMBER,
        recipient: CONTACT,
        status,
        is_final: true,
        error_class,
        changed_at: NOW,
        ..Receipt::default()
    })
}

pub fn timer<'a>(name: &'a str, set: &'a TimerSet) -> Event<'a> {
    Event::Timer(Timer {
        name,
        conversation: Conversation { number: NUMBER, contact: CONTACT },
        payload: &set.payload,
        due_at: set.at,
        attributes: &[],
    })
}

pub fn replies(outcome: &Outcome) -> Vec<&str> {
    let completed = outcome.as_ref().unwrap_or_else(|failure| panic!("{failure:?}"));
    completed.effects.sends.iter().map(|send| send.text.as_str()).collect()
}
