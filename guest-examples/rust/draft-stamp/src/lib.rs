//! Puts a reference number into outbound texts: the least that a draft handler can usefully do.

wit_bindgen::generate!({ path: "../../../wit", world: "draft-hook" });

use exports::signalbox::messaging::draft_handler::{DraftChange, DraftDecision, Guest};
use signalbox::messaging::types::{HandlerError, OutboundDraft};

struct DraftStamp;

export!(DraftStamp);

/// Where the number goes.
const PLACE: &str = "{n}";
/// Characters of the message's id that make a number which support can find it by.
const DIGITS: usize = 6;

impl Guest for DraftStamp {
    fn on_draft(draft: OutboundDraft) -> Result<DraftDecision, HandlerError> {
        if !draft.text.contains(PLACE) {
            return Ok(DraftDecision::Send);
        }
        let number = &draft.id[draft.id.len().saturating_sub(DIGITS)..];
        Ok(DraftDecision::Change(vec![DraftChange::Text(draft.text.replace(PLACE, number))]))
    }
}
