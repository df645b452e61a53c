//! The holds that stand, as they are asked.

use std::collections::HashMap;
use std::sync::Arc;

use signalbox_model::{Address, HoldId, TenantId};

use super::{Hold, On};

/// The holds of one tenant.
#[derive(Debug, Default, Clone)]
struct OfTenant {
    all: HashMap<HoldId, Arc<Hold>>,
    /// The least of those on the whole tenant.
    whole: Option<HoldId>,
    /// Those that touch a person.
    by_person: HashMap<Address, Vec<HoldId>>,
}

/// Every hold that stands.
#[derive(Debug, Default, Clone)]
pub struct Book {
    tenants: HashMap<TenantId, Arc<OfTenant>>,
}

impl Book {
    /// Does none stand?
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }

    /// What holds any message of a person: for whoever wants to do something to all that there is of them.
    pub fn on_person(&self, tenant: &TenantId, theirs: &Address) -> Option<Arc<Hold>> {
        self.find(tenant, theirs, |_| true)
    }

    /// What holds the messages between two numbers.
    pub fn on_conversation(&self, tenant: &TenantId, ours: &Address, theirs: &Address) -> Option<Arc<Hold>> {
        self.find(tenant, theirs, |on| !matches!(on, On::Conversation { ours: other, .. } if other != ours))
    }

    fn find(&self, tenant: &TenantId, theirs: &Address, means: impl Fn(&On) -> bool) -> Option<Arc<Hold>> {
        let of_tenant = self.tenants.get(tenant)?;
        if let Some(whole) = of_tenant.whole {
            return of_tenant.all.get(&whole).cloned();
        }
        let ids = of_tenant.by_person.get(theirs)?.iter();
        ids.filter_map(|id| of_tenant.all.get(id)).find(|hold| means(&hold.on)).cloned()
    }

    /// What holds all that a tenant has.
    pub fn on_tenant(&self, tenant: &TenantId) -> Option<Arc<Hold>> {
        let of_tenant = self.tenants.get(tenant)?;
        of_tenant.all.get(&of_tenant.whole?).cloned()
    }

    /// A tenant's holds, by their age.
    pub fn list(&self, tenant: &TenantId) -> Vec<Arc<Hold>> {
        let mut all: Vec<_> = self.tenants.get(tenant).into_iter().flat_map(|of| of.all.values().cloned()).collect();
        all.sort_by_key(|hold| hold.id);
        all
    }

    pub(super) fn get(&self, tenant: &TenantId, id: HoldId) -> Option<Arc<Hold>> {
        self.tenants.get(tenant)?.all.get(&id).cloned()
    }

    pub(super) fn count(&self, tenant: &TenantId) -> usize {
        self.tenants.get(tenant).map_or(0, |of| of.all.len())
    }

    pub(super) fn put(&mut self, hold: Hold) {
        let of_tenant = Arc::make_mut(self.tenants.entry(hold.tenant.clone()).or_default());
        if let Some(person) = hold.on.person() {
            of_tenant.by_person.entry(person.clone()).or_default().push(hold.id);
        }
        of_tenant.all.insert(hold.id, Arc::new(hold));
        of_tenant.find_whole();
    }

    pub(super) fn remove(&mut self, tenant: &TenantId, id: HoldId) {
        let Some(of_tenant) = self.tenants.get_mut(tenant).map(Arc::make_mut) else { return };
        let Some(hold) = of_tenant.all.remove(&id) else { return };
        if let Some(person) = hold.on.person()
            && let Some(ids) = of_tenant.by_person.get_mut(person)
        {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                of_tenant.by_person.remove(person);
            }
        }
        of_tenant.find_whole();
        if of_tenant.all.is_empty() {
            self.tenants.remove(tenant);
        }
    }
}

impl OfTenant {
    fn find_whole(&mut self) {
        let whole = self.all.values().filter(|hold| hold.on == On::Tenant).map(|hold| hold.id);
        self.whole = whole.min();
    }
}
