//! The audit log, as the path writes it: what a step tells of lands in the step's own commit.
//!
//! A partition's chains are linked in the order of the commits, so a step holds the partition's chains from the choice of
//! the link to the call of its commit: for moments, unless the batch has conditions; then to its answer, for a refused
//! batch must not leave a link behind that others build on.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use signalbox_model::directory::Tenant;
use signalbox_model::{Message, MessageId, Partition, Status, TenantId, Timestamp};
use signalbox_records::audit::chain::Chain;
use signalbox_records::audit::export::Decided;
use signalbox_records::audit::item::Body;
use signalbox_records::audit::{Digest, Frame, Head, Item, Keys, Mark, hash, hex, mark};
use signalbox_store::{Batch, Op, Store, Table, layout};
use tokio::sync::{Notify, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, read_error};
use crate::error::Error;
use crate::step::Step;

/// Whether and how the audit log is written.
#[derive(Debug, Clone)]
pub struct Config {
    /// Signs checkpoints. Without it there is no audit log.
    pub keys: Option<Keys>,
    /// For every tenant that its settings don't except; otherwise for those alone whose settings say so.
    pub everybody: bool,
    /// How often the ends of the chains are signed: frames younger than this could be cut off unseen.
    pub checkpoint_every: Duration,
    /// After so many frames they are signed earlier.
    pub checkpoint_frames: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { keys: None, everybody: false, checkpoint_every: Duration::from_secs(300), checkpoint_frames: 100_000 }
    }
}

/// The tenant's setting (the operator writes it) that has its log written, `on`, or not, `off`.
const SETTING: &str = "audit";

/// The chains' ends in memory, and what is to be signed.
pub(crate) struct Audit {
    config: Config,
    ends: Vec<Arc<tokio::sync::Mutex<Ends>>>,
    /// Tenants with frames that no checkpoint covers.
    unsigned: Mutex<BTreeSet<TenantId>>,
    frames: AtomicU64,
    many: Notify,
    signing: tokio::sync::Mutex<()>,
}

/// The ends of a partition's chains. One entry for each tenant that is logged.
type Ends = HashMap<TenantId, End>;

#[derive(Clone, Copy)]
struct End {
    head: Head,
    at: Timestamp,
}

/// The right to go on with a partition's chains.
pub(crate) struct Turn {
    ends: OwnedMutexGuard<Ends>,
}

impl Audit {
    pub(crate) fn new(config: Config, partitions: u16) -> Self {
        Self {
            config,
            ends: (0..partitions).map(|_| Arc::default()).collect(),
            unsigned: Mutex::default(),
            frames: AtomicU64::new(0),
            many: Notify::new(),
            signing: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn keys(&self) -> Option<&Keys> {
        self.config.keys.as_ref()
    }

    /// Is this tenant's log written?
    pub(crate) fn covers(&self, tenant: &Tenant) -> bool {
        let said = tenant.settings.get(SETTING).map(String::as_str);
        self.config.keys.is_some()
            && match said {
                Some("on") => true,
                Some("off") => false,
                _ => self.config.everybody,
            }
    }

    /// What is logged of a row that was just put into `batch`: a line of a timeline.
    pub(crate) fn line(&self, keys: &Keys, batch: &Batch, message: &Message, n: u16, status: Status) -> Item {
        let person = keys.person(&message.tenant, message.theirs());
        Item::Line { message: message.id, n, status, person, digest: last_row(batch) }
    }

    /// What is logged of a message that was just put into `batch`.
    pub(crate) fn text(&self, batch: &Batch, message: &Message) -> Item {
        Item::Text { message: message.id, digest: last_row(batch) }
    }

    /// Adds frames to a batch, one for each tenant.
    pub(crate) async fn stage(
        &self,
        engine: &Engine,
        batch: &mut Batch,
        mut items: Vec<(TenantId, Item)>,
    ) -> Result<Turn, Error> {
        // A batch that can't be carried out must not leave a link behind.
        batch.validate(engine.store.partitions())?;
        let mut ends = self.ends[usize::from(batch.partition.index())].clone().lock_owned().await;
        while let Some((tenant, _)) = items.first() {
            let tenant = tenant.clone();
            let (of_tenant, others) = items.into_iter().partition(|(of, _)| *of == tenant);
            items = others;
            let of_tenant: Vec<(TenantId, Item)> = of_tenant;
            let chain = Chain::new(&tenant, batch.partition);
            let end = match ends.get(&tenant) {
                Some(end) => *end,
                None => read_end(&*engine.store, &chain).await?,
            };
            let at = engine.clock.now().max(end.at);
            let body = Body { at, items: of_tenant.into_iter().map(|(_, item)| item).collect() };
            let head = chain.stage(batch, end.head, &body);
            ends.insert(tenant.clone(), End { head, at });
            self.unsigned.lock().insert(tenant);
        }
        Ok(Turn { ends })
    }

    /// The commit failed, and with it the frames of these tenants: where their chains end is read again.
    pub(crate) async fn forget(&self, partition: Partition, turn: Option<Turn>, tenants: &BTreeSet<TenantId>) {
        let mut ends = match turn {
            Some(turn) => turn.ends,
            None => self.ends[usize::from(partition.index())].clone().lock_owned().await,
        };
        ends.retain(|tenant, _| !tenants.contains(tenant));
    }

    /// Frames were committed.
    pub(crate) fn committed(&self) {
        let frames = self.frames.fetch_add(1, Ordering::Relaxed) + 1;
        if frames.is_multiple_of(self.config.checkpoint_frames.max(1)) {
            self.many.notify_one();
        }
    }
}

/// Of the row that was put last.
fn last_row(batch: &Batch) -> Digest {
    match batch.ops.last() {
        Some(Op::Put { value, .. }) => hash(&[value]),
        _ => unreachable!("a row was just put"),
    }
}

async fn read_end(store: &dyn Store, chain: &Chain) -> Result<End, Error> {
    let Some(last) = chain.last(store).await.map_err(read_error)? else {
        return Ok(End { head: chain.origin(), at: Timestamp::default() });
    };
    // A frame that can't be read is still the end of the chain; that it is damaged is the verifier's to say.
    let at = Body::decode(&last.body).map_or_else(|_| Timestamp::default(), |body| body.at);
    Ok(End { head: Head { n: last.n, link: last.link }, at })
}

/// Logs something that belongs to no step; nothing if the tenant isn't logged.
pub(crate) async fn note(engine: &Engine, tenant: &TenantId, item: Item) -> Result<(), Error> {
    let covered = engine.directory.account(tenant).is_some_and(|account| engine.audit.covers(&account.tenant));
    if !covered {
        return Ok(());
    }
    let mut step = Step::new(engine, mark::home(tenant, engine.store.partitions()));
    step.log(tenant, item);
    step.commit().await?;
    Ok(())
}

/// Something on which decisions stand was changed, for [`changed`].
pub(crate) struct Changed<'a> {
    pub(crate) by: String,
    pub(crate) what: &'a str,
    pub(crate) name: &'a str,
    pub(crate) to: String,
}

/// Tells that something on which decisions stand was changed, right behind the commit that did. Whoever changed it needn't be told
/// if this fails: what was changed keeps a history of its own.
pub(crate) async fn changed(engine: &Engine, tenant: &TenantId, changed: Changed<'_>) {
    let Changed { by, what, name, to } = changed;
    let item = Item::Changed { by, what: what.to_owned(), name: name.to_owned(), to, person: None };
    if let Err(error) = note(engine, tenant, item).await {
        engine.step_failed("telling the audit log of a change", &error);
    }
}

/// Signs where the chains end, from time to time. The drain does it once more, when all is done.
pub(crate) async fn run(engine: Arc<Engine>, stop: CancellationToken) {
    if engine.audit.keys().is_none() {
        return;
    }
    // A crash may have left frames behind the last checkpoint.
    engine.audit.unsigned.lock().extend(covered(&engine));
    loop {
        sign_all(&engine).await;
        tokio::select! {
            () = tokio::time::sleep(engine.audit.config.checkpoint_every) => {}
            () = engine.audit.many.notified() => {}
            () = stop.cancelled() => return,
        }
    }
}

fn covered(engine: &Engine) -> Vec<TenantId> {
    let accounts = engine.directory.accounts().into_iter();
    accounts.filter(|account| engine.audit.covers(&account.tenant)).map(|account| account.tenant.id.clone()).collect()
}

/// Signs where the chains of all tenants end that went on.
pub(crate) async fn sign_all(engine: &Engine) {
    let tenants = std::mem::take(&mut *engine.audit.unsigned.lock());
    for tenant in tenants {
        if let Err(error) = sign(engine, &tenant).await {
            engine.step_failed("signing a checkpoint of the audit log", &error);
            engine.audit.unsigned.lock().insert(tenant);
        }
    }
}

/// Signs where a tenant's chains end now; the last checkpoint if they end where they did. `None` without a key.
pub(crate) async fn sign(engine: &Engine, tenant: &TenantId) -> Result<Option<Mark>, Error> {
    let Some(keys) = engine.audit.keys() else { return Ok(None) };
    let _one = engine.audit.signing.lock().await;
    let store = &*engine.store;
    let last = mark::last(store, tenant).await.map_err(read_error)?;
    let ends = mark::ends(store, tenant).await.map_err(read_error)?;
    let before = last.as_ref().map(Mark::said).transpose()?;
    let said = mark::Said {
        tenant: tenant.clone(),
        n: before.as_ref().map_or(1, |before| before.n + 1),
        at: engine.clock.now(),
        previous: last.as_ref().map_or([0; 32], Mark::hash),
        ends,
    };
    if before.as_ref().is_some_and(|before| !said.moved_since(before)) || (before.is_none() && said.ends.is_empty()) {
        return Ok(last);
    }
    let mark = said.sign(keys);
    let home = mark::home(tenant, store.partitions());
    let mut batch = Batch::new(home, engine.epoch(home));
    mark.stage(&mut batch, tenant, said.n);
    store.commit(batch).await?;
    // Whoever keeps the host's log elsewhere keeps what shows that the end of a chain was cut off.
    tracing::info!(%tenant, checkpoint = said.n, hash = %hex(&mark.hash()), "audit log signed");
    Ok(Some(mark))
}

/// A tenant's checkpoints behind number `after`, beginning with the last before `since`.
pub(crate) async fn marks(
    engine: &Engine,
    tenant: &TenantId,
    after: u64,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Mark>, Error> {
    let store = &*engine.store;
    let first = match since {
        Some(since) => mark::before(store, tenant, since).await.map_err(read_error)?.saturating_sub(1),
        None => 0,
    };
    mark::page(store, tenant, after.max(first), limit).await.map_err(read_error)
}

/// How a row of the records stands to what the log says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is as it was written.
    Same,
    /// It is another. A message that was rewritten is logged again, later.
    Other,
    /// It isn't there.
    Missing,
}

/// Frames of a tenant's chain, and how the rows that they tell of stand.
pub struct AuditPage {
    /// The frame before the first.
    pub before: Head,
    /// The frames.
    pub frames: Vec<(Frame, Vec<Option<Standing>>)>,
    /// For each frame, the decisions that it tells of, if they were asked for.
    pub decided: Vec<Vec<Decided>>,
}

/// Which frames.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditQuery {
    /// Behind this number.
    pub after: u64,
    /// Not those before this time.
    pub since: Option<Timestamp>,
    /// Not those behind this time.
    pub until: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
    /// Hold them against the records.
    pub compare: bool,
    /// Also read the decisions that they tell of.
    pub decisions: bool,
}

/// Frames of a tenant's chain in a partition.
pub(crate) async fn page(
    engine: &Engine,
    tenant: &TenantId,
    partition: Partition,
    query: &AuditQuery,
) -> Result<AuditPage, Error> {
    let store = &*engine.store;
    let chain = Chain::new(tenant, partition);
    let mut after = query.after;
    if let Some(since) = query.since {
        after = after.max(chain.before(store, since).await.map_err(read_error)?);
    }
    let first = chain.first(store).await.map_err(read_error)?;
    // What lies before was kept long enough, and its last frame stays as the beginning: a checkpoint signed it.
    if let Some(first) = first.as_ref().filter(|first| first.n > 1) {
        after = after.max(first.n);
    }
    let before = match after {
        0 => chain.origin(),
        n => match chain.frame(store, n).await.map_err(read_error)? {
            Some(frame) => Head { n, link: frame.link },
            None => Head { n, link: [0; 32] },
        },
    };
    let (mut frames, mut decided) = (Vec::new(), Vec::new());
    for frame in chain.page(store, after, query.limit).await.map_err(read_error)? {
        let is_late = |until| Body::decode(&frame.body).is_ok_and(|body| body.at > until);
        if query.until.is_some_and(is_late) {
            break;
        }
        let standings = if query.compare { standings(store, tenant, &frame).await? } else { Vec::new() };
        if query.decisions {
            decided.push(decisions(store, tenant, &frame).await?);
        }
        frames.push((frame, standings));
    }
    Ok(AuditPage { before, frames, decided })
}

/// The decisions in the lines that a frame tells of, as far as these are as they were logged.
async fn decisions(store: &dyn Store, tenant: &TenantId, frame: &Frame) -> Result<Vec<Decided>, Error> {
    let Ok(body) = Body::decode(&frame.body) else { return Ok(Vec::new()) };
    let mut decided = Vec::new();
    for item in &body.items {
        let Item::Line { message, n, digest, .. } = item else { continue };
        let row = store.get(message.partition(), Table::Message, layout::entry_key(tenant, *message, *n)).await?;
        if let Some(row) = row.filter(|row| hash(&[row]) == *digest) {
            decided.extend(Decided::of(*message, &signalbox_records::decode_entries(&row)?));
        }
    }
    Ok(decided)
}

async fn standings(store: &dyn Store, tenant: &TenantId, frame: &Frame) -> Result<Vec<Option<Standing>>, Error> {
    let Ok(body) = Body::decode(&frame.body) else { return Ok(Vec::new()) };
    let mut standings = Vec::with_capacity(body.items.len());
    for item in &body.items {
        standings.push(match item {
            Item::Line { message, n, digest, .. } => {
                Some(standing(store, *message, layout::entry_key(tenant, *message, *n), digest).await?)
            }
            Item::Text { message, digest } => {
                Some(standing(store, *message, layout::message_key(tenant, *message), digest).await?)
            }
            Item::Read { .. }
            | Item::Hold { .. }
            | Item::Swept { .. }
            | Item::Supervised { .. }
            | Item::Erased { .. }
            | Item::Cut { .. }
            | Item::Changed { .. } => None,
        });
    }
    Ok(standings)
}

async fn standing(store: &dyn Store, id: MessageId, key: bytes::Bytes, digest: &Digest) -> Result<Standing, Error> {
    Ok(match store.get(id.partition(), Table::Message, key).await? {
        Some(value) if hash(&[&value]) == *digest => Standing::Same,
        Some(_) => Standing::Other,
        None => Standing::Missing,
    })
}
