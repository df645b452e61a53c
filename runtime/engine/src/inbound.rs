//! Inbound: what a handset wrote becomes a durable message before its carrier is answered.
//!
//! ```text
//! part ─► whose number? ─► all parts there? ─► STOP, HELP, START obeyed ─► step: message, consent, answer, event
//!                              └─ no: kept, durable; when the wait runs out, what there is goes on and says so
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use signalbox_carriers::{Brought, InboundPart, Incoming, Verdict};
use signalbox_model::handler::EventKind;
use signalbox_model::{
    Address, Body, Category, Cause, Conversation, ConversationId, Direction, Encoding, Event, Message, MessageId,
    Origin, Partition, Status, Timestamp,
};
use signalbox_policy::Intent;
use signalbox_registry as registry;
use signalbox_store::{Table, layout};
use signalbox_text::{self as text, Added, Assembly, DefaultAlphabet};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::accept;
use crate::assign::{Asked, is_wanted};
use crate::cascade;
use crate::check::check;
use crate::consent;
use crate::counted::Place;
use crate::engine::Engine;
use crate::error::Error;
use crate::programs::Program;
use crate::settle;
use crate::step::Step;
use crate::timers::Due;

/// Receipts that may be settled at once: enough to keep the committer's groups full.
const RECEIPTS_AT_ONCE: usize = 1_024;
/// Inbound parts that may wait for their partition's turn.
const PARTS_WAITING: usize = 256;

/// Parts that have come so far, as they lie in the store.
#[derive(Serialize, Deserialize)]
struct PartsRow {
    carrier: String,
    from: Address,
    to: Address,
    alphabet: Alphabet,
    until: Timestamp,
    assembly: Assembly,
}

/// The same, sealed: all of it but the time, which a start needs.
#[derive(Serialize, Deserialize)]
struct SealedParts {
    until: Timestamp,
    sealed: Vec<u8>,
}

/// [`DefaultAlphabet`] in its stored form.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Alphabet {
    Gsm,
    Latin1,
    Ascii,
    Utf8,
}

/// A whole inbound message.
struct Arrived {
    carrier: String,
    from: Address,
    to: Address,
    text: String,
    encoding: Encoding,
    parts: u8,
    of: u8,
}

/// Takes in what carriers bring, for as long as the host runs.
pub(crate) async fn run(engine: Arc<Engine>, mut intake: mpsc::Receiver<Incoming>, stop: CancellationToken) {
    let receipts = Arc::new(Semaphore::new(RECEIPTS_AT_ONCE));
    let workers: Vec<_> = (0..engine.store.partitions()).map(|_| start_worker(&engine)).collect();
    loop {
        let incoming = tokio::select! {
            incoming = intake.recv() => incoming,
            () = stop.cancelled() => return,
        };
        let Some(Incoming { carrier, what, answer }) = incoming else { return };
        match what {
            Brought::Receipt { receipt, ours, theirs } => {
                let permit = receipts.clone().acquire_owned().await.expect("the semaphore is never closed");
                let engine = engine.clone();
                engine.tasks.clone().spawn(Box::pin(async move {
                    let (ours, theirs) = (ours.as_ref(), theirs.as_ref());
                    answer.give(settle::receipt(&engine, &carrier, receipt, ours, theirs).await);
                    drop(permit);
                }));
            }
            Brought::Part(part) => {
                engine.metrics.inbound_parts.inc();
                let Some(tenant) = engine.directory.owner(&part.to) else {
                    engine.metrics.inbound_unroutable.inc();
                    tracing::warn!(%carrier, to = ?part.to, "an inbound message is for a number that no tenant has");
                    answer.give(Verdict::Refused);
                    continue;
                };
                let conversation = Conversation { tenant, ours: part.to.clone(), theirs: part.from.clone() };
                let partition = conversation.id().partition(engine.store.partitions());
                // One worker a partition: what one handset wrote stays in the order in which it came. A worker that
                // is gone drops the answer, which tells the carrier to come again.
                let job = Job { carrier, part, conversation, partition, answer };
                let _ = workers[usize::from(partition.index())].send(job).await;
            }
        }
    }
}

struct Job {
    carrier: Arc<str>,
    part: InboundPart,
    conversation: Conversation,
    partition: Partition,
    answer: signalbox_carriers::Answer,
}

fn start_worker(engine: &Arc<Engine>) -> mpsc::Sender<Job> {
    let (jobs, mut waiting) = mpsc::channel::<Job>(PARTS_WAITING);
    let engine = engine.clone();
    engine.tasks.clone().spawn(async move {
        while let Some(Job { carrier, part, conversation, partition, answer }) = waiting.recv().await {
            if engine.room.is_full() && !obeyed(&engine, &part) {
                // The carrier keeps it, and brings it again.
                answer.give(Verdict::Later);
                continue;
            }
            let taken = take_in(&engine, &carrier, part, conversation, partition);
            let verdict = match engine.caught("taking in an inbound message", taken).await {
                Some(Ok(())) => Verdict::Durable,
                // Its carrier brings it again for as long as it likes; the partition's other messages go on.
                None => Verdict::Later,
                Some(Err(error)) => {
                    engine.step_failed("taking in an inbound message", &error);
                    Verdict::Later
                }
            };
            answer.give(verdict);
        }
    });
    jobs
}

/// Is it a word that the host obeys? A STOP has room in what is kept free; to put it off would be to write to somebody who
/// doesn't want it.
fn obeyed(engine: &Engine, part: &InboundPart) -> bool {
    let text = text::decode(part.data_coding, &part.octets, part.default_alphabet).text;
    part.place.is_none_or(|place| place.total <= 1) && engine.policy.load().intents.find(&text, None).is_some()
}

/// Makes a part durable: as a message if it is whole, or else beside the parts that came before.
async fn take_in(
    engine: &Arc<Engine>,
    carrier: &Arc<str>,
    part: InboundPart,
    conversation: Conversation,
    partition: Partition,
) -> Result<(), Error> {
    let Some(place) = part.place.filter(|place| place.total > 1) else {
        let decoded = text::decode(part.data_coding, &part.octets, part.default_alphabet);
        let (encoding, text) = (decoded.alphabet.encoding(), decoded.text);
        let (carrier, from, to) = (carrier.to_string(), part.from, part.to);
        let arrived = Arrived { carrier, from, to, text, encoding, parts: 1, of: 1 };
        return receive(engine, Step::new(engine, partition), conversation, arrived).await;
    };
    let key = parts_key(&conversation.id(), place.reference, place.wide);
    let stored = engine.store.get(partition, Table::Part, key.clone()).await?;
    let now = engine.clock.now();
    let stored = match stored {
        Some(bytes) => read_parts(engine, &key, &bytes).await?,
        None => None,
    };
    let mut row = match stored {
        Some(row) => row,
        None => PartsRow {
            carrier: carrier.to_string(),
            from: part.from.clone(),
            to: part.to.clone(),
            alphabet: part.default_alphabet.into(),
            until: now + engine.config.reassembly,
            assembly: Assembly::new(place.total),
        },
    };
    match row.assembly.add(place, part.data_coding, &part.octets) {
        Ok(Added::Complete) => {
            let mut step = Step::new(engine, partition);
            step.batch.delete(Table::Part, key);
            receive(engine, step, conversation, row.into_arrived()).await
        }
        Ok(Added::Duplicate) => Ok(()),
        Ok(Added::Waiting) => {
            let mut step = Step::new(engine, partition);
            let bytes = layout::encode(&row);
            let bytes = match engine.seal_in(&conversation, (Table::Part, &key), &bytes).await? {
                Some(sealed) => layout::encode_as(layout::SEALED, &SealedParts { until: row.until, sealed }),
                None => bytes,
            };
            step.batch.put(Table::Part, key.clone(), bytes);
            step.commit().await?;
            engine.wheel.set(row.until, Due::Parts { partition, key });
            Ok(())
        }
        Err(_) => {
            // The reference was taken up by another message: what is here goes on as it is, and the new one begins.
            let mut step = Step::new(engine, partition);
            step.batch.delete(Table::Part, key);
            receive(engine, step, conversation.clone(), row.into_arrived()).await?;
            Box::pin(take_in(engine, carrier, part, conversation, partition)).await
        }
    }
}

/// Parts as they lie, opened; `None` if they were erased.
async fn read_parts(engine: &Engine, key: &[u8], bytes: &[u8]) -> Result<Option<PartsRow>, Error> {
    if !layout::is_sealed(bytes) {
        return Ok(Some(layout::decode(Table::Part, bytes)?));
    }
    let row: SealedParts = layout::decode_as(layout::SEALED, Table::Part, bytes)?;
    let opened = engine.open_words(Table::Part, key, &row.sealed).await?;
    Ok(opened.map(|bytes| layout::decode(Table::Part, &bytes)).transpose()?)
}

/// The wait for missing parts ran out: what there is goes on, and says so.
pub(crate) async fn give_up_parts(engine: &Arc<Engine>, partition: Partition, key: Bytes) -> Result<(), Error> {
    let Some(bytes) = engine.store.get(partition, Table::Part, key.clone()).await? else { return Ok(()) };
    let Some(row) = read_parts(engine, &key, &bytes).await? else { return Ok(()) };
    if row.until > engine.clock.now() {
        // Another message with the same reference; it has its own wait.
        return Ok(());
    }
    let Some(tenant) = engine.directory.owner(&row.to) else { return Ok(()) };
    let conversation = Conversation { tenant, ours: row.to.clone(), theirs: row.from.clone() };
    let mut step = Step::new(engine, partition);
    step.batch.check(Table::Part, key.clone(), signalbox_store::Expect::Equals(bytes));
    step.batch.delete(Table::Part, key);
    match receive(engine, step, conversation, row.into_arrived()).await {
        // A part came at the last moment; its own step sees to the rest.
        Err(Error::Store(signalbox_store::Error::Conflict { .. })) => Ok(()),
        other => other,
    }
}

/// Writes a whole message: its record, what it does to consent, the host's own answer, and the event for the handler.
async fn receive(
    engine: &Arc<Engine>,
    mut step: Step<'_>,
    conversation: Conversation,
    arrived: Arrived,
) -> Result<(), Error> {
    let id = conversation.id();
    let policy = engine.policy.load_full();
    let program = program_of(engine, &conversation);
    let own = program.as_ref().map(|program| &program.keywords);
    let found = policy.intents.find(&arrived.text, own);
    let keyword = found.as_ref().map(|found| (found.intent, &*found.matched));
    let depth = cascade::of_inbound(engine, &arrived.from, &arrived.to).await?;
    let message = Arc::new(Message { depth, ..inbound_message(engine, &step, &conversation, &arrived) });
    let cause = Cause::Received {
        carrier: arrived.carrier,
        parts: arrived.parts,
        of: arrived.of,
        keyword: keyword.map(|(_, word)| word.to_owned()),
    };
    step.begin(message.clone(), Status::Received, cause, None);
    if let Some((keyword, word)) = keyword {
        let by = registry::By::Keyword { word: word.to_owned(), message: message.id };
        obey(engine, &mut step, &conversation, keyword, by).await?;
    }
    if is_wanted(engine, &conversation.tenant, &Asked::about(engine, &message, EventKind::Message)) {
        let event = Event::Inbound { tenant: conversation.tenant.clone(), message: message.id, conversation: id };
        step.event(step.partition(), event);
    } else {
        let why = match keyword {
            Some(_) => "the host answered; no handler is bound to the number",
            None => "no handler is bound to the number",
        };
        let mut live = step.live(message.id).expect("the message was begun in this step");
        step.advance(&mut live, Status::Unhandled, Cause::Unhandled { why: why.to_owned() }, None)?;
    }
    step.commit().await?;
    Ok(())
}

/// The program of the number to which somebody wrote: that of the campaign to which it belongs, as for what goes out from it.
fn program_of(engine: &Engine, conversation: &Conversation) -> Option<Arc<Program>> {
    let Conversation { tenant, ours, .. } = conversation;
    let campaign = engine.registration.campaign_of(tenant, ours);
    engine.programs.of(tenant, campaign.as_deref(), ours)
}

/// Does what a keyword asks for, before any handler sees it.
async fn obey(
    engine: &Engine,
    step: &mut Step<'_>,
    conversation: &Conversation,
    intent: Intent,
    by: registry::By,
) -> Result<(), Error> {
    let reach = consent::stop_reach(engine, conversation).await?;
    let was_out = consent::obey(engine, step, conversation, intent, reach.clone(), by).await?;
    if was_out && intent == Intent::Stop {
        // One confirmation, and then silence.
        return Ok(());
    }
    let Some(account) = engine.directory.account(&conversation.tenant) else { return Ok(()) };
    let program = program_of(engine, conversation);
    let said = program.as_ref().map(|program| &program.info.settings);
    let brand = said.and_then(|said| said.title.as_ref()).unwrap_or(&account.tenant.brand);
    let help = said.and_then(|said| said.help.as_ref()).unwrap_or(&account.tenant.help);
    let answer = engine.policy.load().answers.answer(intent, brand, help, &in_words(&reach));
    stage_answer(engine, step, conversation, answer).await
}

/// What a recipient will get no more of.
fn in_words(reach: &registry::Reach) -> Cow<'static, str> {
    match reach {
        registry::Reach::Program => "messages from this number".into(),
        registry::Reach::Campaign(_) | registry::Reach::All => "messages from us".into(),
        registry::Reach::Category(category) => format!("{} messages from us", category.as_str()).into(),
    }
}

/// The host's own answer; policy lets it pass because the law asks for it.
async fn stage_answer(
    engine: &Engine,
    step: &mut Step<'_>,
    conversation: &Conversation,
    answer: String,
) -> Result<(), Error> {
    let Ok(prepared) = text::prepare_within(&answer, text::Smart::On, engine.config.max_segments) else {
        tracing::error!(tenant = %conversation.tenant, "the tenant's answer to a keyword is too long to be sent");
        return Ok(());
    };
    let (encoding, segments) = (prepared.encoding, prepared.segments);
    let message = Arc::new(Message {
        id: MessageId::new(step.at, step.partition(), &engine.chance),
        conversation: conversation.id(),
        tenant: conversation.tenant.clone(),
        direction: Direction::Outbound,
        from: conversation.ours.clone(),
        to: conversation.theirs.clone(),
        body: Body { text: prepared.text.into_owned(), media_urls: Vec::new() },
        original: None,
        category: Category::Conversational,
        campaign: None,
        tags: Vec::new(),
        callback_url: None,
        accepted_at: step.at,
        send_at: None,
        expires_at: step.at + engine.policy.load().answers.confirm_within(),
        encoding,
        segments,
        origin: Origin::Keyword,
        depth: 0,
        veil: Default::default(),
    });
    let decision = check(engine, &message, Place::Look).await?.into_decision();
    accept::stage_outbound(step, message, decision);
    Ok(())
}

fn inbound_message(engine: &Engine, step: &Step<'_>, conversation: &Conversation, arrived: &Arrived) -> Message {
    Message {
        id: MessageId::new(step.at, step.partition(), &engine.chance),
        conversation: conversation.id(),
        tenant: conversation.tenant.clone(),
        direction: Direction::Inbound,
        from: arrived.from.clone(),
        to: arrived.to.clone(),
        body: Body { text: arrived.text.clone(), media_urls: Vec::new() },
        original: None,
        category: Category::Conversational,
        campaign: None,
        tags: Vec::new(),
        callback_url: None,
        accepted_at: step.at,
        send_at: None,
        expires_at: step.at + engine.config.default_validity,
        encoding: arrived.encoding,
        segments: arrived.of,
        origin: Origin::Carrier { name: arrived.carrier.clone() },
        depth: 0,
        veil: Default::default(),
    }
}

impl PartsRow {
    fn into_arrived(self) -> Arrived {
        let decoded = self.assembly.text(self.alphabet.into());
        Arrived {
            carrier: self.carrier,
            from: self.from,
            to: self.to,
            text: decoded.text,
            encoding: decoded.alphabet.encoding(),
            parts: self.assembly.have(),
            of: self.assembly.total(),
        }
    }
}

impl From<DefaultAlphabet> for Alphabet {
    fn from(alphabet: DefaultAlphabet) -> Self {
        match alphabet {
            DefaultAlphabet::Gsm => Self::Gsm,
            DefaultAlphabet::Latin1 => Self::Latin1,
            DefaultAlphabet::Ascii => Self::Ascii,
            DefaultAlphabet::Utf8 => Self::Utf8,
        }
    }
}

impl From<Alphabet> for DefaultAlphabet {
    fn from(alphabet: Alphabet) -> Self {
        match alphabet {
            Alphabet::Gsm => Self::Gsm,
            Alphabet::Latin1 => Self::Latin1,
            Alphabet::Ascii => Self::Ascii,
            Alphabet::Utf8 => Self::Utf8,
        }
    }
}

/// References belong to (sender, recipient), not to a bind; an 8-bit and a 16-bit one are different things.
fn parts_key(conversation: &ConversationId, reference: u16, wide: bool) -> Bytes {
    let mut key = BytesMut::with_capacity(19);
    key.put_slice(conversation.as_bytes());
    key.put_u16(reference);
    key.put_u8(u8::from(wide));
    key.freeze()
}

/// Brings the waits for missing parts back into memory at start.
pub(crate) async fn recover(engine: &Engine, partition: Partition) -> Result<(), Error> {
    let mut range = signalbox_store::Range::prefix(Table::Part, Vec::new(), 1_000);
    loop {
        let page = engine.store.range(partition, range.clone()).await?;
        for (key, value) in &page {
            let until = if layout::is_sealed(value) {
                layout::decode_as::<SealedParts>(layout::SEALED, Table::Part, value)?.until
            } else {
                layout::decode::<PartsRow>(Table::Part, value)?.until
            };
            engine.wheel.set(until, Due::Parts { partition, key: key.clone() });
        }
        match page.last() {
            Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(()),
        }
    }
}
