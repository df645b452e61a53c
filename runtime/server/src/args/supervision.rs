//! `signalbox supervision`.

use clap::Subcommand;

use super::Server;

/// `signalbox supervision`.
#[derive(Debug, Subcommand)]
pub enum Supervision {
    /// List messages that wait for a supervisor.
    List {
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Let a message go.
    Approve(Decision),
    /// Refuse a message.
    Reject(Decision),
}

/// What a supervisor decides on.
#[derive(Debug, clap::Args)]
pub struct Decision {
    /// `msg_…`
    pub id: String,
    /// Why: it is kept in the audit log.
    #[arg(long)]
    pub why: String,
    /// Whom to ask.
    #[command(flatten)]
    pub server: Server,
}
