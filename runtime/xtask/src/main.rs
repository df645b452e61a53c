//! The command line of `cargo xtask`.

use anyhow::Result;
use clap::{Parser, Subcommand};
use signalbox_xtask::{bench, crash, demo, guests, release, suite};
use std::process::ExitCode;

/// What developers run.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the guest examples into target/guests.
    Guests {
        /// Only these.
        names: Vec<String>,
    },
    /// Run everything that CI checks.
    Test(suite::Options),
    /// Check licences, advisories and duplicates of dependencies.
    Deny,
    /// Play a conversation through a fresh Signalbox and show each message's timeline.
    Demo(demo::Options),
    /// Build the program as it is shipped: optimized for what it does under load.
    Release(release::Options),
    /// Measure: one JSON object a line with --json, a table otherwise.
    Bench(bench::Options),
    /// Kill a loaded Signalbox again and again, and hold its promises against outside ledgers.
    Crash(crash::Options),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went as it should; what didn't was said.
fn run(command: Command) -> Result<bool> {
    match command {
        Command::Guests { names } => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            guests::build(&names).map(|_| true)
        }
        Command::Test(options) => suite::run(&options),
        Command::Deny => suite::deny::run().map(|()| true),
        Command::Demo(options) => demo::run(&options),
        Command::Release(options) => release::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Crash(options) => crash::command(&options),
    }
}
