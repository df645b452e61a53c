//! Settle: what a carrier said of a message, at once or later, becomes the message's status.
//!
//! ```text
//! answer ─► taken: `sent`, its ids can be looked up, off the queue ─► a receipt that came before it is applied
//!           busy, unsent: back to the queue    refused: `failed`    no answer: in doubt ─► resend or hold
//! receipt ─► by its id to the message ─► part and message move ─► handler
//!           └─ no message yet: parked, durable, until the answer comes or the wait for it runs out
//! ```

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signalbox_carriers::{Outcome, Verdict};
use signalbox_guest::Kind;
use signalbox_model::conversation::stable_hash;
use signalbox_model::directory::InDoubtAction;
use signalbox_model::{
    Address, Cause, ConversationId, ErrorClass, Event, MessageId, Origin, Partition, Receipt, Status, TenantId,
    Timestamp,
};
use signalbox_store::{Batch, InboxSeq, Table, layout};

use crate::egress::{self, Waiting};
use crate::engine::Engine;
use crate::error::Error;
use crate::hot::Live;
use crate::step::Step;

/// Where the carrier's id of a part leads.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    tenant: TenantId,
    message: MessageId,
    part: u8,
}

/// A receipt whose message isn't known as sent yet, as it lies in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ParkedRow {
    receipt: Receipt,
    until: Timestamp,
}

/// Receipts that came before the answers to their submits. Durable in the store; this is what finds them.
#[derive(Default)]
pub(crate) struct ParkedReceipts(Mutex<HashMap<ParkedKey, Parked>>);

/// What was said of a message, and until when the message is waited for.
#[derive(Default)]
struct Parked {
    receipts: Vec<Receipt>,
    until: Timestamp,
}

/// Receipts that came before the answer to their submit, and what they are for.
struct Early {
    place: Place,
    /// Canonical.
    id: String,
    receipts: Vec<Receipt>,
}

/// (carrier, canonical id).
pub(crate) type ParkedKey = (Arc<str>, String);

/// The carrier's answer to a submit, or the lack of one.
pub(crate) async fn answered(engine: &Arc<Engine>, waiting: Waiting, live: Live, outcome: Outcome) {
    let carrier: Arc<str> = live.head.carrier.as_deref().unwrap_or_default().into();
    match try_answered(engine, &carrier, &waiting, outcome).await {
        Ok(parked) => {
            for Early { place, id, receipts } in parked {
                if let Err(error) = apply_parked(engine, &carrier, &id, &place, &receipts).await {
                    engine.step_failed("applying a receipt that came early", &error);
                }
            }
        }
        Err(error) => engine.step_failed("settling a carrier's answer", &error),
    }
}

async fn try_answered(
    engine: &Engine,
    carrier: &Arc<str>,
    waiting: &Waiting,
    outcome: Outcome,
) -> Result<Vec<Early>, Error> {
    let _one = engine.locks.lock(waiting.message).await;
    let Some(mut live) = engine.live(&waiting.tenant, waiting.message).await? else { return Ok(Vec::new()) };
    let mut step = Step::new(engine, waiting.message.partition());
    let name = carrier.to_string();
    match outcome {
        Outcome::Taken { ids } => return taken(engine, step, &mut live, carrier, waiting, ids).await,
        Outcome::Busy { raw_code, class } => {
            engine.metrics.throttled.inc();
            let cause = Cause::Refused { carrier: name, raw_code, part: None };
            step.advance(&mut live, Status::Queued, cause, Some(class))?;
            step.commit().await?;
            egress::again(engine, &live, waiting.seq);
        }
        Outcome::Unsent => {
            step.advance(&mut live, Status::Queued, Cause::Unsent { carrier: name }, None)?;
            step.commit().await?;
            egress::again(engine, &live, waiting.seq);
        }
        Outcome::Refused { raw_code, class, part } => {
            let cause = Cause::Refused { carrier: name, raw_code, part };
            egress::finish(engine, step, &mut live, waiting.seq, Status::Failed, cause, Some(class)).await?;
        }
        Outcome::Unknown { why } => in_doubt(engine, step, &mut live, waiting.seq, why).await?,
    }
    Ok(Vec::new())
}

/// The carrier has it: its ids can be looked up from now on, and the queue is done with it.
async fn taken(
    engine: &Engine,
    mut step: Step<'_>,
    live: &mut Live,
    carrier: &Arc<str>,
    waiting: &Waiting,
    ids: Vec<String>,
) -> Result<Vec<Early>, Error> {
    let canonical: Vec<String> = ids.iter().map(|id| canonical_id(engine, carrier, id)).collect();
    let place = |part: usize| Place { tenant: waiting.tenant.clone(), message: waiting.message, part: part as u8 };
    for (part, id) in canonical.iter().enumerate() {
        let place = place(part);
        step.batch.put(Table::CarrierId, layout::carrier_id_key(carrier, id), layout::encode(&place));
    }
    let cause = Cause::Sent { carrier: carrier.to_string(), carrier_ids: ids };
    step.advance(live, Status::Sent, cause, None)?;
    step.take(waiting.seq);
    step.commit().await?;
    engine.waiting.fetch_sub(1, Ordering::Relaxed);
    let early = canonical.into_iter().enumerate().map(|(part, id)| {
        let receipts = engine.parked.take(&(carrier.clone(), id.clone()));
        Early { place: place(part), id, receipts }
    });
    Ok(early.filter(|early| !early.receipts.is_empty()).collect())
}

/// Bytes may have reached the carrier, and no answer will come: the tenant's setting for the category decides.
pub(crate) async fn in_doubt(
    engine: &Engine,
    mut step: Step<'_>,
    live: &mut Live,
    seq: InboxSeq,
    why: String,
) -> Result<(), Error> {
    let carrier = live.head.carrier.clone().unwrap_or_default();
    step.advance(live, Status::InDoubt, Cause::InDoubt { carrier, why }, Some(ErrorClass::InDoubt))?;
    let plan =
        engine.directory.account(&live.message.tenant).map(|account| account.tenant.in_doubt).unwrap_or_default();
    match plan.action(live.message.category) {
        InDoubtAction::Resend => {
            let how = format!("sent again: that is the setting for {} messages", live.message.category.as_str());
            step.advance(live, Status::Queued, Cause::Resolved { how }, None)?;
            step.commit().await?;
            egress::again(engine, live, seq);
        }
        InDoubtAction::Hold => {
            step.take(seq);
            tell_handler(engine, &mut step, live);
            step.commit().await?;
            engine.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// A delivery receipt. The verdict is what the carrier is told.
pub(crate) async fn receipt(
    engine: &Arc<Engine>,
    carrier: &Arc<str>,
    receipt: Receipt,
    ours: Option<&Address>,
    theirs: Option<&Address>,
) -> Verdict {
    engine.metrics.receipts.inc();
    match try_receipt(engine, carrier, receipt, ours, theirs).await {
        Ok(verdict) => verdict,
        Err(error) => {
            engine.step_failed("settling a receipt", &error);
            Verdict::Later
        }
    }
}

async fn try_receipt(
    engine: &Arc<Engine>,
    carrier: &Arc<str>,
    receipt: Receipt,
    ours: Option<&Address>,
    theirs: Option<&Address>,
) -> Result<Verdict, Error> {
    let id = canonical_id(engine, carrier, &receipt.carrier_id);
    let near = near_partition(engine, ours, theirs);
    if let Some(place) = find(engine, carrier, &id, near).await? {
        apply(engine, carrier, &place.tenant, place.message, place.part, &receipt).await?;
        return Ok(Verdict::Durable);
    }
    park(engine, carrier, id, receipt, near).await
}

/// The partition in which the message of a receipt most likely lives: receipts name the same two numbers.
fn near_partition(engine: &Engine, ours: Option<&Address>, theirs: Option<&Address>) -> Option<Partition> {
    let (ours, theirs) = (ours?.clone(), theirs?.clone());
    let tenant = engine.directory.owner(&ours)?;
    let conversation = signalbox_model::Conversation { tenant, ours, theirs };
    Some(conversation.id().partition(engine.store.partitions()))
}

/// Looks an id up where it most likely is, and then everywhere: some carriers write other numbers into receipts.
async fn find(engine: &Engine, carrier: &str, id: &str, near: Option<Partition>) -> Result<Option<Place>, Error> {
    let key = layout::carrier_id_key(carrier, id);
    let everywhere = (0..engine.store.partitions()).map(Partition::new).filter(|partition| Some(*partition) != near);
    for partition in near.into_iter().chain(everywhere) {
        if let Some(bytes) = engine.store.get(partition, Table::CarrierId, key.clone()).await? {
            return Ok(Some(layout::decode(Table::CarrierId, &bytes)?));
        }
    }
    Ok(None)
}

/// Moves a part and, by the roll-up, its message.
async fn apply(
    engine: &Engine,
    carrier: &Arc<str>,
    tenant: &TenantId,
    message: MessageId,
    part: u8,
    receipt: &Receipt,
) -> Result<(), Error> {
    let _one = engine.locks.lock(message).await;
    let Some(mut live) = engine.live(tenant, message).await? else { return Ok(()) };
    let head = &live.head;
    let known = head.parts.get(usize::from(part)).map(|part| part.status);
    let says = receipt.state.status();
    if known.is_some_and(|known| known.is_terminal() && Some(known) == says) {
        engine.metrics.receipts_repeated.inc();
        return Ok(());
    }
    // What comes too late, or out of turn, is kept without moving the message.
    let to = says.map_or(head.status, |status| head.roll_up(usize::from(part), status));
    let to = if head.status.may_become(to) { to } else { head.status };
    let class = receipt_class(receipt);
    let cause = Cause::Receipt {
        carrier: carrier.to_string(),
        carrier_id: receipt.carrier_id.clone(),
        part,
        state: receipt.state,
        raw_code: receipt.raw_code.clone(),
        carrier_time: receipt.carrier_time,
    };
    let mut step = Step::new(engine, message.partition());
    step.advance(&mut live, to, cause, class)?;
    if to.is_terminal() {
        tell_handler(engine, &mut step, &live);
    }
    step.commit().await?;
    Ok(())
}

/// The canonical class of what a receipt says, unless it says that all is well.
fn receipt_class(receipt: &Receipt) -> Option<ErrorClass> {
    use signalbox_model::ReceiptState as State;
    match receipt.state {
        State::Expired => Some(ErrorClass::Expired),
        State::Undeliverable => Some(ErrorClass::DestUnreachable),
        State::Deleted | State::Skipped => Some(ErrorClass::Unknown),
        State::Rejected => Some(ErrorClass::DestBlocked),
        State::Scheduled | State::Enroute | State::Delivered | State::Accepted | State::Unknown => None,
    }
}

fn canonical_id(engine: &Engine, carrier: &str, raw: &str) -> String {
    engine.carrier(carrier).map_or_else(|| raw.to_owned(), |carrier| carrier.canonical_id(raw))
}

/// Keeps a receipt whose message isn't known as sent yet.
async fn park(
    engine: &Arc<Engine>,
    carrier: &Arc<str>,
    id: String,
    receipt: Receipt,
    near: Option<Partition>,
) -> Result<Verdict, Error> {
    if engine.parked.len() >= engine.config.max_parked_receipts {
        return Ok(Verdict::Later);
    }
    engine.metrics.receipts_parked.inc();
    let until = engine.clock.now() + engine.config.parked_receipt;
    let key: ParkedKey = (carrier.clone(), id.clone());
    // In memory before the look-up below: whoever settles the submit meanwhile finds it in one place or the other.
    engine.parked.put(key.clone(), receipt.clone(), until);
    let home = parked_home(engine, carrier, &id);
    let mut batch = Batch::new(home, engine.epoch(home));
    let row_key = parked_key(carrier, &id, &receipt);
    batch.put(Table::ParkedReceipt, row_key, layout::encode(&ParkedRow { receipt, until }));
    engine.store.commit(batch).await?;
    if let Some(place) = find(engine, carrier, &id, near).await? {
        let receipts = engine.parked.take(&key);
        apply_parked(engine, carrier, &id, &place, &receipts).await?;
    }
    Ok(Verdict::Durable)
}

/// Applies receipts that waited. They leave the store only then: their carrier has our word for them and won't bring
/// them again, and one that a crash leaves there is applied at the next start.
async fn apply_parked(
    engine: &Engine,
    carrier: &Arc<str>,
    id: &str,
    place: &Place,
    receipts: &[Receipt],
) -> Result<(), Error> {
    for receipt in receipts {
        apply(engine, carrier, &place.tenant, place.message, place.part, receipt).await?;
    }
    unpark(engine, carrier, id, receipts).await
}

/// At start: a crash may have fallen between a message's becoming `sent` and the receipts that waited for that.
pub(crate) async fn match_parked(engine: Arc<Engine>) {
    for key in engine.parked.keys() {
        if let Err(error) = match_one(&engine, &key).await {
            engine.step_failed("applying a receipt that waited over a restart", &error);
        }
    }
}

async fn match_one(engine: &Engine, key: &ParkedKey) -> Result<(), Error> {
    let (carrier, id) = key;
    let Some(place) = find(engine, carrier, id, None).await? else { return Ok(()) };
    let receipts = engine.parked.take(key);
    apply_parked(engine, carrier, id, &place, &receipts).await
}

/// Gives up the receipts whose message was waited for long enough.
pub(crate) async fn give_up_receipts(engine: &Engine) -> Result<(), Error> {
    for key in engine.parked.overdue(engine.clock.now()) {
        let (carrier, id) = &key;
        let receipts = engine.parked.take(&key);
        engine.metrics.receipts_unmatched.inc_by(receipts.len() as u64);
        tracing::warn!(%carrier, "a receipt names a message that this host never sent");
        unpark(engine, carrier, id, &receipts).await?;
    }
    Ok(())
}

async fn unpark(engine: &Engine, carrier: &str, id: &str, receipts: &[Receipt]) -> Result<(), Error> {
    if receipts.is_empty() {
        return Ok(());
    }
    let home = parked_home(engine, carrier, id);
    let mut batch = Batch::new(home, engine.epoch(home));
    for receipt in receipts {
        batch.delete(Table::ParkedReceipt, parked_key(carrier, id, receipt));
    }
    engine.store.commit(batch).await?;
    Ok(())
}

/// `carrier 00 id 00 state`: a carrier may say several things of a message before its answer comes.
fn parked_key(carrier: &str, id: &str, receipt: &Receipt) -> bytes::Bytes {
    layout::carrier_id_key(carrier, &format!("{id}\0{:?}", receipt.state))
}

fn parked_home(engine: &Engine, carrier: &str, id: &str) -> Partition {
    let hash = stable_hash(&[b"receipt", carrier.as_bytes(), id.as_bytes()]);
    Partition::of_hash(&hash, engine.store.partitions())
}

/// Brings parked receipts back into memory at start.
pub(crate) async fn recover_parked(engine: &Arc<Engine>, partition: Partition) -> Result<(), Error> {
    let mut range = signalbox_store::Range::prefix(Table::ParkedReceipt, Vec::new(), 1_000);
    loop {
        let page = engine.store.range(partition, range.clone()).await?;
        for (key, value) in &page {
            let row: ParkedRow = layout::decode(Table::ParkedReceipt, value)?;
            let text = String::from_utf8_lossy(key);
            let mut parts = text.split('\0');
            let (carrier, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            engine.parked.put((carrier.into(), id.to_owned()), row.receipt, row.until);
        }
        match page.last() {
            Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(()),
        }
    }
}

/// Puts a status change into the inbox of its conversation, if a handler wants to hear of it.
pub(crate) fn tell_handler(engine: &Engine, step: &mut Step<'_>, live: &Live) {
    let message = &live.message;
    if message.origin == Origin::Keyword {
        return;
    }
    let bound = engine.directory.bound(&message.tenant, message.ours());
    if bound.is_some_and(|bound| bound.code.handles(Kind::Receipt)) {
        let conversation: ConversationId = message.conversation_id();
        let n = live.head.entries.saturating_sub(1);
        let event = Event::StatusChange { tenant: message.tenant.clone(), message: message.id, conversation, n };
        step.event(step.partition(), event);
    }
}

impl ParkedReceipts {
    fn put(&self, key: ParkedKey, receipt: Receipt, until: Timestamp) {
        let mut parked = self.0.lock();
        let parked = parked.entry(key).or_default();
        parked.receipts.push(receipt);
        parked.until = until;
    }

    fn take(&self, key: &ParkedKey) -> Vec<Receipt> {
        self.0.lock().remove(key).unwrap_or_default().receipts
    }

    fn keys(&self) -> Vec<ParkedKey> {
        self.0.lock().keys().cloned().collect()
    }

    /// Those whose wait is over.
    fn overdue(&self, now: Timestamp) -> Vec<ParkedKey> {
        let parked = self.0.lock();
        parked.iter().filter(|(_, parked)| parked.until <= now).map(|(key, _)| key.clone()).collect()
    }

    fn len(&self) -> usize {
        self.0.lock().len()
    }
}
