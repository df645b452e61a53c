//! What the inbox of a partition holds: work that is durable until the step that does it is committed.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::conversation::{Conversation, ConversationId, Partition};
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
    /// What a handler changes of state that isn't its conversation's own: its contact's or its tenant's. Everything of
    /// one home takes this way, also where the home is in the same partition, so that nothing else writes there.
    Remember {
        /// Whose.
        tenant: TenantId,
        /// The state's home: stands for a conversation, so that changes to it keep their order.
        home: ConversationId,
        /// All of it, or nothing.
        changes: Vec<StateChange>,
        /// Only if nothing of what the handler saw was changed since; who is waiting to be told.
        condition: Option<Condition>,
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
        /// How many handlers' sends and soon timers led to it.
        depth: u8,
    },
    /// Whether the changes that an event waits for were made.
    Verdict {
        /// Whose.
        tenant: TenantId,
        /// The conversation whose event waits.
        conversation: ConversationId,
        /// The place of the event in this inbox.
        event: u64,
        /// Its run that asked.
        run: u8,
        /// They were made; if not, something had changed since that run saw it.
        made: bool,
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
            | Self::Verdict { tenant, .. }
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
            // A line of its own: in its conversation's it would stand behind the event that waits for it.
            Self::Verdict { conversation, .. } => ConversationId::from_bytes(conversation.as_bytes().map(|byte| !byte)),
            Self::Adopt { message } => message.conversation_id(),
            Self::Timer { conversation, .. } => conversation.id(),
        }
    }
}

/// A change of one key of a handler's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// The key as it is stored.
    pub key: Vec<u8>,
    /// What becomes of it.
    pub change: Change,
    /// When it is forgotten by itself, in microseconds since 1970.
    pub expires_at: Option<u64>,
}

/// What becomes of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// It has this value.
    Set(Vec<u8>),
    /// It is forgotten.
    Forget,
    /// It is a number, and so much more, or less, than it will be by then.
    Add(i64),
    /// It has this value, sealed for the place where it lies.
    SetSealed(Vec<u8>),
}

/// What changes depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Keys as they are stored, with the versions that were seen of them; 0 where there was nothing.
    pub seen: Vec<(Vec<u8>, u64)>,
    /// Where the event waits.
    pub partition: Partition,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its place in the inbox there.
    pub event: u64,
    /// Its run.
    pub run: u8,
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
