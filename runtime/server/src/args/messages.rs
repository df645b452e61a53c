//! `signalbox send` and `signalbox messages`.

use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::Server;
use crate::config;

/// `signalbox send`.
#[derive(Debug, clap::Args)]
pub struct Send {
    /// The recipient, such as +14155550123.
    #[arg(long)]
    pub to: String,
    /// The sender: one of the tenant's numbers.
    #[arg(long)]
    pub from: String,
    /// The text.
    #[arg(long, allow_hyphen_values = true)]
    pub text: String,
    /// What the message is for.
    #[arg(long, value_enum)]
    pub category: Option<Category>,
    /// The campaign that it belongs to.
    #[arg(long)]
    pub campaign: Option<String>,
    /// Not before this (RFC 3339).
    #[arg(long)]
    pub send_at: Option<String>,
    /// For how long it is worth sending, such as 10m.
    #[arg(long, value_parser = config::duration)]
    pub valid_for: Option<Duration>,
    /// A label; may be given several times.
    #[arg(long = "tag")]
    pub tags: Vec<String>,
    /// The same key and message again give the same answer and one message.
    #[arg(long)]
    pub idempotency_key: Option<String>,
    /// Wait until the message has ended, and show its timeline.
    #[arg(long)]
    pub wait: bool,
    /// How long to wait.
    #[arg(long, default_value = "60s", value_parser = config::duration, requires = "wait")]
    pub timeout: Duration,
    /// Whom to ask.
    #[command(flatten)]
    pub server: Server,
}

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Category {
    /// What its recipient asked for or needs.
    Transactional,
    /// Advertisement.
    Marketing,
    /// One-time passwords.
    Otp,
    /// Part of a conversation.
    Conversational,
}

/// What becomes of a message that is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Outcome {
    /// It is sent again; its recipient may get it twice.
    Resend,
    /// Its recipient has it.
    Delivered,
    /// Its recipient hasn't got it, and it isn't sent again.
    Failed,
}

impl Outcome {
    /// As the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// `signalbox messages`.
#[derive(Debug, Subcommand)]
pub enum Messages {
    /// List messages, newest first.
    List {
        /// Only from this sender.
        #[arg(long)]
        from: Option<String>,
        /// Only to this recipient.
        #[arg(long)]
        to: Option<String>,
        /// Only those with this status.
        #[arg(long)]
        status: Option<String>,
        /// Only `inbound` or `outbound` ones.
        #[arg(long)]
        direction: Option<String>,
        /// Only those accepted after this (RFC 3339).
        #[arg(long)]
        after: Option<String>,
        /// Only those accepted before this (RFC 3339).
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
    /// Take a message back that is held or queued.
    Cancel {
        /// `msg_…`
        id: String,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Decide on messages that are in doubt: their carrier may have them, and no answer came.
    Resolve {
        /// `msg_…`; several may be given.
        #[arg(required = true)]
        ids: Vec<String>,
        /// What becomes of them.
        #[arg(long = "as", value_enum)]
        outcome: Outcome,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Show a message with its timeline.
    Show {
        /// `msg_…`
        id: String,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}
