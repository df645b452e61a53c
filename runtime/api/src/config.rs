//! The API's limits. Everything is bounded; each line says why the bound is there.

use std::time::Duration;

use signalbox_webhooks::Signer;
use subtle::ConstantTimeEq;

/// The operator's key. Its text is never shown.
#[derive(Clone)]
pub struct OperatorKey(String);

impl OperatorKey {
    /// As many characters as a key needs that nobody guesses.
    pub const MIN_CHARS: usize = 43;

    /// A key; `None` if it is too short.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (text.len() >= Self::MIN_CHARS).then_some(Self(text))
    }

    /// Is it this one? Takes as long whatever differs.
    pub(crate) fn is(&self, token: &str) -> bool {
        bool::from(self.0.as_bytes().ct_eq(token.as_bytes()))
    }
}

impl std::fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OperatorKey")
    }
}

/// The API's limits, and who is more than a tenant.
#[derive(Debug, Clone)]
pub struct Config {
    /// Connections at once; more wait in the kernel's backlog, so that descriptors and buffers are bounded.
    pub max_connections: usize,
    /// How long a request's head may take, and how long a connection may be idle: a client that dribbles holds a
    /// connection no longer than this.
    pub header_timeout: Duration,
    /// Header lines of a request; a proxy in front adds a dozen.
    pub max_headers: usize,
    /// Bytes of a request's head, and of what is read from a connection at once.
    pub max_head_bytes: usize,
    /// How long a JSON body may take.
    pub body_timeout: Duration,
    /// How long a component may take to arrive: 24 MiB over a slow line.
    pub component_timeout: Duration,
    /// How long a client may leave an answer unread.
    pub write_timeout: Duration,
    /// A JSON body that isn't a batch: 1,600 characters of text, escaped, ten links and room.
    pub max_json_bytes: usize,
    /// A batch: 1,000 messages of 4 KiB each.
    pub max_batch_bytes: usize,
    /// Messages in a batch: one commit holds up the others for as long as it takes.
    pub max_batch: usize,
    /// A component. A little over what the sandbox takes, so that the sandbox says by how much it is too large and what
    /// to do about it.
    pub max_component_bytes: usize,
    /// A CSV file: half a million lines of 64 bytes.
    pub max_import_bytes: usize,
    /// A suppression list: ten million lines of 14 bytes.
    pub max_list_bytes: usize,
    /// Bytes of batches, files and components that may be in memory at once, over all connections; the rest isn't read yet.
    pub max_large_bytes: usize,
    /// Those who follow a log at once: each holds a connection for as long as it likes.
    pub max_followers: usize,
    /// Messages in a page when its caller doesn't say.
    pub default_page: usize,
    /// How long requests in flight may go on once the drain begins.
    pub drain_timeout: Duration,
    /// Speaks for the operator where brands and campaigns are registered; nobody does if there is none.
    pub operator_key: Option<OperatorKey>,
    /// Verifies the registry's events; none are taken without it.
    pub registry_secret: Option<Signer>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_connections: 4_096,
            header_timeout: Duration::from_secs(10),
            max_headers: 64,
            max_head_bytes: 64 << 10,
            body_timeout: Duration::from_secs(30),
            component_timeout: Duration::from_secs(120),
            write_timeout: Duration::from_secs(30),
            max_json_bytes: 64 << 10,
            max_batch_bytes: 4 << 20,
            max_batch: 1_000,
            max_component_bytes: (24 << 20) + (64 << 10),
            max_import_bytes: 32 << 20,
            max_list_bytes: 140 << 20,
            max_large_bytes: 256 << 20,
            max_followers: 64,
            default_page: 50,
            drain_timeout: Duration::from_secs(10),
            operator_key: None,
            registry_secret: None,
        }
    }
}
