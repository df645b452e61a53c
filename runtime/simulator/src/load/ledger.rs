//! The sender's book: one JSON line a message.

use crate::Error;
use parking_lot::Mutex;
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

#[derive(Default)]
pub(super) struct Ledger {
    file: Option<(String, Mutex<BufWriter<File>>)>,
}

/// A message's fate as its sender saw it.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub(super) n: u64,
    /// None if refused or never answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) to: String,
    pub(super) text_sha256: String,
    /// The HTTP status; none if never answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    pub(super) time_us: u64,
}

impl Ledger {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(Self::default()) };
        let name = path.display().to_string();
        match File::options().create(true).append(true).open(path) {
            Ok(file) => Ok(Self { file: Some((name, Mutex::new(BufWriter::new(file)))) }),
            Err(error) => Err(Error::File { name, error }),
        }
    }

    pub(super) fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    pub(super) fn write(&self, line: &Line<'_>) {
        if let Some((name, file)) = &self.file {
            let mut file = file.lock();
            let written = serde_json::to_writer(&mut *file, line).map_err(std::io::Error::from);
            if let Err(error) = written.and_then(|()| file.write_all(b"\n")) {
                tracing::error!(%error, name, "a line of the load's ledger is lost");
            }
        }
    }

    pub(super) fn finish(&self) -> Result<(), Error> {
        match &self.file {
            Some((name, file)) => file.lock().flush().map_err(|error| Error::File { name: name.clone(), error }),
            None => Ok(()),
        }
    }
}
