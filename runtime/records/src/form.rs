//! The stored form of a timeline's lines: those of one step lie in one row.
//!
//! The nouns describe how a tenant reads a cause (`"kind": "sent"`), and that form names its case in a field, which
//! postcard can't read back: it has no names. So a row's form is written down here, positional and apart from the
//! API's: a change of either is seen in this file, and the compiler holds it against the nouns.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};
use signalbox_model::receipt::ReceiptState;
use signalbox_model::timeline::HandlerMark;
use signalbox_model::{Cause, Decision, Entry, ErrorClass, FactRead, Reason, Status, Timestamp, Trace, Verdict};
use signalbox_store::Table;
use signalbox_store::layout::{self, Unreadable};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Verdict")]
enum VerdictForm {
    Allow,
    Warn,
    Rewrite,
    Hold { until: Timestamp },
    Deny,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Decision")]
struct DecisionForm {
    #[serde(with = "VerdictForm")]
    verdict: Verdict,
    reasons: Vec<Reason>,
    rules: u64,
    #[serde(with = "TraceForm")]
    trace: Trace,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Trace")]
struct TraceForm {
    tables: u64,
    outcomes: Vec<u8>,
    facts: Vec<FactRead>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Cause")]
enum CauseForm {
    Accepted {
        #[serde(with = "DecisionForm")]
        decision: Decision,
    },
    Held {
        until: Timestamp,
        why: String,
        handler: Option<HandlerMark>,
        #[serde(with = "perhaps")]
        decision: Option<Decision>,
    },
    Queued {
        carrier: String,
        handler: Option<HandlerMark>,
        #[serde(with = "DecisionForm")]
        decision: Decision,
    },
    Rejected {
        #[serde(with = "perhaps")]
        decision: Option<Decision>,
        handler: Option<HandlerMark>,
        why: String,
    },
    Sending {
        carrier: String,
        attempt: u16,
    },
    Sent {
        carrier: String,
        carrier_ids: Vec<String>,
    },
    Refused {
        carrier: String,
        raw_code: String,
        part: Option<u8>,
    },
    Unsent {
        carrier: String,
    },
    InDoubt {
        carrier: String,
        why: String,
    },
    Resolved {
        how: String,
    },
    Receipt {
        carrier: String,
        carrier_id: String,
        part: u8,
        state: ReceiptState,
        raw_code: Option<String>,
        carrier_time: Option<Timestamp>,
    },
    Expired,
    Canceled {
        by: String,
    },
    NoRoute {
        why: String,
    },
    Received {
        carrier: String,
        parts: u8,
        of: u8,
        keyword: Option<String>,
    },
    Handled {
        handler: HandlerMark,
    },
    Unhandled {
        why: String,
    },
    HandlerFailed {
        handler: HandlerMark,
        error: String,
        attempt: u8,
        parked: bool,
    },
    Busy {
        carrier: String,
        raw_code: String,
        until: Timestamp,
    },
    Rerouted {
        carrier: String,
        from: String,
        why: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Entry")]
struct EntryForm {
    n: u16,
    seq: u64,
    at: Timestamp,
    status: Status,
    #[serde(with = "CauseForm")]
    cause: Cause,
    class: Option<ErrorClass>,
}

/// [`DecisionForm`] for one that may not be there.
mod perhaps {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Decision, DecisionForm};

    #[derive(Serialize)]
    struct Shown<'a>(#[serde(with = "DecisionForm")] &'a Decision);

    #[derive(Deserialize)]
    struct Read(#[serde(with = "DecisionForm")] Decision);

    pub fn serialize<S: Serializer>(decision: &Option<Decision>, serializer: S) -> Result<S::Ok, S::Error> {
        decision.as_ref().map(Shown).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decision>, D::Error> {
        Ok(Option::<Read>::deserialize(deserializer)?.map(|read| read.0))
    }
}

#[derive(Serialize)]
struct Shown<'a>(#[serde(with = "EntryForm")] &'a Entry);

struct AllShown<'a>(&'a [Arc<Entry>]);

impl Serialize for AllShown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|entry| Shown(entry)))
    }
}

#[derive(Deserialize)]
struct Read(#[serde(with = "EntryForm")] Entry);

/// Lines in their stored form.
pub fn encode_entries(entries: &[Arc<Entry>]) -> Bytes {
    layout::encode(&AllShown(entries))
}

/// Reads stored lines.
///
/// # Errors
///
/// When the row is damaged, or written by another version.
pub fn decode_entries(bytes: &[u8]) -> Result<Vec<Entry>, Unreadable> {
    let read = layout::decode::<Vec<Read>>(Table::Message, bytes)?;
    Ok(read.into_iter().map(|read| read.0).collect())
}
