//! What a customer answered.

/// Whether the payment was theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Mine,
    NotMine,
}

impl Answer {
    /// What the bank is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mine => "confirmed",
            Self::NotMine => "denied",
        }
    }
}

const YES: [&str; 10] = ["yes", "y", "yeah", "yep", "yup", "si", "sí", "correct", "mine", "me"];
const NO: [&str; 11] = ["no", "n", "nope", "nah", "not", "never", "didn't", "didnt", "wasn't", "wasnt", "fraud"];
/// Words that turn neither way, in an answer that people write by themselves.
const BESIDE: [&str; 15] =
    ["it", "was", "that", "that's", "thats", "this", "is", "i", "did", "do", "make", "the", "payment", "my", "sir"];

/// Reads an answer; none where it isn't clear. Money hangs on it, so every word has to be known: "yes but I don't know that
/// shop" is unclear, and asked again.
pub fn read(text: &str) -> Option<Answer> {
    let lower = text.to_lowercase().replace('’', "'");
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
    let (mut yes, mut no) = (false, false);
    for word in words {
        match word {
            word if NO.contains(&word) => no = true,
            word if YES.contains(&word) => yes = true,
            word if BESIDE.contains(&word) => {}
            _ => return None,
        }
    }
    match (yes, no) {
        (true, false) => Some(Answer::Mine),
        // "Not me", "no, it wasn't me": a YES word in a denial.
        (_, true) if !starts_with_yes(&lower) => Some(Answer::NotMine),
        _ => None,
    }
}

fn starts_with_yes(lower: &str) -> bool {
    let first = lower.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty());
    first.is_some_and(|word| YES.contains(&word))
}
