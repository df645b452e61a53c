//! The load generator: prints one line of JSON at the end.

use clap::Parser;
use std::process::ExitCode;

/// Sends messages to the API and says what came back.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    args: signalbox_simulator::load::Args,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match signalbox_simulator::load::run(Cli::parse().args).await {
        Ok(report) => print(&report),
        Err(error) => {
            eprintln!("signalbox-load: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn print(report: &signalbox_simulator::load::Report) -> ExitCode {
    println!("{}", serde_json::to_string(report).expect("numbers and text are JSON"));
    ExitCode::SUCCESS
}
