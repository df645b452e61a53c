//! People who were forgotten, and what they had forbidden.
//!
//! Who said STOP and asks to be forgotten is sent nothing still, though their number is in no row of the ledger any more: what
//! they revoked lies under a hash of the number, under a key of the tenant's that isn't in the store as it is. So nobody
//! who has the store finds the number by trying them all. What they had agreed to is gone.
//!
//! All of it is in memory: asked for with every message, as [`crate::wide`] is, about 200 bytes each. Where nobody was forgotten
//! no hash is made.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use bytes::{BufMut, Bytes};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use signalbox_model::{Address, Partition, TenantId};
use signalbox_store::{Batch, Epoch, Range, Store, Table, layout};

use crate::Error;
use crate::consent::{ConsentId, PersonId, Program, Revocation};
use crate::ledger::{Ledger, Question};
use crate::rows::{self, ChangeRow, RowKind, StandingRow, WideRow};

/// Rows read at a time.
const PAGE: usize = 512;

/// Makes a keyed hash of a number; none for tenants without a key.
pub type Hide = Box<dyn Fn(&TenantId, &Address) -> Option<[u8; 16]> + Send + Sync>;

type Hidden = [u8; 16];

/// A revocation, with the program to which it was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Forbidden {
    program: Program,
    revocation: Revocation,
}

#[derive(Default)]
pub(crate) struct Forgotten {
    hide: OnceLock<Hide>,
    people: RwLock<HashMap<Hidden, Vec<Forbidden>>>,
}

impl Forbidden {
    fn covers(&self, question: &Question<'_>) -> bool {
        let reach = &self.revocation.reach;
        let here = match &self.program {
            Program::Sender(sender) => sender == question.sender,
            Program::Campaign(campaign) => question.campaign == Some(campaign),
        };
        (here && reach.covers(question.category)) || reach.covers_elsewhere(question.category, question.campaign)
    }
}

impl Forgotten {
    /// Reads what memory has to know.
    pub(crate) async fn load(&self, store: &dyn Store) -> Result<(), Error> {
        for partition in (0..store.partitions()).map(Partition::new) {
            let mut range = Range::prefix(Table::Forgotten, Bytes::new(), PAGE);
            loop {
                let page = store.range(partition, range.clone()).await?;
                for (key, value) in &page {
                    if let Some(person) = key.last_chunk() {
                        self.people.write().insert(*person, layout::decode(Table::Forgotten, value)?);
                    }
                }
                match page.last() {
                    Some((last, _)) if page.len() == PAGE => range = range.resume(last.clone()),
                    _ => break,
                }
            }
        }
        Ok(())
    }

    /// The newest revocation of somebody forgotten that stands in the way.
    pub(crate) fn find(&self, question: &Question<'_>) -> Option<Revocation> {
        let people = self.people.read();
        if people.is_empty() {
            return None;
        }
        let person = self.hide.get()?(question.tenant, question.person)?;
        let all = people.get(&person)?.iter().filter(|one| one.covers(question));
        all.map(|one| &one.revocation).max_by_key(|revocation| revocation.at).cloned()
    }

    fn hidden(&self, tenant: &TenantId, person: &Address) -> Option<Hidden> {
        self.hide.get()?(tenant, person)
    }
}

/// Adds what isn't there yet; of one program and reach the newest.
fn keep(all: &mut Vec<Forbidden>, one: Forbidden) {
    let same = |other: &Forbidden| other.program == one.program && other.revocation.reach == one.revocation.reach;
    match all.iter_mut().find(|other| same(other)) {
        Some(known) if known.revocation.at >= one.revocation.at => {}
        Some(known) => *known = one,
        None => all.push(one),
    }
}

/// `tenant 00 person`.
fn key(tenant: &TenantId, person: Hidden) -> Bytes {
    let mut key = layout::tenant_prefix(tenant);
    key.put_slice(&person);
    key.freeze()
}

impl Ledger {
    /// Says how numbers are hidden; once, before the first question.
    pub fn hide_with(&self, hide: Hide) {
        // A second one would be of another start, and there is none.
        let _ = self.forgotten.hide.set(hide);
    }

    /// Takes a person's number out of the ledger: what they agreed to goes, and what they revoked stays under a keyed hash.
    /// The tenant's senders with which they were on record; `None`, and nothing is done, for a tenant without a key.
    ///
    /// Can be done again, also after a crash within. Rows of an import that isn't complete are left: nobody sees them before
    /// it is.
    pub async fn forget(
        &self,
        tenant: &TenantId,
        person: &Address,
        epoch: impl Fn(Partition) -> Epoch,
    ) -> Result<Option<Vec<Address>>, Error> {
        let Some(hidden) = self.forgotten.hidden(tenant, person) else { return Ok(None) };
        let _none_comes = self.importing.lock().await;
        // What is revoked meanwhile stays as it is written: only rows are deleted that were there before the look at standings,
        // which then know of them.
        let wide = self.wide_rows(tenant, PersonId::new(tenant, person)).await?;
        let mut senders = Vec::new();
        for partition in (0..self.store.partitions()).map(Partition::new) {
            for (id, program) in self.of_person(tenant, partition, person).await? {
                let _alone = self.lock(id).await;
                let (standing, _) = self.read(tenant, id).await?;
                let lifted = |one: &Revocation| standing.granted_at().is_some_and(|granted| granted > one.at);
                // What reaches past its program stands elsewhere, also where a consent lifted it here.
                let stays = |one: &&Revocation| !lifted(one) || one.reach != crate::Reach::Program;
                let stays = standing.revoked.iter().filter(stays);
                let stays = stays.map(|one| Forbidden { program: program.clone(), revocation: one.clone() }).collect();
                self.hide(tenant, hidden, stays, &epoch).await?;
                self.delete(tenant, id, epoch(partition)).await?;
                self.cache.forget(id);
                if let Program::Sender(sender) = program {
                    senders.push(sender);
                }
            }
        }
        for (partition, key, row) in wide {
            let mut batch = Batch::new(partition, epoch(partition));
            batch.delete(Table::WideConsent, key);
            self.store.commit(batch).await?;
            self.wide.remove(row.person, &row.revocation);
        }
        Ok(Some(senders))
    }

    /// Writes what a forgotten person forbids, durably, beside what is there.
    async fn hide(
        &self,
        tenant: &TenantId,
        hidden: Hidden,
        more: Vec<Forbidden>,
        epoch: &impl Fn(Partition) -> Epoch,
    ) -> Result<(), Error> {
        if more.is_empty() {
            return Ok(());
        }
        let mut all = self.forgotten.people.read().get(&hidden).cloned().unwrap_or_default();
        more.into_iter().for_each(|one| keep(&mut all, one));
        let home = Partition::of_hash(&hidden, self.store.partitions());
        let mut batch = Batch::new(home, epoch(home));
        batch.put(Table::Forgotten, key(tenant, hidden), layout::encode(&all));
        self.store.commit(batch).await?;
        self.forgotten.people.write().insert(hidden, all);
        Ok(())
    }

    /// What a partition has of a person. A look at every row of the tenant's: no key names a person.
    async fn of_person(
        &self,
        tenant: &TenantId,
        partition: Partition,
        person: &Address,
    ) -> Result<Vec<(ConsentId, Program)>, Error> {
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        let mut range = Range::prefix(Table::Consent, layout::tenant_prefix(tenant).freeze(), PAGE);
        loop {
            let page = self.store.range(partition, range.clone()).await?;
            for (key, value) in &page {
                let Some((id, kind)) = rows::parse(tenant, key) else { continue };
                let party = match kind {
                    RowKind::Imported(import) if !self.is_seen(Some(import)) => continue,
                    RowKind::Standing | RowKind::Imported(_) => {
                        layout::decode::<StandingRow>(Table::Consent, value)?.party
                    }
                    RowKind::Line => {
                        let row = layout::decode::<ChangeRow>(Table::Consent, value)?;
                        if !self.is_seen(row.import) {
                            continue;
                        }
                        row.party
                    }
                };
                if party.person == *person && seen.insert(id) {
                    found.push((id, party.program));
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => range = range.resume(last.clone()),
                _ => return Ok(found),
            }
        }
    }

    async fn delete(&self, tenant: &TenantId, id: ConsentId, epoch: Epoch) -> Result<(), Error> {
        let partition = id.partition(self.store.partitions());
        let mut range = Range::prefix(Table::Consent, rows::of_consent(tenant, id), PAGE);
        loop {
            let page = self.store.range(partition, range.clone()).await?;
            let mut batch = Batch::new(partition, epoch);
            for (key, value) in &page {
                let is_seen = match rows::parse(tenant, key) {
                    Some((_, RowKind::Imported(import))) => self.is_seen(Some(import)),
                    Some((_, RowKind::Line)) => {
                        self.is_seen(layout::decode::<ChangeRow>(Table::Consent, value)?.import)
                    }
                    _ => true,
                };
                if is_seen {
                    batch.delete(Table::Consent, key.clone());
                }
            }
            if !batch.is_empty() {
                self.store.commit(batch).await?;
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => range = range.resume(last.clone()),
                _ => return Ok(()),
            }
        }
    }

    /// Rows of revocations that reach past their program: a few, one for each STOP.
    async fn wide_rows(&self, tenant: &TenantId, person: PersonId) -> Result<Vec<(Partition, Bytes, WideRow)>, Error> {
        let mut rows = Vec::new();
        for partition in (0..self.store.partitions()).map(Partition::new) {
            let mut range = Range::prefix(Table::WideConsent, rows::wide_of(tenant, person), PAGE);
            loop {
                let page = self.store.range(partition, range.clone()).await?;
                for (key, value) in &page {
                    let row: WideRow = layout::decode(Table::WideConsent, value)?;
                    if self.is_seen(row.import) {
                        rows.push((partition, key.clone(), row));
                    }
                }
                match page.last() {
                    Some((last, _)) if page.len() == PAGE => range = range.resume(last.clone()),
                    _ => break,
                }
            }
        }
        Ok(rows)
    }
}
