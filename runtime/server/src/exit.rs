//! How the process ends: the reason, said once, and a code that scripts can decide by.
//!
//! | code | means |
//! |---|---|
//! | 0 | done |
//! | 1 | it couldn't be done: no connection, a store that failed, an address in use |
//! | 2 | the command line, the configuration or the policies are wrong |
//! | 3 | the API refused the request |
//! | 4 | `send --wait`: the message ended otherwise than delivered |
//! | 5 | `send --wait`: the time was up before the message ended |
//! | 130 | ended at once by a second signal |

use std::net::SocketAddr;
use std::process::ExitCode;

use crate::{client, config};

/// It couldn't be done.
pub const FAILED: u8 = 1;
/// What was given is wrong.
pub const WRONG: u8 = 2;
/// The API refused.
pub const REFUSED: u8 = 3;
/// A message that was waited for ended otherwise than delivered.
pub const NOT_DELIVERED: u8 = 4;
/// The time was up.
pub const TIME_UP: u8 = 5;
/// A second signal.
pub const INTERRUPTED: i32 = 130;

/// Why a command ended without doing what it is for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration isn't taken.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The policies aren't taken.
    #[error("the policies aren't taken:\n{0}")]
    Policy(#[from] signalbox_policy::Error),
    /// The store can't be opened, or failed.
    #[error(transparent)]
    Store(#[from] signalbox_store::Error),
    /// Something in the store can't be read.
    #[error(transparent)]
    Unreadable(#[from] signalbox_store::layout::Unreadable),
    /// A carrier can't be started.
    #[error(transparent)]
    Carrier(#[from] signalbox_carriers::Error),
    /// The sandbox can't be set up.
    #[error(transparent)]
    Sandbox(#[from] signalbox_guest::Error),
    /// A certificate authority can't be used.
    #[error(transparent)]
    Roots(#[from] signalbox_reach::BadRoots),
    /// The path can't be opened, or failed.
    #[error(transparent)]
    Path(#[from] signalbox_engine::Error),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The audit log's key can't be had.
    #[error(transparent)]
    AuditKey(#[from] signalbox_records::audit::key::KeyError),
    /// The master key can't be had.
    #[error(transparent)]
    MasterKey(#[from] signalbox_records::vault::MasterError),
    /// A part of the house ended that should have gone on.
    #[error("{0} stopped unexpectedly")]
    Stopped(&'static str),
    /// The simulated carrier can't be started.
    #[error(transparent)]
    Simulator(#[from] signalbox_simulator::Error),
    /// The handler of the command line isn't taken.
    #[error("{file}: {reason}")]
    Handler {
        /// Its file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A file of the command line can't be read.
    #[error("can't read {file}: {source}")]
    Read {
        /// Which.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of the command line can't be written.
    #[error("can't write {file}: {source}")]
    Write {
        /// Which.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A project can't be written, read or built.
    #[error("{0}")]
    Project(String),
    /// A rehearsal can't be held.
    #[error(transparent)]
    Rehearsal(#[from] signalbox_rehearsal::Error),
    /// A request to a running Signalbox.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// Threads, signals, a temporary folder, or output that the system wouldn't give or take.
    #[error("{0}")]
    Runtime(std::io::Error),
}

impl Error {
    fn code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Policy(_) | Self::Carrier(_) | Self::Handler { .. } | Self::Read { .. } => WRONG,
            Self::Project(_) => WRONG,
            Self::Rehearsal(error) if error.is_of_what_was_given() => WRONG,
            Self::Client(error) => error.code(),
            _ => FAILED,
        }
    }
}

/// Says why a command failed, and gives its code.
#[expect(clippy::print_stderr, reason = "the command's answer to who started it")]
pub fn code(ended: Result<ExitCode, Error>) -> ExitCode {
    ended.unwrap_or_else(|error| {
        eprintln!("signalbox: {error}");
        ExitCode::from(error.code())
    })
}
