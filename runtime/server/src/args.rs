//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::{config, native};

const CODES: &str = "Exit codes: 0 done, 1 couldn't be done, 2 the command line, configuration or policies are wrong, \
    3 the API refused, 4 a message that was waited for wasn't delivered, 5 the time to wait was up, 130 ended by a second \
    signal.";

/// A serverless messaging runtime.
#[derive(Debug, Parser)]
#[command(name = "signalbox", version, propagate_version = true, disable_help_subcommand = true, after_help = CODES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run from a configuration file.
    Serve(Serve),
    /// Run for development: a fresh store, a simulated carrier, a tenant and its key.
    Dev(Dev),
    /// Write a small project for a handler.
    New(New),
    /// Call a handler with one event; show what it asks for and what that costs.
    Invoke(Invoke),
    /// Play conversation scripts with a handler, in virtual time and without a server.
    Test(Test),
    /// Compile a component for the process that started this one.
    #[command(name = native::COMPILE, hide = true)]
    CompileComponent {
        /// What that process wants.
        order: String,
    },
    /// Run a recorded run of a handler again, on this machine: the same effects, or the difference.
    Replay(Replay),
    /// Check a configuration, or print an example of one.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Run the simulated carrier on its own.
    Simulator(signalbox_simulator::Args),
    /// What recipients said and say: keywords, consent.
    #[command(subcommand)]
    Consent(Consent),
    /// Lists of numbers to which not everything may be sent.
    #[command(subcommand)]
    Suppression(Suppression),
    /// Brands that send.
    #[command(subcommand)]
    Brand(Register),
    /// Campaigns: what brands send.
    #[command(subcommand)]
    Campaign(Campaign),
    /// Long codes and the campaigns that they belong to.
    #[command(subcommand)]
    Number(Register),
    /// Toll-free numbers and their verification.
    #[command(subcommand)]
    Tollfree(Register),
    /// Short codes.
    #[command(subcommand)]
    Shortcode(Register),
    /// Check policies, run their cases, explain decisions.
    #[command(subcommand)]
    Policy(crate::policy::Command),
    /// Export and verify the audit log.
    #[command(subcommand)]
    Audit(crate::client::audit::Command),
    /// Commands that ask a running Signalbox.
    #[command(flatten)]
    Client(ClientCommand),
}

/// `signalbox serve`.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// The configuration file.
    #[arg(long, short, env = "SIGNALBOX_CONFIG", default_value = "signalbox.toml")]
    pub config: PathBuf,
    /// Print what is worth knowing as lines of JSON.
    #[arg(long)]
    pub json: bool,
}

/// `signalbox dev`.
#[derive(Debug, clap::Args)]
pub struct Dev {
    /// A WebAssembly component, or a folder with handler.toml, whose `build` is run when a source changes; bound to the
    /// development number, and replaced when it changes. Secrets are taken from `SIGNALBOX_SECRET_<NAME>`.
    pub handler: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value_t = config::DEFAULT_LISTEN)]
    pub listen: SocketAddr,
    /// Keep the store in this folder. Without it the store is fresh and gone afterwards.
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// The simulated carrier's behaviour (TOML).
    #[arg(long)]
    pub scenario: Option<PathBuf>,
    /// What is logged: trace, debug, info, warn or error.
    #[arg(long, default_value = "warn")]
    pub log: String,
    /// Print what is worth knowing as lines of JSON.
    #[arg(long)]
    pub json: bool,
}

/// `signalbox new`.
#[derive(Debug, clap::Args)]
pub struct New {
    /// The handler's name, and that of its folder.
    pub name: String,
    /// The language.
    #[arg(long, value_enum)]
    pub lang: Language,
}

/// Languages that there are templates for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust.
    Rust,
    /// TypeScript.
    Ts,
    /// JavaScript.
    Js,
    /// Python.
    Python,
    /// C.
    C,
    /// Go.
    Go,
}

impl Language {
    /// Its folder among the templates.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Ts => "ts",
            Self::Js => "js",
            Self::Python => "python",
            Self::C => "c",
            Self::Go => "go",
        }
    }

    /// Does a project get the kit for JavaScript?
    pub fn has_kit(self) -> bool {
        matches!(self, Self::Ts | Self::Js)
    }
}

/// `signalbox invoke`.
#[derive(Debug, clap::Args)]
pub struct Invoke {
    /// A component, or a folder with handler.toml.
    pub handler: PathBuf,
    /// The event, in JSON: {"kind": "message", "text": "hello"}.
    pub event: PathBuf,
    /// Answer with one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `signalbox test`.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Scripts, or folders with scripts (every TOML file in a folder `conversations`).
    #[arg(default_value = ".")]
    pub places: Vec<PathBuf>,
    /// The handler's component, if it isn't where handler.toml says or builds leave it.
    #[arg(long)]
    pub handler: Option<PathBuf>,
    /// How outcomes are written.
    #[arg(long, value_enum, default_value_t = TestFormat::Pretty)]
    pub format: TestFormat,
}

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
    /// The handler whose recorded events are used.
    #[arg(long)]
    pub handler: String,
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

/// How outcomes of tests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people.
    Pretty,
    /// Test Anything Protocol.
    Tap,
    /// JUnit's XML.
    Junit,
    /// One JSON object.
    Json,
}

/// `signalbox config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration and its policies; nothing is started.
    Check {
        /// The configuration file.
        #[arg(default_value = "signalbox.toml")]
        file: PathBuf,
        /// Answer with one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print an example with a comment on every key.
    Example {
        /// Answer with one JSON object.
        #[arg(long)]
        json: bool,
    },
}

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
    /// Print everybody's consents as CSV that can be imported again.
    Export {
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Show what a person allows; with a sender, its whole history.
    Show {
        /// The person's number.
        #[arg(allow_hyphen_values = true)]
        number: String,
        /// One of the tenant's senders.
        #[arg(long, allow_hyphen_values = true)]
        sender: Option<String>,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}

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

/// For whom something is registered, and whom to ask.
#[derive(Debug, Clone, clap::Args)]
pub struct Whom {
    /// With the operator's key: the tenant.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Whom to ask.
    #[command(flatten)]
    pub server: Server,
}

/// `NAME=VALUE`.
fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("is written NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// Commands that ask a running Signalbox.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Send a message.
    Send(Send),
    /// Look at messages.
    #[command(subcommand)]
    Messages(Messages),
    /// Upload and look at handlers.
    #[command(subcommand)]
    Handlers(Handlers),
    /// Give a number's events to a handler.
    Bind {
        /// One of the tenant's numbers.
        #[arg(allow_hyphen_values = true)]
        number: String,
        /// The handler's name.
        handler: String,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Show a candidate the last recorded events of a handler: how many would it handle otherwise?
    Gate(Gate),
    /// Look at events that were given up, and try them again.
    #[command(subcommand)]
    Parked(Parked),
    /// Set up and look at webhooks.
    #[command(subcommand)]
    Webhooks(Webhooks),
}

/// Whom to ask, as whom, and how to show the answer.
#[derive(Debug, Clone, clap::Args)]
pub struct Server {
    /// Where Signalbox is.
    #[arg(long, env = "SIGNALBOX_URL", default_value = "http://127.0.0.1:8480")]
    pub url: String,
    /// The API key, `sb_…`.
    #[arg(long, env = "SIGNALBOX_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// Print the API's own answer.
    #[arg(long)]
    pub json: bool,
}

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
    /// Show a message with its timeline.
    Show {
        /// `msg_…`
        id: String,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}

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

/// `signalbox webhooks`.
#[derive(Debug, Subcommand)]
pub enum Webhooks {
    /// Set up a webhook.
    Put {
        /// Its name.
        name: String,
        /// Where events go.
        #[arg(id = "target", value_name = "URL")]
        target: String,
        /// Which, with commas between them: message.delivered and so on, or message.* for all.
        #[arg(long, value_delimiter = ',', default_value = "message.*")]
        events: Vec<String>,
        /// The key that signs, `whsec_…`; one is made if none is given.
        #[arg(long)]
        secret: Option<String>,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// List webhooks.
    List {
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn events_are_a_list_and_times_are_durations() {
        let read = |line: &str| Args::try_parse_from(line.split(' '));
        let put =
            read("signalbox webhooks put mine https://a.example --events message.sent,message.delivered").unwrap();
        let Command::Client(ClientCommand::Webhooks(Webhooks::Put { events, .. })) = put.command else { panic!() };
        assert_eq!(events, ["message.sent", "message.delivered"]);
        let send = read("signalbox send --to +1 --from +2 --text -hi- --wait --timeout 1m30s --valid-for 10m").unwrap();
        let Command::Client(ClientCommand::Send(send)) = send.command else { panic!() };
        assert_eq!((send.timeout.as_secs(), send.valid_for.map(|d| d.as_secs())), (90, Some(600)));
        assert!(read("signalbox send --to +1 --from +2 --text a --wait --timeout 30").is_err());
    }
}
