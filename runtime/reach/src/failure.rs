//! Why a call got no answer.

use std::time::Duration;

/// Why a call got no answer: what its tenant reads. Names no address but the tenant's own host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The name has no address.
    #[error("the host's name can't be resolved")]
    Resolve,
    /// An address of the host must not be called.
    #[error("the host's name resolves to an address that is not public")]
    Forbidden,
    /// Nobody is there.
    #[error("no connection: {0}")]
    Connect(String),
    /// No TLS session.
    #[error("no TLS session: {0}")]
    Tls(String),
    /// The connection stood too late.
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// The answer came too late.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// Closed before an answer, or an answer that isn't HTTP.
    #[error("no HTTP answer: {0}")]
    Http(String),
    /// The answer is larger than it may be.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}
