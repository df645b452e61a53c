//! `signalbox parked`.

use clap::Subcommand;

use super::Server;

/// `signalbox parked`.
#[derive(Debug, Subcommand)]
pub enum Parked {
    /// List events that were given up, newest first.
    List {
        /// Only those of this handler.
        #[arg(long)]
        handler: Option<String>,
        /// Only `message`, `draft`, `receipt` or `timer`.
        #[arg(long)]
        kind: Option<String>,
        /// Only those given up at or after this (RFC 3339).
        #[arg(long)]
        after: Option<String>,
        /// Only those given up before this (RFC 3339).
        #[arg(long)]
        before: Option<String>,
        /// At most so many.
        #[arg(long)]
        limit: Option<u32>,
        /// Where the page begins, as the last one said.
        #[arg(long)]
        cursor: Option<String>,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Try events again, with the versions that answer now.
    Retry {
        /// `evt_…`; several may be given.
        events: Vec<String>,
        /// All of them.
        #[arg(long, conflicts_with_all = ["events", "handler", "kind", "after", "before", "after_deploy"])]
        all: bool,
        /// Those of this handler.
        #[arg(long, conflicts_with = "events")]
        handler: Option<String>,
        /// Those of this kind.
        #[arg(long, conflicts_with = "events")]
        kind: Option<String>,
        /// Those given up at or after this (RFC 3339).
        #[arg(long, conflicts_with = "events")]
        after: Option<String>,
        /// Those given up before this (RFC 3339).
        #[arg(long, conflicts_with = "events")]
        before: Option<String>,
        /// Only those whose version isn't the live one any more.
        #[arg(long, conflicts_with = "events")]
        after_deploy: bool,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Forget events; they are never tried again.
    Discard {
        /// `evt_…`
        #[arg(required = true)]
        events: Vec<String>,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}
