//! `signalbox handlers`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::Server;

/// `signalbox handlers`.
#[derive(Debug, Subcommand)]
pub enum Handlers {
    /// Upload a handler.
    Put {
        /// Its name.
        name: String,
        /// The WebAssembly component.
        file: PathBuf,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Upload a version, with its manifest, and give it an alias.
    Deploy {
        /// The handler's name.
        name: String,
        /// The WebAssembly component.
        file: PathBuf,
        /// Its manifest.
        #[arg(long)]
        manifest: Option<PathBuf>,
        /// What it becomes; without it, the version only waits, unless it is the first.
        #[arg(long, value_enum)]
        alias: Option<Alias>,
        /// How many of a hundred conversations a canary answers.
        #[arg(long, requires = "alias")]
        percent: Option<u8>,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Give an alias to a version, or take it away.
    Alias {
        /// The handler's name.
        name: String,
        /// Which.
        #[arg(value_enum)]
        alias: Alias,
        /// The version's digest, or the beginning of it.
        #[arg(required_unless_present = "remove")]
        digest: Option<String>,
        /// How many of a hundred conversations a canary answers.
        #[arg(long)]
        percent: Option<u8>,
        /// Take the alias away.
        #[arg(long, conflicts_with = "digest")]
        remove: bool,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Show a handler with its versions and what happened to it.
    Show {
        /// Its name.
        name: String,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// List handlers and the numbers bound to them.
    List {
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Show what a handler said lately.
    Logs {
        /// Its name.
        name: String,
        /// Go on showing lines as they come.
        #[arg(long, short)]
        follow: bool,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}

/// What a version is to its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Alias {
    /// It answers.
    Live,
    /// It answers a share of the conversations.
    Canary,
    /// It is shown what the live one is shown.
    Shadow,
}
