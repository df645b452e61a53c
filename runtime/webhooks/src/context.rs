//! What every desk and worker shares.

use std::sync::Arc;

use signalbox_model::{Chance, Clock};
use signalbox_reach::Connector;
use signalbox_store::Store;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::roster::Roster;
use crate::seams::{Epochs, Lookup, Source};

pub(crate) struct Context {
    pub store: Arc<dyn Store>,
    pub config: Config,
    pub lookup: Arc<dyn Lookup>,
    pub source: Arc<dyn Source>,
    pub epochs: Epochs,
    pub clock: Arc<dyn Clock>,
    pub chance: Chance,
    pub connector: Connector,
    pub overall: Semaphore,
    pub roster: Arc<Roster>,
}
