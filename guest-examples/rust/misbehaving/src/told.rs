//! What a handler is told, repeated.

use crate::deeds::Done;
use crate::exports::signalbox::messaging::draft_handler::OutboundDraft;
use crate::signalbox::messaging::state::{self, Scope};
use crate::signalbox::messaging::types::{Attribute, InboundMessage, Media, Receipt};
use crate::signalbox::messaging::{conversation, outbox};

/// From now on what receipts say is kept.
pub fn watch() -> Done {
    state::set(&Scope::Conversation, "receipts", b"", None)?;
    Ok(())
}

pub fn receipt(receipt: &Receipt) -> Done {
    let Some(told) = state::get(&Scope::Conversation, "receipts")? else { return Ok(()) };
    let told = String::from_utf8_lossy(&told).into_owned();
    let class = receipt.error_class.as_deref().unwrap_or("fine");
    let line = format!("{told}{} {class} {}\n", receipt.status, names(&receipt.attributes));
    state::set(&Scope::Conversation, "receipts", line.as_bytes(), None)?;
    Ok(())
}

pub fn message(message: &InboundMessage) -> Done {
    let past = conversation::recent(1)?;
    let past = past.first().map(|past| names(&past.attributes)).unwrap_or_default();
    outbox::reply(&format!("{} {}; past: {past}", files(&message.media), names(&message.attributes)))?;
    Ok(())
}

pub fn draft(draft: &OutboundDraft) -> String {
    format!("{} {} {}", draft.origin, files(&draft.media), names(&draft.attributes))
}

fn names(attributes: &[Attribute]) -> String {
    let pairs: Vec<_> = attributes.iter().map(|a| format!("{}={}", a.name, a.value)).collect();
    pairs.join(" ")
}

fn files(media: &[Media]) -> String {
    let urls: Vec<_> = media.iter().map(|media| media.url.as_str()).collect();
    format!("[{}]", urls.join(" "))
}
