//! A message in the form in which guests are shown it.

use std::sync::Arc;

use signalbox_guest::{self as guest, Attribute};
use signalbox_model::{Message, Origin};

/// A message in the form in which guests are shown it.
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) channel: &'static str,
    origin: &'static str,
}

impl Shown {
    pub(crate) fn new(message: &Message) -> Self {
        Self {
            id: message.id.to_string(),
            from: message.from.to_string(),
            to: message.to.to_string(),
            channel: if message.body.media_urls.is_empty() { "sms" } else { "mms" },
            origin: match message.origin {
                Origin::Api { .. } => "api",
                Origin::Handler { .. } => "handler",
                Origin::Keyword | Origin::Carrier { .. } => "host",
            },
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
            media: &[],
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
            media: &[],
            received_at: message.accepted_at.as_micros(),
            attributes,
        }
    }
}

/// What a draft handler is told of a message beside its fields: names and values.
///
/// A tag that its sender wrote as `name=value` has that name; another one is a name without a value.
pub(crate) fn draft_attributes(message: &Message, routes: &[Arc<str>]) -> Vec<(String, String)> {
    let campaign = message.campaign.iter().map(|campaign| ("campaign".to_owned(), campaign.clone()));
    let routes = (!routes.is_empty()).then(|| ("routes".to_owned(), routes.join(",")));
    let tags = message.tags.iter().map(|tag| {
        let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
        (format!("tag.{name}"), value.to_owned())
    });
    campaign.chain(routes).chain(tags).collect()
}
