//! Supervision: messages that a supervisor of the tenant's looks at before they go.
//!
//! Which these are is the tenant's plan: words, and a share of the others, chosen by the message's id so that it is the same
//! at each check. A row for each says where it stands; nothing is read or kept for tenants without a plan.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_model::conversation::stable_hash;
use signalbox_model::directory::Lapse;
use signalbox_model::{
    Cause, Decision, ErrorClass, Head, Message, MessageId, Origin, Partition, Status, TenantId, Timestamp,
};
use signalbox_policy::Policies;
use signalbox_policy::content::Phrases;
use signalbox_policy::data::Tables;
use signalbox_policy::facts::{Fact, Facts, Supervision};
use signalbox_records::audit::Item;
use signalbox_store::{Batch, Range, Table, layout};

use crate::accept::Caller;
use crate::directory::Account;
use crate::engine::Engine;
use crate::error::Error;
use crate::handle::Handle;
use crate::hot::Live;
use crate::step::Step;
use crate::timers::Due;

/// The longest reason: a line, not a story; it is kept for as long as the log.
pub const MAX_WHY_CHARS: usize = 200;
/// Rows that are read at a time.
const PAGE: usize = 256;

/// Where a message stands with its supervisors.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    since: Timestamp,
    /// Of the text that was approved.
    approved: Option<[u8; 16]>,
    decided: bool,
}

/// A message that waits for a supervisor.
#[derive(Debug, Clone)]
pub struct Supervised {
    /// The message.
    pub message: Message,
    /// Where it is.
    pub head: Head,
    /// Since when it waits.
    pub since: Timestamp,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// Why a supervisor's decision isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum SupervisionRefused {
    /// There is no such message, or it doesn't wait for a supervisor.
    #[error("no message with this id waits for a supervisor")]
    Unknown,
    /// The reason is missing or too long.
    #[error("say why in 1 to {MAX_WHY_CHARS} characters: it is kept in the audit log")]
    Why,
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

impl From<signalbox_model::timeline::NoLine> for SupervisionRefused {
    fn from(error: signalbox_model::timeline::NoLine) -> Self {
        Self::Path(error.into())
    }
}

/// `tenant 00 message`.
fn key(tenant: &TenantId, id: MessageId) -> Bytes {
    layout::message_prefix(tenant, id)
}

fn digest(message: &Message) -> [u8; 16] {
    stable_hash(&[b"supervised text", message.body.text.as_bytes()])
}

async fn row(engine: &Engine, tenant: &TenantId, id: MessageId) -> Result<Option<Row>, Error> {
    let row = engine.store.get(id.partition(), Table::Supervision, key(tenant, id)).await?;
    Ok(row.map(|row| layout::decode(Table::Supervision, &row)).transpose()?)
}

fn stage(batch: &mut Batch, message: &Message, row: &Row) {
    batch.put(Table::Supervision, key(&message.tenant, message.id), layout::encode(row));
}

/// Takes away what is kept of a message, where anything may be.
pub(crate) fn stage_removal(engine: &Engine, batch: &mut Batch, message: &Message) {
    let account = engine.directory.account(&message.tenant);
    if account.is_some_and(|account| account.tenant.supervision.is_some()) {
        batch.delete(Table::Supervision, key(&message.tenant, message.id));
    }
}

/// Tells rules where a message stands.
pub(crate) async fn fill(
    engine: &Engine,
    policy: &Policies,
    account: &Account,
    message: &Message,
    facts: &mut Facts,
) -> Result<(), Error> {
    facts.supervision = Some(Supervision::None);
    let Some(plan) = account.tenant.supervision.as_ref().filter(|_| policy.rules.reads().has(Fact::Supervision)) else {
        return Ok(());
    };
    let said = || words(account, &plan.words, &policy.tables).are_said_in(&message.body.text, &policy.tables);
    let [a, b, ..] = stable_hash(&[b"supervision sample", message.id.as_bytes()]);
    let is_in_sample = u16::from_be_bytes([a, b]) % 100 < u16::from(plan.sample_percent);
    if message.origin == Origin::Keyword || !(is_in_sample || said()) {
        return Ok(());
    }
    let row = row(engine, &message.tenant, message.id).await?;
    if row.as_ref().is_some_and(|row| row.approved == Some(digest(message))) {
        facts.supervision = Some(Supervision::Approved);
        return Ok(());
    }
    let ends = row.map_or(facts.now, |row| row.since) + plan.within;
    facts.supervision_ends = Some(ends);
    facts.supervision = Some(match plan.then {
        _ if ends > facts.now => Supervision::Pending,
        Lapse::Reject => Supervision::Lapsed,
        Lapse::Send => Supervision::Released,
    });
    Ok(())
}

/// The words of an account, folded once for the tables in force.
fn words(account: &Account, words: &[String], tables: &Tables) -> Arc<Phrases> {
    if let Some(known) = account.supervised.load().as_ref().filter(|known| known.is_of(tables)) {
        return known.clone();
    }
    let made = Arc::new(Phrases::new(words, tables));
    account.supervised.store(Some(made.clone()));
    made
}

/// A message is held: if for a supervisor, it is put into their queue.
pub(crate) async fn note(engine: &Engine, step: &mut Step<'_>, live: &Live, decision: &Decision) -> Result<(), Error> {
    if !decision.reasons.iter().any(|reason| reason.class == ErrorClass::Supervision) {
        return Ok(());
    }
    let known = row(engine, &live.message.tenant, live.message.id).await?;
    if known.is_none_or(|row| row.decided) {
        stage(&mut step.batch, &live.message, &Row { since: step.at, approved: None, decided: false });
    }
    Ok(())
}

impl Handle {
    /// A tenant's messages that wait for a supervisor, at most `most`.
    pub async fn supervised(&self, tenant: &TenantId, most: usize) -> Result<Vec<Supervised>, Error> {
        let engine = &self.0;
        let mut waiting = Vec::new();
        for partition in (0..engine.store.partitions()).map(Partition::new) {
            let mut range = Range::prefix(Table::Supervision, layout::tenant_prefix(tenant).freeze(), PAGE);
            while waiting.len() < most {
                let page = engine.store.range(partition, range.clone()).await?;
                for (key, value) in &page {
                    let row: Row = layout::decode(Table::Supervision, value)?;
                    let Some(id) = key.last_chunk::<16>().map(|id| MessageId::from_bytes(*id)) else { continue };
                    if row.decided || waiting.len() >= most {
                        continue;
                    }
                    let Some(live) = engine.live(tenant, id).await?.filter(waits) else { continue };
                    let until = live.head.held_until;
                    let (message, head) = (Message::clone(&live.message), Head::clone(&live.head));
                    waiting.push(Supervised { message, head, since: row.since, until });
                }
                match page.last() {
                    Some((last, _)) if page.len() == PAGE => range = range.resume(last.clone()),
                    _ => break,
                }
            }
        }
        waiting.sort_by_key(|supervised| supervised.since);
        Ok(waiting)
    }

    /// A supervisor decides on a message that waits for one.
    pub async fn supervise(
        &self,
        caller: &Caller,
        id: MessageId,
        approved: bool,
        why: &str,
    ) -> Result<signalbox_records::Record, SupervisionRefused> {
        let (engine, tenant) = (&self.0, &caller.tenant);
        if why.trim().is_empty() || why.chars().count() > MAX_WHY_CHARS || why.chars().any(char::is_control) {
            return Err(SupervisionRefused::Why);
        }
        if id.partition().index() >= engine.store.partitions() {
            return Err(SupervisionRefused::Unknown);
        }
        let _one = engine.locks.lock(id).await;
        let live = engine.live(tenant, id).await?.filter(waits);
        let row = row(engine, tenant, id).await?.filter(|row| !row.decided);
        let Some((mut live, row)) = live.zip(row) else { return Err(SupervisionRefused::Unknown) };
        let mut step = Step::new(engine, id.partition());
        let now = step.at;
        let row = Row { approved: approved.then(|| digest(&live.message)), decided: true, ..row };
        stage(&mut step.batch, &live.message, &row);
        if let Some(keys) = engine.audit.keys() {
            let person = keys.person(tenant, live.message.theirs());
            let (by, why) = (caller.key.to_string(), why.to_owned());
            step.log(tenant, Item::Supervised { message: id, by, approved, person, why });
        }
        if approved {
            // Held until now: it goes at once, over a crash too.
            let why = format!("a supervisor ({}) approved it: {why}", caller.key);
            step.advance(
                &mut live,
                Status::Held,
                Cause::Held { until: now, why, handler: None, decision: None },
                None,
            )?;
        } else {
            let why = format!("a supervisor ({}) rejected it: {why}", caller.key);
            let cause = Cause::Rejected { decision: None, handler: None, why };
            step.advance(&mut live, Status::Rejected, cause, Some(ErrorClass::Supervision))?;
            crate::settle::tell_handler(engine, &mut step, &live);
        }
        step.commit().await?;
        if !approved {
            engine.gives_place_back(&live.message);
            engine.waiting.ends_before_its_event(id);
        }
        self.recall(tenant, id);
        let record = engine.record(tenant, id).await?;
        record.ok_or(SupervisionRefused::Unknown)
    }

    /// A held message is looked at now.
    fn recall(&self, tenant: &TenantId, id: MessageId) {
        let engine = &self.0;
        let held = engine.wheel.find(|due| match due {
            Due::Held { message, seq, .. } if *message == id => Some(*seq),
            _ => None,
        });
        for (ticket, seq) in held {
            if engine.wheel.call_off(ticket) {
                let due = Due::Called { tenant: tenant.clone(), message: id, seq };
                engine.wheel.set(engine.clock.now(), due);
            }
        }
    }
}

/// Can a supervisor still decide on it? It may be held for something else, too: that is looked at again afterwards.
fn waits(live: &Live) -> bool {
    live.head.status == Status::Held
}
