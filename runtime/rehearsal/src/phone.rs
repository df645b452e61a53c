//! The carriers of a rehearsal, and the phones behind them: they take everything at once, and keep what they got.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use parking_lot::Mutex;
use signalbox_carriers::{Carrier, Health, Outcome, Slot, Submission};
use signalbox_model::Address;

/// A message that a phone got.
#[derive(Clone)]
pub(crate) struct Got {
    pub(crate) to: Address,
    pub(crate) text: String,
    pub(crate) carrier: Arc<str>,
    /// The carrier's ids, one a part.
    pub(crate) ids: Vec<String>,
}

/// Everything that phones got, in order.
#[derive(Clone, Default)]
pub(crate) struct Phones(Arc<Mutex<Vec<Got>>>);

impl Phones {
    /// What came behind the first `seen`.
    pub(crate) fn since(&self, seen: usize) -> Vec<Got> {
        self.0.lock()[seen..].to_vec()
    }

    fn take(&self, carrier: &Arc<str>, submission: Submission) -> Vec<String> {
        let mut got = self.0.lock();
        let n = got.len() + 1;
        let ids: Vec<_> = (1..=submission.segments.max(1)).map(|part| format!("{carrier}-{n}-{part}")).collect();
        let Submission { to, text, .. } = submission;
        got.push(Got { to, text, carrier: carrier.clone(), ids: ids.clone() });
        ids
    }
}

/// A carrier that takes everything.
pub(crate) struct Line {
    name: Arc<str>,
    phones: Phones,
}

impl Line {
    pub(crate) fn open(name: &str, phones: Phones) -> Arc<dyn Carrier> {
        Arc::new(Self { name: name.into(), phones })
    }
}

struct Place {
    name: Arc<str>,
    phones: Phones,
}

impl Slot for Place {
    fn submit(self: Box<Self>, submission: Submission) -> BoxFuture<'static, Outcome> {
        let ids = self.phones.take(&self.name, submission);
        ready(Outcome::Taken { ids }).boxed()
    }
}

impl Carrier for Line {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn is_up(&self) -> bool {
        true
    }

    fn try_slot(&self, _parts: u8) -> Option<Box<dyn Slot>> {
        Some(Box::new(Place { name: self.name.clone(), phones: self.phones.clone() }))
    }

    fn ready(&self, _parts: u8) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }

    fn health(&self) -> Health {
        Health { binds_up: 1, binds: 1, ..Health::default() }
    }

    fn canonical_id(&self, raw: &str) -> String {
        raw.to_owned()
    }

    fn close(&self, _bound: Duration) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
