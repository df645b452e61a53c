//! The registrations in the store and in memory: changed under one lock, each change with its line of the history in one
//! commit; read by every message from a snapshot.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use bytes::{BufMut, Bytes};
use serde::{Deserialize, Serialize};
use signalbox_model::{Address, Partition, TenantId, Timestamp};
use signalbox_store::{Batch, Epoch, Range, Store, Table, layout};
use tokio::sync::Mutex;

use super::book::{Book, Registered};
use super::event::{Event, apply_to_brand, apply_to_campaign};
use super::form::{Authority, Most, Wrong, declare};
use super::object::{Kind, Line, Object, Record, Who, difference};
use super::table::Row;
use super::told::Told;
use crate::Error;
use crate::import::{LineError, MAX_COMPLAINTS};

/// Rows read at a time.
const PAGE: usize = 512;
/// Records of a tenant: all of them are in memory, and looked through at each change.
pub const MAX_RECORDS: usize = 20_000;

/// What tenants registered.
pub struct Registration {
    store: Arc<dyn Store>,
    current: ArcSwap<Snapshot>,
    /// Held by whoever changes something; with the names of the events that were taken in.
    changing: Mutex<Told>,
    /// How often something changed.
    changes: AtomicU64,
    empty: AtomicBool,
}

#[derive(Clone, Default)]
struct Snapshot {
    books: HashMap<TenantId, Arc<Book>>,
    /// The registry's ids, and whose they are.
    ids: HashMap<String, (TenantId, Kind, String)>,
}

/// Why nothing was registered.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Fields, or lines of a file, can't be used. A line of 0 is none: it was no file.
    #[error("{} thing(s) can't be used; nothing was changed", .0.len())]
    Lines(Vec<LineError>),
    /// The store couldn't.
    #[error(transparent)]
    Registry(#[from] Error),
}

impl From<signalbox_store::Error> for Refused {
    fn from(error: signalbox_store::Error) -> Self {
        Self::Registry(error.into())
    }
}

/// What changed, for whoever waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Whose.
    pub tenant: TenantId,
    /// The campaigns whose messages should be looked at again; none for all of the tenant's.
    pub campaigns: Option<Vec<String>>,
}

/// What became of an event of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Something changed.
    Changed(Changed),
    /// It is kept and changed nothing, because of this.
    Kept(String),
}

/// An event that is about nothing that is registered here.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StrayRow {
    at: Timestamp,
    event: String,
    about: Option<String>,
}

fn key(tenant: &TenantId, kind: Kind, id: &str) -> Bytes {
    layout::part_key(tenant, kind.as_str(), id)
}

fn line_key(tenant: &TenantId, kind: Kind, id: &str, n: u32) -> Bytes {
    let mut line = bytes::BytesMut::from(&key(tenant, kind, id)[..]);
    line.put_u8(0);
    line.put_u32(n);
    line.freeze()
}

impl Registration {
    /// Reads what is there.
    pub async fn open(store: Arc<dyn Store>) -> Result<Arc<Self>, Error> {
        let mut range = Range::prefix(Table::Registration, Vec::new(), PAGE);
        let mut books: HashMap<TenantId, Book> = HashMap::new();
        loop {
            let page = store.range(Partition::DIRECTORY, range.clone()).await?;
            for (_, value) in &page {
                let record: Record = layout::decode(Table::Registration, value)?;
                books.entry(record.tenant.clone()).or_default().put(Arc::new(record));
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => range = range.resume(last.clone()),
                _ => break,
            }
        }
        let mut snapshot = Snapshot::default();
        for (tenant, mut book) in books {
            book.settle(&tenant);
            snapshot.show(tenant, Arc::new(book));
        }
        let empty = AtomicBool::new(snapshot.books.is_empty());
        let (current, changing) = (ArcSwap::from_pointee(snapshot), Mutex::new(Told::open(&*store).await?));
        Ok(Arc::new(Self { store, current, changing, changes: AtomicU64::new(0), empty }))
    }

    /// What is known of a sender, and of the campaign of its message. From memory; allocates nothing.
    pub fn find(&self, tenant: &TenantId, campaign: Option<&str>, sender: &Address) -> Registered {
        let current = self.current.load();
        current.books.get(tenant).map(|book| book.find(campaign, sender)).unwrap_or_default()
    }

    /// How often something changed. Who held a message and finds another number has to look again.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Did nobody register anything?
    pub fn is_empty(&self) -> bool {
        self.empty.load(Ordering::Relaxed)
    }

    /// Did this tenant register anything?
    pub fn knows(&self, tenant: &TenantId) -> bool {
        self.current.load().books.contains_key(tenant)
    }

    /// The campaign to which a sender belongs.
    pub fn campaign_of(&self, tenant: &TenantId, sender: &Address) -> Option<Arc<str>> {
        if self.is_empty() {
            return None;
        }
        self.current.load().books.get(tenant)?.campaign_of(sender).cloned()
    }

    /// A record.
    pub fn get(&self, tenant: &TenantId, kind: Kind, id: &str) -> Option<Arc<Record>> {
        self.current.load().books.get(tenant)?.get(kind, id).cloned()
    }

    /// Every record of a kind, in the order of their names.
    pub fn list(&self, tenant: &TenantId, kind: Kind) -> Vec<Arc<Record>> {
        let current = self.current.load();
        let Some(book) = current.books.get(tenant) else { return Vec::new() };
        book.records.iter().filter(|((of, _), _)| *of == kind).map(|(_, record)| record.clone()).collect()
    }

    /// The last lines of a record's history, the last first.
    pub async fn history(&self, tenant: &TenantId, kind: Kind, id: &str, most: usize) -> Result<Vec<Line>, Error> {
        let mut prefix = bytes::BytesMut::from(&key(tenant, kind, id)[..]);
        prefix.put_u8(0);
        let range = Range::prefix(Table::RegistrationLine, prefix.freeze(), most).reversed();
        let rows = self.store.range(Partition::DIRECTORY, range).await?;
        rows.iter().map(|(_, value)| Ok(layout::decode(Table::RegistrationLine, value)?)).collect()
    }

    /// Puts one or many on record: all of them or, if one can't be used, none. `owns` says whether a number is the
    /// tenant's. Durable, and seen by messages, when it returns.
    pub async fn put(
        &self,
        tenant: &TenantId,
        kind: Kind,
        rows: Vec<Row>,
        (who, now, epoch): (Who, Timestamp, Epoch),
        most: Most,
        owns: impl Fn(&Address) -> bool,
    ) -> Result<(Vec<Arc<Record>>, Changed), Refused> {
        let _one = self.changing.lock().await;
        let current = self.current.load_full();
        let mut book = current.books.get(tenant).map(|book| Book::clone(book)).unwrap_or_default();
        let authority = if matches!(who, Who::Tenant(_)) { Authority::Tenant } else { Authority::Operator };
        let mut batch = Batch::new(Partition::DIRECTORY, epoch);
        let (mut errors, mut touched) = (Vec::new(), BTreeMap::new());
        for row in rows {
            let (line, id) = (row.line, row.id.clone());
            match place(&book, &current, (tenant, kind), row, (authority, now, most), &owns) {
                Ok(object) => {
                    let before = book.get(kind, &id).cloned();
                    let record = changed_record(tenant, &id, object, before.as_deref(), (&who, now), None, &mut batch);
                    touched.insert(id, record.clone());
                    book.put(record);
                }
                Err(wrong) => errors.extend(wrong.into_iter().map(|Wrong { field, reason }| {
                    // Something in a file is told by its line.
                    LineError { line, column: field, reason }
                })),
            }
            if errors.len() >= MAX_COMPLAINTS {
                break;
            }
        }
        if book.records.len() > MAX_RECORDS {
            let reason = format!("there would be more than {MAX_RECORDS} records; that is the most");
            errors.push(LineError { line: 0, column: String::new(), reason });
        }
        if !errors.is_empty() {
            errors.truncate(MAX_COMPLAINTS);
            return Err(Refused::Lines(errors));
        }
        self.store.commit(batch).await?;
        let records: Vec<_> = touched.into_values().collect();
        let changed = Changed { tenant: tenant.clone(), campaigns: campaigns_of(&book, &records) };
        self.show(tenant, book);
        Ok((records, changed))
    }

    /// Takes in an event of the registry: durable, whatever it is about, when it returns.
    pub async fn take_in(&self, event: &Event, now: Timestamp, epoch: Epoch) -> Result<Outcome, Error> {
        let mut told = self.changing.lock().await;
        if event.id.as_deref().is_some_and(|id| told.has(id)) {
            return Ok(Outcome::Kept("it was told before, by this `webhook-id`".to_owned()));
        }
        let current = self.current.load_full();
        let mut batch = Batch::new(Partition::DIRECTORY, epoch);
        if let Some(id) = &event.id {
            told.stage(&mut batch, id, now);
        }
        let outcome = self.take_in_news(event, now, batch, &current).await?;
        if let Some(id) = &event.id {
            told.is_durable(id, now);
        }
        Ok(outcome)
    }

    async fn take_in_news(
        &self,
        event: &Event,
        now: Timestamp,
        mut batch: Batch,
        current: &Snapshot,
    ) -> Result<Outcome, Error> {
        let who = Who::Registry { event: event.event.clone(), at: event.at };
        let Some((tenant, kind, id)) = current.about(event) else {
            let about = event.campaign_id.clone().or(event.brand_id.clone());
            let row = layout::encode(&StrayRow { at: event.at, event: event.event.clone(), about });
            let hash = signalbox_model::conversation::stable_hash(&[&row]);
            // No tenant's name begins with a zero byte.
            let mut stray = bytes::BytesMut::new();
            stray.put_u8(0);
            stray.put_u64(event.at.as_micros());
            stray.put_slice(&hash);
            batch.put(Table::RegistrationLine, stray.freeze(), row);
            self.store.commit(batch).await?;
            return Ok(Outcome::Kept("nothing that is registered here is known by these ids".to_owned()));
        };
        let mut book = Book::clone(&current.books[&tenant]);
        let before = book.get(kind, &id).expect("what was found by its id is there").clone();
        let (mut object, mut marks) = (before.object.clone(), before.marks.clone());
        let applied = match &mut object {
            Object::Brand(brand) => apply_to_brand(event, brand, &mut marks),
            Object::Campaign(campaign) => apply_to_campaign(event, campaign, &mut marks),
            Object::Number(_) | Object::TollFree(_) | Object::ShortCode(_) => Err("kept".to_owned()),
        };
        // The same event once more needn't be told once more.
        if let Err(why) = &applied
            && self.was_told(&before, &who).await?
        {
            if !batch.is_empty() {
                self.store.commit(batch).await?;
            }
            return Ok(Outcome::Kept(why.clone()));
        }
        let note = applied.as_ref().err().cloned();
        let old = Record { marks, ..Record::clone(&before) };
        let record = changed_record(&tenant, &id, object, Some(&old), (&who, now), note, &mut batch);
        self.store.commit(batch).await?;
        let stands_otherwise = record.object != before.object;
        book.put(record.clone());
        let changed = Changed { tenant: tenant.clone(), campaigns: campaigns_of(&book, &[record]) };
        self.show(&tenant, book);
        Ok(match applied {
            Ok(()) if stands_otherwise => Outcome::Changed(changed),
            Ok(()) => Outcome::Kept("it was so already".to_owned()),
            Err(why) => Outcome::Kept(why),
        })
    }

    /// Does one of the last lines say this already?
    async fn was_told(&self, record: &Record, who: &Who) -> Result<bool, Error> {
        let lines = self.history(&record.tenant, record.object.kind(), &record.id, 16).await?;
        Ok(lines.iter().any(|line| line.who == *who))
    }

    fn show(&self, tenant: &TenantId, mut book: Book) {
        book.settle(tenant);
        let mut snapshot = Snapshot::clone(&self.current.load());
        snapshot.show(tenant.clone(), Arc::new(book));
        self.current.store(Arc::new(snapshot));
        self.empty.store(false, Ordering::Relaxed);
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

impl Snapshot {
    fn show(&mut self, tenant: TenantId, book: Arc<Book>) {
        for ((kind, id), record) in &book.records {
            let tcr_id = match &record.object {
                Object::Brand(brand) => brand.tcr_id.as_ref(),
                Object::Campaign(campaign) => campaign.tcr_id.as_ref(),
                Object::Number(_) | Object::TollFree(_) | Object::ShortCode(_) => None,
            };
            if let Some(tcr_id) = tcr_id {
                self.ids.insert(tcr_id.clone(), (tenant.clone(), *kind, id.clone()));
            }
        }
        self.books.insert(tenant, book);
    }

    /// What an event is about: by the registry's own id, or by the name that whoever registered it gave it.
    fn about(&self, event: &Event) -> Option<(TenantId, Kind, String)> {
        let (kind, id, reference) = if event.is_about_campaign() {
            (Kind::Campaign, &event.campaign_id, &event.campaign_reference)
        } else {
            (Kind::Brand, &event.brand_id, &event.brand_reference)
        };
        let by_id = id.as_ref().and_then(|id| self.ids.get(id)).filter(|(_, of, _)| *of == kind);
        if let Some(found) = by_id {
            return Some(found.clone());
        }
        let (tenant, name) = reference.as_deref()?.split_once('/')?;
        let tenant: TenantId = tenant.parse().ok()?;
        let record = self.books.get(&tenant)?.get(kind, name)?;
        // What has an id of its own isn't another id's.
        let known = match &record.object {
            Object::Brand(brand) => brand.tcr_id.as_ref(),
            Object::Campaign(campaign) => campaign.tcr_id.as_ref(),
            _ => None,
        };
        (known.is_none() || known == id.as_ref()).then(|| (tenant, kind, name.to_owned()))
    }
}

/// What a row would put on record.
fn place(
    book: &Book,
    current: &Snapshot,
    (tenant, kind): (&TenantId, Kind),
    row: Row,
    (authority, now, most): (Authority, Timestamp, Most),
    owns: &impl Fn(&Address) -> bool,
) -> Result<Object, Vec<Wrong>> {
    let before = book.get(kind, &row.id).map(|record| &record.object);
    let object = declare((kind, &row.id), row.form, before, authority, now, most)?;
    let one = |field: &str, reason: String| vec![Wrong { field: field.to_owned(), reason }];
    if let Ok(address) = row.id.parse::<Address>()
        && matches!(kind, Kind::Number | Kind::TollFree | Kind::ShortCode)
        && !owns(&address)
    {
        return Err(one("id", "isn't one of the tenant's numbers".to_owned()));
    }
    let tcr_id = match &object {
        Object::Brand(brand) => brand.tcr_id.as_deref(),
        Object::Campaign(campaign) => campaign.tcr_id.as_deref(),
        _ => None,
    };
    if let Some(other) = tcr_id.and_then(|id| current.ids.get(id))
        && *other != (tenant.clone(), kind, row.id.clone())
    {
        return Err(one("tcr_id", "belongs to another registration".to_owned()));
    }
    book.fits(&row.id, &object, most).map_err(|(field, reason)| one(field, reason))?;
    Ok(object)
}

/// The record with its change, put into the batch with the line that tells of it.
fn changed_record(
    tenant: &TenantId,
    id: &str,
    object: Object,
    before: Option<&Record>,
    (who, now): (&Who, Timestamp),
    note: Option<String>,
    batch: &mut Batch,
) -> Arc<Record> {
    let changes = difference(before.map(|record| &record.object), &object);
    let kind = object.kind();
    let lines = before.map_or(0, |record| record.lines);
    // Said again as it is, there is nothing to tell; an event is told whatever it does.
    let told = !changes.is_empty() || before.is_none() || matches!(who, Who::Registry { .. });
    let record = Record {
        tenant: tenant.clone(),
        id: id.to_owned(),
        made_at: before.map_or(now, |record| record.made_at),
        changed_at: if changes.is_empty() { before.map_or(now, |record| record.changed_at) } else { now },
        marks: before.map(|record| record.marks.clone()).unwrap_or_default(),
        lines: lines + u32::from(told),
        object,
    };
    if told {
        let line = Line { at: now, who: who.clone(), changes, note };
        batch.put(Table::RegistrationLine, line_key(tenant, kind, id, lines), layout::encode(&line));
    }
    batch.put(Table::Registration, key(tenant, kind, id), layout::encode(&record));
    Arc::new(record)
}

/// The campaigns whose messages these records are about; none for all.
fn campaigns_of(book: &Book, records: &[Arc<Record>]) -> Option<Vec<String>> {
    let mut campaigns = Vec::new();
    for record in records {
        match &record.object {
            Object::Campaign(_) => campaigns.push(record.id.clone()),
            Object::Number(number) => campaigns.push(number.campaign.clone()),
            Object::Brand(_) => {
                let of_brand = book.records.values().filter(|other| match &other.object {
                    Object::Campaign(campaign) => campaign.brand == record.id,
                    _ => false,
                });
                campaigns.extend(of_brand.map(|campaign| campaign.id.clone()));
            }
            Object::TollFree(_) | Object::ShortCode(_) => return None,
        }
    }
    campaigns.sort();
    campaigns.dedup();
    Some(campaigns)
}
