//! A handler's log while it is written: bounded, and never a reason to trap.

use crate::limits::Limits;
use crate::outcome::{Level, LogLine, Logs};

/// Collects lines up to the event's limits, then counts what it drops.
#[derive(Debug)]
pub(crate) struct Log {
    logs: Logs,
    bytes: usize,
    max_lines: usize,
    max_bytes: usize,
    /// The last line is cut in its middle.
    is_torn: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Where the bytes of an output stream came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl Log {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            logs: Logs::default(),
            bytes: 0,
            max_lines: limits.log_lines,
            max_bytes: limits.log_bytes,
            is_torn: false,
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }

    /// Adds a line, or what of it still fits.
    pub(crate) fn line(&mut self, level: Level, text: &str) {
        let room = self.max_bytes - self.bytes;
        if self.logs.lines.len() >= self.max_lines || room == 0 {
            self.logs.cut = self.logs.cut.saturating_add(1);
            return;
        }
        let kept = &text[..text.floor_char_boundary(room)];
        if kept.len() < text.len() {
            self.logs.cut = self.logs.cut.saturating_add(1);
            self.bytes = self.max_bytes;
            self.is_torn = true;
        } else {
            self.bytes += kept.len();
        }
        self.logs.lines.push(LogLine { level, text: kept.to_owned() });
    }

    /// Takes bytes of an output stream; every whole line becomes a line of the log.
    pub(crate) fn bytes(&mut self, stream: Stream, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|&b| b == b'\n') {
            self.keep(stream, &bytes[..end]);
            self.end_line(stream);
            bytes = &bytes[end + 1..];
        }
        self.keep(stream, bytes);
    }

    /// The log as it is, with what was left of unfinished lines, and the secrets masked.
    pub(crate) fn finish<'a>(mut self, secrets: impl Iterator<Item = &'a str> + Clone) -> Logs {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !self.pending(stream).is_empty() {
                self.end_line(stream);
            }
        }
        // What is cut off is a secret's end as well as any other text's.
        if let Some(line) = self.logs.lines.last_mut().filter(|_| self.is_torn) {
            drop_beginning(&mut line.text, secrets.clone());
        }
        for line in &mut self.logs.lines {
            mask(&mut line.text, secrets.clone());
        }
        self.logs
    }

    /// Never keeps more of an unfinished line than could be shown of it.
    fn keep(&mut self, stream: Stream, bytes: &[u8]) {
        let most = self.max_bytes + 1;
        let pending = self.pending(stream);
        let room = most.saturating_sub(pending.len());
        pending.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self, stream: Stream) {
        let bytes = std::mem::take(self.pending(stream));
        let level = match stream {
            Stream::Stdout => Level::Info,
            Stream::Stderr => Level::Warn,
        };
        self.line(level, &String::from_utf8_lossy(&bytes));
    }

    fn pending(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

/// Bytes of a secret's value at least: shorter ones are words that would be masked everywhere.
pub const SHORTEST_MASKED: usize = 4;

/// Replaces every secret in a text.
pub(crate) fn mask<'a>(text: &mut String, secrets: impl Iterator<Item = &'a str>) {
    for secret in secrets.filter(|s| s.len() >= SHORTEST_MASKED) {
        if text.contains(secret) {
            *text = text.replace(secret, "[secret]");
        }
    }
}

/// Takes away the beginning of a secret at the end of a text.
fn drop_beginning<'a>(text: &mut String, secrets: impl Iterator<Item = &'a str> + Clone) {
    let begins = |rest: &str| secrets.clone().any(|secret| secret.starts_with(rest));
    let longest = secrets.clone().map(str::len).max().unwrap_or_default();
    let from = text.ceil_char_boundary(text.len().saturating_sub(longest));
    let places = text[from..].char_indices().map(|(at, _)| from + at);
    if let Some(at) = places.into_iter().find(|at| begins(&text[*at..])) {
        text.truncate(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: usize, bytes: usize) -> Log {
        Log::new(&Limits { log_lines: lines, log_bytes: bytes, ..Limits::default() })
    }

    fn texts(logs: &Logs) -> Vec<&str> {
        logs.lines.iter().map(|l| l.text.as_str()).collect()
    }

    #[test]
    fn lines_past_the_limit_are_counted_not_kept() {
        let mut log = log(2, 100);
        for text in ["a", "b", "c", "d"] {
            log.line(Level::Info, text);
        }
        let logs = log.finish([].into_iter());
        assert_eq!((texts(&logs), logs.cut), (vec!["a", "b"], 2));
    }

    #[test]
    fn a_line_is_cut_between_characters_where_the_bytes_end() {
        let mut log = log(10, 4);
        log.line(Level::Info, "a→→");
        log.line(Level::Info, "more");
        let logs = log.finish([].into_iter());
        assert_eq!((texts(&logs), logs.cut), (vec!["a→"], 2));
    }

    #[test]
    fn output_becomes_lines_however_it_is_split() {
        let mut log = log(10, 100);
        log.bytes(Stream::Stdout, b"on");
        log.bytes(Stream::Stderr, b"panic\nat ");
        log.bytes(Stream::Stdout, b"e\n\ntwo");
        let logs = log.finish([].into_iter());
        assert_eq!(texts(&logs), ["panic", "one", "", "two", "at "]);
    }

    #[test]
    fn a_flood_without_a_line_end_holds_no_more_than_the_limit() {
        let mut log = log(10, 8);
        for _ in 0..1_000 {
            log.bytes(Stream::Stdout, &[b'x'; 4_096]);
        }
        assert!(log.stdout.capacity() <= 64);
        let logs = log.finish([].into_iter());
        assert_eq!((texts(&logs), logs.cut), (vec!["xxxxxxxx"], 1));
    }

    #[test]
    fn what_a_cut_left_of_a_secret_is_gone() {
        for (bytes, left) in [(17, "the token "), (12, "the token "), (18, "the token [secret]"), (10, "the token ")] {
            for stdout in [false, true] {
                let mut log = log(10, bytes);
                match stdout {
                    true => log.bytes(Stream::Stdout, b"the token sk-12345"),
                    false => log.line(Level::Info, "the token sk-12345"),
                }
                assert_eq!(texts(&log.finish(["sk-12345", "other"].into_iter())), [left], "{bytes} {stdout}");
            }
        }
    }

    #[test]
    fn secrets_are_masked() {
        let mut log = log(10, 100);
        log.line(Level::Info, "token sk-12345 used");
        assert_eq!(texts(&log.finish(["sk-12345", "a"].into_iter())), ["token [secret] used"]);
    }
}
