//! The consent ledger: who allows what, since when and by whose word. Append-only; what it comes to is kept beside it
//! and in memory.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::RwLock;
use signalbox_model::conversation::stable_hash;
use signalbox_model::{Address, Category, Conversation, ConversationId, Partition, TenantId, Timestamp};
use signalbox_store::{Batch, Range, Store, Table, layout};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::Error;
use crate::cache::Cache;
use crate::consent::{Change, ConsentId, Level, PersonId, Revocation, Standing};
use crate::forgotten::Forgotten;
use crate::rows::{self, ChangeRow, ImportId, Party, RowKind, StandingRow, WideRow};
use crate::wide::Wide;

/// Standings in memory: 128 Ki of about 300 bytes.
const CACHED: usize = 128 << 10;
/// One change of a standing at a time. Striped: two may share a lock, one always has the same.
const LOCKS: usize = 1_024;
/// Rows read at a time.
const PAGE: usize = 512;
/// Imports of a standing that are read besides it: each is folded in at the next change.
const MAX_LAYERS: usize = 256;

/// The consent ledger.
pub struct Ledger {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) cache: Cache,
    locks: Vec<Arc<Mutex<()>>>,
    pub(crate) wide: Wide,
    pub(crate) forgotten: Forgotten,
    /// Imports that are complete, and so seen.
    pub(crate) imports: RwLock<HashSet<ImportId>>,
    pub(crate) importing: Mutex<()>,
    /// How many revocations there were.
    pub(crate) revocations: AtomicU64,
}

/// What is asked before a message leaves.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who sends.
    pub tenant: &'a TenantId,
    /// From where.
    pub sender: &'a Address,
    /// The conversation of the sender and the person. Its id is that of the sender's consent, and every message has it: no need
    /// to hash the three again.
    pub conversation: ConversationId,
    /// The campaign of the sender or message.
    pub campaign: Option<&'a str>,
    /// To whom.
    pub person: &'a Address,
    /// What for.
    pub category: Category,
}

impl<'a> Question<'a> {
    /// Where no message is at hand that has the conversation's id.
    pub fn new(
        tenant: &'a TenantId,
        sender: &'a Address,
        campaign: Option<&'a str>,
        person: &'a Address,
        category: Category,
    ) -> Self {
        let (ours, theirs) = (sender.clone(), person.clone());
        let conversation = Conversation { tenant: tenant.clone(), ours, theirs }.id();
        Self { tenant, sender, conversation, campaign, person, category }
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// How much is allowed; none where something is revoked.
    pub level: Level,
    /// The revocation that stands in the way.
    pub revoked: Option<Revocation>,
    /// When the last consent was given, revoked or not.
    pub granted_at: Option<Timestamp>,
}

/// A change that is in a batch and not yet durable. Whoever commits the batch says when it is: [`Staged::is_durable`];
/// dropped, it never was.
#[must_use = "dropped, it is taken back"]
pub struct Staged {
    ledger: Arc<Ledger>,
    id: ConsentId,
    standing: Arc<Standing>,
    wide: Option<(PersonId, Revocation)>,
    durable: bool,
    _alone: OwnedMutexGuard<()>,
}

/// Whose standing, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub party: Party,
    /// What.
    pub standing: Standing,
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What changed.
    pub change: Change,
    /// When it was put on record.
    pub recorded_at: Timestamp,
}

/// Where a listing goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The partition.
    pub partition: u16,
    /// Behind this consent.
    pub after: Option<[u8; 16]>,
}

/// Why a place isn't one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("isn't a cursor that a page gave")]
pub struct BadPlace;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.partition)?;
        self.after.iter().flatten().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        let hexadecimal = text.bytes().all(|c| c.is_ascii_hexdigit());
        let (partition, after) = text.split_at_checked(4).filter(|_| hexadecimal).ok_or(BadPlace)?;
        let partition = u16::from_str_radix(partition, 16).map_err(|_| BadPlace)?;
        let after = match after.len() {
            0 => None,
            32 => Some(u128::from_str_radix(after, 16).map_err(|_| BadPlace)?.to_be_bytes()),
            _ => return Err(BadPlace),
        };
        Ok(Self { partition, after })
    }
}

impl Ledger {
    /// Reads what memory has to know.
    pub async fn open(store: Arc<dyn Store>) -> Result<Arc<Self>, Error> {
        let ledger = Self {
            cache: Cache::new(CACHED),
            locks: (0..LOCKS).map(|_| Arc::default()).collect(),
            wide: Wide::default(),
            forgotten: Forgotten::default(),
            imports: RwLock::default(),
            importing: Mutex::default(),
            revocations: AtomicU64::new(0),
            store,
        };
        let complete = ledger.complete_imports().await?;
        *ledger.imports.write() = complete;
        for partition in (0..ledger.store.partitions()).map(Partition::new) {
            let mut range = Range::prefix(Table::WideConsent, Bytes::new(), PAGE);
            loop {
                let page = ledger.store.range(partition, range.clone()).await?;
                for (_, value) in &page {
                    let row: WideRow = layout::decode(Table::WideConsent, value)?;
                    if ledger.is_seen(row.import) {
                        ledger.wide.add(row.person, &row.revocation);
                    }
                }
                match page.last() {
                    Some((last, _)) if page.len() == PAGE => range = range.resume(last.clone()),
                    _ => break,
                }
            }
        }
        ledger.forgotten.load(&*ledger.store).await?;
        Ok(Arc::new(ledger))
    }

    pub(crate) fn is_seen(&self, import: Option<ImportId>) -> bool {
        import.is_none_or(|import| self.imports.read().contains(&import))
    }

    /// What a person allows; from memory, but for the first time.
    pub async fn permission(&self, question: Question<'_>) -> Result<Permission, Error> {
        let forbidden = self.forgotten.find(&question);
        let Question { tenant, conversation, campaign, person, category, .. } = question;
        let sender = self.standing(tenant, ConsentId::of_sender(conversation)).await?;
        let campaign_standing = match campaign {
            Some(campaign) => Some(self.standing(tenant, ConsentId::of_campaign(tenant, campaign, person)).await?),
            None => None,
        };
        let elsewhere = self.wide.find(|| PersonId::new(tenant, person), category, campaign);
        let elsewhere = newest(elsewhere, forbidden);
        Ok(judge([Some(&*sender), campaign_standing.as_deref()], elsewhere, category))
    }

    /// What (tenant, program, person) come to.
    pub async fn standing(&self, tenant: &TenantId, id: ConsentId) -> Result<Arc<Standing>, Error> {
        let changes = match self.cache.get(id) {
            Ok(standing) => return Ok(standing),
            Err(changes) => changes,
        };
        let (standing, _) = self.read(tenant, id).await?;
        let standing = Arc::new(standing);
        self.cache.fill(id, standing.clone(), changes);
        Ok(standing)
    }

    /// The standing as the store has it, with the keys of the imports that are folded into it.
    pub(crate) async fn read(&self, tenant: &TenantId, id: ConsentId) -> Result<(Standing, Vec<Bytes>), Error> {
        let mut range = Range::prefix(Table::Consent, rows::standing_key(tenant, id), MAX_LAYERS);
        range.end = std::ops::Bound::Excluded(rows::lines_prefix(tenant, id));
        let rows = self.store.range(id.partition(self.store.partitions()), range).await?;
        let (mut standing, mut folded) = (Standing::default(), Vec::new());
        for (key, value) in rows {
            match rows::parse(tenant, &key) {
                Some((_, RowKind::Imported(import))) if self.is_seen(Some(import)) => folded.push(key),
                Some((_, RowKind::Standing)) => {}
                _ => continue,
            }
            let row: StandingRow = layout::decode(Table::Consent, &value)?;
            standing.merge(&row.standing);
        }
        Ok((standing, folded))
    }

    /// Held from the look at a standing to the change of it.
    pub(crate) async fn lock(&self, id: ConsentId) -> OwnedMutexGuard<()> {
        let lock = self.locks[usize::from(u16::from_be_bytes([id.0[0], id.0[1]])) % LOCKS].clone();
        lock.lock_owned().await
    }

    /// Puts a change into a batch of the partition in which it lives: [`ConsentId::partition`].
    pub async fn stage(
        self: &Arc<Self>,
        batch: &mut Batch,
        tenant: &TenantId,
        party: Party,
        change: Change,
        now: Timestamp,
    ) -> Result<Staged, Error> {
        let id = ConsentId::new(tenant, &party.program, &party.person);
        let alone = self.lock(id).await;
        let (mut standing, folded) = self.read(tenant, id).await?;
        standing.apply(&change);
        for key in folded {
            batch.delete(Table::Consent, key);
        }
        let revokes = matches!(change, Change::Revoked(_));
        let row = StandingRow { party: party.clone(), standing };
        batch.put(Table::Consent, rows::standing_key(tenant, id), layout::encode(&row));
        let wide = stage_line(batch, tenant, id, ChangeRow { party, change, recorded_at: now, import: None });
        let standing = Arc::new(row.standing);
        let staged = Staged { ledger: self.clone(), id, standing, wide, durable: false, _alone: alone };
        // A revocation holds from here on: it may be durable a moment before whoever commits it knows. A consent holds
        // once it is durable.
        if revokes {
            self.cache.put(id, staged.standing.clone());
        }
        if let Some((person, revocation)) = &staged.wide {
            self.wide.add(*person, revocation);
        }
        self.revocations.fetch_add(u64::from(revokes), Ordering::Release);
        Ok(staged)
    }

    /// How many revocations there were. Whoever made sure of a permission and finds another number has to make sure
    /// again: [`Ledger::is_revoked`].
    pub fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::Acquire)
    }

    /// Does memory know of a revocation that stands in the way? It knows every one of the last moments; where an import
    /// made it forget what it knew, there may be one, and whoever asks has to make sure.
    pub fn is_revoked(&self, question: Question<'_>) -> bool {
        let forbidden = self.forgotten.find(&question);
        let Question { tenant, conversation, campaign, person, category, .. } = question;
        let Ok(sender) = self.cache.get(ConsentId::of_sender(conversation)) else { return true };
        let campaign_id = campaign.map(|campaign| ConsentId::of_campaign(tenant, campaign, person));
        let of_campaign = campaign_id.map(|id| self.cache.get(id)).transpose();
        let Ok(of_campaign) = of_campaign else { return true };
        let elsewhere = self.wide.find(|| PersonId::new(tenant, person), category, campaign);
        let elsewhere = newest(elsewhere, forbidden);
        judge([Some(&*sender), of_campaign.as_deref()], elsewhere, category).revoked.is_some()
    }

    /// The lines of a ledger, the last said first.
    pub async fn lines(&self, tenant: &TenantId, id: ConsentId, most: usize) -> Result<Vec<Line>, Error> {
        let range = Range::prefix(Table::Consent, rows::lines_prefix(tenant, id), most).reversed();
        let rows = self.store.range(id.partition(self.store.partitions()), range).await?;
        let mut lines = Vec::with_capacity(rows.len());
        for (_, value) in rows {
            let row: ChangeRow = layout::decode(Table::Consent, &value)?;
            if self.is_seen(row.import) {
                lines.push(Line { change: row.change, recorded_at: row.recorded_at });
            }
        }
        Ok(lines)
    }

    /// A page of everybody's standings, in no order that means something, and where the next page begins.
    pub async fn list(
        &self,
        tenant: &TenantId,
        from: Option<Place>,
        most: usize,
    ) -> Result<(Vec<Entry>, Option<Place>), Error> {
        let Place { mut partition, mut after } = from.unwrap_or(Place { partition: 0, after: None });
        let mut entries = Vec::new();
        while partition < self.store.partitions() {
            if entries.len() >= most {
                return Ok((entries, Some(Place { partition, after })));
            }
            let (found, last) =
                self.list_partition(tenant, Partition::new(partition), after, most - entries.len()).await?;
            entries.extend(found);
            if let Some(last) = last {
                return Ok((entries, Some(Place { partition, after: Some(last) })));
            }
            (partition, after) = (partition + 1, None);
        }
        Ok((entries, None))
    }

    /// Up to `most` standings of a partition; the last one's id if there may be more.
    async fn list_partition(
        &self,
        tenant: &TenantId,
        partition: Partition,
        after: Option<[u8; 16]>,
        most: usize,
    ) -> Result<(Vec<Entry>, Option<[u8; 16]>), Error> {
        let mut range = Range::prefix(Table::Consent, layout::tenant_prefix(tenant).freeze(), PAGE);
        if let Some(after) = after {
            range = range.resume(rows::behind(tenant, ConsentId(after)));
        }
        let mut entries: Vec<(ConsentId, Entry)> = Vec::new();
        loop {
            let page = self.store.range(partition, range.clone()).await?;
            for (key, value) in &page {
                let Some((id, kind)) = rows::parse(tenant, key) else { continue };
                match kind {
                    RowKind::Imported(import) if !self.is_seen(Some(import)) => continue,
                    RowKind::Line => continue,
                    RowKind::Standing | RowKind::Imported(_) => {}
                }
                let StandingRow { party, standing } = layout::decode(Table::Consent, value)?;
                let full = entries.len() >= most;
                match entries.last_mut() {
                    Some((last, entry)) if *last == id => entry.standing.merge(&standing),
                    Some((last, _)) if full => {
                        let last = last.0;
                        return Ok((entries.into_iter().map(|(_, entry)| entry).collect(), Some(last)));
                    }
                    _ => entries.push((id, Entry { party, standing })),
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => range = range.resume(last.clone()),
                _ => return Ok((entries.into_iter().map(|(_, entry)| entry).collect(), None)),
            }
        }
    }
}

fn newest(one: Option<Revocation>, other: Option<Revocation>) -> Option<Revocation> {
    one.into_iter().chain(other).max_by_key(|revocation| revocation.at)
}

/// What the standings of a sender and its campaign come to, with what was revoked elsewhere.
fn judge(standings: [Option<&Standing>; 2], elsewhere: Option<Revocation>, category: Category) -> Permission {
    let both = || standings.iter().copied().flatten();
    let granted_at = both().filter_map(Standing::granted_at).max();
    // A consent to the one lifts what was revoked of the other before it.
    let stands = |revoked: &Revocation| granted_at.is_none_or(|granted| granted <= revoked.at);
    let here = both().filter_map(|standing| standing.revocation(category)).filter(|r| stands(r)).max_by_key(|r| r.at);
    let revoked = here.cloned().or(elsewhere.filter(stands));
    let level = both().filter_map(|standing| standing.granted.as_ref()).map(|grant| grant.level).max();
    let level = if revoked.is_some() { Level::None } else { level.unwrap_or(Level::None) };
    Permission { level, revoked, granted_at }
}

impl Staged {
    /// The batch is durable.
    pub fn is_durable(mut self) {
        self.durable = true;
        self.ledger.cache.put(self.id, self.standing.clone());
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.durable {
            return;
        }
        if let Some((person, revocation)) = &self.wide {
            self.ledger.wide.remove(*person, revocation);
        }
        self.ledger.cache.forget(self.id);
    }
}

/// Puts a line of the ledger into a batch, and beside it what reaches past its program.
pub(crate) fn stage_line(
    batch: &mut Batch,
    tenant: &TenantId,
    id: ConsentId,
    row: ChangeRow,
) -> Option<(PersonId, Revocation)> {
    let hash = stable_hash(&[&layout::encode(&(&row.change, row.import))]);
    let hash = *hash.first_chunk::<8>().expect("a hash has 16 bytes");
    batch.put(Table::Consent, rows::line_key(tenant, id, row.change.at(), hash), layout::encode(&row));
    let Change::Revoked(revocation) = row.change else { return None };
    if revocation.reach == crate::Reach::Program {
        return None;
    }
    let person = PersonId::new(tenant, &row.party.person);
    let wide = WideRow { person, revocation: revocation.clone(), import: row.import };
    batch.put(Table::WideConsent, rows::wide_key(tenant, person, revocation.at, hash), layout::encode(&wide));
    Some((person, revocation))
}
