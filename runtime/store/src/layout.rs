//! Which table holds what, under which key, in which form.
//!
//! Values are [postcard](https://postcard.jamesmunns.com) behind one byte of version. Keys are made so that what is
//! read together lies together: a message and its timeline are one short scan.

use std::cell::RefCell;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use signalbox_model::{AttemptId, ConversationId, EventId, HoldId, InvocationId, MessageId, TenantId, Timestamp};

use crate::InboxSeq;

/// What a key belongs to. The number is part of the format on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// Messages and their timelines: [`message_key`], [`entry_key`].
    Message = 1,
    /// Events that wait: [`inbox_key`].
    Inbox = 2,
    /// What people allow, and the ledger of it: the registry's rows.
    Consent = 3,
    /// Handlers' state: see [`state_key`].
    State = 4,
    /// Handlers' timers: the conversation's id and the timer's name.
    Timer = 5,
    /// Webhook events that wait: [`outbox_key`].
    Outbox = 6,
    /// A carrier's message id → our message: [`carrier_id_key`].
    CarrierId = 7,
    /// Receipts that came before their message was known as sent: [`carrier_id_key`].
    ParkedReceipt = 8,
    /// Parts of inbound messages that aren't complete.
    Part = 9,
    /// Idempotency keys.
    Idempotency = 10,
    /// Webhook deliveries: what each attempt was answered.
    Delivery = 11,
    /// Webhook events that were given up: like [`Table::Outbox`].
    ParkedDelivery = 12,
    /// Events that were given up: [`parked_event_key`].
    ParkedEvent = 13,
    /// The last messages of a conversation, both ways: [`history_key`].
    History = 14,
    /// What a tenant recorded of a person: [`contact_key`].
    Contact = 15,
    /// How often an event of the inbox has failed, and when it is tried again: [`inbox_key`].
    Retry = 16,
    /// Runs of handlers, for replay: [`recording_key`].
    Recording = 17,
    /// Revocations that reach past one sender: the registry's rows.
    WideConsent = 18,
    /// What was sent in the last 24 hours, where rules count it: time and message.
    Sent = 19,
    /// The first message that went from a sender to a person: by conversation.
    FirstSent = 20,
    /// Directory: tenants by name.
    Tenant = 32,
    /// Directory: API keys by id.
    ApiKey = 33,
    /// Directory: handlers by tenant and name.
    Handler = 34,
    /// Directory: components by digest.
    Component = 35,
    /// Directory: bindings by tenant and name.
    Binding = 36,
    /// Directory: webhooks by tenant and name.
    Webhook = 37,
    /// Directory: versions of handlers, by tenant, handler and digest: [`part_key`].
    HandlerVersion = 44,
    /// Directory: secrets of handlers, by tenant, handler and name: [`part_key`].
    HandlerSecret = 45,
    /// Directory: what handlers used on a day: [`part_key`] of the day and the handler.
    Usage = 46,
    /// Directory: imports of consents, by tenant and name.
    ConsentImport = 50,
    /// Directory: suppression lists, by tenant and name.
    Suppression = 60,
    /// Directory: their numbers, by tenant, name and part: [`part_key`].
    SuppressionPart = 61,
    /// Directory: what tenants say of their campaigns, by tenant and name.
    Program = 62,
    /// Directory: brands, campaigns, numbers, toll-free numbers and short codes: [`part_key`] of the kind and the name.
    Registration = 56,
    /// Directory: how each of them came to be so, line by line: the registry's rows.
    RegistrationLine = 57,
    /// Directory: what a brand sent today of its daily allowance: the path's rows.
    Allowance = 58,
    /// The audit log: frames by tenant and number.
    Audit = 63,
    /// The audit log's checkpoints, by tenant and number.
    AuditMark = 64,
    /// Directory: legal holds, by tenant and id.
    Hold = 65,
    /// Directory: tenants' keys, wrapped, by tenant.
    TenantKey = 66,
    /// Keys of people, wrapped: [`contact_key`] of a keyed hash.
    PersonKey = 67,
    /// What people forbid who were forgotten: the registry's rows, by tenant and a keyed hash.
    Forgotten = 68,
    /// What supervisors are to look at, and decided: `tenant 00 message`.
    Supervision = 70,
    /// The engine's own.
    Meta = 255,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 44] = [
        Self::Message,
        Self::Inbox,
        Self::Consent,
        Self::State,
        Self::Timer,
        Self::Outbox,
        Self::CarrierId,
        Self::ParkedReceipt,
        Self::Part,
        Self::Idempotency,
        Self::Delivery,
        Self::ParkedDelivery,
        Self::ParkedEvent,
        Self::History,
        Self::Contact,
        Self::Retry,
        Self::Recording,
        Self::WideConsent,
        Self::Sent,
        Self::FirstSent,
        Self::Tenant,
        Self::ApiKey,
        Self::Handler,
        Self::Component,
        Self::Binding,
        Self::Webhook,
        Self::HandlerVersion,
        Self::HandlerSecret,
        Self::Usage,
        Self::ConsentImport,
        Self::Suppression,
        Self::SuppressionPart,
        Self::Program,
        Self::Registration,
        Self::RegistrationLine,
        Self::Allowance,
        Self::Audit,
        Self::AuditMark,
        Self::Hold,
        Self::TenantKey,
        Self::PersonKey,
        Self::Forgotten,
        Self::Supervision,
        Self::Meta,
    ];

    /// Rows live for moments rather than for months: put, read from memory, deleted.
    pub const fn is_queue(self) -> bool {
        matches!(self, Self::Inbox | Self::Retry | Self::Timer | Self::Outbox | Self::Part | Self::ParkedReceipt)
    }
}

/// Why a value can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a stored value of {table:?} can't be read: {why}")]
pub struct Unreadable {
    /// Where it lay.
    pub table: Table,
    /// In words.
    pub why: String,
}

/// The version that stands before every value.
const VERSION: u8 = 1;

/// The first byte of values whose words are sealed.
pub const SEALED: u8 = 3;

/// Are the words of a stored value sealed?
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.first() == Some(&SEALED)
}

/// A value in its stored form.
pub fn encode<T: Serialize>(value: &T) -> Bytes {
    encode_as(VERSION, value)
}

/// A value in a stored form of its own, told apart by its first byte.
pub fn encode_as<T: Serialize>(form: u8, value: &T) -> Bytes {
    thread_local! {
        /// Rows are written here first: what is kept is then of the right size, and takes one allocation.
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    /// A buffer that grew beyond this is let go: components are rows too.
    const KEPT: usize = 64 << 10;
    BUFFER.with_borrow_mut(|kept| {
        let mut buffer = std::mem::take(kept);
        buffer.clear();
        buffer.push(form);
        let written = postcard::to_extend(value, buffer).expect("the house's own types always serialize");
        let row = Bytes::copy_from_slice(&written);
        if written.capacity() <= KEPT {
            *kept = written;
        }
        row
    })
}

/// Reads a stored value.
pub fn decode<T: DeserializeOwned>(table: Table, bytes: &[u8]) -> Result<T, Unreadable> {
    decode_as(VERSION, table, bytes)
}

/// Reads a value that [`encode_as`] wrote.
pub fn decode_as<T: DeserializeOwned>(form: u8, table: Table, bytes: &[u8]) -> Result<T, Unreadable> {
    match bytes.split_first() {
        Some((first, rest)) if *first == form => {
            postcard::from_bytes(rest).map_err(|error| Unreadable { table, why: error.to_string() })
        }
        Some((version, _)) => Err(Unreadable { table, why: format!("written by another version ({version})") }),
        None => Err(Unreadable { table, why: "it is empty".to_owned() }),
    }
}

/// `tenant 00 id`: what the keys of a message and of its timeline begin with.
pub fn message_prefix(tenant: &TenantId, id: MessageId) -> Bytes {
    let mut key = tenant_key(tenant, 16);
    key.put_slice(id.as_bytes());
    key.freeze()
}

/// `tenant 00`: what the keys of all that belongs to a tenant begin with.
pub fn tenant_prefix(tenant: &TenantId) -> BytesMut {
    tenant_key(tenant, 24)
}

/// `tenant 00`, with room for `rest` more bytes: a key that fills its room takes one allocation.
fn tenant_key(tenant: &TenantId, rest: usize) -> BytesMut {
    let mut key = BytesMut::with_capacity(tenant.as_str().len() + 1 + rest);
    key.put_slice(tenant.as_str().as_bytes());
    key.put_u8(0);
    key
}

/// `tenant 00 id 00`: the message itself.
pub fn message_key(tenant: &TenantId, id: MessageId) -> Bytes {
    let mut key = tenant_key(tenant, 17);
    key.put_slice(id.as_bytes());
    key.put_u8(0);
    key.freeze()
}

/// `tenant 00 id 01 n`: lines of its timeline that one step wrote; the first of them is the n-th.
pub fn entry_key(tenant: &TenantId, id: MessageId, n: u16) -> Bytes {
    let mut key = tenant_key(tenant, 19);
    key.put_slice(id.as_bytes());
    key.put_u8(1);
    key.put_u16(n);
    key.freeze()
}

/// What a key of [`Table::Message`] names: the message itself, or lines of its timeline from the n-th.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageRow {
    /// The message.
    Message(MessageId),
    /// Lines.
    Entry(MessageId, u16),
}

impl MessageRow {
    /// Whose row it is.
    pub const fn id(self) -> MessageId {
        match self {
            Self::Message(id) | Self::Entry(id, _) => id,
        }
    }
}

/// Reads a key of [`Table::Message`]; `None` if it isn't one.
pub fn parse_message_row(key: &[u8]) -> Option<MessageRow> {
    let tenant_end = key.iter().position(|byte| *byte == 0)?;
    let rest = &key[tenant_end + 1..];
    let (id, row) = rest.split_at_checked(16)?;
    let id = MessageId::from_bytes(id.try_into().ok()?);
    match row {
        [0] => Some(MessageRow::Message(id)),
        [1, high, low] => Some(MessageRow::Entry(id, u16::from_be_bytes([*high, *low]))),
        _ => None,
    }
}

/// The key of an inbox record.
pub fn inbox_key(seq: InboxSeq) -> Bytes {
    Bytes::copy_from_slice(&seq.0.to_be_bytes())
}

/// `carrier 00 canonical id`: a carrier's name for a message or a part of one.
pub fn carrier_id_key(carrier: &str, canonical_id: &str) -> Bytes {
    let mut key = BytesMut::with_capacity(carrier.len() + 1 + canonical_id.len());
    key.put_slice(carrier.as_bytes());
    key.put_u8(0);
    key.put_slice(canonical_id.as_bytes());
    key.freeze()
}

/// The scope of a handler's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// (tenant, our number, their number).
    Conversation(ConversationId),
    /// (tenant, their number), as a stable hash.
    Contact([u8; 16]),
    /// The tenant, as a stable hash.
    Tenant([u8; 16]),
}

/// `scope id key`: a handler's state.
pub fn state_key(scope: Scope, name: &str) -> Bytes {
    let (tag, id) = match &scope {
        Scope::Conversation(id) => (1, id.as_bytes()),
        Scope::Contact(id) => (2, id),
        Scope::Tenant(id) => (3, id),
    };
    let mut key = BytesMut::with_capacity(17 + name.len());
    key.put_u8(tag);
    key.put_slice(id);
    key.put_slice(name.as_bytes());
    key.freeze()
}

/// What stands between the tenant and the run's id in a key of [`Table::Recording`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordingRow {
    /// What the run was, in short: these lie together, so that a list needn't read whole recordings.
    Summary = 1,
    /// All of it.
    Whole = 2,
}

/// `tenant 00 row`: what the keys of a tenant's recordings begin with.
pub fn recording_prefix(tenant: &TenantId, row: RecordingRow) -> Bytes {
    let mut key = tenant_prefix(tenant);
    key.put_u8(row as u8);
    key.freeze()
}

/// `tenant 00 row id`: a recorded run.
pub fn recording_key(tenant: &TenantId, row: RecordingRow, id: InvocationId) -> Bytes {
    let mut key = tenant_prefix(tenant);
    key.put_u8(row as u8);
    key.put_slice(id.as_bytes());
    key.freeze()
}

/// The run of a key that [`recording_key`] made.
pub fn recording_id(key: &[u8]) -> Option<InvocationId> {
    key.last_chunk().map(|id| InvocationId::from_bytes(*id))
}

/// `contact`: what a tenant recorded of a person; the hash is that of [`Scope::Contact`].
pub fn contact_key(contact: [u8; 16]) -> Bytes {
    Bytes::copy_from_slice(&contact)
}

/// `conversation name`: a handler's timer.
pub fn timer_key(conversation: ConversationId, name: &str) -> Bytes {
    let mut key = BytesMut::with_capacity(16 + name.len());
    key.put_slice(conversation.as_bytes());
    key.put_slice(name.as_bytes());
    key.freeze()
}

/// `endpoint seq`: a webhook event that waits for an endpoint; `seq` rises within the partition.
pub fn outbox_key(endpoint: [u8; 8], seq: u64) -> Bytes {
    let mut key = BytesMut::with_capacity(16);
    key.put_slice(&endpoint);
    key.put_u64(seq);
    key.freeze()
}

/// `tenant 00 message event attempt`: what one attempt to deliver a webhook event was answered.
pub fn delivery_key(tenant: &TenantId, message: MessageId, event: AttemptId, attempt: u16) -> Bytes {
    let mut key = tenant_key(tenant, 34);
    key.put_slice(message.as_bytes());
    key.put_slice(event.as_bytes());
    key.put_u16(attempt);
    key.freeze()
}

/// The message and the event of a key that [`delivery_key`] made.
pub fn parse_delivery_key(key: &[u8]) -> Option<(MessageId, AttemptId)> {
    let tenant_end = key.iter().position(|byte| *byte == 0)?;
    let (message, rest) = key[tenant_end + 1..].split_first_chunk::<16>()?;
    let event = rest.first_chunk::<16>()?;
    Some((MessageId::from_bytes(*message), AttemptId::from_bytes(*event)))
}

/// `conversation time id`: one of the last messages of a conversation.
pub fn history_key(conversation: ConversationId, at: Timestamp, id: MessageId) -> Bytes {
    let mut key = BytesMut::with_capacity(40);
    key.put_slice(conversation.as_bytes());
    key.put_u64(at.as_micros());
    key.put_slice(id.as_bytes());
    key.freeze()
}

/// `tenant 00 name`: something that a tenant set up.
pub fn named_key(tenant: &TenantId, name: &str) -> Bytes {
    let mut key = tenant_key(tenant, name.len());
    key.put_slice(name.as_bytes());
    key.freeze()
}

/// `tenant 00 name 00 part`: a part of something that a tenant set up.
pub fn part_key(tenant: &TenantId, name: &str, part: &str) -> Bytes {
    let mut key = tenant_key(tenant, name.len() + 1 + part.len());
    key.put_slice(name.as_bytes());
    key.put_u8(0);
    key.put_slice(part.as_bytes());
    key.freeze()
}

/// `tenant 00 id`: a legal hold.
pub fn hold_key(tenant: &TenantId, hold: HoldId) -> Bytes {
    let mut key = tenant_key(tenant, 16);
    key.put_slice(hold.as_bytes());
    key.freeze()
}

/// `tenant 00 event`: an event that was given up.
pub fn parked_event_key(tenant: &TenantId, event: EventId) -> Bytes {
    let mut key = tenant_key(tenant, 16);
    key.put_slice(event.as_bytes());
    key.freeze()
}
