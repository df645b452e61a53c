//! The SMPP connector: binds that are kept up, windows that are kept full, and what comes in, answered when it is durable.
//!
//! | module | what it holds |
//! |---|---|
//! | `config` | what an operator may set |
//! | `hub` | what a carrier's tasks share; finding room |
//! | `link` | one bind's window: places, what is in flight, who is told |
//! | `place` | a place as a [`Slot`]; sending again the parts that weren't taken |
//! | `compose`, `number` | a submission as `submit_sm`s |
//! | `fate`, `status` | what the answers mean |
//! | `tempo` | how fast a bind may send |
//! | `inbound` | receipts and inbound messages |
//! | `supervise`, `tls` | connecting, binding, connecting again |
//!
//! Each link has two tasks: a supervisor, which also takes in what its bind brings, and a settler, which takes in the outcomes
//! of what was sent. So places become free whether or not anybody looks at the futures that [`Slot::submit`] gave.

mod compose;
mod config;
mod fate;
mod hub;
mod inbound;
mod link;
mod number;
mod place;
mod status;
mod supervise;
mod tempo;
mod tls;

pub use config::{Alphabet, BindMode, Config, InterfaceVersion, LongText, MessageIdForm, Secret, TlsConfig};

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use signalbox_model::Chance;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use self::compose::Composer;
use self::hub::{Hub, now};
use self::inbound::Reader;
use self::link::Link;
use self::supervise::Supervisor;
use self::tempo::Tempo;
use crate::{Carrier, Error, Health, Intake, Slot};

/// Unbinding takes at least so long, however little of the bound is left: a carrier that isn't told keeps the bind for minutes
/// and refuses the next one.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Outcomes that a settler takes in at once: what a busy connection brings in one reading.
const SETTLED_AT_ONCE: usize = 256;

/// A carrier that is spoken to by SMPP. Dropped, it unbinds without waiting for what is in flight.
pub struct Smpp {
    hub: Arc<Hub>,
    reader: Reader,
    supervisors: Mutex<JoinSet<()>>,
    settlers: Mutex<JoinSet<()>>,
}

impl Smpp {
    /// Begins to keep the binds up, and returns without waiting for them. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error`] if the settings can't work.
    pub fn start(config: Config, intake: Intake, chance: Chance) -> Result<Arc<Self>, Error> {
        config.check()?;
        let supervisor = Supervisor::new(&config, tls::prepare(&config)?, intake);
        let bell = Arc::new(Notify::new());
        let kinds = config.mode.kinds().iter().copied().cycle().take(config.binds * config.mode.kinds().len());
        let (links, outcomes): (Vec<_>, Vec<_>) = (1..)
            .zip(kinds)
            .map(|(number, kind)| {
                let tempo = Tempo::new(config.max_segments_per_second);
                Link::new(number, kind, config.window, tempo, bell.clone())
            })
            .unzip();
        let hub = Arc::new(Hub::new(config.name.as_str().into(), links, Composer::new(&config), chance, bell));
        let (mut supervisors, mut settlers) = (JoinSet::new(), JoinSet::new());
        for (at, mut outcomes) in outcomes.into_iter().enumerate() {
            supervisors.spawn(supervisor.clone().run(hub.clone(), at));
            let hub = hub.clone();
            settlers.spawn(async move {
                let mut batch = Vec::with_capacity(SETTLED_AT_ONCE);
                while outcomes.recv_many(&mut batch, SETTLED_AT_ONCE).await > 0 {
                    hub.links[at].settle(&mut batch, now());
                }
            });
        }
        let (supervisors, settlers) = (Mutex::new(supervisors), Mutex::new(settlers));
        Ok(Arc::new(Self { hub, reader: Reader::new(&config), supervisors, settlers }))
    }

    /// How many inbound PDUs made no sense and were refused.
    pub fn malformed(&self) -> u64 {
        self.hub.malformed.load(Ordering::Relaxed)
    }

    async fn leave(&self, bound: Duration) {
        let hub = &self.hub;
        let by = Instant::now() + bound;
        hub.closing.store(true, Ordering::Relaxed);
        // Past the bound what is in flight is in doubt, and the binds are left all the same.
        let _ = timeout_at(by, hub.until(Hub::is_idle)).await;
        hub.leave.send_replace(Some(by.max(Instant::now() + LAST_WORDS).into_std()));
        let mut supervisors = std::mem::take(&mut *self.supervisors.lock());
        while supervisors.join_next().await.is_some() {}
        // Every outcome has been told by now, and waits at most for its settler.
        let _ = timeout(LAST_WORDS, hub.until(Hub::is_settled)).await;
    }
}

impl Carrier for Smpp {
    fn name(&self) -> &Arc<str> {
        &self.hub.name
    }

    fn is_up(&self) -> bool {
        self.hub.senders_up.load(Ordering::Relaxed) > 0
    }

    fn sends(&self) -> bool {
        self.hub.links.iter().any(Link::sends)
    }

    fn try_slot(&self, parts: u8) -> Option<Box<dyn Slot>> {
        if self.hub.closing.load(Ordering::Relaxed) {
            return None;
        }
        self.hub.try_place(usize::from(parts.max(1))).map(|place| Box::new(place) as Box<dyn Slot>)
    }

    fn ready(&self, parts: u8) -> BoxFuture<'_, ()> {
        self.hub.ready(usize::from(parts.max(1)), false).boxed()
    }

    fn health(&self) -> Health {
        let (links, now) = (&self.hub.links, now());
        let slowed = links.iter().filter(|link| link.sends()).map(|link| link.tempo.slowed_to(now));
        Health {
            binds_up: links.iter().filter(|link| link.is_up()).count(),
            binds: links.len(),
            in_flight: links.iter().map(Link::in_flight).sum(),
            // Of several binds the slowest: it is the one that the carrier complains of.
            slowed_to: slowed.flatten().min(),
            last_error: self.hub.last_error.lock().clone(),
        }
    }

    fn canonical_id(&self, raw: &str) -> String {
        self.reader.canonical_id(raw)
    }

    fn close(&self, bound: Duration) -> BoxFuture<'_, ()> {
        self.leave(bound).boxed()
    }
}

impl Drop for Smpp {
    fn drop(&mut self) {
        self.hub.closing.store(true, Ordering::Relaxed);
        self.supervisors.get_mut().abort_all();
        self.settlers.get_mut().abort_all();
        self.hub.links.iter().for_each(Link::abandon);
        self.hub.bell.notify_waiters();
    }
}

impl std::fmt::Debug for Smpp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smpp").field("name", &self.hub.name).field("health", &self.health()).finish()
    }
}
