//! How a conversation went.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;
use crate::script::Conversation;

/// How a conversation went.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The script's file.
    pub file: PathBuf,
    /// The line on which the conversation begins.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// How long it took, on the machine's clock.
    pub took: Duration,
    /// The handler's runs in it, run again from their recordings; none if it failed before its end.
    pub replays: Replays,
    /// What went otherwise than the script says; nothing if all went well.
    pub failed: Option<Failed>,
}

/// Runs of a handler that were run again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replays {
    /// How many.
    pub runs: usize,
    /// How many of them asked the same, and did the same.
    pub same: usize,
}

/// Where a conversation went otherwise than its script says.
#[derive(Debug, Clone)]
pub struct Failed {
    /// The line of the step.
    pub line: usize,
    /// What was expected.
    pub expected: String,
    /// What was there.
    pub got: String,
    /// What had happened until then.
    pub so_far: Vec<String>,
}

impl Outcome {
    /// Did all go as the script says?
    pub fn passed(&self) -> bool {
        self.failed.is_none()
    }
}

impl Failed {
    /// The conversation couldn't be held.
    pub(crate) fn at_all(conversation: &Conversation, error: &Error) -> Self {
        let expected = "the conversation to begin".to_owned();
        Self { line: conversation.line, expected, got: error.to_string(), so_far: Vec::new() }
    }
}
