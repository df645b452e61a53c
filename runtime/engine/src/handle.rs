//! The path's handle: what the API, the command line and tests ask of it. Cheap to clone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::registry::Registry;
use sha2::{Digest, Sha256};
use signalbox_carriers::Health;
use signalbox_model::directory::{ApiKey, Tenant, Webhook};
use signalbox_model::{EventId, InvocationId, KeyId, Message, MessageId, Partition, Status, TenantId, Timestamp};
use signalbox_records as records;
use signalbox_store::Durability;

use crate::accept::{self, Accepted, Caller, Explanation, Request};
use crate::engine::Engine;
use crate::error::{CancelRefused, Error, Refused, ResolveRefused};
use crate::resolve::Resolution;
use crate::{audit, parked, reading, recordings, usage};

/// Attempts to tell of one message that are shown.
const DELIVERIES_SHOWN: usize = 1_000;

/// The path's handle.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Engine>);

/// Why a webhook wasn't made.
#[derive(Debug, thiserror::Error)]
pub enum WebhookRefused {
    /// A field is wrong.
    #[error("the webhook can't be used: {}", .0.detail)]
    Invalid(crate::error::FieldError),
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

/// Whether the host can take traffic, and how it is.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Readiness {
    /// Takes traffic.
    pub ready: bool,
    /// On its way down.
    pub draining: bool,
    /// Every inbox was read to its end since the start.
    pub recovered: bool,
    /// What a commit survives.
    pub durability: &'static str,
    /// Outbound messages not yet with a carrier.
    pub waiting: usize,
    /// Things that wait for a time.
    pub timed: usize,
    /// Connections, by carrier.
    pub carriers: BTreeMap<String, Health>,
    /// Which policies are in force, and how the last change went.
    pub policy: signalbox_policy::watcher::Status,
    /// How what was kept long enough is deleted.
    pub retention: crate::retention::Status,
    /// Room on the store's disk.
    pub room: crate::room::Status,
}

/// What became of the configuration's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledKeys {
    /// Whose keys can't be read.
    pub malformed: Vec<TenantId>,
    /// Whose keys the configuration doesn't have any more, one for each key.
    pub gone: Vec<TenantId>,
}

fn parse_key(tenant: &TenantId, token: &str, made_at: Timestamp) -> Option<ApiKey> {
    let (id, secret) = token.strip_prefix("sb_")?.split_once('_')?;
    let id = format!("{}_{id}", KeyId::PREFIX).parse().ok()?;
    let secret_sha256 = Sha256::digest(secret.as_bytes()).into();
    (secret.len() >= 43).then(|| ApiKey { id, tenant: tenant.clone(), secret_sha256, made_at })
}

impl Handle {
    /// Accepts a message; durable when it returns.
    pub async fn accept(&self, caller: &Caller, request: &Request, key: Option<&str>) -> Result<Accepted, Refused> {
        accept::accept(&self.0, caller, request, key).await
    }

    /// Accepts several; each has its own result, in order.
    pub async fn accept_batch(
        &self,
        caller: &Caller,
        requests: &[Request],
        key: Option<&str>,
    ) -> Result<Vec<Result<Accepted, Refused>>, Refused> {
        accept::accept_batch(&self.0, caller, requests, key).await
    }

    /// What would become of a request; sends and records nothing.
    pub async fn explain(&self, caller: &Caller, request: &Request) -> Result<Explanation, Refused> {
        accept::explain(&self.0, caller, request).await
    }

    /// Is there room in the store for something that is large?
    ///
    /// # Errors
    ///
    /// [`Error::Full`] if not.
    pub fn has_room(&self) -> Result<(), Error> {
        self.0.has_room()
    }

    /// Takes a message back while it is held or queued.
    pub async fn cancel(&self, caller: &Caller, id: MessageId) -> Result<records::Record, CancelRefused> {
        crate::cancel::cancel(&self.0, &caller.tenant, id, "its sender").await?;
        self.message(&caller.tenant, id).await?.ok_or(CancelRefused::NotFound)
    }

    /// Decides what becomes of a message that is in doubt.
    pub async fn resolve(
        &self,
        caller: &Caller,
        id: MessageId,
        resolution: Resolution,
    ) -> Result<records::Record, ResolveRefused> {
        crate::resolve::resolve(&self.0, &caller.tenant, id, resolution).await?;
        self.message(&caller.tenant, id).await?.ok_or(ResolveRefused::NotFound)
    }

    /// A message with its timeline.
    pub async fn message(&self, tenant: &TenantId, id: MessageId) -> Result<Option<records::Record>, Error> {
        if !self.has_partition(id.partition()) {
            return Ok(None);
        }
        self.0.record(tenant, id).await
    }

    fn has_partition(&self, partition: Partition) -> bool {
        partition.index() < self.0.store.partitions()
    }

    /// A tenant's messages, newest first.
    pub async fn messages(
        &self,
        tenant: &TenantId,
        query: &records::Query,
        cursor: Option<records::Cursor>,
        limit: usize,
    ) -> Result<records::Page, records::Error> {
        let mut page = records::list(&*self.0.store, tenant, query, cursor, limit).await?;
        for (message, _) in &mut page.items {
            crate::sealing::unveil(self.0.vault.as_deref(), message).await?;
        }
        Ok(page)
    }

    /// Logs that the caller reads the bodies of these messages, and redacts what the caller isn't shown. For every
    /// message of which a body is about to be shown to somebody.
    pub async fn reads(
        &self,
        caller: &Caller,
        reading: reading::Reading,
        messages: &mut [&mut Message],
    ) -> Result<(), reading::ReadRefused> {
        reading::read(&self.0, caller, reading, messages).await
    }

    /// Logs that the caller reads texts that belong to no one message, named by `how`.
    pub async fn reads_apart(
        &self,
        caller: &Caller,
        how: String,
        reason: Option<String>,
    ) -> Result<(), reading::ReadRefused> {
        reading::read_apart(&self.0, caller, how, reason).await
    }

    /// Frames of a tenant's audit log in a partition.
    pub async fn audit_page(
        &self,
        tenant: &TenantId,
        partition: Partition,
        query: &audit::AuditQuery,
    ) -> Result<audit::AuditPage, Error> {
        audit::page(&self.0, tenant, partition, query).await
    }

    /// A tenant's checkpoints behind number `after`, beginning with the last before `since`.
    pub async fn audit_marks(
        &self,
        tenant: &TenantId,
        after: u64,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<records::audit::Mark>, Error> {
        audit::marks(&self.0, tenant, after, since, limit).await
    }

    /// Signs where a tenant's audit log ends now. `None` when it has none.
    pub async fn sign_audit(&self, tenant: &TenantId) -> Result<Option<records::audit::Mark>, Error> {
        audit::sign(&self.0, tenant).await
    }

    /// The keys of the audit log, if there is one.
    pub fn audit_keys(&self) -> Option<&records::audit::Keys> {
        self.0.audit.keys()
    }

    /// Is this tenant's audit log written?
    pub fn is_audited(&self, tenant: &TenantId) -> bool {
        self.0.directory.account(tenant).is_some_and(|account| self.0.audit.covers(&account.tenant))
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> u16 {
        self.0.store.partitions()
    }

    /// What a message's webhooks were answered.
    pub async fn deliveries(
        &self,
        tenant: &TenantId,
        id: MessageId,
    ) -> Result<Vec<signalbox_webhooks::Delivery>, Error> {
        if !self.has_partition(id.partition()) {
            return Ok(Vec::new());
        }
        signalbox_webhooks::deliveries(&*self.0.store, tenant, id, DELIVERIES_SHOWN).await.map_err(
            |error| match error {
                signalbox_webhooks::Error::Store(error) => Error::Store(error),
                signalbox_webhooks::Error::Unreadable(error) => Error::Unreadable(error),
                other => unreachable!("reading deliveries fails by the store alone: {other}"),
            },
        )
    }

    /// A tenant's events that were given up, those that happened last first.
    pub async fn parked(
        &self,
        tenant: &TenantId,
        filter: &parked::Filter,
        cursor: Option<parked::ParkedCursor>,
        limit: usize,
    ) -> Result<parked::ParkedPage, Error> {
        parked::list(&self.0, tenant, filter, cursor, limit).await
    }

    /// Tries an event again that was given up, with what answers now; `false` if there is none.
    pub async fn retry_parked(&self, tenant: &TenantId, event: EventId) -> Result<bool, Error> {
        parked::retry(&self.0, tenant, event).await
    }

    /// Tries every event again that fits; how many, and whether there are more.
    pub async fn retry_all_parked(&self, tenant: &TenantId, filter: &parked::Filter) -> Result<(usize, bool), Error> {
        parked::retry_all(&self.0, tenant, filter).await
    }

    /// Forgets an event that was given up; `false` if there is none.
    pub async fn discard_parked(&self, tenant: &TenantId, event: EventId) -> Result<bool, Error> {
        parked::discard(&self.0, tenant, event).await
    }

    /// A tenant's recorded runs, newest first.
    pub async fn runs(
        &self,
        tenant: &TenantId,
        filter: &recordings::RunFilter,
        cursor: Option<recordings::RunCursor>,
        limit: usize,
    ) -> Result<recordings::RunPage, Error> {
        recordings::list(&self.0, tenant, filter, cursor, limit).await
    }

    /// A recorded run, fit to be shown.
    pub async fn run(&self, tenant: &TenantId, id: InvocationId) -> Result<Option<recordings::RunDetail>, Error> {
        recordings::show(&self.0, tenant, id).await
    }

    /// A recorded run as it was written, for replay.
    pub async fn recording(&self, tenant: &TenantId, id: InvocationId) -> Result<Option<bytes::Bytes>, Error> {
        recordings::load(&self.0, tenant, id).await
    }

    /// The component of a handler's version; the digest may be the beginning of one.
    pub async fn component(
        &self,
        tenant: &TenantId,
        handler: &str,
        digest: &str,
    ) -> Result<Option<bytes::Bytes>, Error> {
        recordings::component(&self.0, tenant, handler, digest).await
    }

    /// What a tenant used from one day to another (`2026-12-24`), both included; today for what is missing.
    pub async fn usage(
        &self,
        tenant: &TenantId,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<Vec<usage::UsageRow>, Error> {
        let today = usage::today(&self.0);
        let to = to.unwrap_or(&today);
        usage::read(&self.0, tenant, from.unwrap_or(to), to).await
    }

    /// Makes or changes a webhook. Without a secret, it keeps the one it had, or gets a new one.
    pub async fn put_webhook(
        &self,
        tenant: &TenantId,
        name: &str,
        url: &str,
        events: Vec<String>,
        secret: Option<String>,
    ) -> Result<Webhook, WebhookRefused> {
        let invalid = |field: &str, code, detail: String| {
            WebhookRefused::Invalid(crate::error::FieldError { field: field.to_owned(), code, detail })
        };
        if !is_name(name) {
            let detail = "a webhook's name is 1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter".to_owned();
            return Err(invalid("name", "name.malformed", detail));
        }
        signalbox_webhooks::check_url(url, self.0.reach)
            .map_err(|error| invalid("url", "url.refused", error.to_string()))?;
        if let Some(unknown) = events.iter().find(|event| !is_event_pattern(event)) {
            let detail = format!("`{unknown}` is no event; events are message.<status>, or message.* for all of them");
            return Err(invalid("events", "events.unknown", detail));
        }
        if events.is_empty() {
            let detail = "`events` is empty; name those you want, or message.* for all of them".to_owned();
            return Err(invalid("events", "events.empty", detail));
        }
        let account = self.0.directory.account(tenant);
        let kept =
            account.and_then(|a| a.webhooks.iter().find(|hook| hook.name == name).map(|hook| hook.secret.clone()));
        let secret = match secret.or(kept) {
            Some(secret) => {
                signalbox_webhooks::Signer::parse(&secret)
                    .map_err(|error| invalid("secret", "secret.malformed", error.to_string()))?;
                secret
            }
            None => signalbox_webhooks::new_secret(&self.0.chance),
        };
        let made_at = self.0.clock.now();
        let hook =
            Webhook { tenant: tenant.clone(), name: name.to_owned(), url: url.to_owned(), events, secret, made_at };
        self.0.directory.put_webhook(hook.clone()).await?;
        Ok(hook)
    }

    /// A tenant's webhooks.
    pub fn webhooks(&self, tenant: &TenantId) -> Vec<Arc<Webhook>> {
        self.0.directory.account(tenant).map(|account| account.webhooks.clone()).unwrap_or_default()
    }

    /// Who a bearer token speaks for; nobody if it isn't one, in the same time whatever is wrong with it.
    pub fn authenticate(&self, token: &str) -> Option<Caller> {
        let (id, secret) = token.strip_prefix("sb_")?.split_once('_')?;
        let id: KeyId = format!("{}_{id}", KeyId::PREFIX).parse().ok()?;
        let given: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let key = self.0.directory.key(id);
        let kept = key.as_ref().map_or([0; 32], |key| key.secret_sha256);
        let same = bool::from(subtle::ConstantTimeEq::ct_eq(&given[..], &kept[..]));
        let key = key.filter(|_| same)?;
        self.0.directory.account(&key.tenant)?;
        Some(Caller { tenant: key.tenant, key: key.id })
    }

    /// Makes an API key. Its text is given once, here; only a hash of it is kept.
    pub async fn make_key(&self, tenant: &TenantId) -> Result<String, Error> {
        let now = self.0.clock.now();
        let id = KeyId::new(now, Partition::DIRECTORY, &self.0.chance);
        let secret = signalbox_model::id::secret_text(&self.0.chance.bytes32());
        let secret_sha256 = Sha256::digest(secret.as_bytes()).into();
        self.0.directory.put_key(ApiKey { id, tenant: tenant.clone(), secret_sha256, made_at: now }).await?;
        let id = id.to_string();
        Ok(format!("sb_{}_{secret}", id.trim_start_matches("key_")))
    }

    /// Keeps the keys that the operator wrote into the configuration, `sb_<id>_<secret>`, and takes those no more that once
    /// stood there: a key that leaked is taken out, and that must end it.
    pub async fn settle_keys(&self, configured: &[(&TenantId, &str)]) -> Result<SettledKeys, Error> {
        let now = self.0.clock.now();
        let (mut keys, mut malformed) = (Vec::new(), Vec::new());
        for (tenant, token) in configured {
            match parse_key(tenant, token, now) {
                Some(key) => keys.push(key),
                None => malformed.push((*tenant).clone()),
            }
        }
        Ok(SettledKeys { malformed, gone: self.0.directory.settle_keys(keys).await? })
    }

    /// Every tenant.
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.0.directory.tenants()
    }

    /// How the host is.
    pub fn readiness(&self) -> Readiness {
        let engine = &self.0;
        let recovered = engine.recovered.load(Ordering::Relaxed) >= usize::from(engine.store.partitions());
        let draining = engine.is_draining();
        let health = |(name, lane): (&Arc<str>, &crate::egress::Lane)| (name.to_string(), lane.carrier.health());
        Readiness {
            ready: recovered && !draining && !engine.room.is_full(),
            draining,
            recovered,
            durability: Durability::as_str(engine.store.durability()),
            waiting: engine.waiting.len(),
            timed: engine.wheel.len(),
            carriers: engine.lanes.iter().map(health).collect(),
            policy: engine.policy.status(),
            retention: self.retention_status(),
            room: engine.room_status(),
        }
    }

    /// Adds what the path counts to a registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.0.metrics.register(registry);
    }

    /// Brings gauges up to date; called before they are shown.
    pub fn refresh_metrics(&self) {
        let waiting = i64::try_from(self.0.waiting.len()).unwrap_or(i64::MAX);
        self.0.metrics.waiting.set(waiting);
        let room = self.0.room_status();
        self.0.metrics.store_full.set(i64::from(room.is_full));
        let free = room.free_bytes.unwrap_or(0);
        self.0.metrics.store_free_bytes.set(i64::try_from(free).unwrap_or(i64::MAX));
        self.0.metrics.policies_stale.set(i64::from(self.0.policy.status().failure.is_some()));
    }

    /// Whether the policies' folder looks otherwise than when it was read. Reads the folder's list of files.
    pub fn policies_changed(&self) -> bool {
        self.0.policy.is_changed()
    }

    /// The policies in force, to explain what they decided.
    pub fn policies(&self) -> Arc<signalbox_policy::Policies> {
        self.0.policy.load_full()
    }

    /// The secret that signs deliveries to messages' own callback URLs.
    pub fn callback_secret(&self, tenant: &TenantId) -> Option<String> {
        self.0.directory.account(tenant).map(|account| account.callback_secret.to_string())
    }

    /// How each webhook endpoint does that has something waiting or had lately.
    pub fn webhook_stats(&self) -> Vec<signalbox_webhooks::EndpointStats> {
        self.0.webhooks.stats()
    }
}

/// `message.*`, or `message.` and a status.
fn is_event_pattern(event: &str) -> bool {
    event == "message.*" || Status::ALL.into_iter().any(|status| signalbox_webhooks::event_type(status) == event)
}

/// Can it be a name of something that a tenant sets up?
pub(crate) fn is_name(name: &str) -> bool {
    let legal = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    (1..=64).contains(&name.len())
        && name.bytes().all(legal)
        && name.bytes().next().is_some_and(|c| c.is_ascii_lowercase())
}
