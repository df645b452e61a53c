//! `signalbox programs`.

use clap::Subcommand;

use super::Server;

/// `signalbox programs`.
#[derive(Debug, Subcommand)]
pub enum Programs {
    /// Set a program up, in place of what it was: own keywords, the answer to HELP, domains.
    Put(Box<Put>),
    /// List programs.
    List {
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Show a program.
    Show {
        /// Its name.
        name: String,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Take a program away.
    Remove {
        /// Its name.
        name: String,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}

/// `signalbox programs put`. Lists have commas between their values, or are given several times.
#[derive(Debug, clap::Args)]
pub struct Put {
    /// Its name: what messages give as their campaign.
    pub name: String,
    /// What recipients know it by, in the answers to keywords.
    #[arg(long)]
    pub title: Option<String>,
    /// Where help is found: the answer to HELP.
    #[arg(long)]
    pub help_text: Option<String>,
    /// Senders that belong to it.
    #[arg(long = "sender", value_delimiter = ',', allow_hyphen_values = true)]
    pub senders: Vec<String>,
    /// Domains of its links.
    #[arg(long = "domain", value_delimiter = ',', conflicts_with = "no_links")]
    pub domains: Vec<String>,
    /// Declare that it has no links at all.
    #[arg(long)]
    pub no_links: bool,
    /// Words that mean STOP there, besides those that always do.
    #[arg(long = "stop", value_delimiter = ',')]
    pub stop_words: Vec<String>,
    /// Words that mean START there.
    #[arg(long = "start", value_delimiter = ',')]
    pub start_words: Vec<String>,
    /// Words that mean HELP there.
    #[arg(long = "help-word", value_delimiter = ',')]
    pub help_words: Vec<String>,
    /// Whom to ask.
    #[command(flatten)]
    pub server: Server,
}
