//! Idempotency keys: the same key and request give the same answer, over crashes too.
//!
//! A key lives in the partition that it hashes to, its message in the partition of its conversation, and a commit
//! covers one partition. So the key is claimed first, with the ids that its messages *will* have; only then are they
//! written. After a crash between the two, the same key finds its claim, sees which messages are missing, and writes
//! exactly those under the ids that were claimed.

use std::collections::HashSet;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_model::conversation::stable_hash;
use signalbox_model::{MessageId, Partition, Timestamp};
use signalbox_store::{Batch, Expect, Table, layout};

use crate::accept::{Caller, Request, partition_of};
use crate::engine::Engine;
use crate::error::{Error, FieldError, Refused};

/// The longest key that is taken, in bytes.
const MAX_KEY_BYTES: usize = 255;

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    fingerprint: [u8; 32],
    ids: Vec<MessageId>,
    kept_until: Timestamp,
}

/// Keys that are being worked on in this process.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashSet<[u8; 16]>>);

/// A key that is ours while the request is worked on.
pub(crate) struct Claim<'e> {
    /// The ids of the messages that the key stands for.
    pub(crate) ids: Vec<MessageId>,
    in_flight: &'e InFlight,
    hash: [u8; 16],
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.in_flight.0.lock().remove(&self.hash);
    }
}

/// Claims `key` for `requests`, or finds the claim that was made before.
pub(crate) async fn claim<'e>(
    engine: &'e Engine,
    caller: &Caller,
    key: &str,
    requests: &[Request],
) -> Result<Claim<'e>, Refused> {
    let hash = check_key(caller, key)?;
    let mut claim = begin(engine, hash)?;
    let now = engine.clock.now();
    let fingerprint = fingerprint(requests);
    if let Some(row) = find(engine, hash, now).await? {
        claim.ids = ids_for(row, fingerprint)?;
        return Ok(claim);
    }
    claim.ids = requests.iter().map(|request| future_id(engine, caller, request, now)).collect();
    let row = Row { fingerprint, ids: claim.ids.clone(), kept_until: now + engine.config.idempotency };
    let partition = Partition::of_hash(&hash, engine.store.partitions());
    let mut batch = Batch::new(partition, engine.epoch(partition));
    batch.put(Table::Idempotency, hash.to_vec(), layout::encode(&row));
    engine.store.commit(batch).await?;
    Ok(claim)
}

/// The claim that was made before on `key` for `requests`, if one was; makes none.
pub(crate) async fn claimed<'e>(
    engine: &'e Engine,
    caller: &Caller,
    key: &str,
    requests: &[Request],
) -> Result<Option<Claim<'e>>, Refused> {
    // A key that is none was never claimed: what is wrong with the request is said first.
    let Ok(hash) = check_key(caller, key) else { return Ok(None) };
    let Some(row) = find(engine, hash, engine.clock.now()).await? else { return Ok(None) };
    let mut claim = begin(engine, hash)?;
    claim.ids = ids_for(row, fingerprint(requests))?;
    Ok(Some(claim))
}

fn check_key(caller: &Caller, key: &str) -> Result<[u8; 16], Refused> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES || !key.bytes().all(|c| (0x20..0x7F).contains(&c)) {
        let detail = format!("`Idempotency-Key` is 1 to {MAX_KEY_BYTES} printable ASCII characters");
        let field = "Idempotency-Key".to_owned();
        return Err(Refused::Invalid(vec![FieldError { field, code: "idempotency.malformed", detail }]));
    }
    Ok(stable_hash(&[b"idempotency", caller.tenant.as_str().as_bytes(), key.as_bytes()]))
}

fn begin(engine: &Engine, hash: [u8; 16]) -> Result<Claim<'_>, Refused> {
    if !engine.idempotency.0.lock().insert(hash) {
        return Err(Refused::KeyBusy);
    }
    Ok(Claim { ids: Vec::new(), in_flight: &engine.idempotency, hash })
}

async fn find(engine: &Engine, hash: [u8; 16], now: Timestamp) -> Result<Option<Row>, Error> {
    let partition = Partition::of_hash(&hash, engine.store.partitions());
    let stored = engine.store.get(partition, Table::Idempotency, hash.to_vec().into()).await?;
    let row = stored.map(|bytes| layout::decode::<Row>(Table::Idempotency, &bytes)).transpose()?;
    Ok(row.filter(|row| row.kept_until > now))
}

fn ids_for(row: Row, fingerprint: [u8; 32]) -> Result<Vec<MessageId>, Refused> {
    if row.fingerprint == fingerprint { Ok(row.ids) } else { Err(Refused::KeyReused) }
}

/// The id that a request's message will have; any id if the request can't be read, for then it has no message.
fn future_id(engine: &Engine, caller: &Caller, request: &Request, now: Timestamp) -> MessageId {
    let partition = partition_of(engine, caller, request).unwrap_or(Partition::new(0));
    MessageId::new(now, partition, &engine.chance)
}

fn fingerprint(requests: &[Request]) -> [u8; 32] {
    Sha256::digest(layout::encode(&requests)).into()
}

/// Forgets keys that were kept long enough: a bounded page of each partition, called now and then.
pub(crate) async fn forget_old(engine: &Engine, partition: Partition) -> Result<usize, Error> {
    let now = engine.clock.now();
    let mut range = signalbox_store::Range::prefix(Table::Idempotency, Vec::new(), 1_000);
    let mut forgotten = 0;
    loop {
        let page = engine.store.range(partition, range.clone()).await?;
        let mut batch = Batch::new(partition, engine.epoch(partition));
        for (key, value) in &page {
            let old = layout::decode::<Row>(Table::Idempotency, value).map_or(true, |row| row.kept_until <= now);
            if old {
                batch.check(Table::Idempotency, key.clone(), Expect::Equals(value.clone()));
                batch.delete(Table::Idempotency, key.clone());
                forgotten += 1;
            }
        }
        if !batch.is_empty() {
            match engine.store.commit(batch).await {
                Ok(_) | Err(signalbox_store::Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        match page.last() {
            Some((key, _)) if page.len() == range.limit => range = range.resume(key.clone()),
            _ => return Ok(forgotten),
        }
    }
}
