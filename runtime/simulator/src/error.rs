//! What can go wrong before or beside the simulated traffic; wrong traffic is what the simulator is for.

use std::net::SocketAddr;

/// Why the simulator can't start or can't do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address that can't be listened on.
    #[error("can't listen on {addr} for {what}: {error}")]
    Listen {
        /// Which listener.
        what: &'static str,
        /// The address asked for.
        addr: SocketAddr,
        /// The system's reason.
        error: std::io::Error,
    },
    /// A file that can't be read or written.
    #[error("{name}: {error}")]
    File {
        /// The file.
        name: String,
        /// The system's reason.
        error: std::io::Error,
    },
    /// A scenario with a mistake; the reason names line and key.
    #[error("{name}: {reason}")]
    Scenario {
        /// The file, or where else it came from.
        name: String,
        /// What is wrong where.
        reason: String,
    },
    /// A command that can't be carried out as given.
    #[error("{0}")]
    Refused(String),
    /// Signals or output that the system wouldn't give.
    #[error("{0}")]
    System(#[from] std::io::Error),
}
