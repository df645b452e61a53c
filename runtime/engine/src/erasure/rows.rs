//! What there is of a person beside messages: handlers' state and timers, what the tenant recorded of them, parts that wait
//! for others, recorded runs, events that were given up.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use signalbox_model::{Address, Conversation, ConversationId, Partition, TenantId};
use signalbox_store::layout::{self, RecordingRow, Scope};
use signalbox_store::{Range, Table};

use super::AT_ONCE;
use crate::engine::Engine;
use crate::error::Error;
use crate::step::Step;
use crate::{contacts, parked, recordings};

/// Recorded runs read at a time: each may have a megabyte.
const RUNS_AT_ONCE: usize = 8;

/// Deletes what is kept of a conversation; how much that was.
pub(super) async fn of_conversation(engine: &Engine, conversation: &Conversation) -> Result<u64, Error> {
    let id = conversation.id();
    let home = id.partition(engine.store.partitions());
    let state = Range::prefix(Table::State, layout::state_key(Scope::Conversation(id), ""), AT_ONCE);
    let parts = Range::prefix(Table::Part, layout::timer_key(id, ""), AT_ONCE);
    let timers = Range::prefix(Table::Timer, layout::timer_key(id, ""), AT_ONCE);
    // Whoever is written to again is told again who writes: at the latest after the next start, for memory knows it still.
    let first = Range::prefix(Table::FirstSent, layout::timer_key(id, ""), AT_ONCE);
    delete(engine, home, first, |_| true).await?;
    let mut count = delete(engine, home, state, |_| true).await?;
    count += delete(engine, home, parts, |_| true).await?;
    Ok(count + delete(engine, home, timers, |_| true).await?)
}

/// Deletes what is kept of a person; how much that was.
pub(super) async fn of_person(
    engine: &Engine,
    tenant: &TenantId,
    theirs: &Address,
    conversations: &[ConversationId],
) -> Result<u64, Error> {
    let hash = contacts::hash(tenant, theirs);
    let home = Partition::of_hash(&hash, engine.store.partitions());
    let state = Range::prefix(Table::State, layout::state_key(Scope::Contact(hash), ""), AT_ONCE);
    let contact = Range::prefix(Table::Contact, layout::contact_key(hash), AT_ONCE);
    let mut count = delete(engine, home, state, |_| true).await?;
    count += delete(engine, home, contact, |_| true).await?;
    // A run belongs to the person whose number stands in it, as whom it was shown or as whom it wrote to.
    let number = theirs.to_string();
    count += runs(engine, tenant, number.as_bytes()).await?;
    for partition in (0..engine.store.partitions()).map(Partition::new) {
        let parked = Range::prefix(Table::ParkedEvent, layout::tenant_prefix(tenant), AT_ONCE);
        let is_theirs =
            |row: &Bytes| parked::read_row(row).is_ok_and(|parked| conversations.contains(&parked.conversation()));
        count += delete(engine, partition, parked, is_theirs).await?;
    }
    Ok(count)
}

/// Deletes recorded runs in which a number stands, and those that were sealed by a key that is no more.
async fn runs(engine: &Engine, tenant: &TenantId, number: &[u8]) -> Result<u64, Error> {
    let home = recordings::home(engine, tenant);
    let prefix = layout::recording_prefix(tenant, RecordingRow::Whole);
    let mut range = Range::prefix(Table::Recording, prefix, RUNS_AT_ONCE);
    let mut count = 0;
    loop {
        let page = engine.store.range(home, range.clone()).await?;
        let last = page.last().map(|(key, _)| key.clone()).filter(|_| page.len() == RUNS_AT_ONCE);
        let mut step = Step::new(engine, home);
        for (key, row) in page {
            let whole = recordings::open(engine, &key, row).await?;
            if whole.is_none_or(|whole| stands_in(&whole, number)) {
                count += 1;
                if let Some(id) = layout::recording_id(&key) {
                    let summary = layout::recording_key(tenant, RecordingRow::Summary, id);
                    step.batch.delete(Table::Recording, summary);
                }
                step.batch.delete(Table::Recording, key);
            }
        }
        step.commit().await?;
        engine.recordings.erasures.fetch_add(1, Ordering::Release);
        match last {
            Some(last) => range = range.resume(last),
            None => return Ok(count),
        }
    }
}

/// Deletes the rows of a range that `goes` names.
async fn delete(
    engine: &Engine,
    home: Partition,
    mut range: Range,
    goes: impl Fn(&Bytes) -> bool,
) -> Result<u64, Error> {
    let mut count = 0;
    loop {
        let page = engine.store.range(home, range.clone()).await?;
        let mut step = Step::new(engine, home);
        for (key, _) in page.iter().filter(|(_, value)| goes(value)) {
            count += 1;
            step.batch.delete(range.table, key.clone());
            if range.table == Table::Timer {
                step.unset_timer(key.clone());
            }
        }
        step.commit().await?;
        match page.last() {
            Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(count),
        }
    }
}

fn stands_in(whole: &[u8], what: &[u8]) -> bool {
    whole.windows(what.len()).any(|window| window == what)
}
