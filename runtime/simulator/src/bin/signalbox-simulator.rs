//! The simulated carrier as a process of its own.

use clap::Parser;
use std::process::ExitCode;

/// A carrier that misbehaves on purpose: SMSC, phones and webhook sink.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    args: signalbox_simulator::Args,
}

// One thread: what passes between tasks then costs no wake-up of another.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match signalbox_simulator::run(Cli::parse().args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("signalbox-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}
