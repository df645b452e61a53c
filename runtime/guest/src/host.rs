//! The host: compiles uploads, and calls handlers.

use crate::call::Call;
use crate::config::Config;
use crate::effects::{Effects, Note};
use crate::event::{Conversation, Event, Timer};
use crate::failure;
use crate::ids::DerivedIds;
use crate::invocation::Invocation;
use crate::limits::Limits;
use crate::logs::mask;
use crate::outcome::{Answer, Completed, DraftDecision, Failure, FailureKind, Outcome, Usage};
use crate::run::{self, Returned};
use crate::surroundings::{Surroundings, Unavailable, drive};
use crate::ticker::Ticker;
use crate::turn::{Room, Turn, room};
use crate::upload::{Desk, Handler, Refusal, inner};
use crate::{Error, Names};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use wasmtime::{Engine, Store};

/// Compiles handlers and calls them. One per process: it owns the pool of slots and the thread that ticks.
pub struct Host {
    engine: Engine,
    desk: Desk,
    ticker: Ticker,
    overtime: Room,
    config: Config,
}

impl Host {
    /// Sets up the pool, and starts the ticks.
    pub fn new(config: Config) -> Result<Self, Error> {
        let engine = config.engine()?;
        let desk = Desk::new(engine.clone(), config.clone()).map_err(Error::Engine)?;
        let ticker = Ticker::start(engine.clone()).map_err(Error::Ticker)?;
        let overtime = room(config.overtime_at_once);
        Ok(Self { engine, desk, ticker, overtime, config })
    }

    /// Makes a handler of uploaded bytes, or says why not: scans them, compiles them or takes what was compiled before,
    /// and makes an instance, so that what can't be started is found here rather than at the first event.
    ///
    /// A compilation that goes over its time is given up. In a process of its own it is killed; in this process
    /// ([`Compiler`](crate::Compiler)) its thread still runs to the end, and until then counts among those at once.
    pub async fn compile(&self, bytes: impl Into<Arc<[u8]>>) -> Result<Arc<Handler>, Refusal> {
        let mut handler = self.desk.handler(bytes.into()).await?;
        handler.room = room(self.config.computing_at_once);
        self.try_to_start(&handler).await?;
        Ok(Arc::new(handler))
    }

    /// Calls a handler with an event. Needs a tokio runtime with time.
    ///
    /// Each call gets a fresh instance, so nothing is left of the events before it. Dropping the future ends the
    /// call, with no effect.
    pub async fn invoke(
        &self,
        handler: &Handler,
        invocation: &Invocation<'_>,
        surroundings: &mut dyn Surroundings,
    ) -> Outcome {
        let turn = Turn::new(&handler.room, &self.overtime);
        // Before it holds anything, and before its time runs.
        turn.begin().await;
        let began = Instant::now();
        let _running = self.ticker.running();
        let limits = self.granted(&invocation.limits);
        let mut store = self.store(invocation, &limits, turn.clone());
        let desk = store.data().desk.clone();
        let contact = invocation.event.conversation().contact;
        let mut busy = Duration::ZERO;
        let call = run::run(&mut store, handler, invocation);
        let ended = timeout(limits.wall, drive(call, &desk, contact, surroundings, &turn, &mut busy)).await;
        turn.end();
        let call = store.into_data();
        let usage = Usage {
            cpu: busy,
            wall: began.elapsed(),
            peak_memory_bytes: call.meter.memory(),
            host_calls: call.host_calls,
        };
        let ended = match ended {
            Ok(Ok(Ok(returned))) => returned,
            Ok(Ok(Err(error))) => Err(failure::explain(&error, &call, invocation.event.kind(), &limits)),
            Ok(Err(Unavailable(why))) => Err((FailureKind::Unavailable, format!("the host could not read: {why}"))),
            Err(_elapsed) => Err(failure::over_wall_limit(&limits)),
        };
        conclude(call, ended, usage)
    }

    /// No more than the pool's slots have room for.
    fn granted(&self, limits: &Limits) -> Limits {
        Limits {
            memory_bytes: limits.memory_bytes.min(self.config.max_memory_bytes),
            table_elements: limits.table_elements.min(self.config.max_table_elements),
            ..*limits
        }
    }

    fn store(&self, invocation: &Invocation<'_>, limits: &Limits, turn: Turn) -> Store<Call> {
        let mut store = Store::new(&self.engine, Call::new(invocation, limits, turn));
        store.limiter(|call| &mut call.meter);
        store.set_hostcall_fuel(limits.host_call_bytes);
        store.set_max_component_handles(limits.handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut cx| cx.data_mut().tick());
        store
    }

    async fn try_to_start(&self, handler: &Handler) -> Result<(), Refusal> {
        let _running = self.ticker.running();
        let invocation = trial();
        let limits = self.granted(&invocation.limits);
        let mut store = self.store(&invocation, &limits, Turn::new(&handler.room, &self.overtime));
        let instance = timeout(limits.wall, handler.pre.instantiate_async(&mut store)).await;
        let instance = instance.map_err(|_| Refusal::FailsToStart { reason: failure::over_wall_limit(&limits).1 })?;
        match instance {
            Ok(instance) => run::check_exports(&mut store, handler, &instance)
                .map_err(|e| Refusal::WrongShape { reason: inner(&e) }),
            Err(error) => {
                let (kind, reason) = failure::explain(&error, store.data(), invocation.event.kind(), &limits);
                match kind {
                    FailureKind::Unavailable => Err(Refusal::Unavailable { reason }),
                    _ => Err(Refusal::FailsToStart { reason }),
                }
            }
        }
    }
}

/// An invocation for starting an instance that is never called.
fn trial() -> Invocation<'static> {
    let conversation = Conversation { number: "", contact: "" };
    let timer = Timer { name: "", conversation, payload: &[], due_at: 0, attributes: &[] };
    Invocation {
        event: Event::Timer(timer),
        event_id: "",
        attempt: 1,
        now: 0,
        seed: [0; 32],
        limits: Limits::default(),
        settings: Names::default(),
        secrets: Names::default(),
        ids: Arc::new(DerivedIds),
    }
}

fn conclude(call: Call, ended: Returned, usage: Usage) -> Outcome {
    let Call { log, staging, secrets, .. } = call;
    let secrets = || secrets.values().map(String::as_str);
    let logs = log.finish(secrets());
    match ended {
        Ok(mut answer) => {
            let mut effects = staging.into_effects();
            mask_record(&mut answer, &mut effects, secrets);
            Ok(Completed { answer, effects, logs, usage })
        }
        Err((kind, mut message)) => {
            mask(&mut message, secrets());
            Err(Box::new(Failure { kind, message, logs, usage }))
        }
    }
}

/// Masks secrets in what goes onto the record as words: notes, and the reason for dropping a draft.
fn mask_record<'a, I: Iterator<Item = &'a str>>(answer: &mut Answer, effects: &mut Effects, secrets: impl Fn() -> I) {
    if let Answer::Draft(DraftDecision::Drop(reason)) = answer {
        mask(reason, secrets());
    }
    for note in &mut effects.notes {
        match note {
            Note::Label(text) | Note::Text(_, text) => mask(text, secrets()),
            Note::Number(..) => {}
        }
    }
}
