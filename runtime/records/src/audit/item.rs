//! What is logged. No text and no number is: texts stand here as hashes of their stored rows, people as keyed hashes.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_model::{HoldId, MessageId, Status, Timestamp};
use signalbox_store::Table;
use signalbox_store::layout::{self, Unreadable};

use super::Digest;

/// A person, as a keyed hash of their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Person(#[serde(with = "hexed")] pub [u8; 8]);

/// One thing that is logged. Cases are only ever added, at the end: their place is part of the stored form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A line of a message's timeline: a decision, an attempt, an outcome.
    Line {
        /// Whose.
        message: MessageId,
        /// Which.
        n: u16,
        /// What the message became.
        status: Status,
        /// The other side of its conversation.
        person: Person,
        /// Of the line as it is stored.
        #[serde(with = "hexed")]
        digest: Digest,
    },
    /// A message was written, or rewritten by a handler or a rule.
    Text {
        /// Which.
        message: MessageId,
        /// Of the message as it is stored.
        #[serde(with = "hexed")]
        digest: Digest,
    },
    /// Somebody read messages' bodies.
    Read {
        /// Who: the API key's id.
        by: String,
        /// By what: `message`, `timeline`, `list`, …
        how: String,
        /// Which messages were shown.
        messages: Vec<MessageId>,
        /// Whose conversations they are of.
        people: Vec<Person>,
        /// Why the reader was shown what is redacted otherwise; `None` if it wasn't.
        reason: Option<String>,
    },
    /// A legal hold was placed, or is released.
    Hold {
        /// Which.
        hold: HoldId,
        /// Who: the API key's id, or `operator`.
        by: String,
        /// Placed; released otherwise.
        placed: bool,
        /// `tenant`, `contact` or `conversation`.
        on: String,
        /// The person whom it is about, if it is about one.
        person: Option<Person>,
        /// Why, in the words of who did it.
        why: String,
    },
    /// What was kept long enough was deleted, in the same commit.
    Swept {
        /// What: `messages`, `carrier_ids`, …
        what: String,
        /// Of which day it was, in UTC: `2026-12-24`.
        day: String,
        /// How many.
        count: u64,
        /// Which messages, where it was messages: that their rows are missing is as it should be.
        messages: Vec<MessageId>,
    },
    /// A supervisor decided on a message.
    Supervised {
        /// Which.
        message: MessageId,
        /// Who: the API key's id.
        by: String,
        /// It may go; it was rejected otherwise.
        approved: bool,
        /// Whom it is for.
        person: Person,
        /// Why, in the supervisor's words.
        why: String,
    },
    /// All that was said with a person is erased.
    Erased {
        /// Who: the API key's id, or `operator`.
        by: String,
        /// The person.
        person: Person,
    },
    /// The log itself was kept long enough and cut, in the same commit: with the last of these its chain begins where it
    /// does. A beginning that no frame tells of was cut off by somebody else.
    Cut {
        /// The frame of this chain that is its beginning from now on; 0 where it has all frames.
        behind: u64,
        /// The checkpoint that signed that frame.
        mark: u64,
        /// The first of the tenant's checkpoints that is left.
        marks_from: u64,
    },
    /// Something on which decisions stand was changed: the policies in force, an import, a registration, an agreement.
    Changed {
        /// Who: the API key's id, `operator`, or `host` for what was found at the start.
        by: String,
        /// What: `policy`, `consent`, `consents`, `suppression`, `brand`, `campaign`, …
        what: String,
        /// Which: its name, or its version's hash.
        name: String,
        /// In short, what became of it. No text and no number.
        to: String,
        /// The person whom it is about, if it is about one.
        person: Option<Person>,
    },
}

impl Item {
    /// The people whom it is about.
    pub fn people(&self) -> &[Person] {
        match self {
            Self::Line { person, .. } | Self::Supervised { person, .. } => std::slice::from_ref(person),
            Self::Text { .. } | Self::Swept { .. } | Self::Cut { .. } => &[],
            Self::Read { people, .. } => people,
            Self::Hold { person, .. } | Self::Changed { person, .. } => person.as_slice(),
            Self::Erased { person, .. } => std::slice::from_ref(person),
        }
    }

    /// Is it about the log, so that whoever verifies a part of it has to see it?
    pub fn is_of_log(&self) -> bool {
        matches!(self, Self::Cut { .. })
    }
}

/// What a commit added to the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// When, by the host's clock; never before the frame before it.
    pub at: Timestamp,
    /// What.
    pub items: Vec<Item>,
}

impl Body {
    /// The bytes that are hashed and stored.
    pub fn encode(&self) -> Bytes {
        layout::encode(self)
    }

    /// Reads them.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        layout::decode(Table::Audit, bytes)
    }
}

/// Bytes: as they are for machines, in hex for people.
mod hexed {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], serializer: S) -> Result<S::Ok, S::Error>
    where
        [u8; N]: Serialize,
    {
        if serializer.is_human_readable() {
            serializer.serialize_str(&super::super::hex(bytes))
        } else {
            bytes.serialize(serializer)
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error>
    where
        [u8; N]: Deserialize<'de>,
    {
        if !deserializer.is_human_readable() {
            return <[u8; N]>::deserialize(deserializer);
        }
        let text = String::deserialize(deserializer)?;
        let bytes = super::super::unhex(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| serde::de::Error::custom("isn't as many bytes in hex as there should be"))
    }
}
