//! `signalbox retention`.

use clap::Subcommand;

use super::Server;

/// `signalbox retention`.
#[derive(Debug, Subcommand)]
pub enum Retention {
    /// Show for how long what is on record is kept, and what was deleted.
    Show {
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Delete now what was kept long enough.
    Run {
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}
