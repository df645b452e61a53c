//! Legal holds on the path: placed and released by a tenant or the operator, and logged.

use std::sync::Arc;

use signalbox_model::{HoldId, Partition, TenantId};
use signalbox_records::audit::Item;
use signalbox_registry::holds::{Book, Hold, On, Placer, Release};
use signalbox_registry::{self as registry};

use crate::audit;
use crate::consent::registry_error;
use crate::engine::Engine;
use crate::error::Error;
use crate::handle::Handle;
use crate::registered::Registrar;

/// Why a hold isn't placed or released.
#[derive(Debug, thiserror::Error)]
pub enum HoldRefused {
    /// It can't be, as it stands.
    #[error(transparent)]
    Hold(#[from] registry::HoldRefused),
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

impl Handle {
    /// Places a hold; it stands when this returns.
    pub async fn place_hold(
        &self,
        tenant: &TenantId,
        registrar: Registrar,
        on: On,
        why: &str,
    ) -> Result<Arc<Hold>, HoldRefused> {
        let engine = &self.0;
        let now = engine.clock.now();
        let hold = Hold {
            id: HoldId::new(now, Partition::DIRECTORY, &engine.chance),
            tenant: tenant.clone(),
            on,
            why: why.to_owned(),
            placed_by: placer(registrar),
            placed_at: now,
            released: None,
        };
        let hold = engine.holds.place(hold).await?;
        // It stands first: one that the log doesn't know of yet does no harm.
        note(engine, &hold, hold.placed_by, None).await?;
        Ok(hold)
    }

    /// Releases a hold.
    pub async fn release_hold(
        &self,
        tenant: &TenantId,
        registrar: Registrar,
        id: HoldId,
        why: &str,
    ) -> Result<Arc<Hold>, HoldRefused> {
        let engine = &self.0;
        let by = placer(registrar);
        let hold = engine.holds.check_release(tenant, id, by, why).await?;
        // It is logged first: what it held may be gone a moment after it ends.
        note(engine, &hold, by, Some(why)).await?;
        let release = Release { by, at: engine.clock.now(), why: why.to_owned() };
        Ok(engine.holds.release(tenant, id, release).await?)
    }

    /// The holds that stand, of all tenants. A look at memory.
    pub fn holds(&self) -> Arc<Book> {
        self.0.holds.book()
    }

    /// A tenant's last holds that stand no more.
    pub async fn released_holds(&self, tenant: &TenantId, most: usize) -> Result<Vec<Hold>, Error> {
        self.0.holds.released(tenant, most).await.map_err(registry_error)
    }
}

async fn note(engine: &Engine, hold: &Hold, by: Placer, released: Option<&str>) -> Result<(), Error> {
    let person = engine.audit.keys().zip(hold.on.person());
    let item = Item::Hold {
        hold: hold.id,
        by: by.to_string(),
        placed: released.is_none(),
        on: hold.on.as_str().to_owned(),
        person: person.map(|(keys, number)| keys.person(&hold.tenant, number)),
        why: released.unwrap_or(&hold.why).to_owned(),
    };
    audit::note(engine, &hold.tenant, item).await
}

pub(crate) fn placer(registrar: Registrar) -> Placer {
    match registrar {
        Registrar::Tenant(key) => Placer::Tenant(key),
        Registrar::Operator => Placer::Operator,
    }
}
