//! Suppression lists: numbers to which not everything may be sent, each list with its source, its day and its end.
//!
//! Asked for every message, so they are in memory whole: 8.3 bytes a number, and an answer takes a look at two or three
//! cache lines. The store has them in parts that nobody sees before the last one is durable.
//!
//! | module | what it holds |
//! |---|---|
//! | `covers` | of which numbers a list tells the whole |
//! | `packed` | numbers in memory |
//! | `parse` | a file of them |
//! | `shelf` | what a tenant's messages are held against |
//! | `keep` | how lists come into the store, out of it, and back after a start |

mod covers;
mod keep;
mod packed;
mod parse;
mod shelf;

use serde::{Deserialize, Serialize};
use signalbox_model::{Address, KeyId, TenantId, Timestamp};

pub use covers::{Covers, Uncovered};
pub use keep::{Progress, Suppression, SuppressionRefused};
use packed::Packed;
pub use parse::{COLUMNS, MAX_NUMBERS};
pub use shelf::{Hit, Said, Shelf, Terms};

/// What being on a list means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ListKind {
    /// A registry of people who want no calls: the national one, or a state's.
    Dnc,
    /// People who are known to sue.
    Litigator,
    /// Numbers that were asked about in the database of reassigned numbers, with its answers.
    Reassigned,
    /// The tenant's or the operator's own: nothing goes to these numbers, whatever it is.
    Own,
}

impl ListKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Dnc, Self::Litigator, Self::Reassigned, Self::Own];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dnc => "dnc",
            Self::Litigator => "litigator",
            Self::Reassigned => "reassigned",
            Self::Own => "own",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What the database of reassigned numbers answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It didn't go to somebody else since that day.
    No,
    /// It did.
    Yes,
    /// The database doesn't tell.
    NoData,
}

impl Answer {
    /// The name in files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Yes => "yes",
            Self::NoData => "no_data",
        }
    }

    fn parse(cell: &[u8]) -> Option<Self> {
        let is = |names: &[&str]| names.iter().any(|name| cell.eq_ignore_ascii_case(name.as_bytes()));
        match () {
            () if is(&["no"]) => Some(Self::No),
            () if is(&["yes"]) => Some(Self::Yes),
            () if is(&["no_data", "no data", "nodata"]) => Some(Self::NoData),
            () => None,
        }
    }
}

/// Days since 1970 that have room beside a number: until 2149.
type Day = u16;

fn day_of(at: Timestamp) -> Option<Day> {
    Day::try_from(at.as_millis() / 86_400_000).ok()
}

/// A day and an answer, as they are kept beside a number.
fn note(day: Day, answer: Answer) -> u32 {
    u32::from(day) << 2 | answer as u32
}

fn noted_day(note: u32) -> (Day, Answer) {
    let answer = [Answer::No, Answer::Yes].into_iter().find(|answer| *answer as u32 == note & 3);
    (Day::try_from(note >> 2).unwrap_or(Day::MAX), answer.unwrap_or(Answer::NoData))
}

/// What is known of a list besides its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListMeta {
    /// Whose it is.
    pub owner: TenantId,
    /// Its name.
    pub name: String,
    /// What being on it means.
    pub kind: ListKind,
    /// Does it hold for every tenant? Only whom the operator lets may say so.
    pub for_all: bool,
    /// Where it is from, in its owner's words.
    pub source: String,
    /// When it was fetched there.
    pub fetched_at: Timestamp,
    /// From when on it is too old, besides what the rules say of its kind.
    pub expires_at: Option<Timestamp>,
    /// Of which numbers it tells the whole.
    pub covers: Covers,
    /// How many numbers it has.
    pub numbers: u64,
    /// With this key.
    pub key: KeyId,
    /// When it was imported; also tells one version from the next.
    pub imported_at: Timestamp,
}

/// A list that is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewList {
    /// Its name.
    pub name: String,
    /// What being on it means.
    pub kind: ListKind,
    /// Does it hold for every tenant?
    pub for_all: bool,
    /// Where it is from.
    pub source: String,
    /// When it was fetched there.
    pub fetched_at: Timestamp,
    /// From when on it is too old.
    pub expires_at: Option<Timestamp>,
    /// Of which numbers it tells the whole.
    pub covers: Covers,
}

/// A list in memory.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) meta: ListMeta,
    numbers: Packed,
}

impl List {
    /// Is the number on it? Numbers with an answer aren't: [`List::answer`].
    fn has(&self, number: &Address) -> bool {
        let Address::E164(number) = number else { return false };
        self.meta.kind != ListKind::Reassigned && self.numbers.has(packed::plain(*number))
    }

    /// What the database of reassigned numbers said of a number whose holder consented then. `no` is for what was asked
    /// of that day or an earlier one, `yes` for that day or a later one.
    fn answer(&self, number: &Address, consented: Timestamp) -> Answer {
        let (Address::E164(number), Some(consented)) = (number, day_of(consented)) else { return Answer::NoData };
        let mut found = Answer::NoData;
        for note in self.numbers.notes(*number) {
            match noted_day(note) {
                (asked, Answer::Yes) if consented <= asked => return Answer::Yes,
                (asked, Answer::No) if consented >= asked => found = Answer::No,
                _ => {}
            }
        }
        found
    }
}
