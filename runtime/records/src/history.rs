//! The last messages of a conversation, both ways: what a handler may look back on.

use bytes::Bytes;
use signalbox_model::{ConversationId, Direction, Message, MessageId, TenantId, Timestamp};
use signalbox_store::{Batch, Range, Store, Table, layout};

use crate::Error;
use crate::record::load_message;

/// Notes that the message belongs to its conversation. A pointer; the words stay in the message.
pub fn stage_history(batch: &mut Batch, message: &Message) {
    let key = layout::history_key(message.conversation_id(), message.accepted_at, message.id);
    batch.put(Table::History, key, layout::encode(&message.direction));
}

/// Takes the pointer to a message away.
pub(crate) fn unstage_history(batch: &mut Batch, message: &Message) {
    batch.delete(Table::History, layout::history_key(message.conversation_id(), message.accepted_at, message.id));
}

/// The last `n` messages of a conversation, newest first.
pub async fn history(
    store: &dyn Store,
    tenant: &TenantId,
    conversation: ConversationId,
    n: usize,
) -> Result<Vec<Message>, Error> {
    let mut messages = Vec::new();
    for (id, _) in pointers(store, conversation, n).await? {
        // One that isn't there was kept long enough: it went with its pointer, since that was read.
        messages.extend(load_message(store, tenant, id).await?);
    }
    Ok(messages)
}

/// Ids and directions of the last `n` messages of a conversation, newest first.
pub async fn pointers(
    store: &dyn Store,
    conversation: ConversationId,
    n: usize,
) -> Result<Vec<(MessageId, Direction)>, Error> {
    let partition = conversation.partition(store.partitions());
    let range = Range::prefix(Table::History, conversation.as_bytes().to_vec(), n).reversed();
    let rows = store.range(partition, range).await?;
    rows.iter().map(|(key, value)| pointer(key, value)).collect()
}

/// When the other side last wrote in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Then.
    At(Timestamp),
    /// Never, as far as messages are kept.
    Never,
    /// Not among the messages that were looked at; there are more.
    NotLately,
}

/// Rows that are read first: a dialogue goes to and fro.
const FIRST_LOOK: usize = 8;
/// Rows that are read at a time after that.
const NEXT_LOOK: usize = 128;

/// When the other side last wrote, looking at `most` messages at most.
pub async fn last_inbound(store: &dyn Store, conversation: ConversationId, most: usize) -> Result<Heard, Error> {
    let partition = conversation.partition(store.partitions());
    let mut range = Range::prefix(Table::History, conversation.as_bytes().to_vec(), FIRST_LOOK).reversed();
    let mut looked = 0;
    while looked < most {
        let rows = store.range(partition, range.clone()).await?;
        for (key, value) in &rows {
            if layout::decode::<Direction>(Table::History, value)? == Direction::Inbound {
                return Ok(Heard::At(time(key)?));
            }
        }
        looked += rows.len();
        match rows.last() {
            Some((last, _)) if rows.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(Heard::Never),
        }
        range.limit = NEXT_LOOK;
    }
    Ok(Heard::NotLately)
}

/// When the message of a pointer was accepted.
fn time(key: &[u8]) -> Result<Timestamp, Error> {
    let micros = key.get(16..).and_then(|rest| rest.first_chunk::<8>());
    let micros =
        micros.ok_or_else(|| layout::Unreadable { table: Table::History, why: "its key is too short".to_owned() })?;
    Ok(Timestamp::from_micros(u64::from_be_bytes(*micros)))
}

/// Ids of the messages of a conversation, the newest first, up to `n` of those before `after`.
pub async fn all(
    store: &dyn Store,
    conversation: ConversationId,
    after: Option<Bytes>,
    n: usize,
) -> Result<(Vec<MessageId>, Option<Bytes>), Error> {
    let partition = conversation.partition(store.partitions());
    let mut range = Range::prefix(Table::History, conversation.as_bytes().to_vec(), n).reversed();
    if let Some(after) = after {
        range = range.resume(after);
    }
    let rows = store.range(partition, range).await?;
    let next = rows.last().filter(|_| rows.len() == n).map(|(key, _)| key.clone());
    let ids = rows.iter().map(|(key, value)| Ok(pointer(key, value)?.0)).collect::<Result<_, Error>>()?;
    Ok((ids, next))
}

fn pointer(key: &[u8], value: &[u8]) -> Result<(MessageId, Direction), Error> {
    let id = key.last_chunk::<16>().map(|bytes| MessageId::from_bytes(*bytes));
    let id = id.ok_or_else(|| layout::Unreadable { table: Table::History, why: "its key is too short".to_owned() })?;
    Ok((id, layout::decode(Table::History, value)?))
}
