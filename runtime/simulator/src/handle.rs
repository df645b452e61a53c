//! A running simulator, in this process.

use crate::control;
use crate::ledger::Ledger;
use crate::net::listen;
use crate::phones::{self, Phones};
use crate::sink::{self, Sink};
use crate::smsc::{self, Carrier, Shared};
use crate::{
    Answers, Break, Config, Error, Garbage, HookPage, HooksWaited, Inbox, MobileOriginated, Page, Scenario, Sent,
    Sessions, Stats, WaitFor, Waited,
};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Starts simulators.
#[derive(Debug)]
pub struct Simulator;

/// A running simulator. Dropping it stops it without waiting; [`Handle::stop`] waits.
pub struct Handle {
    shared: Arc<Shared>,
    sink: Option<Arc<Sink>>,
    smpp: SocketAddr,
    control_addr: Option<SocketAddr>,
    sink_addr: Option<SocketAddr>,
    seed: u64,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Simulator {
    /// Listens where `config` says and serves until the handle is stopped or dropped.
    pub async fn start(config: Config) -> Result<Handle, Error> {
        let scenario = config.scenario.checked().map_err(Error::Refused)?;
        let seed = config.seed.unwrap_or_else(|| SmallRng::from_os_rng().random());
        let limits = config.limits;
        let (lines, inboxes) = if config.counts_only { (0, 0) } else { (limits.ledger_lines, limits.inboxes) };
        let ledger = Ledger::open(lines, config.ledger_file.as_deref())?;
        let bounds = phones::Bounds { numbers: inboxes, messages_per_number: limits.inbox_messages };
        let carrier_bounds = smsc::Bounds { pdu_bytes: limits.pdu_bytes, parcels: limits.parcels };
        let carrier = Carrier::new(scenario, seed, carrier_bounds, ledger, Phones::new(bounds));
        let shared = Arc::new(Shared::new(carrier));
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let (listener, smpp) = listen("SMPP", config.listen).await?;
        tasks.spawn(smsc::serve(listener, Arc::clone(&shared), stopped.clone()));
        let mut handle = Handle { shared, sink: None, smpp, control_addr: None, sink_addr: None, seed, stop, tasks };
        if let Some(addr) = config.control {
            let (listener, bound) = listen("the control API", addr).await?;
            handle.tasks.spawn(control::serve(listener, Arc::clone(&handle.shared), stopped.clone()));
            handle.control_addr = Some(bound);
        }
        if let Some(addr) = config.sink {
            let (listener, bound) = listen("webhooks", addr).await?;
            let hooks = if config.sink_counts_only { 0 } else { limits.hooks };
            let sink = Arc::new(Sink::new(sink::Bounds { hooks, body_bytes: limits.hook_body_bytes }));
            handle.tasks.spawn(sink::serve(listener, Arc::clone(&sink), stopped));
            (handle.sink, handle.sink_addr) = (Some(sink), Some(bound));
        }
        Ok(handle)
    }
}

impl Handle {
    /// Where SMPP is listened for.
    pub fn smpp_addr(&self) -> SocketAddr {
        self.smpp
    }

    /// Where the control API is, if it was wanted.
    pub fn control_addr(&self) -> Option<SocketAddr> {
        self.control_addr
    }

    /// Where the webhook sink is, if it was wanted.
    pub fn sink_addr(&self) -> Option<SocketAddr> {
        self.sink_addr
    }

    /// The seed of every draw.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Counts so far.
    pub fn stats(&self) -> Stats {
        self.shared.look(Carrier::stats)
    }

    /// How the carrier behaves now.
    pub fn scenario(&self) -> Scenario {
        self.shared.look(|carrier| carrier.scenario().clone())
    }

    /// Changes how the carrier behaves from now on.
    pub fn set_scenario(&self, scenario: Scenario) -> Result<(), Error> {
        let scenario = scenario.checked().map_err(Error::Refused)?;
        self.shared.step(|carrier| carrier.set_scenario(scenario));
        Ok(())
    }

    /// The phone `from` sends.
    pub fn send_from_phone(&self, from: &str, message: &MobileOriginated) -> Result<Sent, Error> {
        self.shared.step(|carrier| carrier.phone_sends(from, message, Instant::now())).map_err(Error::Refused)
    }

    /// What reached a phone.
    pub fn messages(&self, number: &str) -> Inbox {
        self.shared.look(|carrier| carrier.inbox(number))
    }

    /// The ledger's lines after `after`, at most `limit`.
    pub fn ledger(&self, after: u64, limit: usize) -> Page {
        self.shared.look(|carrier| carrier.ledger_page(after, limit))
    }

    /// Breaks connections; answers how many.
    pub fn disconnect(&self, which: &Sessions, how: Break) -> usize {
        self.shared.step(|carrier| carrier.disconnect(which, how, Instant::now()))
    }

    /// Sends garbage; answers to how many sessions.
    pub fn send_garbage(&self, which: &Sessions, garbage: Garbage) -> usize {
        self.shared.step(|carrier| carrier.send_garbage(which, garbage))
    }

    /// Waits until every count is reached, or `timeout` is over.
    pub async fn wait(&self, counts: &WaitFor, timeout: Duration) -> Waited {
        wait(&self.shared, counts, timeout).await
    }

    /// Webhooks after `after`, at most `limit`; none without a sink.
    pub fn hooks(&self, after: u64, limit: usize) -> HookPage {
        self.sink.as_ref().map_or_else(HookPage::default, |sink| sink.page(after, limit))
    }

    /// Waits until `count` webhooks came in all, or `timeout` is over.
    pub async fn wait_hooks(&self, count: u64, timeout: Duration) -> HooksWaited {
        match &self.sink {
            Some(sink) => sink.wait(count, timeout).await,
            None => HooksWaited { met: count == 0, count: 0 },
        }
    }

    /// Changes what webhooks are answered from now on; sequences begin anew.
    pub fn set_answers(&self, answers: Answers) {
        if let Some(sink) = &self.sink {
            sink.set_answers(answers);
        }
    }

    /// Closes every listener and connection.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

pub(crate) async fn wait(shared: &Shared, counts: &WaitFor, timeout: Duration) -> Waited {
    let reached = async {
        loop {
            let mut changed = std::pin::pin!(shared.changed());
            changed.as_mut().enable();
            if shared.look(|carrier| counts.is_met(carrier.stats_ref())) {
                return;
            }
            changed.await;
        }
    };
    let met = tokio::time::timeout(timeout, reached).await.is_ok();
    Waited { met, stats: shared.look(Carrier::stats) }
}
