//! `signalbox config check` and `signalbox config example`.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::ConfigCommand;
use crate::config::{self, Config};
use crate::exit::{self, Error};
use crate::{out, wire};

/// Checks a configuration, or prints the example.
pub fn run(command: &ConfigCommand) -> Result<ExitCode, Error> {
    match command {
        ConfigCommand::Example { json: false } => out::line(config::EXAMPLE.trim_end()),
        ConfigCommand::Example { json: true } => out::line(json!({ "example": config::EXAMPLE })),
        ConfigCommand::Check { file, json } => return check(file, *json),
    }
    Ok(ExitCode::SUCCESS)
}

fn check(file: &Path, json: bool) -> Result<ExitCode, Error> {
    let checked = Config::load(file).map_err(Error::from).and_then(|config| {
        wire::policies(&config)?;
        Ok(config)
    });
    if json {
        out::line(answer(file, &checked));
        return Ok(ExitCode::from(if checked.is_ok() { 0 } else { exit::WRONG }));
    }
    let config = checked?;
    let numbers: usize = config.tenants.iter().map(|tenancy| tenancy.tenant.numbers.len()).sum();
    let (carriers, tenants) = (config.carriers.len(), config.tenants.len());
    for warning in config.warnings() {
        out::line(format_args!("warning: {warning}"));
    }
    out::line(format_args!("{} is fine: carriers {carriers}, tenants {tenants}, numbers {numbers}", file.display()));
    Ok(ExitCode::SUCCESS)
}

fn answer(file: &Path, checked: &Result<Config, Error>) -> Value {
    let file = file.display().to_string();
    match checked {
        Ok(config) => json!({ "file": file, "ok": true, "complaints": [], "warnings": config.warnings() }),
        Err(Error::Config(config::Error::Refused { complaints, .. })) => {
            json!({ "file": file, "ok": false, "complaints": complaints })
        }
        Err(error) => json!({ "file": file, "ok": false, "complaints": [{ "reason": error.to_string() }] }),
    }
}
