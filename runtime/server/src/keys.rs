//! Tenants' API keys at the start: those of the configuration are taken over; a tenant that has none and never had one
//! gets one, which is shown once.

use std::collections::HashSet;

use signalbox_engine::Handle;
use signalbox_model::directory::ApiKey;
use signalbox_model::{Partition, TenantId};
use signalbox_store::{Range, Store, Table, layout};

use crate::config::Tenancy;
use crate::exit::Error;

/// Keys that are read at a time.
const PAGE: usize = 256;

/// A key that was made now.
pub struct NewKey {
    /// Whose.
    pub tenant: TenantId,
    /// `sb_…`; only a hash of it is kept.
    pub token: String,
}

/// Who has a key in the store.
pub async fn known(store: &dyn Store) -> Result<HashSet<TenantId>, Error> {
    let mut range = Range::prefix(Table::ApiKey, Vec::new(), PAGE);
    let mut tenants = HashSet::new();
    loop {
        let page = store.range(Partition::DIRECTORY, range.clone()).await?;
        for (_, value) in &page {
            tenants.insert(layout::decode::<ApiKey>(Table::ApiKey, value)?.tenant);
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => range = range.resume(last.clone()),
            _ => return Ok(tenants),
        }
    }
}

/// Takes over the configuration's keys, and makes those that are missing.
pub async fn settle(handle: &Handle, tenants: &[Tenancy], known: &HashSet<TenantId>) -> Result<Vec<NewKey>, Error> {
    let mut made = Vec::new();
    for Tenancy { tenant, api_keys } in tenants {
        for token in api_keys {
            if !handle.adopt_key(&tenant.id, token).await? {
                tracing::error!(tenant = %tenant.id, "an API key of the configuration isn't one");
            }
        }
        if api_keys.is_empty() && !known.contains(&tenant.id) {
            made.push(NewKey { tenant: tenant.id.clone(), token: handle.make_key(&tenant.id).await? });
        }
    }
    Ok(made)
}
