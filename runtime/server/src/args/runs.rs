//! Recorded runs of handlers: `replay`, `gate`.

use std::path::PathBuf;

use super::Server;

/// `signalbox replay`.
#[derive(Debug, clap::Args)]
pub struct Replay {
    /// `inv_…`, as a message's timeline and GET /v1/invocations name it; or a file that --save wrote.
    #[arg(value_name = "INVOCATION|FILE", required_unless_present = "last")]
    pub run: Option<String>,
    /// All of the last so many recorded runs, each with the version that ran it.
    #[arg(long, value_name = "N", conflicts_with_all = ["run", "save"], value_parser = clap::value_parser!(u32).range(1..))]
    pub last: Option<u32>,
    /// Of --last, only those of this handler.
    #[arg(long, requires = "last")]
    pub handler: Option<String>,
    /// Another component than the one that ran.
    #[arg(long)]
    pub with: Option<PathBuf>,
    /// Keep the recording in this file, and its component beside it. It holds texts and numbers.
    #[arg(long)]
    pub save: Option<PathBuf>,
    /// Show what the handler logs in the replay, too.
    #[arg(long, conflicts_with = "last")]
    pub log: bool,
    /// Whom to ask for it.
    #[command(flatten)]
    pub server: Server,
}

/// `signalbox gate`.
#[derive(Debug, clap::Args)]
pub struct Gate {
    /// The handler whose recorded events are used. Without it, the tenant's only one, or the one that handler.toml beside
    /// the candidate, or in a folder above it, names.
    #[arg(long)]
    pub handler: Option<String>,
    /// The candidate: a WebAssembly component.
    #[arg(long)]
    pub with: PathBuf,
    /// How many of the last events.
    #[arg(long, default_value_t = 500)]
    pub last: u32,
    /// How many may be handled otherwise.
    #[arg(long, default_value_t = 0)]
    pub allow: u64,
    /// Whom to ask.
    #[command(flatten)]
    pub server: Server,
}
