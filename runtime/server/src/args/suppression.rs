//! `signalbox suppression`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Server;

/// `signalbox suppression`.
#[derive(Debug, Subcommand)]
pub enum Suppression {
    /// Import a suppression list, whole or not at all; it replaces the list of that name.
    Import {
        /// The file: a column `number`, or one number a line, or the national registry's own files; for reassigned
        /// numbers the columns number, date, answer.
        file: PathBuf,
        /// What being on it means: dnc, litigator, reassigned or own.
        #[arg(long)]
        kind: String,
        /// When it was fetched at its source, such as 2026-11-23T09:00:00Z.
        #[arg(long)]
        fetched_at: String,
        /// Where it is from; the file's name if it isn't given.
        #[arg(long)]
        source: Option<String>,
        /// The list's name; the file's own if it isn't given.
        #[arg(long)]
        name: Option<String>,
        /// From when on it is too old, if that is sooner than the rules say.
        #[arg(long)]
        expires_at: Option<String>,
        /// With the kind dnc: of which area codes the file tells the whole, such as 201,212; all; or none for a list besides
        /// a whole one, such as a state's.
        #[arg(long)]
        covers: Option<String>,
        /// It holds for all tenants: only for whom the operator lets.
        #[arg(long)]
        for_all: bool,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// List the lists against which messages are held.
    List {
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Show a list.
    Show {
        /// Its name.
        name: String,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Tell what each list says of a number.
    Check {
        /// The number.
        #[arg(allow_hyphen_values = true)]
        number: String,
        /// When its holder consented, for lists of reassigned numbers.
        #[arg(long)]
        consented_at: Option<String>,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Take a list away.
    Remove {
        /// Its name.
        name: String,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}
