//! The command line: a file a family of commands.

mod consent;
mod handlers;
mod local;
mod messages;
mod parked;
mod programs;
mod registry;
mod retention;
mod runs;
mod supervision;
mod suppression;
mod webhooks;

use clap::{Parser, Subcommand};

pub use self::consent::{Classify, Consent, ConsentClient};
pub use self::handlers::{Alias, Handlers};
pub use self::local::{ConfigCommand, Dev, Invoke, Language, New, Serve, Test, TestFormat};
pub use self::messages::{Category, Messages, Outcome, Send};
pub use self::parked::Parked;
pub use self::programs::{Programs, Put as PutProgram};
pub use self::registry::{Campaign, Lint, Register};
pub use self::retention::Retention;
pub use self::runs::{Gate, Replay};
pub use self::supervision::{Decision, Supervision};
pub use self::suppression::Suppression;
pub use self::webhooks::Webhooks;
use crate::native;

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
    /// Own keywords, answers to HELP and domains, by campaign or sender.
    #[command(subcommand)]
    Programs(Programs),
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
    /// Messages that a supervisor looks at before they go.
    #[command(subcommand)]
    Supervision(Supervision),
    /// For how long what is on record is kept.
    #[command(subcommand)]
    Retention(Retention),
    /// Export and verify the audit log.
    #[command(subcommand)]
    Audit(crate::client::audit::Command),
    /// The master key under which bodies lie.
    #[command(subcommand)]
    Keys(crate::master::Command),
    /// Make all that was said with a person unreadable, for good. Who opted out stays opted out.
    Erase(crate::client::erase::Erase),
    /// Legal holds: what must be kept.
    #[command(subcommand)]
    Hold(crate::client::hold::Command),
    /// Commands that ask a running Signalbox.
    #[command(flatten)]
    Client(ClientCommand),
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
