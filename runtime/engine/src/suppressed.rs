//! Suppression lists on the path: what they say of a message's recipient, and how tenants bring them.

use std::time::Duration;

use bytes::Bytes;
use signalbox_model::{Address, KeyId, Message, TenantId, Timestamp};
use signalbox_policy::facts::{Fact, FactSet, Facts, Reassigned};
use signalbox_policy::{Freshness, Policies};
use signalbox_registry::suppression::{Answer, Hit, Progress, Terms};
use signalbox_registry::{ListKind, ListMeta, NewList, SuppressionRefused};

use crate::audit::{self, Changed};
use crate::consent::registry_error;
use crate::engine::Engine;
use crate::error::Error;
use crate::handle::Handle;

/// What lists tell.
const FACTS: FactSet =
    FactSet::of(&[Fact::OnDnc, Fact::OnLitigator, Fact::Reassigned, Fact::ListsStale, Fact::OnOwnList]);
/// The setting by which the operator lets a tenant's lists hold for every tenant.
const FOR_ALL: &str = "lists_for_all";

/// Fills in what the lists say of the recipient, where rules ask for it.
pub(crate) fn fill(
    engine: &Engine,
    policy: &Policies,
    message: &Message,
    consented: Option<Timestamp>,
    facts: &mut Facts,
) {
    if !policy.rules.reads().meets(FACTS) {
        return;
    }
    let shelf = engine.suppression.of(&message.tenant);
    let said = shelf.ask(message.theirs(), consented, facts.now, |kind| terms(policy, kind));
    (facts.on_dnc, facts.on_litigator, facts.on_own_list) = (said.on_dnc, said.on_litigator, Some(said.on_own));
    facts.lists_stale = said.stale;
    facts.reassigned = said.reassigned.map(|answer| match answer {
        Answer::No => Reassigned::No,
        Answer::Yes => Reassigned::Yes,
        Answer::NoData => Reassigned::NoData,
    });
}

/// What the tables ask of the lists of a kind.
fn terms(policy: &Policies, kind: ListKind) -> Terms {
    let lists = &policy.tables.lists;
    let Freshness { max_age_days, needed } = match kind {
        ListKind::Dnc => lists.dnc,
        ListKind::Litigator => lists.litigator,
        ListKind::Reassigned => lists.reassigned,
        ListKind::Own => lists.own,
    };
    Terms { most: max_age_days.map(|days| Duration::from_secs(u64::from(days) * 86_400)), needed }
}

/// A list as its tenant sees it.
#[derive(Debug, Clone)]
pub struct ListInfo {
    /// What is known of it.
    pub meta: ListMeta,
    /// Is it too old?
    pub stale: bool,
    /// When it gets too old.
    pub stale_from: Option<Timestamp>,
}

impl Handle {
    /// The lists against which a tenant's messages are held: its own, and those that hold for all.
    pub fn suppression_lists(&self, tenant: &TenantId) -> Vec<ListInfo> {
        self.0.suppression.of(tenant).lists().map(|meta| self.list_info(meta.clone())).collect()
    }

    /// What is known of a list, with what the rules of this moment make of its age.
    pub fn list_info(&self, meta: ListMeta) -> ListInfo {
        let policy = self.0.policy.load_full();
        let most = terms(&policy, meta.kind).most;
        ListInfo { stale: meta.is_stale(most, self.0.clock.now()), stale_from: meta.stale_from(most), meta }
    }

    /// How far the import of a list is; `None` if it isn't being written.
    pub fn suppression_progress(&self, tenant: &TenantId, name: &str) -> Option<Progress> {
        self.0.suppression.progress(tenant, name)
    }

    /// May this tenant's lists hold for every tenant?
    pub fn lists_for_all(&self, tenant: &TenantId) -> bool {
        let account = self.0.directory.account(tenant);
        account.is_some_and(|account| account.tenant.settings.get(FOR_ALL).is_some_and(|said| said == "true"))
    }

    /// Takes a file as the whole of a list, or leaves the list as it was.
    pub async fn import_suppression(
        &self,
        tenant: &TenantId,
        key: KeyId,
        new: NewList,
        file: Bytes,
    ) -> Result<ListMeta, SuppressionRefused> {
        let engine = &*self.0;
        let meta = engine.suppression.import(tenant, key, new, file, engine.clock.now()).await?;
        let to = format!("{} list of {} numbers, fetched {}", meta.kind.as_str(), meta.numbers, meta.fetched_at);
        let changed = Changed { by: key.to_string(), what: "suppression", name: &meta.name, to };
        audit::changed(engine, tenant, changed).await;
        Ok(meta)
    }

    /// Takes a list away; false if the tenant has none of this name.
    pub async fn remove_suppression(&self, tenant: &TenantId, key: KeyId, name: &str) -> Result<bool, Error> {
        let removed = self.0.suppression.remove(tenant, name).await.map_err(registry_error)?;
        if removed {
            let changed = Changed { by: key.to_string(), what: "suppression", name, to: "removed".to_owned() };
            audit::changed(&self.0, tenant, changed).await;
        }
        Ok(removed)
    }

    /// What each list says of a number whose holder consented then.
    pub fn suppression_check(&self, tenant: &TenantId, number: &Address, consented: Option<Timestamp>) -> Vec<Hit> {
        self.0.suppression.of(tenant).hits(number, consented)
    }
}
