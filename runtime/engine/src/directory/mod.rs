//! What tenants and operators set up, kept in memory whole and in the store for good.
//!
//! Readers take a snapshot without a lock; a change is committed first and then shown.

mod bindings;
mod deployed;
mod handlers;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use foldhash::HashMap;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use signalbox_guest as guest;
use signalbox_model::directory::{ApiKey, Tenant, Webhook};
use signalbox_model::handler::Binding;
use signalbox_model::{Address, Chance, KeyId, Partition, TenantId};
use signalbox_policy::content::Phrases;
use signalbox_store::{Batch, Epoch, Range, Store, Table, layout};

use crate::error::Error;
use crate::usage::Tally;

pub(crate) use bindings::Bindings;
pub(crate) use deployed::{Deployed, Kit, MANIFEST, Version, laid_over};
pub(crate) use handlers::Move;

/// A tenant with all that it set up.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) tenant: Arc<Tenant>,
    /// What signs the deliveries to messages' own callback URLs.
    pub(crate) callback_secret: Arc<str>,
    pub(crate) webhooks: Vec<Arc<Webhook>>,
    pub(crate) handlers: BTreeMap<String, Arc<Deployed>>,
    pub(crate) bindings: Bindings,
    /// What it used, apart from its handlers.
    pub(crate) tally: Arc<Tally>,
    /// The words of its supervision, as the tables in force fold them.
    pub(crate) supervised: Arc<ArcSwapOption<Phrases>>,
}

#[derive(Clone, Default)]
struct Snapshot {
    accounts: HashMap<TenantId, Arc<Account>>,
    numbers: HashMap<Address, TenantId>,
    keys: HashMap<KeyId, ApiKey>,
}

/// What tenants and operators set up.
pub(crate) struct Directory {
    store: Arc<dyn Store>,
    epoch: Epoch,
    current: ArcSwap<Snapshot>,
    /// Webhooks that answered 410 since they were set up: nothing is put into the outbox for them.
    gone: Mutex<HashSet<(TenantId, String)>>,
    changing: tokio::sync::Mutex<()>,
}

impl Directory {
    /// Reads what the store has. Tenants and their numbers come from the operator's configuration.
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        epoch: Epoch,
        tenants: Vec<Tenant>,
        host: &guest::Host,
        chance: &Chance,
    ) -> Result<Self, Error> {
        let mut snapshot = Snapshot::default();
        for tenant in tenants {
            for number in tenant.numbers.keys() {
                snapshot.numbers.insert(number.clone(), tenant.id.clone());
            }
            let account = Account {
                callback_secret: callback_secret(&*store, epoch, &tenant.id, chance).await?.into(),
                tenant: Arc::new(tenant),
                webhooks: Vec::new(),
                handlers: BTreeMap::new(),
                bindings: Bindings::default(),
                tally: Arc::default(),
                supervised: Arc::default(),
            };
            snapshot.accounts.insert(account.tenant.id.clone(), Arc::new(account));
        }
        for key in read_all::<ApiKey>(&*store, Table::ApiKey).await? {
            snapshot.keys.insert(key.id, key);
        }
        for hook in read_all::<Webhook>(&*store, Table::Webhook).await? {
            snapshot.change(&hook.tenant.clone(), |account| account.webhooks.push(Arc::new(hook)));
        }
        for binding in read_all::<Binding>(&*store, Table::Binding).await? {
            snapshot.change(&binding.tenant.clone(), |account| account.bindings.put(binding));
        }
        handlers::read(&*store, host, &mut snapshot).await?;
        let current = ArcSwap::from_pointee(snapshot);
        Ok(Self { store, epoch, current, gone: Mutex::default(), changing: tokio::sync::Mutex::new(()) })
    }

    /// A tenant with all that it set up.
    pub(crate) fn account(&self, tenant: &TenantId) -> Option<Arc<Account>> {
        self.current.load().accounts.get(tenant).cloned()
    }

    /// Every tenant with all that it set up.
    pub(crate) fn accounts(&self) -> Vec<Arc<Account>> {
        self.current.load().accounts.values().cloned().collect()
    }

    /// Every tenant.
    pub(crate) fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.current.load().accounts.values().map(|account| account.tenant.clone()).collect()
    }

    /// Whose number it is.
    pub(crate) fn owner(&self, number: &Address) -> Option<TenantId> {
        self.current.load().numbers.get(number).cloned()
    }

    /// A key by its public part.
    pub(crate) fn key(&self, id: KeyId) -> Option<ApiKey> {
        self.current.load().keys.get(&id).cloned()
    }

    /// Is it one of the tenant's numbers?
    pub(crate) fn owns(&self, tenant: &TenantId, number: &Address) -> bool {
        self.current.load().accounts.get(tenant).is_some_and(|account| account.tenant.numbers.contains_key(number))
    }

    /// Webhooks of a tenant that want `event`.
    pub(crate) fn listeners(&self, account: &Account, event: &str) -> Vec<Arc<Webhook>> {
        let gone = self.gone.lock();
        let is_gone = |hook: &Webhook| !gone.is_empty() && gone.contains(&(hook.tenant.clone(), hook.name.clone()));
        let wants = |hook: &&Arc<Webhook>| hook.wants(event) && !is_gone(hook);
        account.webhooks.iter().filter(wants).cloned().collect()
    }

    /// Gives a tenant's handlers other hosts, settings, secrets and caps; its numbers and all else stay.
    pub(crate) async fn set_up(&self, tenant: Tenant) {
        let _one = self.changing.lock().await;
        self.show(|snapshot| {
            snapshot.change(&tenant.id.clone(), |account| {
                let tenant = Arc::new(Tenant { numbers: account.tenant.numbers.clone(), ..tenant });
                for handler in account.handlers.values_mut() {
                    *handler = Arc::new(handler.under(&tenant));
                }
                account.tenant = tenant;
            });
        });
    }

    /// Keeps an API key.
    pub(crate) async fn put_key(&self, key: ApiKey) -> Result<(), Error> {
        let _one = self.changing.lock().await;
        self.commit(|batch| {
            batch.put(Table::ApiKey, key.id.as_bytes().to_vec(), layout::encode(&key));
        })
        .await?;
        self.show(|snapshot| {
            snapshot.keys.insert(key.id, key);
        });
        Ok(())
    }

    /// Keeps the keys that the configuration has, and forgets those that it had once. Whose were forgotten.
    pub(crate) async fn settle_keys(&self, configured: Vec<ApiKey>) -> Result<Vec<TenantId>, Error> {
        let _one = self.changing.lock().await;
        let known = self.current.load_full();
        let is_gone = |key: &&ApiKey| !was_made_here(key) && configured.iter().all(|other| other.id != key.id);
        let gone: Vec<ApiKey> = known.keys.values().filter(is_gone).cloned().collect();
        let is_new = |key: &ApiKey| {
            let same = |known: &ApiKey| known.secret_sha256 == key.secret_sha256 && known.tenant == key.tenant;
            !known.keys.get(&key.id).is_some_and(same)
        };
        let new: Vec<ApiKey> = configured.iter().filter(|key| is_new(key)).cloned().collect();
        if gone.is_empty() && new.is_empty() {
            return Ok(Vec::new());
        }
        self.commit(|batch| {
            for key in &gone {
                batch.delete(Table::ApiKey, key.id.as_bytes().to_vec());
            }
            for key in &new {
                batch.put(Table::ApiKey, key.id.as_bytes().to_vec(), layout::encode(key));
            }
        })
        .await?;
        let whose = gone.iter().map(|key| key.tenant.clone()).collect();
        self.show(|snapshot| {
            gone.into_iter().for_each(|key| drop(snapshot.keys.remove(&key.id)));
            snapshot.keys.extend(new.into_iter().map(|key| (key.id, key)));
        });
        Ok(whose)
    }

    /// Keeps a binding.
    pub(crate) async fn put_binding(&self, binding: Binding) -> Result<(), Error> {
        let _one = self.changing.lock().await;
        self.commit(|batch| {
            let key = layout::named_key(&binding.tenant, &binding.name);
            batch.put(Table::Binding, key, layout::encode(&binding));
        })
        .await?;
        self.show(|snapshot| snapshot.change(&binding.tenant.clone(), |account| account.bindings.put(binding)));
        Ok(())
    }

    /// Forgets a binding; `false` if there was none.
    pub(crate) async fn delete_binding(&self, tenant: &TenantId, name: &str) -> Result<bool, Error> {
        let _one = self.changing.lock().await;
        if self.account(tenant).is_none_or(|account| account.bindings.get(name).is_none()) {
            return Ok(false);
        }
        self.commit(|batch| {
            batch.delete(Table::Binding, layout::named_key(tenant, name));
        })
        .await?;
        self.show(|snapshot| snapshot.change(tenant, |account| account.bindings.remove(name)));
        Ok(true)
    }

    /// Keeps a webhook.
    pub(crate) async fn put_webhook(&self, hook: Webhook) -> Result<(), Error> {
        let _one = self.changing.lock().await;
        self.commit(|batch| {
            batch.put(Table::Webhook, layout::named_key(&hook.tenant, &hook.name), layout::encode(&hook));
        })
        .await?;
        self.gone.lock().remove(&(hook.tenant.clone(), hook.name.clone()));
        self.show(|snapshot| {
            snapshot.change(&hook.tenant.clone(), |account| {
                account.webhooks.retain(|old| old.name != hook.name);
                account.webhooks.push(Arc::new(hook));
            });
        });
        Ok(())
    }

    async fn commit(&self, fill: impl FnOnce(&mut Batch)) -> Result<(), Error> {
        let mut batch = Batch::new(Partition::DIRECTORY, self.epoch);
        fill(&mut batch);
        self.store.commit(batch).await?;
        Ok(())
    }

    fn show(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = Snapshot::clone(&self.current.load());
        change(&mut snapshot);
        self.current.store(Arc::new(snapshot));
    }
}

impl Snapshot {
    /// Changes an account; what belongs to a tenant that the operator took away stays in the store, unseen.
    fn change(&mut self, tenant: &TenantId, change: impl FnOnce(&mut Account)) {
        if let Some(account) = self.accounts.get_mut(tenant) {
            change(Arc::make_mut(account));
        }
    }
}

impl signalbox_webhooks::Lookup for Directory {
    fn webhook(&self, tenant: &TenantId, name: &str) -> Option<Arc<Webhook>> {
        let current = self.current.load();
        let hooks = &current.accounts.get(tenant)?.webhooks;
        hooks.iter().find(|hook| hook.name == name).cloned()
    }

    fn callback_secret(&self, tenant: &TenantId) -> Option<String> {
        self.account(tenant).map(|account| account.callback_secret.to_string())
    }

    fn gone(&self, tenant: &TenantId, name: &str) {
        tracing::warn!(%tenant, webhook = name, "a webhook's endpoint answered 410; nothing more goes there");
        self.gone.lock().insert((tenant.clone(), name.to_owned()));
    }
}

/// A key that was made here has the moment of its making in its id; one of the configuration came with an id of its own.
fn was_made_here(key: &ApiKey) -> bool {
    key.id.made_at().as_micros() / 1_000 == key.made_at.as_micros() / 1_000
}

/// The tenant's secret for callback URLs, made at its first start.
async fn callback_secret(store: &dyn Store, epoch: Epoch, tenant: &TenantId, chance: &Chance) -> Result<String, Error> {
    let key = format!("path/callback/{tenant}");
    if let Some(kept) = store.get(Partition::DIRECTORY, Table::Meta, key.clone().into()).await? {
        return Ok(layout::decode(Table::Meta, &kept)?);
    }
    let secret = signalbox_webhooks::new_secret(chance);
    let mut batch = Batch::new(Partition::DIRECTORY, epoch);
    batch.put(Table::Meta, key, layout::encode(&secret));
    store.commit(batch).await?;
    Ok(secret)
}

async fn read_all<T: DeserializeOwned + Serialize>(store: &dyn Store, table: Table) -> Result<Vec<T>, Error> {
    let mut range = Range::prefix(table, Vec::new(), 256);
    let mut all = Vec::new();
    loop {
        let page = store.range(Partition::DIRECTORY, range.clone()).await?;
        for (_, value) in &page {
            all.push(layout::decode(table, value)?);
        }
        match page.last() {
            Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(all),
        }
    }
}
