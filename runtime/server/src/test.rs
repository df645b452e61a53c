//! `signalbox test`: conversation scripts, played with a handler.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use signalbox_rehearsal::report::{self, Format};
use signalbox_rehearsal::{Error, Outcome, Stage, projects};

use crate::args::{Test, TestFormat};
use crate::{exit, native, out};

/// Plays them all; the exit code says whether all went as they say.
pub fn run(args: &Test) -> Result<ExitCode, exit::Error> {
    let began = Instant::now();
    let outcomes = play(args)?;
    out::text(report::write(args.format.into(), &outcomes, began.elapsed()));
    let passed = outcomes.iter().all(Outcome::passed);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

fn play(args: &Test) -> Result<Vec<Outcome>, Error> {
    let projects = projects(&args.places, args.handler.is_some())?;
    let host = Stage::host(native::of_this_user()?)?;
    let mut outcomes = Vec::new();
    for project in projects {
        let path = args.handler.clone().map_or_else(|| project.component(), Ok)?;
        let stage = Stage::new(host.clone(), project.manifest, &path, read(&path)?)?;
        outcomes.extend(stage.play_all(&project.scripts));
    }
    Ok(outcomes)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

impl From<TestFormat> for Format {
    fn from(format: TestFormat) -> Self {
        match format {
            TestFormat::Pretty => Self::Pretty,
            TestFormat::Tap => Self::Tap,
            TestFormat::Junit => Self::Junit,
            TestFormat::Json => Self::Json,
        }
    }
}
