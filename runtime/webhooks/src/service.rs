//! The service: a desk for each endpoint that has something waiting.

use std::future::Future;
use std::ops::Bound;
use std::sync::Arc;

use signalbox_model::{Chance, Clock, Partition};
use signalbox_reach::Connector;
use signalbox_store::{Range, Store, Table, successor_of_prefix};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::Error;
use crate::config::Config;
use crate::context::Context;
use crate::desk::Desk;
use crate::item::{EndpointKey, parse_key};
use crate::roster::{EndpointStats, Roster};
use crate::seams::{Epochs, Lookup, Source};

/// What the service works with.
pub struct Parts {
    /// Where outbox, deliveries and parked events lie.
    pub store: Arc<dyn Store>,
    /// The right to write them.
    pub epochs: Epochs,
    /// Who the endpoints are.
    pub lookup: Arc<dyn Lookup>,
    /// What there is to tell.
    pub source: Arc<dyn Source>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for the spread of retries.
    pub chance: Chance,
}

/// Tells tenants' endpoints what happened.
pub struct Service {
    context: Arc<Context>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    context: Arc<Context>,
}

impl Service {
    /// A service that does nothing until it is run.
    pub fn new(config: Config, parts: Parts) -> Result<Self, Error> {
        let Parts { store, epochs, lookup, source, clock, chance } = parts;
        let (resolver, roots) = (Arc::clone(&config.resolver), config.extra_roots.clone());
        let connector = Connector::new(config.reach, resolver, config.connect_timeout, roots)?;
        let overall = Semaphore::new(config.overall);
        let roster = Arc::new(Roster::default());
        let context = Context { store, config, lookup, source, epochs, clock, chance, connector, overall, roster };
        Ok(Self { context: Arc::new(context) })
    }

    /// The handle.
    pub fn handle(&self) -> Handle {
        Handle { context: Arc::clone(&self.context) }
    }

    /// Takes up what waits in every partition that is ours, and works until `drain` completes; then finishes what is
    /// under way. An error is the store's, and for good.
    pub async fn run(self, drain: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let handle = self.handle();
        for partition in (0..self.context.store.partitions()).map(Partition::new) {
            if (self.context.epochs)(partition).is_some() {
                handle.adopt(partition).await?;
            }
        }
        let (draining, drained) = watch::channel(false);
        let mut desks = JoinSet::new();
        let mut drain = std::pin::pin!(drain);
        loop {
            for entry in self.context.roster.newcomers() {
                desks.spawn(Desk::new(Arc::clone(&self.context), entry).run(drained.clone()));
            }
            tokio::select! {
                () = &mut drain => break,
                () = self.context.roster.arrival.notified() => {}
                Some(left) = desks.join_next() => left.expect("a desk doesn't panic")?,
            }
        }
        draining.send_replace(true);
        while let Some(left) = desks.join_next().await {
            left.expect("a desk doesn't panic")?;
        }
        Ok(())
    }
}

impl Handle {
    /// An event was committed to the outbox of `partition`. Rings may be lost only together with the process: what
    /// waits is found again at the next start.
    pub fn ring(&self, partition: Partition, endpoint: EndpointKey) {
        self.context.roster.ring(partition, endpoint);
    }

    /// Takes up what waits in a partition that became ours while the service runs.
    pub async fn adopt(&self, partition: Partition) -> Result<(), Error> {
        let mut start = Bound::Unbounded;
        loop {
            let range =
                Range { table: Table::Outbox, start: start.clone(), end: Bound::Unbounded, reverse: false, limit: 1 };
            let page = self.context.store.range(partition, range).await?;
            let Some((endpoint, _)) = page.first().and_then(|(key, _)| parse_key(key)) else { return Ok(()) };
            self.ring(partition, endpoint);
            // From one endpoint's queue to the next, however long they are.
            let Some(next) = successor_of_prefix(&endpoint.0) else { return Ok(()) };
            start = Bound::Included(next);
        }
    }

    /// How each endpoint does that has something waiting or had lately.
    pub fn stats(&self) -> Vec<EndpointStats> {
        self.context.roster.stats()
    }
}
