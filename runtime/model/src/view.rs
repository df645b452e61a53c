//! A message and its timeline as the API and webhooks show them: one form for both, so that what a tenant reads and
//! what it is told never differ.

use serde::Serialize;

use crate::message::Message;
use crate::status::Status;
use crate::timeline::{Cause, Entry, HandlerMark, Head, NoteValue};

/// A message.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageView {
    /// `msg_…`
    pub id: String,
    /// `outbound` or `inbound`.
    pub direction: &'static str,
    /// Sender.
    pub from: String,
    /// Recipient.
    pub to: String,
    /// What it says.
    pub text: String,
    /// Its media.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub media_urls: Vec<String>,
    /// What it said before it was rewritten, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_text: Option<String>,
    /// There when it is true: its words were erased, and `text` is a mark in their place.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub body_erased: bool,
    /// Where it is in its life.
    pub status: &'static str,
    /// `transactional`, `marketing`, `otp` or `conversational`.
    pub category: &'static str,
    /// The campaign, if it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// The tenant's own labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// `gsm7` or `ucs2`.
    pub encoding: &'static str,
    /// How many segments it takes.
    pub segments: u8,
    /// The carrier that has it or will have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The status of each part, once it was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartView>,
    /// The canonical class of the last trouble.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    /// When it became durable here.
    pub accepted_at: String,
    /// Not before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_at: Option<String>,
    /// Until when it is held, while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_until: Option<String>,
    /// What it waits for in the queue before its carrier, if a carrier's rate keeps it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<WaitsView>,
    /// Not after this.
    pub expires_at: String,
    /// When its status last changed.
    pub updated_at: String,
}

/// What a queued message waits for.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitsView {
    /// Which carrier's rate.
    pub why: &'static str,
    /// About when its turn comes.
    pub estimated_at: String,
}

/// A part of a long message.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartView {
    /// The carrier's id for it, as written.
    pub carrier_id: String,
    /// Its status.
    pub status: &'static str,
}

/// One line of a timeline.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryView {
    /// Position in the message's timeline: 0, 1, 2 … without holes.
    pub n: u16,
    /// Rises strictly within the conversation. (`message`, `n`) and `sequence` are safe to deduplicate and order by.
    pub sequence: u64,
    /// The host's clock.
    pub at: String,
    /// The message's status after it.
    pub status: &'static str,
    /// In words.
    pub what: String,
    /// The canonical class, when something went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    /// All that is known, by kind of cause.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub cause: Cause,
}

impl MessageView {
    /// The view of `message`, which is where `head` says.
    pub fn new(message: &Message, head: &Head) -> Self {
        let part =
            |p: &crate::timeline::PartStatus| PartView { carrier_id: p.carrier_id.clone(), status: p.status.as_str() };
        Self {
            id: message.id.to_string(),
            direction: match message.direction {
                crate::message::Direction::Outbound => "outbound",
                crate::message::Direction::Inbound => "inbound",
            },
            from: message.from.to_string(),
            to: message.to.to_string(),
            text: message.body.text.clone(),
            media_urls: message.body.media_urls.clone(),
            original_text: message.original.as_ref().map(|body| body.text.clone()),
            body_erased: message.is_erased(),
            status: head.status.as_str(),
            category: message.category.as_str(),
            campaign: message.campaign.clone(),
            tags: message.tags.clone(),
            encoding: message.encoding.as_str(),
            segments: message.segments,
            carrier: head.carrier.as_deref().map(str::to_owned),
            parts: if head.parts.len() > 1 { head.parts.iter().map(part).collect() } else { Vec::new() },
            error: head.class.filter(|_| head.status != Status::Delivered).map(crate::ErrorClass::as_str),
            accepted_at: message.accepted_at.to_rfc3339(),
            send_at: message.send_at.map(crate::Timestamp::to_rfc3339),
            held_until: head.held_until.map(crate::Timestamp::to_rfc3339),
            waits: None,
            expires_at: message.expires_at.to_rfc3339(),
            updated_at: head.at.to_rfc3339(),
        }
    }
}

impl EntryView {
    /// The view of `entry`.
    pub fn new(entry: &Entry) -> Self {
        Self {
            n: entry.n,
            sequence: entry.seq,
            at: entry.at.to_rfc3339(),
            status: entry.status.as_str(),
            what: describe(&entry.cause),
            error: entry.class.map(crate::ErrorClass::as_str),
            cause: entry.cause.clone(),
        }
    }
}

/// A cause in words, one line.
pub fn describe(cause: &Cause) -> String {
    match cause {
        Cause::Accepted { decision } => {
            format!("accepted and durable; policy says {}{}", decision.verdict.as_str(), rules(decision))
        }
        Cause::Held { until, why, handler, decision } => {
            let handler = handler.as_ref().map(|mark| format!("{}; ", run(mark))).unwrap_or_default();
            let rules = decision.as_ref().map(rules).unwrap_or_default();
            format!("{handler}held until {until}{rules}: {why}")
        }
        Cause::Queued { carrier, handler, decision } => {
            let handler = handler.as_ref().map(|mark| format!("{}; ", run(mark))).unwrap_or_default();
            format!("{handler}policy says {}{}; queued for {carrier}", decision.verdict.as_str(), rules(decision))
        }
        Cause::Rejected { decision, handler, why } => {
            let by = match (decision, handler) {
                (Some(decision), _) => format!("policy{}", rules(decision)),
                (None, Some(mark)) => run(mark),
                (None, None) => "the host".to_owned(),
            };
            format!("rejected by {by}: {why}")
        }
        Cause::Sending { carrier, attempt } => format!("sending by {carrier}, attempt {attempt}"),
        Cause::Sent { carrier, carrier_ids } => format!("{carrier} took it as {}", carrier_ids.join(", ")),
        Cause::Refused { carrier, raw_code, .. } => format!("{carrier} refused it: {raw_code}"),
        Cause::Unsent { carrier } => format!("back to the queue: the bind to {carrier} fell before it was written"),
        Cause::InDoubt { carrier, why } => format!("in doubt: {carrier} may have it: {why}"),
        Cause::Resolved { how } => how.clone(),
        Cause::Receipt { carrier, part, state, raw_code, .. } => {
            let code = raw_code.as_ref().map(|code| format!(" (code {code})")).unwrap_or_default();
            let part = if *part == 0 { String::new() } else { format!(", part {}", part + 1) };
            format!("receipt from {carrier}{part}: {}{code}", format!("{state:?}").to_lowercase())
        }
        Cause::Expired => "its validity ran out".to_owned(),
        Cause::Canceled { by } => format!("canceled by {by}"),
        Cause::NoRoute { why } => format!("no route: {why}"),
        Cause::Received { carrier, parts, of, keyword } => {
            let missing = if parts < of { format!(", {} of {of} parts", parts) } else { String::new() };
            let keyword = keyword.as_ref().map(|word| format!("; the host obeys {word}")).unwrap_or_default();
            format!("received from {carrier}{missing}{keyword}")
        }
        Cause::Handled { handler } => run(handler),
        Cause::Unhandled { why } => why.clone(),
        Cause::HandlerFailed { handler, error, attempt, parked } => {
            let then = if *parked { "parked" } else { "will be tried again" };
            format!("handler {} failed, attempt {attempt}, {then}: {error}", handler.name)
        }
        Cause::Busy { carrier, raw_code, until } => {
            format!("{carrier} said to come back later: {raw_code}; it is tried again from {until} on")
        }
        Cause::Rerouted { carrier, from, why } => format!("takes {carrier} instead of {from}: {why}"),
    }
}

fn rules(decision: &crate::Decision) -> String {
    let names: Vec<_> = decision.reasons.iter().map(|reason| reason.rule.as_str()).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

fn run(mark: &HandlerMark) -> String {
    let notes: Vec<_> = mark
        .notes
        .iter()
        .map(|note| match &note.value {
            NoteValue::Label(text) | NoteValue::Text(text) => format!("{}={text}", note.key),
            NoteValue::Number(number) => format!("{}={number}", note.key),
        })
        .collect();
    let notes = if notes.is_empty() { String::new() } else { format!(", notes {}", notes.join(" ")) };
    format!("handler {} {} in {} µs{notes}", mark.name, mark.action, mark.cpu_us)
}
