//! Changes of handlers: versions come, aliases move, settings and secrets are set. Each is one commit, and one line in
//! the handler's history.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_guest as guest;
use signalbox_model::handler::{Alias, Canary, Change, ChangeKind, Handler, Version as Meta};
use signalbox_model::{TenantId, Timestamp};
use signalbox_store::{Batch, Store, Table, layout};

use super::{Deployed, Directory, Snapshot, Version, read_all};
use crate::error::Error;
use crate::health::Baseline;

/// Versions of a handler that are kept besides those that an alias names: enough to go back to last week's, few enough
/// that a tenant that deploys on every commit doesn't fill the store.
const MAX_VERSIONS: usize = 20;

/// Lines of a handler's history that are kept.
const MAX_CHANGES: usize = 100;

/// Where an alias goes.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    /// The version answers.
    Live(String),
    /// The version answers so many of a hundred conversations.
    Canary(String, u8),
    /// The version watches.
    Shadow(String),
    /// Nothing has the alias any more.
    Drop(Alias),
    /// The host takes back a version that failed too often.
    RollBack {
        /// The version.
        digest: String,
        /// What was seen of it.
        why: String,
    },
}

/// A handler's secret as it lies in the store.
#[derive(Serialize, Deserialize)]
struct SecretRow {
    tenant: TenantId,
    handler: String,
    name: String,
    value: String,
}

/// A handler while it is changed.
struct Changed {
    meta: Handler,
    versions: BTreeMap<String, Arc<Version>>,
    secrets: BTreeMap<String, String>,
    batch: Vec<Row>,
}

/// A row to put, or to delete if it has no value.
type Row = (Table, Bytes, Option<Bytes>);

/// Brings the handlers of all tenants back. Those versions are compiled that have an alias; the others when they are
/// needed.
pub(super) async fn read(store: &dyn Store, host: &guest::Host, snapshot: &mut Snapshot) -> Result<(), Error> {
    let mut versions: BTreeMap<(TenantId, String), BTreeMap<String, Arc<Version>>> = BTreeMap::new();
    for meta in read_all::<Meta>(store, Table::HandlerVersion).await? {
        let of = versions.entry((meta.tenant.clone(), meta.handler.clone())).or_default();
        of.insert(meta.digest.clone(), Arc::new(Version::stored(meta)));
    }
    let mut secrets: BTreeMap<(TenantId, String), BTreeMap<String, String>> = BTreeMap::new();
    for row in read_all::<SecretRow>(store, Table::HandlerSecret).await? {
        secrets.entry((row.tenant, row.handler)).or_default().insert(row.name, row.value);
    }
    for meta in read_all::<Handler>(store, Table::Handler).await? {
        let key = (meta.tenant.clone(), meta.name.clone());
        let versions = versions.remove(&key).unwrap_or_default();
        let secrets = secrets.remove(&key).unwrap_or_default();
        let Some(account) = snapshot.accounts.get(&meta.tenant) else { continue };
        let tenant = account.tenant.clone();
        let deployed = Deployed::new(&tenant, meta, versions, secrets, None);
        for version in deployed.versions.values().filter(|v| !deployed.aliases(&v.meta.digest).is_empty()) {
            version.code(store, host).await;
        }
        snapshot.change(&tenant.id, |account| {
            account.handlers.insert(deployed.meta.name.clone(), Arc::new(deployed));
        });
    }
    Ok(())
}

impl Directory {
    /// Keeps a version with its component. The first of its name answers; any other only if `to` says so.
    pub(crate) async fn put_version(
        &self,
        version: Version,
        component: Bytes,
        to: Option<Move>,
        now: Timestamp,
    ) -> Result<Arc<Deployed>, Error> {
        let (tenant, name) = (version.meta.tenant.clone(), version.meta.handler.clone());
        let digest = version.meta.digest.clone();
        let begin = || Handler {
            tenant: tenant.clone(),
            name: name.clone(),
            live: digest.clone(),
            live_since: now,
            previous: None,
            canary: None,
            shadow: None,
            settings: BTreeMap::new(),
            changes: Vec::new(),
        };
        let change = |changed: &mut Changed, is_new: bool| {
            changed.row(Table::Component, digest.clone().into_bytes(), Some(component));
            let key = layout::part_key(&tenant, &name, &digest);
            changed.row(Table::HandlerVersion, key, Some(layout::encode(&version.meta)));
            changed.log(now, ChangeKind::Uploaded, &digest, None);
            if is_new {
                changed.log(now, ChangeKind::Live, &digest, None);
            }
            changed.versions.insert(digest.clone(), Arc::new(version));
            if let Some(to) = to {
                changed.go(to, now);
            }
            changed.prune();
        };
        let changed = self.change_handler(&tenant, &name, Some(&begin), change).await?;
        changed
            .ok_or_else(|| Error::Store(signalbox_store::Error::Malformed("a version without its tenant".to_owned())))
    }

    /// Moves an alias; `None` if there is no such handler.
    pub(crate) async fn move_alias(
        &self,
        tenant: &TenantId,
        name: &str,
        to: Move,
        now: Timestamp,
    ) -> Result<Option<Arc<Deployed>>, Error> {
        self.change_handler(tenant, name, None, |changed, _| changed.go(to, now)).await
    }

    /// Replaces a handler's own settings; `None` if there is no such handler.
    pub(crate) async fn put_settings(
        &self,
        tenant: &TenantId,
        name: &str,
        settings: BTreeMap<String, String>,
    ) -> Result<Option<Arc<Deployed>>, Error> {
        self.change_handler(tenant, name, None, |changed, _| changed.meta.settings = settings).await
    }

    /// Sets a handler's secret, or forgets it; `None` if there is no such handler.
    pub(crate) async fn put_secret(
        &self,
        tenant: &TenantId,
        name: &str,
        secret: &str,
        value: Option<String>,
    ) -> Result<Option<Arc<Deployed>>, Error> {
        let change = |changed: &mut Changed, _| {
            let key = layout::part_key(tenant, name, secret);
            let (tenant, handler, secret) = (tenant.clone(), name.to_owned(), secret.to_owned());
            match value {
                Some(value) => {
                    let row = SecretRow { tenant, handler, name: secret.clone(), value: value.clone() };
                    changed.row(Table::HandlerSecret, key, Some(layout::encode(&row)));
                    changed.secrets.insert(secret, value);
                }
                None => {
                    changed.row(Table::HandlerSecret, key, None::<Bytes>);
                    changed.secrets.remove(&secret);
                }
            }
        };
        self.change_handler(tenant, name, None, change).await
    }

    /// Changes a handler: the change is committed first and then shown.
    async fn change_handler(
        &self,
        tenant: &TenantId,
        name: &str,
        begin: Option<&(dyn Fn() -> Handler + Sync)>,
        change: impl FnOnce(&mut Changed, bool),
    ) -> Result<Option<Arc<Deployed>>, Error> {
        let _one = self.changing.lock().await;
        let Some(account) = self.account(tenant) else { return Ok(None) };
        let before = account.handlers.get(name).cloned();
        let mut changed = match (&before, begin) {
            (Some(before), _) => Changed {
                meta: before.meta.clone(),
                versions: before.versions.clone(),
                secrets: before.own_secrets.clone(),
                batch: Vec::new(),
            },
            (None, Some(begin)) => {
                Changed { meta: begin(), versions: BTreeMap::new(), secrets: BTreeMap::new(), batch: Vec::new() }
            }
            (None, None) => return Ok(None),
        };
        change(&mut changed, before.is_none());
        let Changed { meta, versions, secrets, mut batch } = changed;
        let left: Vec<_> = before.iter().flat_map(|before| before.versions.keys()).collect();
        let left = left.into_iter().filter(|digest| !versions.contains_key(*digest) && !self.has(digest, tenant, name));
        batch.extend(left.map(|digest| (Table::Component, digest.clone().into_bytes().into(), None)));
        batch.push((Table::Handler, layout::named_key(tenant, name), Some(layout::encode(&meta))));
        self.commit(|to: &mut Batch| {
            for (table, key, value) in batch {
                match value {
                    Some(value) => to.put(table, key, value),
                    None => to.delete(table, key),
                };
            }
        })
        .await?;
        let deployed = Arc::new(Deployed::new(&account.tenant, meta, versions, secrets, before.as_deref()));
        self.show(|snapshot| {
            snapshot.change(tenant, |account| {
                account.handlers.insert(name.to_owned(), deployed.clone());
            });
        });
        Ok(Some(deployed))
    }

    /// Has any other handler a version of this digest?
    fn has(&self, digest: &str, tenant: &TenantId, name: &str) -> bool {
        let current = self.current.load();
        let mut handlers = current.accounts.values().flat_map(|account| account.handlers.values());
        handlers.any(|handler| {
            let itself = handler.meta.name == name && handler.meta.tenant == *tenant;
            !itself && handler.versions.contains_key(digest)
        })
    }
}

impl Changed {
    fn row(&mut self, table: Table, key: impl Into<Bytes>, value: Option<impl Into<Bytes>>) {
        self.batch.push((table, key.into(), value.map(Into::into)));
    }

    fn log(&mut self, at: Timestamp, what: ChangeKind, digest: &str, why: Option<String>) {
        let changes = &mut self.meta.changes;
        changes.push(Change { at, what, digest: digest.to_owned(), why });
        let over = changes.len().saturating_sub(MAX_CHANGES);
        changes.drain(..over);
    }

    fn go(&mut self, to: Move, now: Timestamp) {
        match to {
            Move::Live(digest) => {
                let was = std::mem::replace(&mut self.meta.live, digest.clone());
                if was == digest {
                    return;
                }
                self.begin_watch(&was, &digest);
                (self.meta.previous, self.meta.live_since) = (Some(was), now);
                // A version that answers everybody is nobody's canary, and needn't watch itself.
                self.meta.canary.take_if(|canary| canary.digest == digest);
                self.meta.shadow.take_if(|shadow| *shadow == digest);
                self.log(now, ChangeKind::Live, &digest, None);
            }
            Move::Canary(digest, percent) => {
                self.log(now, ChangeKind::Canary, &digest, Some(format!("{percent} of 100 conversations")));
                if let Some(version) = self.versions.get(&digest) {
                    version.health.lock().begin(Baseline::default());
                }
                let since = self.meta.canary.as_ref().filter(|c| c.digest == digest).map_or(now, |c| c.since);
                self.meta.canary = Some(Canary { digest, percent, since });
            }
            Move::Shadow(digest) => {
                self.log(now, ChangeKind::Shadow, &digest, None);
                self.meta.shadow = Some(digest);
            }
            Move::Drop(Alias::Canary) => {
                if let Some(canary) = self.meta.canary.take() {
                    self.log(now, ChangeKind::CanaryEnded, &canary.digest, None);
                }
            }
            Move::Drop(Alias::Shadow) => {
                if let Some(shadow) = self.meta.shadow.take() {
                    self.log(now, ChangeKind::ShadowEnded, &shadow, None);
                }
            }
            // Somebody has to answer.
            Move::Drop(Alias::Live) => {}
            Move::RollBack { digest, why } => self.roll_back(&digest, why, now),
        }
    }

    /// A version that begins to answer is held against how the one before it did.
    fn begin_watch(&self, was: &str, now_live: &str) {
        let before = self.versions.get(was).map(|version| version.health.lock().baseline()).unwrap_or_default();
        if let Some(version) = self.versions.get(now_live) {
            version.health.lock().begin(before);
        }
    }

    fn roll_back(&mut self, digest: &str, why: String, now: Timestamp) {
        if self.meta.canary.as_ref().is_some_and(|canary| canary.digest == digest) {
            self.meta.canary = None;
        } else if self.meta.live == digest
            && let Some(previous) = self.meta.previous.take().filter(|previous| self.versions.contains_key(previous))
        {
            // Nothing to go back to from there: two versions that both fail aren't exchanged for ever.
            (self.meta.live, self.meta.live_since) = (previous, now);
        } else {
            return;
        }
        self.log(now, ChangeKind::RolledBack, digest, Some(why));
    }

    /// Forgets the oldest versions that nothing names, over the bound.
    fn prune(&mut self) {
        let meta = &self.meta;
        let named = |digest: &str| {
            meta.live == digest
                || meta.previous.as_deref() == Some(digest)
                || meta.shadow.as_deref() == Some(digest)
                || meta.canary.as_ref().is_some_and(|canary| canary.digest == digest)
        };
        let mut idle: Vec<_> = self.versions.values().filter(|version| !named(&version.meta.digest)).cloned().collect();
        idle.sort_by_key(|version| version.meta.uploaded_at);
        let over = idle.len().saturating_sub(MAX_VERSIONS);
        for version in &idle[..over] {
            let digest = &version.meta.digest;
            self.versions.remove(digest);
            let key = layout::part_key(&self.meta.tenant, &self.meta.name, digest);
            self.row(Table::HandlerVersion, key, None::<Bytes>);
        }
    }
}
