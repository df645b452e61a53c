//! What a person allows one sender.
//!
//! No row means that nobody has said anything; whether that allows a send is for policy to decide, by category.

use serde::{Deserialize, Serialize};
use signalbox_model::conversation::stable_hash;
use signalbox_model::{ConversationId, KeyId, MessageId, Timestamp};
use signalbox_store::{Batch, Range, Store, Table, layout};

use crate::Error;

/// Who changed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// The person, with a keyword.
    Keyword {
        /// The keyword, in capitals: `STOP`.
        word: String,
        /// The inbound message that was it.
        message: MessageId,
    },
    /// The tenant, over the API.
    Api {
        /// With this key.
        key: KeyId,
    },
    /// A list that was brought along.
    Import {
        /// Which, in the tenant's words.
        list: String,
    },
}

/// What a person allows one sender, since when and by whose word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Nothing may be sent, whatever a handler says.
    pub opted_out: bool,
    /// When it was said last.
    pub since: Timestamp,
    /// By whom.
    pub by: By,
}

impl Consent {
    /// The keyword, if it was one.
    pub fn word(&self) -> Option<&str> {
        match &self.by {
            By::Keyword { word, .. } => Some(word),
            By::Api { .. } | By::Import { .. } => None,
        }
    }
}

/// What the other party of a conversation allows now; `None` if it never said anything.
pub async fn consent(store: &dyn Store, id: &ConversationId) -> Result<Option<Consent>, Error> {
    let partition = id.partition(store.partitions());
    let value = store.get(partition, Table::Consent, layout::consent_key(*id)).await?;
    value.map(|value| Ok(layout::decode(Table::Consent, &value)?)).transpose()
}

/// The last `n` changes, newest first by the host's clock.
pub async fn ledger(store: &dyn Store, id: &ConversationId, n: usize) -> Result<Vec<Consent>, Error> {
    let mut prefix = id.as_bytes().to_vec();
    prefix.push(layout::CONSENT_CHANGE);
    let range = Range::prefix(Table::Consent, prefix, n).reversed();
    let rows = store.range(id.partition(store.partitions()), range).await?;
    rows.iter().map(|(_, value)| Ok(layout::decode(Table::Consent, value)?)).collect()
}

/// From here on nothing may be sent. Saying it twice is no error: each is on the ledger, and the last counts.
pub fn stage_opt_out(batch: &mut Batch, id: &ConversationId, by: By, at: Timestamp) -> Consent {
    stage(batch, id, Consent { opted_out: true, since: at, by })
}

/// Takes an opt-out back, or puts an express consent on record.
pub fn stage_opt_in(batch: &mut Batch, id: &ConversationId, by: By, at: Timestamp) -> Consent {
    stage(batch, id, Consent { opted_out: false, since: at, by })
}

fn stage(batch: &mut Batch, id: &ConversationId, consent: Consent) -> Consent {
    let value = layout::encode(&consent);
    let hash = stable_hash(&[&value]);
    let hash = *hash.first_chunk::<8>().expect("a hash has 16 bytes");
    batch.put(Table::Consent, layout::consent_change_key(*id, consent.since, hash), value.clone());
    batch.put(Table::Consent, layout::consent_key(*id), value);
    consent
}
