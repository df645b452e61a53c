//! The real path, on a store in memory, for one conversation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use signalbox_carriers::{Answer, Brought, InboundPart, Incoming, Verdict};
use signalbox_engine::{
    Caller, Config, ConsentChange, ConsentSaid, Contact, Handle, LogLine, Parts, RunFilter, Service,
};
use signalbox_guest::Recording;
use signalbox_guest::replay::Replayed;
use signalbox_model::directory::{InDoubtPlan, NumberPlan, RecordingMode, RecordingPlan, StopReach, Tenant};
use signalbox_model::{Chance, Conversation, KeyId, Partition, Receipt, ReceiptState, TenantId};
use signalbox_policy::Policies;
use signalbox_records::{Query, Record};
use signalbox_registry::{Level, Program, Reach};
use signalbox_store::memory::{self, MemoryStore};
use signalbox_store::{Range, Store, Table};
use signalbox_text::DefaultAlphabet;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::calls::Calls;
use crate::clock::VirtualClock;
use crate::error::Error;
use crate::idle::Idle;
use crate::outcome::Replays;
use crate::phone::{Line, Phones};
use crate::script::{Consent, Conversation as Script, Setup};
use crate::stage::Stage;

/// Whose conversation it is.
const TENANT: &str = "rehearsal";
/// A few: what crosses from one to another takes the same way as with many.
const PARTITIONS: u16 = 4;
/// Chance is the same in each run.
const SEED: u64 = 7;
/// Things that may fall due in one step: a handler that sets a timer for the next moment again and again would never end.
pub(crate) const MOST_DUE: usize = 100_000;

/// Every run of the handler, for as long as any conversation goes.
const EVERY_RUN: RecordingPlan =
    RecordingPlan { mode: RecordingMode::All, keep: Duration::from_secs(100 * 365 * 86_400), max: 1_000_000 };
/// Recorded runs that are looked at in one go.
const RUNS_PAGE: usize = 100;

/// How the runs of a conversation did when they were run again.
#[derive(Default)]
pub(crate) struct Again {
    pub(crate) replays: Replays,
    /// What one of them did otherwise.
    pub(crate) difference: Option<String>,
}

impl Again {
    fn note(&mut self, replayed: &Replayed) {
        self.replays.runs += 1;
        self.replays.same += usize::from(replayed.is_same());
        if !replayed.is_same() && self.difference.is_none() {
            let asked = replayed.divergences.iter().map(ToString::to_string);
            self.difference = Some(asked.chain(replayed.difference.iter().cloned()).collect::<Vec<_>>().join("; "));
        }
    }
}

/// A running house.
pub(crate) struct House {
    pub(crate) handle: Handle,
    pub(crate) caller: Caller,
    pub(crate) conversation: Conversation,
    pub(crate) clock: VirtualClock,
    pub(crate) phones: Phones,
    pub(crate) calls: Calls,
    handler: String,
    store: Arc<MemoryStore>,
    intake: mpsc::Sender<Incoming>,
    carrier: Arc<str>,
    idle: Idle,
}

impl House {
    /// Everything as the setup says; the handler is bound to the number.
    pub(crate) async fn open(stage: &Stage, script: &Script, idle: &Idle) -> Result<Self, Error> {
        let setup = &script.setup;
        let store = MemoryStore::new(memory::Config { partitions: PARTITIONS, ..memory::Config::default() });
        let clock = VirtualClock::at(setup.now);
        let (phones, chance) = (Phones::default(), Chance::seeded(SEED));
        let calls = Calls::new(script.stubs.clone(), clock.clone());
        let tenant = tenant(stage, setup)?;
        let (ours, theirs) = (setup.number.clone(), setup.contact.clone());
        let conversation = Conversation { tenant: tenant.id.clone(), ours, theirs };
        let caller = Caller { tenant: tenant.id.clone(), key: KeyId::new(setup.now, Partition::DIRECTORY, &chance) };
        let (intake, incoming) = mpsc::channel(64);
        let parts = Parts {
            config: Config::default(),
            store: store.clone(),
            clock: Arc::new(clock.clone()),
            chance,
            policies: Policies::built_in().into(),
            host: stage.host.clone(),
            tenants: vec![tenant],
            carriers: setup.carriers.iter().map(|name| Line::open(name, phones.clone())).collect(),
            intake: incoming,
            outbound: Arc::new(calls.clone()),
            webhooks: Default::default(),
        };
        let service = Service::open(parts).await.map_err(Error::house)?;
        let handle = service.handle();
        let path = handle.clone();
        idle.unless(move || path.steps_running() > 0);
        // It ends with the runtime: nothing of it outlives the conversation.
        tokio::spawn(service.run(CancellationToken::new(), Duration::ZERO));
        let name = stage.manifest.name.as_str();
        let manifest = Some(stage.manifest.clone());
        let put = handle
            .put_compiled(&conversation.tenant, name, manifest, stage.component.clone(), stage.handler.clone())
            .await;
        put.map_err(Error::house)?;
        handle.bind(&conversation.tenant, &conversation.ours, name).await.map_err(Error::house)?;
        let contact = Contact { time_zone: setup.time_zone.clone(), attributes: setup.attributes.clone() };
        handle.put_contact(&conversation.tenant, &conversation.theirs, &contact).await.map_err(
            |refused| match refused {
                signalbox_engine::ContactRefused::Invalid(errors) => Error::Setup(errors[0].detail.clone()),
                signalbox_engine::ContactRefused::Path(error) => Error::house(error),
            },
        )?;
        consent(&handle, &conversation, setup, caller.key).await?;
        let carrier = setup.carriers[0].as_str().into();
        let handler = name.to_owned();
        Ok(Self {
            handle,
            caller,
            conversation,
            clock,
            phones,
            calls,
            handler,
            store,
            intake,
            carrier,
            idle: idle.clone(),
        })
    }

    /// Waits until everything is done that can be done now.
    pub(crate) async fn settle(&self) -> Result<(), Error> {
        for _ in 0..MOST_DUE {
            self.idle.wait().await;
            match self.handle.next_due() {
                Some(due) if due <= self.clock.peek() => self.clock.move_to(due),
                _ => return Ok(()),
            }
        }
        Err(Error::Endless { most: MOST_DUE })
    }

    /// Brings what a carrier brings.
    async fn bring(&self, carrier: &Arc<str>, what: Brought) -> Verdict {
        let (answer, verdict) = Answer::pair();
        let incoming = Incoming { carrier: carrier.clone(), what, answer };
        if self.intake.send(incoming).await.is_err() {
            return Verdict::Later;
        }
        verdict.await.unwrap_or(Verdict::Later)
    }

    /// The contact writes.
    pub(crate) async fn text(&self, text: &str) -> Result<(), Error> {
        let part = InboundPart {
            from: self.conversation.theirs.clone(),
            to: self.conversation.ours.clone(),
            octets: text.as_bytes().to_vec().into(),
            data_coding: 0,
            default_alphabet: DefaultAlphabet::Utf8,
            place: None,
        };
        match self.bring(&self.carrier, Brought::Part(part)).await {
            Verdict::Durable => Ok(()),
            other => Err(Error::House(format!("an inbound message wasn't taken: {other:?}"))),
        }
    }

    /// A carrier says what became of one part of a message that it took.
    pub(crate) async fn receipt(
        &self,
        carrier: &Arc<str>,
        carrier_id: &str,
        state: ReceiptState,
        code: Option<&str>,
    ) -> Result<(), Error> {
        let raw_code = code.map(str::to_owned);
        let receipt = Receipt { carrier_id: carrier_id.to_owned(), state, raw_code, carrier_time: None };
        let (ours, theirs) = (Some(self.conversation.ours.clone()), Some(self.conversation.theirs.clone()));
        match self.bring(carrier, Brought::Receipt { receipt, ours, theirs }).await {
            Verdict::Durable => Ok(()),
            other => Err(Error::House(format!("a receipt wasn't taken: {other:?}"))),
        }
    }

    /// What the handler wrote behind line `after`.
    pub(crate) fn log(&self, after: Option<u64>) -> Vec<LogLine> {
        self.handle.handler_logs(&self.conversation.tenant, &self.handler, after).unwrap_or_default()
    }

    /// The tenant's latest messages with their timelines, oldest first.
    pub(crate) async fn records(&self, most: usize) -> Result<Vec<Record>, Error> {
        let tenant = &self.conversation.tenant;
        let page = self.handle.messages(tenant, &Query::default(), None, most).await.map_err(Error::house)?;
        let mut records = Vec::new();
        for (message, _) in page.items.iter().rev() {
            records.extend(self.handle.message(tenant, message.id).await.map_err(Error::house)?);
        }
        Ok(records)
    }

    /// Runs every recorded run of the handler again.
    pub(crate) async fn run_again(&self, stage: &Stage) -> Result<Again, Error> {
        let tenant = &self.conversation.tenant;
        let (mut again, mut cursor) = (Again::default(), None);
        loop {
            let page =
                self.handle.runs(tenant, &RunFilter::default(), cursor, RUNS_PAGE).await.map_err(Error::house)?;
            for (id, _) in page.runs {
                // One that was too large to be kept can't be replayed.
                let Some(kept) = self.handle.recording(tenant, id).await.map_err(Error::house)? else { continue };
                let recording = Recording::from_bytes(&kept).map_err(Error::house)?;
                again.note(&stage.host.replay(&stage.replayed, &recording).await);
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(again),
            }
        }
    }

    /// How many events were set aside.
    pub(crate) async fn parked(&self) -> Result<usize, Error> {
        let mut parked = 0;
        for partition in (0..PARTITIONS).map(Partition::new) {
            let range = Range::prefix(Table::ParkedEvent, Vec::new(), 1_000);
            parked += self.store.range(partition, range).await.map_err(Error::house)?.len();
        }
        Ok(parked)
    }
}

fn tenant(stage: &Stage, setup: &Setup) -> Result<Tenant, Error> {
    let settings = stage
        .manifest
        .settings(&setup.settings)
        .map_err(|bad| Error::Setup(bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let plan = NumberPlan { carriers: setup.carriers.clone(), segments_per_second: 0 };
    Ok(Tenant {
        id: TENANT.parse::<TenantId>().expect("it is a tenant's name"),
        brand: "Rehearsal".to_owned(),
        help: "https://example.com/help".to_owned(),
        weight: 1,
        segments_per_second: 0,
        numbers: BTreeMap::from([(setup.number.clone(), plan)]),
        in_doubt: InDoubtPlan::default(),
        stop_reach: StopReach::default(),
        recording: EVERY_RUN,
        retention: Default::default(),
        supervision: None,
        secrets: setup.secrets.clone(),
        // All that the handler declares is granted.
        hosts: stage.manifest.hosts.iter().map(ToString::to_string).collect(),
        settings,
        // As are its limits: what an operator allows is for the operator to say.
        caps: signalbox_engine::caps_for(&stage.manifest.limits),
    })
}

/// Puts on the ledger what the contact said before the conversation begins.
async fn consent(handle: &Handle, conversation: &Conversation, setup: &Setup, key: KeyId) -> Result<(), Error> {
    let said = match setup.consent {
        Consent::None => return Ok(()),
        Consent::Granted => {
            ConsentSaid::Granted { level: Level::Express, method: "the script".to_owned(), proof: None }
        }
        Consent::OptedOut => ConsentSaid::Revoked { reach: Reach::Program },
    };
    let (program, person) = (Program::Sender(conversation.ours.clone()), conversation.theirs.clone());
    let change = ConsentChange { program, person, said, at: Some(setup.now) };
    handle.put_consent(&conversation.tenant, key, change).await.map_err(Error::house)?;
    Ok(())
}
