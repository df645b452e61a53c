//! `signalbox keys`: the operator's master key.

use std::path::PathBuf;
use std::process::ExitCode;

use signalbox_model::Chance;
use signalbox_records::vault::Master;

use crate::exit::Error;
use crate::out;

/// `signalbox keys`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a master key for `[encryption]`, readable for you alone.
    Make {
        /// A file that isn't there yet.
        file: PathBuf,
        /// Answer with one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Show a key's fingerprint, by which errors name it.
    Show {
        /// Its file.
        file: PathBuf,
        /// Answer with one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Makes or shows a key.
pub fn run(command: Command) -> Result<ExitCode, Error> {
    let (key, file, json) = match command {
        Command::Make { file, json } => (Master::make(&file, &Chance::from_os().bytes32())?, file, json),
        Command::Show { file, json } => (Master::read(&file)?, file, json),
    };
    let fingerprint = key.fingerprint();
    match json {
        true => out::line(serde_json::json!({ "file": file, "fingerprint": fingerprint })),
        false => out::line(format!("{}: {fingerprint}", file.display())),
    }
    Ok(ExitCode::SUCCESS)
}
