//! What was sent, counted: how much went to whom in the last 24 hours, from how many senders a template went, and whether
//! anything went from a sender to a recipient before.
//!
//! Counted is what is submitted: a row goes into the same commit as the intent to send, where the rules in force read a count,
//! and nowhere else. Memory has the last 24 hours of it and is read back at the start. What memory can't have is unknown, and a
//! rule's `on_unknown` says what that means: counts err to the stricter side.

mod first;
mod templates;
mod windows;

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use signalbox_model::{Address, Direction, Message, MessageId, Origin, Partition, TenantId, Timestamp};
use signalbox_policy::Policies;
use signalbox_policy::content::fingerprint;
use signalbox_policy::facts::{Fact, FactSet, Facts};
use signalbox_store::{Batch, Range, Store, Table, layout};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use self::first::Firsts;
use self::templates::Templates;
use self::windows::{DAY, Key, Sent, Windows};
use crate::engine::Engine;
use crate::error::Error;
use crate::registered::{self, Campaign};
use crate::step::Step;

/// The facts that are counted in a window of 24 hours.
const WINDOW: FactSet = FactSet::of(&[Fact::Sent24h, Fact::SentSubject24h, Fact::Repeats24h, Fact::TemplateSenders24h]);
/// All that need memory.
const FACTS: FactSet = WINDOW.union(FactSet::of(&[Fact::FirstMessage]));
/// How far ahead it is noted that something isn't counted.
const GAP: Duration = Duration::from_secs(60);
/// Rows that are read or deleted at a time.
const PAGE: usize = 1_000;

/// What was sent, in memory.
pub(crate) struct Counted {
    windows: Windows,
    templates: Templates,
    firsts: Firsts,
    /// Whether what is sent from a partition is counted: a [`State`] each.
    states: Vec<AtomicU8>,
    /// Until then something was sent that isn't: microseconds.
    gap_until: AtomicU64,
    /// Whether anything ever took a place: until then there is none to give back.
    used: AtomicBool,
}

/// Whether what is sent from a partition is counted. Its row in the store says since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// Nothing was ever sent.
    Fresh,
    /// It is, and the row is there.
    Counted,
    /// It isn't, and no row is there.
    Uncounted,
}

impl State {
    const ALL: [Self; 3] = [Self::Fresh, Self::Counted, Self::Uncounted];
}

/// Does a check take a place in the windows, or only look?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The message goes if it may.
    Take,
    /// Somebody wants to know.
    Look,
}

/// Something that is sent, on its way into memory.
pub(crate) struct Going {
    key: Key,
    sent: Sent,
    template: (u64, u64),
}

/// The row of something that was sent, under its time and its message.
#[derive(Serialize, Deserialize)]
struct SentRow {
    contact: Key,
    subject: u64,
    template: u64,
    sender: u64,
    tenant_template: u64,
}

impl Counted {
    /// With what the store has of the last 24 hours.
    pub(crate) async fn open(store: &dyn Store, capacity: usize, now: Timestamp) -> Result<Self, Error> {
        let counted = Self {
            windows: Windows::new(capacity),
            templates: Templates::new(capacity / 4),
            firsts: Firsts::new(capacity),
            states: (0..store.partitions()).map(|_| AtomicU8::new(State::Fresh as u8)).collect(),
            gap_until: AtomicU64::new(0),
            used: AtomicBool::new(false),
        };
        let mut rows = 0;
        for partition in (0..store.partitions()).map(Partition::new) {
            let since = store.get(partition, Table::Meta, since_key()).await?.and_then(|row| parse_since(&row));
            let Some(since) = since else {
                let any = Range::prefix(Table::Message, Bytes::new(), 1);
                if !store.range(partition, any).await?.is_empty() {
                    counted.is(partition, State::Uncounted);
                    counted.gap(now);
                }
                continue;
            };
            counted.is(partition, State::Counted);
            if since + DAY > now {
                counted.gap_until.fetch_max((since + DAY).as_micros(), Ordering::Relaxed);
            }
            rows += counted.restore(store, partition, now, capacity).await?;
        }
        tracing::debug!(rows, "read back what was sent in the last 24 hours");
        Ok(counted)
    }

    async fn restore(
        &self,
        store: &dyn Store,
        partition: Partition,
        now: Timestamp,
        most: usize,
    ) -> Result<usize, Error> {
        let mut range = Range::prefix(Table::Sent, Bytes::new(), PAGE).reversed();
        let mut rows = 0;
        loop {
            let page = store.range(partition, range.clone()).await?;
            for (key, value) in &page {
                let Some((at, message)) = parse_sent_key(key).filter(|(at, _)| *at + DAY > now) else {
                    return Ok(rows);
                };
                if rows >= most {
                    // What is older than this isn't read: until it counts no more, nothing is known.
                    self.windows.unknown_until(at + DAY);
                    return Ok(rows);
                }
                let SentRow { contact, subject, template, sender, tenant_template } =
                    layout::decode(Table::Sent, value)?;
                self.windows.sent(contact, Sent { message, at, durable: true, subject, template });
                self.templates.sent(tenant_template, sender, at);
                rows += 1;
            }
            match page.last() {
                Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
                _ => return Ok(rows),
            }
        }
    }

    /// What the state of `partition` was, which is `state` from now on.
    fn is(&self, partition: Partition, state: State) -> State {
        let before = &self.states[usize::from(partition.index())];
        // Nearly always it is so already.
        if before.load(Ordering::Relaxed) == state as u8 {
            return state;
        }
        State::ALL[usize::from(before.swap(state as u8, Ordering::Relaxed))]
    }

    /// Since when nothing was sent that isn't counted.
    fn whole_since(&self) -> Timestamp {
        let day = u64::try_from(DAY.as_micros()).expect("a day is short");
        Timestamp::from_micros(self.gap_until.load(Ordering::Relaxed).saturating_sub(day))
    }

    /// Something is sent that isn't counted.
    fn gap(&self, now: Timestamp) {
        // Noted a minute ahead, so that it is rarely noted.
        if self.gap_until.load(Ordering::Relaxed) < (now + DAY).as_micros() {
            self.gap_until.fetch_max((now + DAY + GAP).as_micros(), Ordering::Relaxed);
        }
    }

    /// The message isn't sent after all: it counts no more.
    pub(crate) fn withdraw(&self, message: &Message) {
        if self.used.load(Ordering::Relaxed) && counts(message) {
            self.windows.withdraw(contact_key(&message.tenant, message.theirs()), message.id);
            self.firsts.withdraw(message.conversation_id(), message.id);
        }
    }

    /// It is durable that the message is being sent.
    pub(crate) fn sent(&self, going: Going) {
        self.windows.sent(going.key, going.sent);
        self.templates.sent(going.template.0, going.template.1, going.sent.at);
    }
}

/// Fills in what is counted, where rules ask for it; a message that goes if it may takes its place.
pub(crate) async fn fill(
    engine: &Engine,
    policy: &Policies,
    (message, campaign): (&Message, Option<&str>),
    place: Place,
    facts: &mut Facts,
) -> Result<(), Error> {
    let reads = policy.rules.reads();
    if !reads.meets(FACTS) || !counts(message) {
        return Ok(());
    }
    let counted = &engine.counted;
    if place == Place::Take {
        counted.used.store(true, Ordering::Relaxed);
    }
    if reads.has(Fact::FirstMessage) {
        facts.first_message = Some(counted.firsts.is_first(engine, message, place).await?);
    }
    if !reads.meets(WINDOW) {
        return Ok(());
    }
    let going = Going::of(message, campaign, facts.now, false);
    let window = counted.windows.claim(going.key, going.sent, place == Place::Take);
    let senders = counted.templates.senders(going.template.0, going.template.1, facts.now);
    if counted.gap_until.load(Ordering::Relaxed) > facts.now.as_micros() {
        return Ok(());
    }
    facts.sent_24h = window.map(|window| window.all);
    facts.sent_subject_24h = window.map(|window| window.subject);
    facts.repeats_24h = window.map(|window| window.template);
    facts.count_falls = window.and_then(|window| window.falls);
    facts.template_senders_24h = senders;
    Ok(())
}

impl Step<'_> {
    /// The message is being sent with this step: it counts from now on.
    pub(crate) fn count(&mut self, engine: &Engine, message: &Message) {
        if !counts(message) {
            return;
        }
        let reads = engine.policy.load().rules.reads();
        if reads.has(Fact::FirstMessage) && engine.counted.firsts.becomes_durable(message) {
            let id = Bytes::copy_from_slice(message.id.as_bytes());
            self.batch.put(Table::FirstSent, first_key(message), id);
        }
        if !reads.meets(WINDOW) {
            engine.counted.gap(self.at);
            if engine.counted.is(self.partition(), State::Uncounted) == State::Counted {
                self.batch.delete(Table::Meta, since_key());
            }
            return;
        }
        let since = match engine.counted.is(self.partition(), State::Counted) {
            State::Counted => None,
            State::Fresh => Some(Timestamp::EPOCH),
            State::Uncounted => Some(engine.counted.whole_since()),
        };
        if let Some(since) = since {
            let row = Bytes::copy_from_slice(&since.as_micros().to_be_bytes());
            self.batch.put(Table::Meta, since_key(), row);
        }
        let campaign = registered::campaign(engine, message);
        let going = Going::of(message, campaign.as_ref().map(Campaign::name), self.at, true);
        let row = SentRow {
            contact: going.key,
            subject: going.sent.subject,
            template: going.sent.template,
            sender: going.template.1,
            tenant_template: going.template.0,
        };
        self.batch.put(Table::Sent, sent_key(self.at, message.id), layout::encode(&row));
        self.going = Some(Box::new(going));
    }
}

impl Going {
    fn of(message: &Message, campaign: Option<&str>, at: Timestamp, durable: bool) -> Self {
        // What a rule changed in the text doesn't make another template of it.
        let text = message.original.as_ref().map_or(&*message.body.text, |original| &*original.text);
        let template = fingerprint(text);
        let subject = xxh3_64(&joined(&[b"subject", campaign.unwrap_or_default().as_bytes()]));
        let key = contact_key(&message.tenant, message.theirs());
        let tenant_template = xxh3_64(&joined(&[message.tenant.as_str().as_bytes(), &template.to_be_bytes()]));
        let sender = message.ours().with_text(|ours| xxh3_64(&joined(&[ours.as_bytes()])));
        let sent = Sent { message: message.id, at, durable, subject, template };
        Self { key, sent, template: (tenant_template, sender) }
    }
}

/// The host's own answers to keywords aren't counted: they are asked for.
fn counts(message: &Message) -> bool {
    message.direction == Direction::Outbound && message.origin != Origin::Keyword
}

fn contact_key(tenant: &TenantId, person: &Address) -> Key {
    let tenant = tenant.as_str().as_bytes();
    person.with_text(|person| xxh3_128(&joined(&[b"counted", tenant, person.as_bytes()])).to_be_bytes())
}

/// Parts to be hashed, each preceded by its length; the hash is the same after a restart. No SHA, which costs more than the
/// counting: who finds two texts or numbers with one hash only counts too much of what is its own. In one piece, because
/// setting up a hasher that takes several costs more than so short a hash.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| 4 + part.len()).sum());
    for part in parts {
        joined.extend_from_slice(&(part.len() as u32).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

/// Since when everything that was sent from a partition is counted: microseconds, 0 where nothing was sent before.
fn since_key() -> Bytes {
    Bytes::from_static(b"path/counted")
}

/// `None` for a row of an earlier version, whose counts are of other keys.
fn parse_since(row: &[u8]) -> Option<Timestamp> {
    Some(Timestamp::from_micros(u64::from_be_bytes(row.try_into().ok()?)))
}

fn first_key(message: &Message) -> Bytes {
    Bytes::copy_from_slice(message.conversation_id().as_bytes())
}

/// `time message`.
fn sent_key(at: Timestamp, message: MessageId) -> Bytes {
    let mut key = BytesMut::with_capacity(24);
    key.put_u64(at.as_micros());
    key.put_slice(message.as_bytes());
    key.freeze()
}

fn parse_sent_key(key: &[u8]) -> Option<(Timestamp, MessageId)> {
    let (at, message) = key.split_first_chunk::<8>()?;
    Some((Timestamp::from_micros(u64::from_be_bytes(*at)), MessageId::from_bytes(message.try_into().ok()?)))
}

/// Forgets what counts no more.
pub(crate) async fn forget_old(engine: &Engine) -> Result<(), Error> {
    let now = engine.clock.now();
    engine.counted.windows.sweep(now);
    engine.counted.templates.sweep(now);
    for partition in (0..engine.store.partitions()).map(Partition::new) {
        let mut range = Range::prefix(Table::Sent, Bytes::new(), PAGE);
        loop {
            let page = engine.store.range(partition, range.clone()).await?;
            let is_old = |key: &[u8]| parse_sent_key(key).is_none_or(|(at, _)| at + DAY <= now);
            let old: Vec<_> = page.iter().map(|(key, _)| key.clone()).take_while(|key| is_old(key)).collect();
            let Some(last) = old.last().cloned() else { break };
            let all_old = old.len() == range.limit;
            let mut batch = Batch::new(partition, engine.epoch(partition));
            old.into_iter().for_each(|key| {
                batch.delete(Table::Sent, key);
            });
            engine.store.commit(batch).await?;
            if !all_old {
                break;
            }
            range = range.resume(last);
        }
    }
    Ok(())
}
