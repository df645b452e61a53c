//! An event that waits in the outbox.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use signalbox_model::conversation::stable_hash;
use signalbox_model::{AttemptId, ConversationId, MessageId, Status, TenantId, Timestamp};
use signalbox_store::layout::{self, Unreadable};
use signalbox_store::{Batch, Table};

use crate::guard::Reach;
use crate::target::Target;

/// Where an event goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Endpoint {
    /// One that the tenant set up, by its name; URL and secret are looked up on each attempt.
    Webhook {
        /// The name.
        name: String,
    },
    /// The URL that came with the message.
    Callback {
        /// The URL.
        url: String,
    },
}

/// What the queues of an endpoint are found by: the same on every machine and in every version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointKey(pub [u8; 8]);

impl fmt::Debug for EndpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "endpoint {:016x}", u64::from_be_bytes(self.0))
    }
}

/// Something that a tenant is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The `webhook-id`, the same on each attempt.
    pub id: AttemptId,
    /// Whose.
    pub tenant: TenantId,
    /// Where it goes.
    pub endpoint: Endpoint,
    /// Within which it is told in order.
    pub conversation: ConversationId,
    /// The message it is about.
    pub message: MessageId,
    /// Which line of the message's timeline it tells.
    pub n: u16,
    /// Its type, as [`event_type`] has it.
    pub event: String,
}

/// How an item lies in the outbox: what was tried already survives a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What.
    #[serde(with = "shared")]
    pub item: Arc<Item>,
    /// How many attempts have failed.
    pub attempts: u16,
    /// How many had failed before it was parked and replayed.
    pub earlier: u16,
    /// Not before this.
    pub not_before: Timestamp,
    /// Since when it waits: its age decides when it is given up untried.
    pub since: Timestamp,
}

impl Endpoint {
    /// Where its queues are. Callbacks to one host share them: a message may name any URL, and one host that is down
    /// should be found out once.
    pub fn key(&self, tenant: &TenantId) -> EndpointKey {
        let tenant = tenant.as_str().as_bytes();
        let hash = match self {
            Self::Webhook { name } => stable_hash(&[b"webhook", tenant, name.as_bytes()]),
            Self::Callback { .. } => stable_hash(&[b"callback", tenant, self.label().as_bytes()]),
        };
        EndpointKey(*hash.first_chunk().expect("a hash has 16 bytes"))
    }

    /// What it is called in records and statistics: the webhook's name, or the callback's scheme, host and port.
    pub fn label(&self) -> String {
        const ANY: Reach = Reach { allow_private: true, allow_http: true };
        match self {
            Self::Webhook { name } => name.clone(),
            Self::Callback { url } => {
                Target::parse(url, ANY).map_or_else(|_| "callback".to_owned(), |target| target.origin.to_string())
            }
        }
    }
}

impl Row {
    /// An item that nobody has tried yet.
    pub fn fresh(item: Arc<Item>) -> Self {
        let since = item.id.made_at();
        Self { item, attempts: 0, earlier: 0, not_before: Timestamp::EPOCH, since }
    }

    /// How many attempts there have ever been.
    pub const fn ever(&self) -> u16 {
        self.earlier.saturating_add(self.attempts)
    }

    /// Reads a stored row.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        layout::decode(Table::Outbox, bytes)
    }
}

/// Puts an event into the outbox of the batch's partition. `seq` rises with the commits of the partition. After the
/// commit, ring: [`Handle::ring`](crate::Handle::ring).
pub fn stage(batch: &mut Batch, item: Item, seq: u64) -> EndpointKey {
    let key = item.endpoint.key(&item.tenant);
    stage_row(batch, key, seq, &Row::fresh(Arc::new(item)));
    key
}

pub(crate) fn stage_row(batch: &mut Batch, key: EndpointKey, seq: u64, row: &Row) {
    batch.put(Table::Outbox, layout::outbox_key(key.0, seq), layout::encode(row));
}

/// Reads `endpoint seq`.
pub(crate) fn parse_key(key: &[u8]) -> Option<(EndpointKey, u64)> {
    let (endpoint, seq) = key.split_first_chunk::<8>()?;
    Some((EndpointKey(*endpoint), u64::from_be_bytes(seq.try_into().ok()?)))
}

/// A shared value lies in the store as if it were nobody else's.
pub(crate) mod shared {
    use super::*;

    pub(crate) fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, to: S) -> Result<S::Ok, S::Error> {
        T::serialize(value, to)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Arc<T>, D::Error> {
        T::deserialize(from).map(Arc::new)
    }
}

/// The event that tells that a message became `status`.
pub const fn event_type(status: Status) -> &'static str {
    match status {
        Status::Accepted => "message.accepted",
        Status::Held => "message.held",
        Status::Queued => "message.queued",
        Status::Sending => "message.sending",
        Status::Sent => "message.sent",
        Status::Delivered => "message.delivered",
        Status::Undelivered => "message.undelivered",
        Status::Expired => "message.expired",
        Status::Rejected => "message.rejected",
        Status::Failed => "message.failed",
        Status::Canceled => "message.canceled",
        Status::InDoubt => "message.in_doubt",
        Status::Received => "message.received",
        Status::Handled => "message.handled",
        Status::Unhandled => "message.unhandled",
        Status::HandlerFailed => "message.handler_failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_event() {
        assert!(Status::ALL.into_iter().all(|status| event_type(status) == format!("message.{status}")));
    }

    #[test]
    fn callbacks_to_one_host_share_their_queues_and_tenants_share_none() {
        let key = |tenant: &str, url: &str| Endpoint::Callback { url: url.into() }.key(&tenant.parse().unwrap());
        assert_eq!(key("acme", "https://a.example/1"), key("acme", "https://A.example:443/2?x"));
        assert_ne!(key("acme", "https://a.example/1"), key("acme", "https://b.example/1"));
        assert_ne!(key("acme", "https://a.example/1"), key("other", "https://a.example/1"));
    }
}
