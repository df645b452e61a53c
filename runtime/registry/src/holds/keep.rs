//! How holds come to stand, and end.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use signalbox_model::{Address, HoldId, Partition, TenantId, Timestamp};
use signalbox_store::layout::{decode, encode, hold_key, tenant_prefix};
use signalbox_store::{Batch, Epoch, Range, Store, Table};
use tokio::sync::MutexGuard;

use super::{Book, Hold, MAX_STANDING, MAX_WHY_CHARS, Placer, Release};
use crate::error::Error;

/// Rows read at once at the start.
const AT_ONCE: usize = 512;

/// Why a hold isn't placed or released.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HoldRefused {
    /// Nobody said why.
    #[error("say why in 1 to {MAX_WHY_CHARS} characters: it is kept with the hold")]
    Why,
    /// There is no room for it.
    #[error("{MAX_STANDING} holds of this tenant stand already; release some, or hold the tenant as a whole")]
    TooMany,
    /// There is none of this id.
    #[error("there is no hold with this id")]
    Unknown,
    /// It ended before.
    #[error("the hold was released before, at {}", .0.to_rfc3339())]
    Released(Timestamp),
    /// The operator placed it.
    #[error("the operator placed this hold, and only the operator releases it")]
    Operators,
    /// The store couldn't.
    #[error(transparent)]
    Registry(#[from] Error),
}

impl From<signalbox_store::Error> for HoldRefused {
    fn from(error: signalbox_store::Error) -> Self {
        Self::Registry(error.into())
    }
}

/// Every tenant's legal holds.
pub struct Holds {
    store: Arc<dyn Store>,
    epoch: Epoch,
    book: ArcSwap<Book>,
    changing: tokio::sync::Mutex<()>,
}

/// As long as it lives, no hold is placed or released: what was found not to be held can be destroyed meanwhile.
pub struct Unmoved<'h> {
    book: Arc<Book>,
    _changing: MutexGuard<'h, ()>,
}

impl std::ops::Deref for Unmoved<'_> {
    type Target = Book;

    fn deref(&self) -> &Book {
        &self.book
    }
}

impl Holds {
    /// Reads what stands into memory.
    pub async fn open(store: Arc<dyn Store>, epoch: Epoch) -> Result<Self, Error> {
        let mut book = Book::default();
        let mut range = Range::prefix(Table::Hold, Bytes::new(), AT_ONCE);
        loop {
            let page = store.range(Partition::DIRECTORY, range.clone()).await?;
            for (_, value) in &page {
                let hold: Hold = decode(Table::Hold, value)?;
                if hold.released.is_none() {
                    book.put(hold);
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
                _ => break,
            }
        }
        Ok(Self { store, epoch, book: ArcSwap::from_pointee(book), changing: Default::default() })
    }

    /// What stands now. A look at memory.
    pub fn book(&self) -> Arc<Book> {
        self.book.load_full()
    }

    /// Is anything of this person held? A look at memory.
    pub fn is_held(&self, tenant: &TenantId, theirs: &Address) -> bool {
        self.book.load().on_person(tenant, theirs).is_some()
    }

    /// What stands, and goes on standing so until this is let go. For whoever destroys what isn't held: take it, look,
    /// destroy durably, let it go. A hold that is placed meanwhile waits, and then finds what is left.
    pub async fn unmoved(&self) -> Unmoved<'_> {
        let _changing = self.changing.lock().await;
        Unmoved { book: self.book.load_full(), _changing }
    }

    /// Places a hold; it stands when this returns.
    pub async fn place(&self, hold: Hold) -> Result<Arc<Hold>, HoldRefused> {
        check_why(&hold.why)?;
        let _one = self.changing.lock().await;
        let mut book = Book::clone(&self.book.load());
        if book.count(&hold.tenant) >= MAX_STANDING {
            return Err(HoldRefused::TooMany);
        }
        self.write(&hold).await?;
        book.put(hold.clone());
        self.book.store(Arc::new(book));
        Ok(Arc::new(hold))
    }

    /// May it be released by this one?
    pub async fn check_release(
        &self,
        tenant: &TenantId,
        id: HoldId,
        by: Placer,
        why: &str,
    ) -> Result<Arc<Hold>, HoldRefused> {
        check_why(why)?;
        let Some(hold) = self.book.load().get(tenant, id) else { return Err(self.not_standing(tenant, id).await?) };
        let is_theirs = hold.placed_by == Placer::Operator && by != Placer::Operator;
        if is_theirs { Err(HoldRefused::Operators) } else { Ok(hold) }
    }

    /// Ends a hold.
    pub async fn release(&self, tenant: &TenantId, id: HoldId, release: Release) -> Result<Arc<Hold>, HoldRefused> {
        let _one = self.changing.lock().await;
        let hold = self.check_release(tenant, id, release.by, &release.why).await?;
        let hold = Hold { released: Some(release), ..Hold::clone(&hold) };
        self.write(&hold).await?;
        let mut book = Book::clone(&self.book.load());
        book.remove(tenant, id);
        self.book.store(Arc::new(book));
        Ok(Arc::new(hold))
    }

    /// A tenant's last holds that stand no more, the one placed last first. Reads the store.
    pub async fn released(&self, tenant: &TenantId, most: usize) -> Result<Vec<Hold>, Error> {
        let mut released = Vec::new();
        let mut range = Range::prefix(Table::Hold, tenant_prefix(tenant).freeze(), AT_ONCE).reversed();
        loop {
            let page = self.store.range(Partition::DIRECTORY, range.clone()).await?;
            for (_, value) in &page {
                let hold: Hold = decode(Table::Hold, value)?;
                if hold.released.is_some() && released.len() < most {
                    released.push(hold);
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == AT_ONCE && released.len() < most => range = range.resume(last.clone()),
                _ => return Ok(released),
            }
        }
    }

    async fn not_standing(&self, tenant: &TenantId, id: HoldId) -> Result<HoldRefused, Error> {
        let row = self.store.get(Partition::DIRECTORY, Table::Hold, hold_key(tenant, id)).await?;
        let Some(row) = row else { return Ok(HoldRefused::Unknown) };
        let hold: Hold = decode(Table::Hold, &row)?;
        Ok(hold.released.map_or(HoldRefused::Unknown, |release| HoldRefused::Released(release.at)))
    }

    async fn write(&self, hold: &Hold) -> Result<(), Error> {
        let mut batch = Batch::new(Partition::DIRECTORY, self.epoch);
        batch.put(Table::Hold, hold_key(&hold.tenant, hold.id), encode(hold));
        self.store.commit(batch).await?;
        Ok(())
    }
}

fn check_why(why: &str) -> Result<(), HoldRefused> {
    let is_said = !why.trim().is_empty() && why.chars().count() <= MAX_WHY_CHARS;
    if is_said && !why.chars().any(char::is_control) { Ok(()) } else { Err(HoldRefused::Why) }
}
