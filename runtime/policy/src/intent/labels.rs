//! Labelled texts, and how well they are told apart.
//!
//! A line is tab-separated columns, the text last; one column is `stop`, `start`, `help` or `none`, and a column before it,
//! if there is one, names the part of the set. Lines with `#` are comments.

use super::{Intent, Intents};
use crate::error::{Complaint, Error};

/// A text and what its writer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// The part of the set; empty if the file has none.
    pub part: String,
    /// What the writer asks for.
    pub intent: Option<Intent>,
    /// The text.
    pub text: String,
}

/// How well one intent is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    /// Labelled so and found so.
    pub right: usize,
    /// Found so, and labelled otherwise.
    pub wrong: usize,
    /// Labelled so, and not found.
    pub missed: usize,
}

impl Score {
    /// The share of what was found that is right; 1 when nothing was.
    pub fn precision(&self) -> f64 {
        share(self.right, self.wrong)
    }

    /// The share of what was to be found that was; 1 when there was nothing.
    pub fn recall(&self) -> f64 {
        share(self.right, self.missed)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of lines in a file")]
fn share(part: usize, rest: usize) -> f64 {
    if part + rest == 0 { 1.0 } else { part as f64 / (part + rest) as f64 }
}

/// The intents a text can have, and none.
pub const CLASSES: [Option<Intent>; 4] = [Some(Intent::Stop), Some(Intent::Start), Some(Intent::Help), None];

/// The name of an intent, or of none.
pub fn name(intent: Option<Intent>) -> &'static str {
    intent.map_or("none", Intent::as_str)
}

/// Reads a file of labelled texts.
pub fn parse(file: &str, text: &str) -> Result<Vec<Labelled>, Error> {
    let (mut labelled, mut complaints) = (Vec::new(), Vec::new());
    for (line, row) in text.lines().enumerate().filter(|(_, row)| !row.trim().is_empty() && !row.starts_with('#')) {
        match read(row) {
            Some(row) => labelled.push(row),
            None => complaints.push(Complaint {
                file: file.to_owned(),
                line: line + 1,
                column: 1,
                reason: "a labelled text is `stop`, `start`, `help` or `none`, a tab, and the text".to_owned(),
            }),
        }
    }
    if complaints.is_empty() { Ok(labelled) } else { Err(Error::Refused(complaints)) }
}

fn read(row: &str) -> Option<Labelled> {
    let (labels, text) = row.rsplit_once('\t')?;
    let labels: Vec<&str> = labels.split('\t').collect();
    let at = labels.iter().position(|label| *label == "none" || Intent::parse(label).is_some())?;
    let part = if at > 0 { labels[0] } else { "" };
    Some(Labelled { part: part.to_owned(), intent: Intent::parse(labels[at]), text: text.to_owned() })
}

/// How well the texts of a set are told apart, for each of [`CLASSES`].
pub fn scores<'l>(intents: &Intents, set: impl IntoIterator<Item = &'l Labelled>) -> [Score; 4] {
    let mut scores = [Score::default(); 4];
    for labelled in set {
        let found = intents.find(&labelled.text, None).map(|found| found.intent);
        for (class, score) in CLASSES.iter().zip(&mut scores) {
            match (*class == labelled.intent, *class == found) {
                (true, true) => score.right += 1,
                (true, false) => score.missed += 1,
                (false, true) => score.wrong += 1,
                (false, false) => {}
            }
        }
    }
    scores
}
