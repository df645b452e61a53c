//! A message in the form in which guests are shown it.

use std::sync::Arc;

use signalbox_guest::{self as guest, Attribute, MediaRef};
use signalbox_model::{Cause, Message, Origin};
use signalbox_records::Told;

use crate::hot::Live;

/// A message in the form in which guests are shown it.
pub(crate) struct Shown<'m> {
    pub(crate) id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) channel: &'static str,
    origin: &'static str,
    media: Vec<MediaRef<'m>>,
}

impl<'m> Shown<'m> {
    pub(crate) fn new(message: &'m Message) -> Self {
        Self {
            id: message.id.to_string(),
            from: message.from.to_string(),
            to: message.to.to_string(),
            channel: if message.body.media_urls.is_empty() { "sms" } else { "mms" },
            origin: origin(message),
            // Nobody has looked at what lies there yet.
            media: message
                .body
                .media_urls
                .iter()
                .map(|url| MediaRef { url, content_type: "", size_bytes: 0 })
                .collect(),
        }
    }

    pub(crate) fn draft<'a>(
        &'a self,
        message: &'a Message,
        attributes: &'a [Attribute<'a>],
    ) -> guest::OutboundDraft<'a> {
        guest::OutboundDraft {
            id: &self.id,
            channel: self.channel,
            origin: self.origin,
            category: message.category.as_str(),
            sender: &self.from,
            recipient: &self.to,
            text: &message.body.text,
            media: &self.media,
            accepted_at: message.accepted_at.as_micros(),
            attributes,
        }
    }

    pub(crate) fn inbound<'a>(
        &'a self,
        message: &'a Message,
        attributes: &'a [Attribute<'a>],
    ) -> guest::InboundMessage<'a> {
        guest::InboundMessage {
            id: &self.id,
            channel: self.channel,
            sender: &self.from,
            recipient: &self.to,
            text: &message.body.text,
            media: &self.media,
            received_at: message.accepted_at.as_micros(),
            attributes,
        }
    }
}

/// Names and values, as events carry them.
pub(crate) type Attributes = Vec<(String, String)>;

/// Attributes in the form in which guests are shown them.
pub(crate) fn borrowed(attributes: &Attributes) -> Vec<Attribute<'_>> {
    attributes.iter().map(|(name, value)| Attribute { name, value }).collect()
}

fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// What a draft handler is told of a message beside its fields.
///
/// A tag that its sender wrote as `name=value` has that name; another one is a name without a value.
pub(crate) fn draft_attributes(message: &Message, routes: &[Arc<str>]) -> Attributes {
    let campaign = message.campaign.iter().map(|campaign| pair("campaign", campaign.as_str()));
    let routes = (!routes.is_empty()).then(|| pair("routes", routes.join(",")));
    let tags = message.tags.iter().map(|tag| {
        let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
        (format!("tag.{name}"), value.to_owned())
    });
    campaign.chain(routes).chain(tags).collect()
}

/// What a message handler is told beside a message's fields.
pub(crate) fn inbound_attributes(live: &Live, keyword: Option<&str>) -> Attributes {
    let message = &live.message;
    let mut known = Vec::with_capacity(5);
    if let Origin::Carrier { name } = &message.origin {
        known.push(pair("carrier", name.as_str()));
    }
    known.push(pair("encoding", message.encoding.as_str()));
    known.push(pair("parts", message.segments.to_string()));
    if live.head.is_incomplete {
        known.push(pair("incomplete", "true"));
    }
    known.extend(keyword.map(|keyword| pair("keyword", keyword)));
    known
}

/// What a receipt handler is told beside a receipt's fields.
pub(crate) fn receipt_attributes(told: &Told) -> Attributes {
    let (mut carrier, mut carrier_time, mut part) = (told.head.carrier.as_deref(), None, None);
    if let Cause::Receipt { carrier: by, carrier_time: at, part: which, .. } = &told.entry.cause {
        (carrier, carrier_time, part) = (Some(by.as_str()), *at, Some(*which));
    }
    let parts = told.message.segments;
    let carrier = carrier.map(|carrier| pair("carrier", carrier));
    let time = carrier_time.map(|at| pair("carrier-time", at.as_micros().to_string()));
    let part = part.filter(|_| parts > 1).map(|part| pair("part", (u16::from(part) + 1).to_string()));
    carrier.into_iter().chain(time).chain([pair("parts", parts.to_string())]).chain(part).collect()
}

/// What a handler is told of a message of the past beside its fields.
pub(crate) fn past_attributes(message: &Message) -> Attributes {
    let media = message.body.media_urls.len();
    let media = (media > 0).then(|| pair("media-count", media.to_string()));
    let category = pair("category", message.category.as_str());
    let campaign = message.campaign.iter().map(|campaign| pair("campaign", campaign.as_str()));
    let carrier = match &message.origin {
        Origin::Carrier { name } => Some(pair("carrier", name.as_str())),
        _ => None,
    };
    let origin = carrier.is_none().then(|| pair("origin", origin(message)));
    media.into_iter().chain(carrier).chain(origin).chain([category]).chain(campaign).collect()
}

fn origin(message: &Message) -> &'static str {
    match message.origin {
        Origin::Api { .. } => "api",
        Origin::Handler { .. } => "handler",
        Origin::Timer { .. } => "timer",
        Origin::Keyword | Origin::Carrier { .. } => "host",
    }
}
