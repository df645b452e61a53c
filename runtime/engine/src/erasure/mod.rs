//! Erasure: all that was said with a person becomes unreadable, and what is kept of them beside it goes. What they forbid
//! stays: nobody who said STOP hears from the tenant again because they also asked to be forgotten.
//!
//! ```text
//! no legal hold, and none comes meanwhile ─► noted, durably ─► logged ─► the person's key destroyed, in one commit
//!   ─► memory forgets ─► what was never sealed is taken out of its rows; state, timers, recorded runs deleted ─► note gone
//! ```
//!
//! When the key is destroyed nothing that it sealed can be read, whatever happens to the host. A crash behind the note
//! leaves the rest to the next start: every step can be done again.
//!
//! | file | what it holds |
//! |---|---|
//! | `notes.rs` | what is being erased, until it is |
//! | `words.rs` | messages |
//! | `rows.rs` | everything else that there is of a person |

mod notes;
mod rows;
mod words;

use std::collections::BTreeSet;

use signalbox_model::{Address, Conversation, TenantId, Timestamp};
use signalbox_records::audit::Item;
use signalbox_registry::Hold;

use crate::audit;
use crate::consent::registry_error;
use crate::engine::{Engine, read_error};
use crate::error::Error;
use crate::handle::Handle;
use crate::holds::placer;
use crate::registered::Registrar;

use notes::Note;
pub(crate) use notes::resume;

/// Rows read at a time.
const AT_ONCE: usize = 256;

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Messages that could be read before, and can't be any more.
    pub messages: u64,
    /// Other rows that were deleted: state, timers, what was recorded of the person, recorded runs, events that were given
    /// up.
    pub others: u64,
    /// The number is in the consent ledger no more: a keyed hash stands for it. False where there is no key to hash it with.
    pub is_hidden: bool,
    /// Suppression lists of the tenant's that have the number, in plain: nothing goes there because of them, and only a list
    /// without it takes it out.
    pub on_lists: Vec<String>,
    /// When.
    pub at: Timestamp,
}

/// Why nothing is erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseRefused {
    /// A hold wins over an erasure.
    #[error(
        "the legal hold {} covers this person ({}): nothing is erased while it stands; release it first",
        .0.id,
        .0.on.as_str()
    )]
    Held(Box<Hold>),
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

impl Handle {
    /// Makes all that was said with a person unreadable, for good, and deletes what is kept of them beside it.
    pub async fn erase(
        &self,
        tenant: &TenantId,
        registrar: Registrar,
        theirs: &Address,
    ) -> Result<Erased, EraseRefused> {
        let engine = &*self.0;
        let unmoved = engine.holds.unmoved().await;
        if let Some(hold) = unmoved.on_person(tenant, theirs) {
            return Err(EraseRefused::Held(Box::new(Hold::clone(&hold))));
        }
        let by = placer(registrar).to_string();
        let note = Note { tenant: tenant.clone(), theirs: theirs.clone(), by, at: engine.clock.now() };
        notes::put(engine, &note).await?;
        Ok(carry_out(engine, &note).await?)
    }
}

/// Does what was noted, from its beginning; what is done already finds nothing to do.
async fn carry_out(engine: &Engine, note: &Note) -> Result<Erased, Error> {
    let Note { tenant, theirs, by, at } = note;
    if let Some(keys) = engine.audit.keys() {
        let item = Item::Erased { by: by.clone(), person: keys.person(tenant, theirs) };
        audit::note(engine, tenant, item).await?;
    }
    let mut ours: BTreeSet<Address> = BTreeSet::new();
    let mut before = 0;
    if let Some(vault) = engine.vault.as_deref().filter(|vault| vault.has(tenant)) {
        before = vault.erased(tenant, theirs).await.map_err(read_error)?.map_or(0, |erasure| erasure.through);
        ours.extend(vault.destroy(tenant, theirs, *at).await.map_err(read_error)?);
    }
    engine.hot.forget_person(tenant, theirs);
    let epoch = |partition| engine.epoch(partition);
    let senders = engine.consent.forget(tenant, theirs, epoch).await.map_err(registry_error)?;
    let is_hidden = senders.is_some();
    ours.extend(senders.unwrap_or_default());
    let account = engine.directory.account(tenant);
    ours.extend(account.iter().flat_map(|account| account.tenant.numbers.keys().cloned()));
    let (mut messages, mut others) = (0, 0);
    let mut conversations = Vec::new();
    for ours in ours {
        let conversation = Conversation { tenant: tenant.clone(), ours, theirs: theirs.clone() };
        messages += words::take(engine, &conversation, before).await?;
        others += rows::of_conversation(engine, &conversation).await?;
        conversations.push(conversation.id());
    }
    others += rows::of_person(engine, tenant, theirs, &conversations).await?;
    notes::remove(engine, note).await?;
    let hits = engine.suppression.of(tenant).hits(theirs, None).into_iter();
    let on_lists = hits.filter(|hit| hit.on && hit.list.owner == *tenant).map(|hit| hit.list.name).collect();
    Ok(Erased { messages, others, is_hidden, on_lists, at: *at })
}
