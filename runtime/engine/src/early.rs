//! Receipts that come before the answer to their submit is on record.
//!
//! ```text
//! receipt ─► waits a moment, unanswered ─► its message becomes `sent` ─► both land in one step, then the carrier hears
//!              └─ the moment is over: parked, durable, until the message is known or the wait for it runs out
//! ```

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signalbox_carriers::Verdict;
use signalbox_model::conversation::stable_hash;
use signalbox_model::{Partition, Receipt, Timestamp};
use signalbox_store::{Batch, Table, layout};
use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::error::Error;
use crate::settle::{self, Place};

/// So long a carrier waits for the answer to a receipt whose message isn't known as sent. Usually it will be in a few
/// milliseconds, and keeping the receipt meanwhile would cost more than all the rest of it.
const MOMENT: Duration = Duration::from_millis(250);

/// (carrier, canonical id).
pub(crate) type Key = (Arc<str>, String);

/// Receipts whose message isn't known as sent.
#[derive(Default)]
pub(crate) struct EarlyReceipts(Mutex<Known>);

#[derive(Default)]
struct Known {
    receipts: HashMap<Key, Vec<Early>>,
    next: u64,
    len: usize,
}

/// A receipt whose message isn't known as sent.
pub(crate) struct Early {
    pub(crate) receipt: Receipt,
    until: Timestamp,
    ticket: u64,
    /// Whoever waits to answer its carrier; nobody where it is durable.
    waiting: Option<oneshot::Sender<Verdict>>,
}

impl Early {
    fn is_durable(&self) -> bool {
        self.waiting.is_none()
    }
}

/// A receipt as it lies in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    receipt: Receipt,
    until: Timestamp,
}

impl EarlyReceipts {
    fn put(&self, key: Key, receipt: Receipt, until: Timestamp, waiting: Option<oneshot::Sender<Verdict>>) -> u64 {
        let mut known = self.0.lock();
        known.next += 1;
        known.len += 1;
        let ticket = known.next;
        known.receipts.entry(key).or_default().push(Early { receipt, until, ticket, waiting });
        ticket
    }

    /// What was said of a message so far, for whoever makes it known.
    pub(crate) fn take(&self, key: &Key) -> Vec<Early> {
        let mut known = self.0.lock();
        let taken = known.receipts.remove(key).unwrap_or_default();
        known.len -= taken.len();
        taken
    }

    /// Takes one back, unless somebody has taken it.
    fn withdraw(&self, key: &Key, ticket: u64) -> Option<Early> {
        let mut known = self.0.lock();
        let receipts = known.receipts.get_mut(key)?;
        let at = receipts.iter().position(|early| early.ticket == ticket)?;
        let early = receipts.remove(at);
        if receipts.is_empty() {
            known.receipts.remove(key);
        }
        known.len -= 1;
        Some(early)
    }

    /// Puts back what couldn't be applied and is durable. Who waits for the rest hears that it comes again.
    pub(crate) fn give_back(&self, key: Key, early: Vec<Early>) {
        for Early { receipt, until, .. } in early.into_iter().filter(Early::is_durable) {
            self.put(key.clone(), receipt, until, None);
        }
    }

    /// Those that are durable.
    fn parked(&self) -> Vec<Key> {
        let known = self.0.lock();
        known.receipts.iter().filter(|(_, of)| of.iter().any(Early::is_durable)).map(|(key, _)| key.clone()).collect()
    }

    /// Those whose wait is over.
    fn overdue(&self, now: Timestamp) -> Vec<Key> {
        let known = self.0.lock();
        let over = |early: &Early| early.is_durable() && early.until <= now;
        known.receipts.iter().filter(|(_, of)| of.iter().all(over)).map(|(key, _)| key.clone()).collect()
    }

    fn len(&self) -> usize {
        self.0.lock().len
    }
}

/// A receipt that names the two numbers of its message: the message is in partition `near` if it is anywhere.
pub(crate) async fn receipt(
    engine: &Arc<Engine>,
    key: Key,
    receipt: Receipt,
    near: Partition,
) -> Result<Verdict, Error> {
    if engine.early.len() >= engine.config.max_parked_receipts {
        // No room to wait for a message. One that is known needs none, whatever others' receipts wait for.
        let Some(place) = settle::find(engine, &key, Some(near)).await? else { return Ok(Verdict::Later) };
        settle::apply(engine, &key.0, &place, &receipt).await?;
        return Ok(Verdict::Durable);
    }
    let (waiting, mut verdict) = oneshot::channel();
    let until = engine.clock.now() + engine.config.parked_receipt;
    // In memory before the look-up: whoever settles the submit meanwhile finds it in one place or the other.
    let ticket = engine.early.put(key.clone(), receipt.clone(), until, Some(waiting));
    let found = settle::look(engine, &key, near).await;
    if !matches!(found, Ok(None)) && engine.early.withdraw(&key, ticket).is_some() {
        let place = found?.expect("nothing was found is the other case");
        settle::apply(engine, &key.0, &place, &receipt).await?;
        return Ok(Verdict::Durable);
    }
    if let Ok(verdict) = tokio::time::timeout(MOMENT, &mut verdict).await {
        return Ok(verdict.unwrap_or(Verdict::Later));
    }
    match engine.early.withdraw(&key, ticket) {
        Some(_) => park(engine, key, receipt, Some(near)).await,
        // Somebody has taken it, and will have an answer.
        None => Ok(verdict.await.unwrap_or(Verdict::Later)),
    }
}

/// Keeps a receipt whose message isn't known as sent.
pub(crate) async fn park(
    engine: &Arc<Engine>,
    key: Key,
    receipt: Receipt,
    near: Option<Partition>,
) -> Result<Verdict, Error> {
    if engine.early.len() >= engine.config.max_parked_receipts {
        return Ok(Verdict::Later);
    }
    engine.metrics.receipts_parked.inc();
    let until = engine.clock.now() + engine.config.parked_receipt;
    let (home, row_key) = row_key(engine, &key, &receipt);
    let mut batch = Batch::new(home, engine.epoch(home));
    batch.put(Table::ParkedReceipt, row_key, layout::encode(&Row { receipt: receipt.clone(), until }));
    engine.store.commit(batch).await?;
    engine.early.put(key.clone(), receipt, until, None);
    if let Some(place) = settle::find(engine, &key, near).await? {
        apply(engine, &key, &place).await?;
    }
    Ok(Verdict::Durable)
}

/// Applies what waited for a message that is known now. What was parked leaves the store only then: its carrier has our
/// word for it and won't bring it again, and what a crash leaves there is applied at the next start.
pub(crate) async fn apply(engine: &Engine, key: &Key, place: &Place) -> Result<(), Error> {
    let early = engine.early.take(key);
    for at in 0..early.len() {
        if let Err(error) = settle::apply(engine, &key.0, place, &early[at].receipt).await {
            engine.early.give_back(key.clone(), early);
            return Err(error);
        }
    }
    done(engine, key, early).await
}

/// What was said of a message is on its record: carriers that wait are told so, and what was parked is forgotten.
pub(crate) async fn done(engine: &Engine, key: &Key, early: Vec<Early>) -> Result<(), Error> {
    let mut parked = Vec::new();
    for Early { receipt, waiting, .. } in early {
        match waiting {
            // Who doesn't wait any more has closed the connection; the carrier brings it again, and it is known then.
            Some(waiting) => drop(waiting.send(Verdict::Durable)),
            None => parked.push(receipt),
        }
    }
    forget(engine, key, &parked).await
}

/// At start: a crash may have fallen between a message's becoming `sent` and the receipts that waited for that.
pub(crate) async fn match_parked(engine: Arc<Engine>) {
    for key in engine.early.parked() {
        if let Err(error) = match_one(&engine, &key).await {
            engine.step_failed("applying a receipt that waited over a restart", &error);
        }
    }
}

async fn match_one(engine: &Engine, key: &Key) -> Result<(), Error> {
    match settle::find(engine, key, None).await? {
        Some(place) => apply(engine, key, &place).await,
        None => Ok(()),
    }
}

/// Gives up the receipts whose message was waited for long enough.
pub(crate) async fn give_up(engine: &Engine) -> Result<(), Error> {
    for key in engine.early.overdue(engine.clock.now()) {
        let receipts: Vec<_> = engine.early.take(&key).into_iter().map(|early| early.receipt).collect();
        engine.metrics.receipts_unmatched.inc_by(receipts.len() as u64);
        tracing::warn!(carrier = %key.0, "a receipt names a message that this host never sent");
        forget(engine, &key, &receipts).await?;
    }
    Ok(())
}

async fn forget(engine: &Engine, key: &Key, receipts: &[Receipt]) -> Result<(), Error> {
    let Some(first) = receipts.first() else { return Ok(()) };
    let (home, _) = row_key(engine, key, first);
    let mut batch = Batch::new(home, engine.epoch(home));
    for receipt in receipts {
        batch.delete(Table::ParkedReceipt, row_key(engine, key, receipt).1);
    }
    engine.store.commit(batch).await?;
    Ok(())
}

/// `carrier 00 id 00 state`, and where it lies: a carrier may say several things of a message before its answer comes.
fn row_key(engine: &Engine, (carrier, id): &Key, receipt: &Receipt) -> (Partition, bytes::Bytes) {
    let hash = stable_hash(&[b"receipt", carrier.as_bytes(), id.as_bytes()]);
    let home = Partition::of_hash(&hash, engine.store.partitions());
    (home, layout::carrier_id_key(carrier, &format!("{id}\0{:?}", receipt.state)))
}

/// Brings a partition's parked receipts back into memory at start.
pub(crate) async fn recover(engine: &Arc<Engine>, partition: Partition) -> Result<(), Error> {
    let mut range = signalbox_store::Range::prefix(Table::ParkedReceipt, Vec::new(), 1_000);
    loop {
        let page = engine.store.range(partition, range.clone()).await?;
        for (key, value) in &page {
            let row: Row = layout::decode(Table::ParkedReceipt, value)?;
            let text = String::from_utf8_lossy(key);
            let mut parts = text.split('\0');
            let (carrier, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            engine.early.put((carrier.into(), id.to_owned()), row.receipt, row.until, None);
        }
        match page.last() {
            Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(()),
        }
    }
}
