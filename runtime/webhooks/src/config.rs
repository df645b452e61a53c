//! What an operator may set.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use crate::guard::Reach;
use crate::resolve::{Resolve, SystemResolver};

/// Bounds and permissions of deliveries.
#[derive(Clone)]
pub struct Config {
    /// Where deliveries may go.
    pub reach: Reach,
    /// Attempts at once to one endpoint: connections that it must hold.
    pub per_endpoint: usize,
    /// Attempts at once overall: sockets and buffers that we hold.
    pub overall: usize,
    /// Events of one endpoint that are in memory. The rest waits on disk, so a dead endpoint costs no more than this.
    pub window: usize,
    /// Until a connection stands, name and TLS included.
    pub connect_timeout: Duration,
    /// A whole attempt, connection included. The specification advises 15 to 30 s.
    pub attempt_timeout: Duration,
    /// How long a connection may be idle before it is closed.
    pub idle_timeout: Duration,
    /// An event older than this is parked rather than tried: its endpoint was dead for longer than the schedule lasts.
    pub max_age: Duration,
    /// How long a drain waits for attempts that are under way.
    pub drain_timeout: Duration,
    /// Certificate authorities besides the machine's own.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// How names become addresses.
    pub resolver: Arc<dyn Resolve>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            reach: Reach::default(),
            per_endpoint: 32,
            overall: 512,
            window: 1_024,
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(30),
            max_age: Duration::from_secs(5 * 86_400),
            drain_timeout: Duration::from_secs(20),
            extra_roots: Vec::new(),
            resolver: Arc::new(SystemResolver),
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("reach", &self.reach)
            .field("per_endpoint", &self.per_endpoint)
            .field("overall", &self.overall)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
