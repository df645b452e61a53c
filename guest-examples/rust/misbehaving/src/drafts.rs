//! What becomes of drafts that say `please …`.

use crate::deeds::to;
use crate::exports::signalbox::messaging::draft_handler::{DraftChange, DraftDecision, OutboundDraft};
use crate::signalbox::messaging::notes;
use crate::signalbox::messaging::outbox::{self, OutgoingMessage};
use crate::signalbox::messaging::state::{self, Scope};
use crate::signalbox::messaging::types::HandlerError;
use std::time::{Duration, SystemTime};

const A_MINUTE: Duration = Duration::from_secs(60);
const AN_HOUR: Duration = Duration::from_secs(3_600);

pub fn decide(asked: &str, draft: &OutboundDraft) -> Result<DraftDecision, HandlerError> {
    match asked.split_whitespace().next().unwrap_or_default() {
        "stamp" => stamp(draft),
        "wait" => {
            state::increment(&Scope::Conversation, "waits", 1, None)?;
            outbox::send(&to("+15550199888", "a copy"))?;
            let until = draft.accepted_at + micros(AN_HOUR);
            Ok(DraftDecision::Change(vec![DraftChange::NotBefore(until), DraftChange::Route("backup".into())]))
        }
        "reroute" => Ok(DraftDecision::Change(vec![DraftChange::Route("backup".into())])),
        "come" => come_later(draft),
        "forge" => Ok(DraftDecision::Change(vec![DraftChange::Sender("+15550100002".into())])),
        "move" => {
            let sender = Some("+15550100002".into());
            outbox::send(&OutgoingMessage { sender, ..to(&draft.recipient, "moved") })?;
            Ok(DraftDecision::Drop("it goes from the other number".into()))
        }
        "nul" => Ok(DraftDecision::Change(vec![DraftChange::Text("a\0b".into())])),
        "show" => Ok(DraftDecision::Drop(crate::told::draft(draft))),
        "break" => Err(HandlerError::Retry(None)),
        _ => Ok(DraftDecision::Send),
    }
}

/// Leaves a mark on the text, in the state, on the record, and sends a copy: each of which can be counted.
fn stamp(draft: &OutboundDraft) -> Result<DraftDecision, HandlerError> {
    state::increment(&Scope::Conversation, "stamps", 1, None)?;
    notes::label("stamped")?;
    outbox::send(&to("+15550199888", "a copy"))?;
    Ok(DraftDecision::Change(vec![DraftChange::Text(format!("{} [stamp]", draft.text))]))
}

/// Fails until its time has come, and changes it then.
fn come_later(draft: &OutboundDraft) -> Result<DraftDecision, HandlerError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let is_early = micros(now) < draft.accepted_at + micros(A_MINUTE);
    if is_early {
        return Err(HandlerError::Reject("not yet".into()));
    }
    stamp(draft)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or_default()
}
