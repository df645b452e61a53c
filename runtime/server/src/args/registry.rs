//! `signalbox brand`, `campaign`, `number`, `tollfree` and `shortcode`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Whom;

/// `signalbox campaign`.
#[derive(Debug, Subcommand)]
pub enum Campaign {
    /// Say what a carrier would refuse. Asks no server for a file.
    Lint(Lint),
    /// Commands that ask a running Signalbox.
    #[command(flatten)]
    Register(Register),
}

/// `signalbox campaign lint`.
#[derive(Debug, clap::Args)]
pub struct Lint {
    /// A TOML file with `[[campaigns]]` (and perhaps `[[brands]]`), or the name of a registered campaign.
    pub what: String,
    /// The brand's name to recipients, if the file doesn't say.
    #[arg(long)]
    pub brand: Option<String>,
    /// A policy folder with other tables than the built-in ones.
    #[arg(long)]
    pub policies: Option<PathBuf>,
    /// Whom to ask for a campaign that is registered.
    #[command(flatten)]
    pub whom: Whom,
}

/// `signalbox brand`, `number`, `tollfree`, `shortcode` and most of `campaign`.
#[derive(Debug, Subcommand)]
pub enum Register {
    /// Register one, or change it; what isn't given stays.
    Create {
        /// Its name, or the number.
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// Fields as NAME=VALUE; lists have | between their values.
        #[arg(value_parser = field)]
        fields: Vec<(String, String)>,
        /// For whom, and whom to ask.
        #[command(flatten)]
        whom: Whom,
    },
    /// Import a file, whole or not at all.
    Import {
        /// CSV with a column `id` and one for each field, or TOML with a table for each.
        file: PathBuf,
        /// For whom, and whom to ask.
        #[command(flatten)]
        whom: Whom,
    },
    /// List all of them.
    List {
        /// For whom, and whom to ask.
        #[command(flatten)]
        whom: Whom,
    },
    /// Show one, with its history.
    Show {
        /// Its name, or the number.
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// For whom, and whom to ask.
        #[command(flatten)]
        whom: Whom,
    },
}

/// `NAME=VALUE`.
fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("is written NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}
