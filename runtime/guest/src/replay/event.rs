//! An event that outlives its records: what [`Event`] borrows, owned.

use crate::effects::Media;
use crate::event::{Attribute, Conversation, Event, InboundMessage, Kind, MediaRef, OutboundDraft, Receipt, Timer};
use serde::{Deserialize, Serialize};

/// An event, kept. The fields are those of the records in `wit/types.wit`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub struct RecordedEvent {
    pub details: Details,
    pub channel: String,
    pub sender: String,
    pub recipient: String,
    pub at: u64,
    pub media: Vec<Media>,
    pub attributes: Vec<(String, String)>,
}

/// What only one kind of event has.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub enum Details {
    Message {
        id: String,
        text: String,
    },
    Draft {
        id: String,
        origin: String,
        category: String,
        text: String,
    },
    Receipt {
        message: String,
        status: String,
        is_final: bool,
        error_class: Option<String>,
        carrier_code: Option<String>,
    },
    /// Its conversation's number and contact are the event's sender and recipient.
    Timer {
        name: String,
        payload: Vec<u8>,
    },
}

/// Lists as an [`Event`] borrows them.
pub(super) struct Lent<'a> {
    media: Vec<MediaRef<'a>>,
    attributes: Vec<Attribute<'a>>,
}

impl RecordedEvent {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let (details, channel, sender, recipient, media, attributes) = match *event {
            Event::Message(m) => {
                let details = Details::Message { id: m.id.into(), text: m.text.into() };
                (details, m.channel, m.sender, m.recipient, m.media, m.attributes)
            }
            Event::Draft(d) => {
                let (origin, category) = (d.origin.into(), d.category.into());
                let details = Details::Draft { id: d.id.into(), origin, category, text: d.text.into() };
                (details, d.channel, d.sender, d.recipient, d.media, d.attributes)
            }
            Event::Receipt(r) => {
                let details = Details::Receipt {
                    message: r.message.into(),
                    status: r.status.into(),
                    is_final: r.is_final,
                    error_class: r.error_class.map(Into::into),
                    carrier_code: r.carrier_code.map(Into::into),
                };
                (details, r.channel, r.sender, r.recipient, &[][..], r.attributes)
            }
            Event::Timer(t) => {
                let details = Details::Timer { name: t.name.into(), payload: t.payload.into() };
                (details, "", t.conversation.number, t.conversation.contact, &[][..], t.attributes)
            }
        };
        let owned = |m: &MediaRef<'_>| Media {
            url: m.url.into(),
            content_type: m.content_type.into(),
            size_bytes: m.size_bytes,
        };
        Self {
            details,
            channel: channel.into(),
            sender: sender.into(),
            recipient: recipient.into(),
            at: event.happened_at(),
            media: media.iter().map(owned).collect(),
            attributes: attributes.iter().map(|a| (a.name.into(), a.value.into())).collect(),
        }
    }

    /// Of which kind it is.
    pub fn kind(&self) -> Kind {
        match self.details {
            Details::Message { .. } => Kind::Message,
            Details::Draft { .. } => Kind::Draft,
            Details::Receipt { .. } => Kind::Receipt,
            Details::Timer { .. } => Kind::Timer,
        }
    }

    pub(super) fn lend(&self) -> Lent<'_> {
        let media = self.media.iter().map(|m| MediaRef {
            url: &m.url,
            content_type: &m.content_type,
            size_bytes: m.size_bytes,
        });
        let attributes = self.attributes.iter().map(|(name, value)| Attribute { name, value });
        Lent { media: media.collect(), attributes: attributes.collect() }
    }

    pub(super) fn event<'a>(&'a self, lent: &'a Lent<'a>) -> Event<'a> {
        let Self { channel, sender, recipient, at, .. } = self;
        let (media, attributes) = (lent.media.as_slice(), lent.attributes.as_slice());
        match &self.details {
            Details::Message { id, text } => Event::Message(InboundMessage {
                id,
                channel,
                sender,
                recipient,
                text,
                media,
                received_at: *at,
                attributes,
            }),
            Details::Draft { id, origin, category, text } => Event::Draft(OutboundDraft {
                id,
                channel,
                origin,
                category,
                sender,
                recipient,
                text,
                media,
                accepted_at: *at,
                attributes,
            }),
            Details::Receipt { message, status, is_final, error_class, carrier_code } => Event::Receipt(Receipt {
                message,
                channel,
                sender,
                recipient,
                status,
                is_final: *is_final,
                error_class: error_class.as_deref(),
                carrier_code: carrier_code.as_deref(),
                changed_at: *at,
                attributes,
            }),
            Details::Timer { name, payload } => Event::Timer(Timer {
                name,
                conversation: Conversation { number: sender, contact: recipient },
                payload,
                due_at: *at,
                attributes,
            }),
        }
    }
}
