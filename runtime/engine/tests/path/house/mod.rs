//! A house to test the path in: the in-memory store, a clock that stands still, and a carrier that does what the test
//! says. Real carriers, real sockets and real processes are in the stories.
//!
//! | module | what it holds |
//! |---|---|
//! | `carrier` | the carrier that does what the test says |
//! | `store` | a store with a defect |
//! | `built` | houses as tests want them, and what the next one starts on when one dies |
//! | `done` | what tenants, phones and carriers do |
//! | `seen` | what is on record |
//! | `waits` | waiting for what comes about |

mod built;
mod carrier;
mod done;
mod seen;
mod store;
mod waits;

use std::collections::BTreeMap;
use std::sync::Arc;

use signalbox_carriers::{InboundPart, Incoming};
use signalbox_engine::{Caller, Handle};
use signalbox_model::directory::{HandlerCaps, InDoubtPlan, NumberPlan, RecordingPlan, StopReach, Tenant};
use signalbox_model::{ManualClock, Timestamp};
use signalbox_policy::Policies;
use signalbox_store::memory::MemoryStore;
use signalbox_text::{Concatenation, DefaultAlphabet};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use carrier::{Door, Scripted};
pub use store::Trapped;

pub const OURS: &str = "+15550100001";
/// The tenant's second number.
pub const OTHER: &str = "+15550100002";
/// A long code of the tenant's in the United States.
pub const NEW_YORK: &str = "+12125550100";
/// A short code of the tenant's.
pub const SHORT: &str = "72345";
/// Another tenant's number.
pub const ELSE: &str = "+15550100009";
pub const THEIRS: &str = "+15550199001";

/// A running house.
pub struct House {
    pub handle: Handle,
    pub carrier: Arc<Scripted>,
    pub clock: ManualClock,
    pub store: Arc<MemoryStore>,
    pub caller: Caller,
    policies: Policies,
    intake: mpsc::Sender<Incoming>,
    drain: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), signalbox_engine::Error>>,
}

impl House {
    /// Drains and stops.
    pub async fn stop(self) -> Result<(), signalbox_engine::Error> {
        self.drain.cancel();
        self.running.await.expect("the service doesn't panic")
    }

    /// Waits for the end that it comes to by itself.
    pub async fn ended(self) -> Result<(), signalbox_engine::Error> {
        self.running.await.expect("the service doesn't panic")
    }
}

/// Noon, on a day of no importance.
pub fn noon() -> Timestamp {
    Timestamp::parse_rfc3339("2026-06-01T12:00:00Z").unwrap()
}

/// A tenant as most tests have one.
pub fn acme() -> Tenant {
    tenant(StopReach::default())
}

fn tenant(stop_reach: StopReach) -> Tenant {
    let plan = NumberPlan { carriers: vec!["scripted".to_owned()], segments_per_second: 0 };
    Tenant {
        id: "acme".parse().unwrap(),
        brand: "Acme".to_owned(),
        help: "help.example.com".to_owned(),
        weight: 1,
        segments_per_second: 0,
        numbers: BTreeMap::from([(OURS.parse().unwrap(), plan.clone()), (OTHER.parse().unwrap(), plan)]),
        in_doubt: InDoubtPlan::default(),
        stop_reach,
        recording: RecordingPlan::default(),
        retention: Default::default(),
        supervision: None,
        secrets: BTreeMap::new(),
        hosts: Vec::new(),
        settings: BTreeMap::new(),
        caps: HandlerCaps::default(),
    }
}

pub fn part(text: &str, place: Option<(u8, u8)>) -> InboundPart {
    InboundPart {
        from: THEIRS.parse().unwrap(),
        to: OURS.parse().unwrap(),
        octets: text.as_bytes().to_vec().into(),
        data_coding: 3,
        default_alphabet: DefaultAlphabet::Gsm,
        place: place.map(|(number, total)| Concatenation { reference: 9, total, number, wide: false }),
    }
}
