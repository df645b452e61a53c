//! `notes`: remarks on the record.

use super::{check_name, invalid, wit};
use crate::call::Call;
use crate::effects::Note;
use wit::notes;
use wit::types::CallError;

/// A name is something to count by.
const MAX_NAME_BYTES: usize = 64;

/// A remark, not a document.
const MAX_TEXT_BYTES: usize = 1_024;

impl notes::Host for Call {
    fn label(&mut self, name: String) -> wasmtime::Result<Result<(), CallError>> {
        let checked = check_name("the label", &name, MAX_NAME_BYTES);
        self.note(checked, Note::Label(name))
    }

    fn number(&mut self, name: String, value: f64) -> wasmtime::Result<Result<(), CallError>> {
        let checked = check_name("the note's name", &name, MAX_NAME_BYTES).and_then(|()| {
            if value.is_finite() { Ok(()) } else { Err(invalid("the number is infinite or no number at all")) }
        });
        self.note(checked, Note::Number(name, value))
    }

    fn text(&mut self, name: String, value: String) -> wasmtime::Result<Result<(), CallError>> {
        let checked = check_name("the note's name", &name, MAX_NAME_BYTES).and_then(|()| {
            if value.len() <= MAX_TEXT_BYTES {
                return Ok(());
            }
            Err(invalid(format!("the text has {} bytes: {MAX_TEXT_BYTES} are the most", value.len())))
        });
        self.note(checked, Note::Text(name, value))
    }
}

impl Call {
    fn note(&mut self, checked: Result<(), CallError>, note: Note) -> wasmtime::Result<Result<(), CallError>> {
        self.enter();
        if checked.is_ok() {
            self.staging.note(note)?;
        }
        Ok(checked)
    }
}
