//! `signalbox consent`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Server;

/// `signalbox consent`.
#[derive(Debug, Subcommand)]
pub enum Consent {
    /// Tell what inbound texts ask for; asks no server.
    Classify(Classify),
    /// Commands that ask a running Signalbox.
    #[command(flatten)]
    Client(ConsentClient),
}

/// `signalbox consent`, as far as it asks a running Signalbox.
#[derive(Debug, Subcommand)]
pub enum ConsentClient {
    /// Import a CSV file of consents, whole or not at all.
    Import {
        /// The file: number, sender or campaign, consent, at, method, proof, reach, category.
        file: PathBuf,
        /// The import's name; the file's own if it isn't given.
        #[arg(long)]
        name: Option<String>,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Print everybody's consents as CSV that can be imported again: as they stand, or the whole ledger.
    Export {
        /// Every line of the ledger, the oldest first for each person, with by whom and when it was put there.
        #[arg(long)]
        ledger: bool,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Show what a person allows each sender and campaign; with one of them, the whole history.
    Show {
        /// The person's number.
        #[arg(allow_hyphen_values = true)]
        number: String,
        /// One of the tenant's senders.
        #[arg(long, allow_hyphen_values = true)]
        sender: Option<String>,
        /// One of the tenant's campaigns.
        #[arg(long, conflicts_with = "sender")]
        campaign: Option<String>,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}

/// `signalbox consent classify`.
#[derive(Debug, clap::Args)]
pub struct Classify {
    /// A file with one text a line; `-` is stdin.
    pub file: PathBuf,
    /// The file has labels (columns with tabs between them: part, intent, language, text): print precision and recall.
    #[arg(long)]
    pub labels: bool,
    /// A policy folder with other word lists than the built-in ones.
    #[arg(long)]
    pub policies: Option<PathBuf>,
    /// Answer with one JSON object a line.
    #[arg(long)]
    pub json: bool,
}
