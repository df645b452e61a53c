//! A message as accepted or received.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::clock::Timestamp;
use crate::conversation::{Conversation, ConversationId};
use crate::id::{EventId, KeyId, MessageId, TenantId};

/// Which way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From a tenant to a handset (MT).
    Outbound,
    /// From a handset to a tenant (MO).
    Inbound,
}

/// What a message is for; compliance and the in-doubt setting depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// About something that the recipient asked for or bought.
    #[default]
    Transactional,
    /// Advertising.
    Marketing,
    /// A one-time code.
    Otp,
    /// Part of a dialogue that the recipient began.
    Conversational,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 4] = [Self::Transactional, Self::Marketing, Self::Otp, Self::Conversational];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::Marketing => "marketing",
            Self::Otp => "otp",
            Self::Conversational => "conversational",
        }
    }
}

/// How text is put into octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// GSM 03.38 default alphabet and its extension table, 7 bits a septet.
    #[serde(rename = "gsm7")]
    Gsm7,
    /// UTF-16 big endian.
    #[serde(rename = "ucs2")]
    Ucs2,
}

impl Encoding {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Body {
    /// The text; may be empty when there is media.
    pub text: String,
    /// Where the media lies.
    pub media_urls: Vec<String>,
}

impl std::fmt::Debug for Body {
    /// Sizes only: bodies don't reach logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes, {} media)", self.text.len(), self.media_urls.len())
    }
}

/// Whether a message's words are there to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Veil {
    /// They are.
    #[default]
    Open,
    /// They lie sealed, and nobody has opened them yet. What stands in the body's place is no text of anybody's.
    Sealed(Box<Sealed>),
    /// They were erased, and nobody will ever read them again.
    Erased,
}

/// Words under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which of its person's keys, one after the other.
    pub generation: u32,
    /// Nonce, words, tag.
    pub bytes: Vec<u8>,
}

/// Who made an outbound message, or which carrier brought an inbound one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The HTTP API.
    Api {
        /// With this key.
        key: KeyId,
    },
    /// A handler's effect.
    Handler {
        /// While it handled this event.
        event: EventId,
    },
    /// The host's own answer to STOP, HELP or START. Not subject to consent: the law asks for it.
    Keyword,
    /// A carrier connection.
    Carrier {
        /// Its name.
        name: String,
    },
    /// A handler's effect.
    Timer {
        /// While it handled this event, which a timer of its own brought.
        event: EventId,
    },
}

/// A message as accepted or received: written once. What happens to it is in its timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its conversation: [`Conversation::id`] of the tenant and the two numbers. Kept, since every step asks for it.
    pub conversation: ConversationId,
    /// Which way it goes.
    pub direction: Direction,
    /// Sender.
    pub from: Address,
    /// Recipient.
    pub to: Address,
    /// What it says; what a handler or a rule made of it, if one rewrote it.
    pub body: Body,
    /// What it said when it was accepted, if it was rewritten since.
    pub original: Option<Body>,
    /// What it is for.
    pub category: Category,
    /// The campaign that it belongs to, as the tenant named it.
    pub campaign: Option<String>,
    /// The tenant's own labels.
    pub tags: Vec<String>,
    /// Where status changes of this message go, besides the tenant's webhooks.
    pub callback_url: Option<String>,
    /// When it became durable here.
    pub accepted_at: Timestamp,
    /// Not before this.
    pub send_at: Option<Timestamp>,
    /// Not after this.
    pub expires_at: Timestamp,
    /// How its text is encoded.
    pub encoding: Encoding,
    /// How many segments it takes; what carriers count and charge.
    pub segments: u8,
    /// Who made it.
    pub origin: Origin,
    /// How many handlers' sends and soon timers led to it: 0 from the API. Bounded, so that two handlers can't answer each
    /// other for ever.
    pub depth: u8,
    /// Whether its words can be read. No part of what is stored: it follows from the form in which they are.
    #[serde(skip)]
    pub veil: Veil,
}

impl Message {
    /// How long a message is tried for when its sender doesn't say.
    pub const DEFAULT_VALIDITY: Duration = Duration::from_secs(72 * 3_600);

    /// What stands in the place of words that can't be read.
    pub const ERASED: &'static str = "[erased]";

    /// Are its words as they were said?
    pub const fn is_open(&self) -> bool {
        matches!(self.veil, Veil::Open)
    }

    /// Were its words erased?
    pub const fn is_erased(&self) -> bool {
        matches!(self.veil, Veil::Erased)
    }

    /// Takes its words away for good.
    pub fn erase(&mut self) {
        self.body = Body { text: Self::ERASED.to_owned(), media_urls: Vec::new() };
        self.original = None;
        self.veil = Veil::Erased;
    }

    /// The tenant's side of it.
    pub fn ours(&self) -> &Address {
        match self.direction {
            Direction::Outbound => &self.from,
            Direction::Inbound => &self.to,
        }
    }

    /// The other side.
    pub fn theirs(&self) -> &Address {
        match self.direction {
            Direction::Outbound => &self.to,
            Direction::Inbound => &self.from,
        }
    }

    /// The conversation that it belongs to.
    pub fn conversation(&self) -> Conversation {
        Conversation { tenant: self.tenant.clone(), ours: self.ours().clone(), theirs: self.theirs().clone() }
    }

    /// The conversation's stable hash.
    pub const fn conversation_id(&self) -> ConversationId {
        self.conversation
    }
}
