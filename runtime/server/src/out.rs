//! The commands' answers, on stdout.

use std::fmt::Display;
use std::io::Write;

/// Writes a text that has its own ends of lines.
pub fn text(text: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = write!(out, "{text}").and_then(|()| out.flush());
}

/// Writes a line at once. A reader that has gone away (`… | head`) doesn't matter: whoever wanted the answer has it.
pub fn line(text: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
