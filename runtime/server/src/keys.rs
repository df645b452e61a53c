//! Tenants' API keys at the start: those of the configuration are taken over, those that it had once are taken no more; a
//! tenant that has none and never had one gets one, which is shown once.

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

/// Takes over the configuration's keys, ends those that aren't there any more, and makes those that are missing.
pub async fn settle(handle: &Handle, tenants: &[Tenancy], known: &HashSet<TenantId>) -> Result<Vec<NewKey>, Error> {
    let mut configured = Vec::new();
    for Tenancy { tenant, api_keys } in tenants {
        configured.extend(api_keys.iter().map(|key| (&tenant.id, key.as_str())));
    }
    let settled = handle.settle_keys(&configured).await?;
    for tenant in settled.malformed {
        tracing::error!(%tenant, "an API key of the configuration isn't one");
    }
    for tenant in settled.gone {
        tracing::warn!(%tenant, "an API key that the configuration doesn't have any more is taken no more");
    }
    let mut made = Vec::new();
    for Tenancy { tenant, api_keys } in tenants {
        if api_keys.is_empty() && !known.contains(&tenant.id) {
            made.push(NewKey { tenant: tenant.id.clone(), token: handle.make_key(&tenant.id).await? });
        }
    }
    Ok(made)
}
