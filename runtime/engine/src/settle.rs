//! Settle: what a carrier said of a message, at once or later, becomes the message's status.
//!
//! ```text
//! answer ─► taken: `sent`, its ids can be looked up, off the queue, with the receipts that came before it
//!           busy, unsent: backs off, and back to the queue    refused: `failed`    no answer: in doubt ─► resend or hold
//! receipt ─► by its id to the message ─► part and message move ─► handler
//!           └─ no message yet: early.rs
//! ```

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use signalbox_carriers::{Outcome, Verdict};
use signalbox_model::directory::InDoubtAction;
use signalbox_model::handler::EventKind;
use signalbox_model::{
    Address, Cause, ConversationId, ErrorClass, Event, MessageId, Origin, Partition, Receipt, Status, TenantId,
    Timestamp,
};
use signalbox_store::{InboxSeq, Table, layout};

use crate::assign::{Asked, is_wanted};
use crate::early;
use crate::egress::{self, Waiting};
use crate::engine::Engine;
use crate::error::Error;
use crate::hot::Live;
use crate::step::Step;
use crate::throughput;

/// Where the carrier's id of a part leads.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) tenant: TenantId,
    pub(crate) message: MessageId,
    pub(crate) part: u8,
}

impl Place {
    fn of(waiting: &Waiting, part: usize) -> Self {
        // A message has at most 255 parts: what carriers can count.
        Self { tenant: waiting.tenant.clone(), message: waiting.message, part: part as u8 }
    }
}

/// The carrier's answer to a submit, or the lack of one.
pub(crate) async fn answered(engine: &Arc<Engine>, carrier: &Arc<str>, waiting: Waiting, outcome: Outcome) {
    let (conversation, message) = (waiting.conversation, waiting.message);
    let settled = engine.caught("settling a carrier's answer", try_answered(engine, carrier, &waiting, outcome)).await;
    match settled.unwrap_or_else(|| Ok(Vec::new())) {
        Ok(ids) => {
            for (part, id) in ids.into_iter().enumerate() {
                let (key, place) = ((carrier.clone(), id), Place::of(&waiting, part));
                if let Err(error) = early::apply(engine, &key, &place).await {
                    engine.step_failed("applying a receipt that came early", &error);
                }
            }
        }
        Err(error) => engine.step_failed("settling a carrier's answer", &error),
    }
    // If it came back it is in its place again; else what is behind it needn't wait for it any more.
    if let Some(lane) = engine.lanes.get(carrier) {
        lane.is_over(conversation, message);
    }
}

/// Returns the canonical ids of a message that the carrier has taken.
async fn try_answered(
    engine: &Engine,
    carrier: &Arc<str>,
    waiting: &Waiting,
    outcome: Outcome,
) -> Result<Vec<String>, Error> {
    let _one = engine.locks.lock(waiting.message).await;
    let Some(mut live) = engine.live(&waiting.tenant, waiting.message).await? else { return Ok(Vec::new()) };
    let mut step = Step::new(engine, waiting.message.partition());
    let name = carrier.to_string();
    match outcome {
        Outcome::Taken { ids } => return taken(engine, step, &mut live, carrier, waiting, ids).await,
        Outcome::Busy { raw_code, class } => {
            engine.metrics.throttled.inc();
            throughput::comes_back(engine, waiting.pace.as_ref());
            let until = step.at + engine.busy_wait(class, live.head.setbacks.saturating_add(1));
            let cause = Cause::Busy { carrier: name, raw_code, until };
            step.advance(&mut live, Status::Queued, cause, Some(class))?;
            came_back(engine, step, &mut live, waiting, until).await?;
        }
        Outcome::Unsent => {
            throughput::comes_back(engine, waiting.pace.as_ref());
            // The first time it goes at once, by another bind or when one is up again.
            let again = live.head.setbacks;
            let wait = if again == 0 { Duration::ZERO } else { engine.busy_wait(ErrorClass::Transient, again) };
            let until = step.at + wait;
            step.advance(&mut live, Status::Queued, Cause::Unsent { carrier: name }, None)?;
            came_back(engine, step, &mut live, waiting, until).await?;
        }
        Outcome::Refused { raw_code, class, part } => {
            let cause = Cause::Refused { carrier: name, raw_code, part };
            egress::finish(engine, step, &mut live, waiting.seq, Status::Failed, cause, Some(class)).await?;
        }
        Outcome::Unknown { why } => {
            if in_doubt(engine, step, &mut live, waiting.seq, why).await? {
                egress::again(engine, &live, waiting);
            }
        }
    }
    Ok(Vec::new())
}

/// The carrier surely doesn't have it: it goes again at `until`, unless it was tried often enough.
async fn came_back(
    engine: &Engine,
    step: Step<'_>,
    live: &mut Live,
    waiting: &Waiting,
    until: Timestamp,
) -> Result<(), Error> {
    if !live.head.has_room() {
        return egress::end_full(engine, step, live, waiting.seq).await;
    }
    let (most, times) = (engine.config.max_busy, live.head.setbacks);
    if most > 0 && times >= most {
        let why = format!("it came back from its carrier {times} times, and is tried no more often (`max_busy`)");
        let (cause, class) = (Cause::NoRoute { why }, Some(ErrorClass::Transient));
        return egress::finish(engine, step, live, waiting.seq, Status::Failed, cause, class).await;
    }
    let now = step.at;
    step.commit().await?;
    if until <= now {
        egress::again(engine, live, waiting);
    } else {
        egress::back_off(engine, live, waiting, until);
    }
    Ok(())
}

/// The carrier has it: its ids can be looked up from now on, and the queue is done with it. What the carrier said of
/// its delivery before this answer was on record lands in the same step.
async fn taken(
    engine: &Engine,
    mut step: Step<'_>,
    live: &mut Live,
    carrier: &Arc<str>,
    waiting: &Waiting,
    ids: Vec<String>,
) -> Result<Vec<String>, Error> {
    let canonical: Vec<String> = ids.iter().map(|id| canonical_id(engine, carrier, id)).collect();
    for (part, id) in canonical.iter().enumerate() {
        let place = layout::encode(&Place::of(waiting, part));
        step.batch.put(Table::CarrierId, layout::carrier_id_key(carrier, id), place);
    }
    let cause = Cause::Sent { carrier: carrier.to_string(), carrier_ids: ids };
    step.advance(live, Status::Sent, cause, None)?;
    step.take(waiting.seq);
    let mut came_early = Vec::new();
    for (part, id) in canonical.iter().enumerate() {
        let key = (carrier.clone(), id.clone());
        let early = engine.early.take(&key);
        if !early.is_empty() {
            came_early.push((part, key, early));
        }
    }
    match commit_taken(engine, step, live, carrier, &came_early).await {
        Ok(()) => engine.waiting.leaves(),
        Err(error) => {
            for (_, key, early) in came_early {
                engine.early.give_back(key, early);
            }
            return Err(error);
        }
    };
    for (_, key, early) in came_early {
        early::done(engine, &key, early).await?;
    }
    Ok(canonical)
}

async fn commit_taken(
    engine: &Engine,
    mut step: Step<'_>,
    live: &mut Live,
    carrier: &Arc<str>,
    came_early: &[(usize, early::Key, Vec<early::Early>)],
) -> Result<(), Error> {
    for (part, _, early) in came_early {
        for early in early {
            stage_receipt(engine, &mut step, live, carrier, *part as u8, &early.receipt)?;
        }
    }
    step.commit().await?;
    Ok(())
}

/// Bytes may have reached the carrier, and no answer will come: the tenant's setting for the category decides, and how often
/// that was done already. True: the message is queued again, and whoever asks brings it there.
pub(crate) async fn in_doubt(
    engine: &Engine,
    mut step: Step<'_>,
    live: &mut Live,
    seq: InboxSeq,
    why: String,
) -> Result<bool, Error> {
    let carrier = live.head.carrier.as_deref().unwrap_or_default().to_owned();
    step.advance(live, Status::InDoubt, Cause::InDoubt { carrier, why }, Some(ErrorClass::InDoubt))?;
    tell_handler(engine, &mut step, live);
    let plan =
        engine.directory.account(&live.message.tenant).map(|account| account.tenant.in_doubt).unwrap_or_default();
    match plan.action(live.message.category) {
        InDoubtAction::Resend if live.head.doubts <= engine.config.max_resends && live.head.has_room() => {
            let how = format!("sent again: that is the setting for {} messages", live.message.category.as_str());
            step.advance(live, Status::Queued, Cause::Resolved { how }, None)?;
            step.commit().await?;
            return Ok(true);
        }
        InDoubtAction::Resend | InDoubtAction::Hold => {
            step.take(seq);
            step.commit().await?;
            engine.waiting.leaves();
        }
    }
    Ok(false)
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
    let key = (carrier.clone(), canonical_id(engine, carrier, &receipt.carrier_id));
    if let Some(near) = near_partition(engine, ours, theirs) {
        return early::receipt(engine, key, receipt, near).await;
    }
    match find(engine, &key, None).await? {
        Some(place) => apply(engine, carrier, &place, &receipt).await.map(|()| Verdict::Durable),
        None => early::park(engine, key, receipt, None).await,
    }
}

/// The partition in which the message of a receipt most likely lives: receipts name the same two numbers.
fn near_partition(engine: &Engine, ours: Option<&Address>, theirs: Option<&Address>) -> Option<Partition> {
    let (ours, theirs) = (ours?.clone(), theirs?.clone());
    let tenant = engine.directory.owner(&ours)?;
    let conversation = signalbox_model::Conversation { tenant, ours, theirs };
    Some(conversation.id().partition(engine.store.partitions()))
}

/// Looks an id up in one partition.
pub(crate) async fn look(engine: &Engine, key: &early::Key, partition: Partition) -> Result<Option<Place>, Error> {
    let value = engine.store.get(partition, Table::CarrierId, layout::carrier_id_key(&key.0, &key.1)).await?;
    value.map(|bytes| Ok(layout::decode(Table::CarrierId, &bytes)?)).transpose()
}

/// Looks an id up where it most likely is, and then everywhere: some carriers write other numbers into receipts.
pub(crate) async fn find(engine: &Engine, key: &early::Key, near: Option<Partition>) -> Result<Option<Place>, Error> {
    let everywhere = (0..engine.store.partitions()).map(Partition::new).filter(|partition| Some(*partition) != near);
    for partition in near.into_iter().chain(everywhere) {
        if let Some(place) = look(engine, key, partition).await? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// Moves a part and, by the roll-up, its message.
pub(crate) async fn apply(engine: &Engine, carrier: &Arc<str>, place: &Place, receipt: &Receipt) -> Result<(), Error> {
    let _one = engine.locks.lock(place.message).await;
    let Some(mut live) = engine.live(&place.tenant, place.message).await? else { return Ok(()) };
    let mut step = Step::new(engine, place.message.partition());
    stage_receipt(engine, &mut step, &mut live, carrier, place.part, receipt)?;
    step.commit().await?;
    Ok(())
}

/// What a receipt makes of its message. One that says what is known already makes nothing of it.
fn stage_receipt(
    engine: &Engine,
    step: &mut Step<'_>,
    live: &mut Live,
    carrier: &Arc<str>,
    part: u8,
    receipt: &Receipt,
) -> Result<(), Error> {
    let head = &live.head;
    let known = head.parts.get(usize::from(part)).map(|part| part.status);
    let says = receipt.state.status();
    if known.is_some_and(|known| known.is_terminal() && Some(known) == says) {
        engine.metrics.receipts_repeated.inc();
        return Ok(());
    }
    // What comes too late, or out of turn, is kept without moving the message.
    let to = says.map_or(head.status, |status| head.roll_up(usize::from(part), status));
    let was = head.status;
    let to = if was.may_become(to) { to } else { was };
    if to == was && head.is_full() {
        // A carrier that says something new of a message without end is told that it is known.
        engine.metrics.receipts_repeated.inc();
        return Ok(());
    }
    let cause = Cause::Receipt {
        carrier: carrier.to_string(),
        carrier_id: receipt.carrier_id.clone(),
        part,
        state: receipt.state,
        raw_code: receipt.raw_code.clone(),
        carrier_time: receipt.carrier_time,
    };
    step.advance(live, to, cause, receipt_class(receipt))?;
    if to.is_terminal() && to != was {
        tell_handler(engine, step, live);
    }
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

/// A carrier's id of a message in the form in which it is looked up.
pub(crate) fn canonical_id(engine: &Engine, carrier: &str, raw: &str) -> String {
    engine.carrier(carrier).map_or_else(|| raw.to_owned(), |carrier| carrier.canonical_id(raw))
}

/// Puts a status change into the inbox of its conversation, if a handler wants to hear of it: an end, or that it is in
/// doubt. What is on the way to that (`queued`, `sending`, `sent`) is told to webhooks alone.
pub(crate) fn tell_handler(engine: &Engine, step: &mut Step<'_>, live: &Live) {
    let message = &live.message;
    if message.origin == Origin::Keyword {
        return;
    }
    if is_wanted(engine, &message.tenant, &Asked::about(engine, message, EventKind::Receipt)) {
        let conversation: ConversationId = message.conversation_id();
        let n = live.head.entries.saturating_sub(1);
        let event = Event::StatusChange { tenant: message.tenant.clone(), message: message.id, conversation, n };
        step.event(step.partition(), event);
    }
}
