//! What a handler is told. Everything is borrowed: an event is read from the engine's own records on its way into the
//! guest's memory, and copied nowhere in between.

/// A named value that goes with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Lower-case words joined by hyphens.
    pub name: &'a str,
    /// The value, as text.
    pub value: &'a str,
}

/// A file that goes with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaRef<'a> {
    /// Where the bytes lie.
    pub url: &'a str,
    /// The media type.
    pub content_type: &'a str,
    /// Size; 0 where nobody knows yet.
    pub size_bytes: u64,
}

/// The two ends of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversation<'a> {
    /// The tenant's own number.
    pub number: &'a str,
    /// The person on the other side.
    pub contact: &'a str,
}

/// One thing that happened, of one of the four kinds.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A message came in.
    Message(InboundMessage<'a>),
    /// A message is about to be sent.
    Draft(OutboundDraft<'a>),
    /// A sent message's status changed.
    Receipt(Receipt<'a>),
    /// A timer is due.
    Timer(Timer<'a>),
}

impl<'a> Event<'a> {
    /// Which handler is called for it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Message(_) => Kind::Message,
            Self::Draft(_) => Kind::Draft,
            Self::Receipt(_) => Kind::Receipt,
            Self::Timer(_) => Kind::Timer,
        }
    }

    /// Whose conversation it belongs to.
    pub fn conversation(&self) -> Conversation<'a> {
        match self {
            Self::Message(m) => Conversation { number: m.recipient, contact: m.sender },
            Self::Draft(d) => Conversation { number: d.sender, contact: d.recipient },
            Self::Receipt(r) => Conversation { number: r.sender, contact: r.recipient },
            Self::Timer(t) => t.conversation,
        }
    }

    /// When it happened, in microseconds: the same for every attempt at it.
    pub fn happened_at(&self) -> u64 {
        match self {
            Self::Message(m) => m.received_at,
            Self::Draft(d) => d.accepted_at,
            Self::Receipt(r) => r.changed_at,
            Self::Timer(t) => t.due_at,
        }
    }
}

/// The four kinds of handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `message-handler`
    Message,
    /// `draft-handler`
    Draft,
    /// `receipt-handler`
    Receipt,
    /// `timer-handler`
    Timer,
}

impl Kind {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Message, Self::Draft, Self::Receipt, Self::Timer];

    /// The interface's name in `wit/`.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Message => "message-handler",
            Self::Draft => "draft-handler",
            Self::Receipt => "receipt-handler",
            Self::Timer => "timer-handler",
        }
    }

    /// The function's name in `wit/`.
    pub fn function(self) -> &'static str {
        match self {
            Self::Message => "on-message",
            Self::Draft => "on-draft",
            Self::Receipt => "on-receipt",
            Self::Timer => "on-timer",
        }
    }
}

/// A message that came in. The fields are those of `inbound-message` in `wit/types.wit`.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub struct InboundMessage<'a> {
    pub id: &'a str,
    pub channel: &'a str,
    pub sender: &'a str,
    pub recipient: &'a str,
    pub text: &'a str,
    pub media: &'a [MediaRef<'a>],
    pub received_at: u64,
    pub attributes: &'a [Attribute<'a>],
}

/// A message about to be sent. The fields are those of `outbound-draft` in `wit/types.wit`.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub struct OutboundDraft<'a> {
    pub id: &'a str,
    pub channel: &'a str,
    pub origin: &'a str,
    pub category: &'a str,
    pub sender: &'a str,
    pub recipient: &'a str,
    pub text: &'a str,
    pub media: &'a [MediaRef<'a>],
    pub accepted_at: u64,
    pub attributes: &'a [Attribute<'a>],
}

/// A change of a sent message's status. The fields are those of `receipt` in `wit/types.wit`.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub struct Receipt<'a> {
    pub message: &'a str,
    pub channel: &'a str,
    pub sender: &'a str,
    pub recipient: &'a str,
    pub status: &'a str,
    pub is_final: bool,
    pub error_class: Option<&'a str>,
    pub carrier_code: Option<&'a str>,
    pub changed_at: u64,
    pub attributes: &'a [Attribute<'a>],
}

/// A timer that is due. The fields are those of `timer` in `wit/types.wit`.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub struct Timer<'a> {
    pub name: &'a str,
    pub conversation: Conversation<'a>,
    pub payload: &'a [u8],
    pub due_at: u64,
    pub attributes: &'a [Attribute<'a>],
}
