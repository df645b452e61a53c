//! What the inbox of a partition holds: work that is durable until the step that does it is committed.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::conversation::{Conversation, ConversationId};
use crate::id::{EventId, MessageId, TenantId};
use crate::message::Message;

/// Something that a conversation has to deal with, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An accepted outbound message: stays in the inbox until a carrier has it or it is finished.
    Outbound {
        /// Whose.
        tenant: TenantId,
        /// Which.
        message: MessageId,
        /// Its conversation.
        conversation: ConversationId,
    },
    /// A handler's send that belongs to a conversation in another partition: becomes a message there.
    Adopt {
        /// The message.
        message: Box<Message>,
    },
    /// A handler takes back a message of another conversation.
    Cancel {
        /// Whose.
        tenant: TenantId,
        /// Which.
        message: MessageId,
        /// The conversation of the message.
        conversation: ConversationId,
    },
    /// An inbound message for the handler.
    Inbound {
        /// Whose.
        tenant: TenantId,
        /// Which.
        message: MessageId,
        /// Its conversation.
        conversation: ConversationId,
    },
    /// A status change for the handler.
    StatusChange {
        /// Whose.
        tenant: TenantId,
        /// Which message.
        message: MessageId,
        /// Its conversation.
        conversation: ConversationId,
        /// The entry that tells it.
        n: u16,
    },
    /// A handler's write to state that lives in another partition than its conversation.
    Remember {
        /// Whose.
        tenant: TenantId,
        /// The state's home: stands for a conversation, so that writes to it keep their order.
        home: ConversationId,
        /// The key as it is stored.
        key: Vec<u8>,
        /// The stored value; none to forget it.
        value: Option<Vec<u8>>,
    },
    /// A timer that a handler set has come.
    Timer {
        /// The conversation in which it was set.
        conversation: Conversation,
        /// Its name.
        name: String,
        /// When it was to be.
        due: Timestamp,
        /// What the handler wanted to be told.
        payload: Vec<u8>,
    },
}

impl Event {
    /// Whose event it is.
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Outbound { tenant, .. }
            | Self::Inbound { tenant, .. }
            | Self::Cancel { tenant, .. }
            | Self::Remember { tenant, .. }
            | Self::StatusChange { tenant, .. } => tenant,
            Self::Adopt { message } => &message.tenant,
            Self::Timer { conversation, .. } => &conversation.tenant,
        }
    }

    /// The conversation that handles it, one event at a time.
    pub fn conversation(&self) -> ConversationId {
        match self {
            Self::Outbound { conversation, .. }
            | Self::Inbound { conversation, .. }
            | Self::Cancel { conversation, .. }
            | Self::StatusChange { conversation, .. } => *conversation,
            Self::Remember { home, .. } => *home,
            Self::Adopt { message } => message.conversation_id(),
            Self::Timer { conversation, .. } => conversation.id(),
        }
    }
}

/// An event as it lies in an inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// Its id, the same on each attempt.
    pub id: EventId,
    /// When it was put there.
    pub at: Timestamp,
    /// How many attempts have failed.
    pub attempts: u8,
    /// Not before this.
    pub not_before: Timestamp,
    /// What it is.
    pub event: Event,
}
