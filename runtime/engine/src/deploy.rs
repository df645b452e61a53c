//! Deployment: what the API and the command line do with handlers.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use signalbox_guest as guest;
use signalbox_guest::manifest::{BadSetting, Manifest};
use signalbox_model::directory::Tenant;
use signalbox_model::handler::{Alias, Handler, Version as Meta};
use signalbox_model::{TenantId, Timestamp};
use tokio::sync::watch;

use crate::caps::Caps;
use crate::directory::{Deployed, MANIFEST, Move, Version, laid_over};
use crate::error::Error;
use crate::handle::{Handle, is_name};
use crate::logs::LogLine;
use crate::sample;
use crate::shadow::Comparison;

/// Settings of a handler, and bytes of one: all of them are in memory and are handed over with every event.
const MAX_SETTINGS: usize = 64;
const MAX_SETTING_BYTES: usize = 4 << 10;
/// Secrets of a handler, and bytes of one: no shorter than what can be masked, and up to a key with its certificate.
const MAX_SECRETS: usize = 32;
const SECRET_BYTES: std::ops::RangeInclusive<usize> = signalbox_guest::SHORTEST_MASKED..=16 << 10;

/// Why a handler wasn't taken.
#[derive(Debug, thiserror::Error)]
pub enum HandlerRefused {
    /// Its name can't be one.
    #[error("a handler's name is 1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter")]
    Name,
    /// The component can't be used; the text says what to mend.
    #[error(transparent)]
    Component(#[from] guest::Refusal),
    /// The manifest can't be used; the text says what to mend.
    #[error(transparent)]
    Manifest(#[from] guest::manifest::Refused),
    /// The manifest asks for more than the operator allows this tenant.
    #[error("the handler asks for more than the operator allows: {}", told(.0))]
    Limits(Vec<guest::manifest::Beyond>),
    /// A canary's share isn't one.
    #[error("`percent` is from 1 to 100")]
    Percent,
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

fn told(beyond: &[guest::manifest::Beyond]) -> String {
    beyond.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Why a handler wasn't changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeRefused {
    /// The tenant has no such handler.
    #[error("there is no handler of this name")]
    Handler,
    /// The handler has no such version, or several begin like this.
    #[error("the handler has no version `{0}`; give its digest, or at least the first 6 digits of it")]
    Version(String),
    /// A canary's share isn't one.
    #[error("`percent` is from 1 to 100")]
    Percent,
    /// The live version stays until another one takes its place.
    #[error("a handler always has a live version; give the alias to another one instead")]
    Live,
    /// The settings don't fit the manifest.
    #[error("the settings don't fit the handler's manifest")]
    Settings(Vec<BadSetting>),
    /// There are too many settings or secrets, or one is too long.
    #[error("{0}")]
    TooMuch(String),
    /// A secret's name can't be one.
    #[error("a secret's name is 1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter")]
    SecretName,
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

/// A version, and what is known of it here.
#[derive(Debug, Clone)]
pub struct VersionInfo {
    /// What was uploaded.
    pub meta: Meta,
    /// What its manifest says that it does.
    pub description: String,
    /// Where it stands.
    pub aliases: Vec<Alias>,
    /// What it asks for and doesn't get, and what to do about it.
    pub warnings: Vec<String>,
    /// Events that it was shown lately, and how many of them failed; since the start.
    pub seen: (usize, usize),
    /// Until when it isn't called, because it failed too often in a row.
    pub rests_until: Option<Timestamp>,
}

/// A handler, and what is known of it here.
#[derive(Debug, Clone)]
pub struct HandlerInfo {
    /// What is set up.
    pub meta: Handler,
    /// Its versions, the newest first.
    pub versions: Vec<VersionInfo>,
    /// The names of its secrets.
    pub secrets: Vec<String>,
}

impl VersionInfo {
    fn new(tenant: &Tenant, handler: &Deployed, version: &Version) -> Self {
        let health = version.health.lock();
        Self {
            meta: version.meta.clone(),
            description: version.manifest.as_ref().map(|m| m.description.clone()).unwrap_or_default(),
            aliases: handler.aliases(&version.meta.digest),
            warnings: handler.warnings(tenant, version),
            seen: health.seen(),
            rests_until: health.rests_until(),
        }
    }
}

impl HandlerInfo {
    fn new(tenant: &Tenant, handler: &Deployed) -> Self {
        let mut versions: Vec<_> =
            handler.versions.values().map(|version| VersionInfo::new(tenant, handler, version)).collect();
        versions.sort_by_key(|version| std::cmp::Reverse(version.meta.uploaded_at));
        Self { meta: handler.meta.clone(), versions, secrets: handler.own_secrets.keys().cloned().collect() }
    }

    /// The version that answers.
    pub fn live(&self) -> Option<&VersionInfo> {
        self.versions.iter().find(|version| version.meta.digest == self.meta.live)
    }
}

impl Handle {
    /// Compiles and keeps a component, and lets it answer from the next event on.
    pub async fn put_handler(
        &self,
        tenant: &TenantId,
        name: &str,
        component: Vec<u8>,
    ) -> Result<VersionInfo, HandlerRefused> {
        self.upload(tenant, name, None, component.into(), Some((Alias::Live, None))).await
    }

    /// Keeps a component that the host compiled before, and lets it answer from the next event on: where many paths share
    /// a host, it is compiled once. For stores in memory: another start wouldn't know the manifest.
    pub async fn put_compiled(
        &self,
        tenant: &TenantId,
        name: &str,
        manifest: Option<Manifest>,
        component: impl Into<Bytes>,
        code: Arc<guest::Handler>,
    ) -> Result<VersionInfo, HandlerRefused> {
        let manifest = (None, manifest);
        self.keep(tenant, name, manifest, component.into(), code, Some((Alias::Live, None))).await
    }

    /// Compiles and keeps a version. The first of its name answers; any other only if it is given an alias. Why one is
    /// refused is in the handler's log, too; one that can't handle a sample is taken with a warning.
    pub async fn upload(
        &self,
        tenant: &TenantId,
        name: &str,
        manifest: Option<String>,
        component: Bytes,
        alias: Option<(Alias, Option<u8>)>,
    ) -> Result<VersionInfo, HandlerRefused> {
        if !is_name(name) {
            return Err(HandlerRefused::Name);
        }
        self.0.has_room()?;
        let digest = Sha256::digest(&component)[..6].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let uploaded = self.compile_and_keep(tenant, name, manifest, component, alias).await;
        if let Err(refused) = uploaded.as_ref().map_err(|refused| refused.to_string()) {
            self.0.logs.refused(tenant, name, &digest, &refused, self.0.clock.now());
        }
        uploaded
    }

    async fn compile_and_keep(
        &self,
        tenant: &TenantId,
        name: &str,
        manifest: Option<String>,
        component: Bytes,
        alias: Option<(Alias, Option<u8>)>,
    ) -> Result<VersionInfo, HandlerRefused> {
        let parsed = manifest.as_deref().map(|text| Manifest::parse(MANIFEST, text)).transpose()?;
        let code = self.0.host.compile(Arc::<[u8]>::from(&component[..])).await?;
        let mut version = self.keep(tenant, name, (manifest, parsed), component, code, alias).await?;
        if let Ok(handler) = self.deployed(tenant, name) {
            version.warnings.extend(sample::warnings(&self.0, &handler, &version.meta.digest).await);
        }
        Ok(version)
    }

    async fn keep(
        &self,
        tenant: &TenantId,
        name: &str,
        (text, manifest): (Option<String>, Option<Manifest>),
        component: Bytes,
        code: Arc<guest::Handler>,
        alias: Option<(Alias, Option<u8>)>,
    ) -> Result<VersionInfo, HandlerRefused> {
        if !is_name(name) {
            return Err(HandlerRefused::Name);
        }
        let info = code.info();
        let now = self.0.clock.now();
        let meta = Meta {
            tenant: tenant.clone(),
            handler: name.to_owned(),
            digest: info.digest.clone(),
            manifest: text,
            size: info.size_bytes as u64,
            exports: info.exports.iter().map(|e| format!("{}@{}", e.kind.interface(), e.version)).collect(),
            imports: info.imports.clone(),
            compile_ms: u64::try_from(info.compile_time.as_millis()).unwrap_or(u64::MAX),
            uploaded_at: now,
        };
        let account = self.0.directory.account(tenant);
        if let (Some(manifest), Some(account)) = (&manifest, &account) {
            let beyond = Caps::new(&account.tenant.caps).beyond(manifest, |kind| meta.handles(kind));
            if !beyond.is_empty() {
                return Err(HandlerRefused::Limits(beyond));
            }
        }
        let digest = meta.digest.clone();
        let to = alias.map(|(alias, percent)| to(alias, digest.clone(), percent)).transpose();
        let to = to.map_err(|_: BadPercent| HandlerRefused::Percent)?;
        let version = Version::new(meta, manifest, Some(code));
        let handler = self.0.directory.put_version(version, component, to, now).await?;
        let account = self.0.directory.account(tenant);
        let version = handler.versions.get(&digest).expect("it was put there, and the newest is never forgotten");
        let tenant = account.expect("the handler was put into its account").tenant.clone();
        Ok(VersionInfo::new(&tenant, &handler, version))
    }

    /// Sets a tenant's handlers up otherwise while the house runs: other hosts, settings, secrets and caps. For developers;
    /// what an operator configures is read at the start.
    pub async fn set_up(&self, tenant: Tenant) {
        self.0.directory.set_up(tenant).await;
    }

    /// Gives an alias to a version.
    pub async fn put_alias(
        &self,
        tenant: &TenantId,
        name: &str,
        alias: Alias,
        version: &str,
        percent: Option<u8>,
    ) -> Result<HandlerInfo, ChangeRefused> {
        let handler = self.deployed(tenant, name)?;
        let found = handler.find(version).ok_or_else(|| ChangeRefused::Version(version.to_owned()))?;
        // Compiled now rather than while an event waits for it.
        if found.code(&*self.0.store, &self.0.host).await.is_none() {
            return Err(ChangeRefused::Version(version.to_owned()));
        }
        let to = to(alias, found.meta.digest.clone(), percent).map_err(|_: BadPercent| ChangeRefused::Percent)?;
        self.changed(tenant, self.0.directory.move_alias(tenant, name, to, self.0.clock.now()).await?)
    }

    /// Takes an alias away; the live one stays.
    pub async fn delete_alias(
        &self,
        tenant: &TenantId,
        name: &str,
        alias: Alias,
    ) -> Result<HandlerInfo, ChangeRefused> {
        self.deployed(tenant, name)?;
        if alias == Alias::Live {
            return Err(ChangeRefused::Live);
        }
        let now = self.0.clock.now();
        self.changed(tenant, self.0.directory.move_alias(tenant, name, Move::Drop(alias), now).await?)
    }

    /// Replaces a handler's own settings, if they fit what its manifest knows.
    pub async fn put_settings(
        &self,
        tenant: &TenantId,
        name: &str,
        settings: BTreeMap<String, String>,
    ) -> Result<HandlerInfo, ChangeRefused> {
        let handler = self.deployed(tenant, name)?;
        if settings.len() > MAX_SETTINGS
            || settings.iter().any(|(name, text)| name.len() > 64 || text.len() > MAX_SETTING_BYTES)
        {
            let most = format!("at most {MAX_SETTINGS} settings are taken, each of at most {MAX_SETTING_BYTES} bytes");
            return Err(ChangeRefused::TooMuch(most));
        }
        let wide = self.tenant(tenant)?;
        let bad = misfits(&wide, &handler, &settings);
        if !bad.is_empty() {
            return Err(ChangeRefused::Settings(bad));
        }
        self.changed(tenant, self.0.directory.put_settings(tenant, name, settings).await?)
    }

    /// Sets a handler's secret, or forgets it. Nobody can read it again but the handler.
    pub async fn put_secret(
        &self,
        tenant: &TenantId,
        name: &str,
        secret: &str,
        value: Option<String>,
    ) -> Result<HandlerInfo, ChangeRefused> {
        let handler = self.deployed(tenant, name)?;
        if !is_name(secret) {
            return Err(ChangeRefused::SecretName);
        }
        let is_new = value.is_some() && !handler.own_secrets.contains_key(secret);
        if (is_new && handler.own_secrets.len() >= MAX_SECRETS)
            || value.as_ref().is_some_and(|value| !SECRET_BYTES.contains(&value.len()))
        {
            let (least, most) = (SECRET_BYTES.start(), SECRET_BYTES.end());
            let most = format!("at most {MAX_SECRETS} secrets are taken, each of {least} to {most} bytes");
            return Err(ChangeRefused::TooMuch(most));
        }
        self.changed(tenant, self.0.directory.put_secret(tenant, name, secret, value).await?)
    }

    /// A tenant's handlers, by name.
    pub fn handlers(&self, tenant: &TenantId) -> Vec<HandlerInfo> {
        let Some(account) = self.0.directory.account(tenant) else { return Vec::new() };
        account.handlers.values().map(|handler| HandlerInfo::new(&account.tenant, handler)).collect()
    }

    /// A handler.
    pub fn handler(&self, tenant: &TenantId, name: &str) -> Option<HandlerInfo> {
        let account = self.0.directory.account(tenant)?;
        account.handlers.get(name).map(|handler| HandlerInfo::new(&account.tenant, handler))
    }

    /// How a handler's shadow compares.
    pub fn shadow(&self, tenant: &TenantId, name: &str) -> Option<Comparison> {
        Some(self.deployed(tenant, name).ok()?.watch.comparison())
    }

    /// What a handler said lately, behind line `after`.
    pub fn handler_logs(&self, tenant: &TenantId, name: &str, after: Option<u64>) -> Option<Vec<LogLine>> {
        self.has_log(tenant, name).then(|| self.0.logs.read(tenant, name, after))
    }

    /// Changes when a handler says more.
    pub fn follow_logs(&self, tenant: &TenantId, name: &str) -> Option<watch::Receiver<u64>> {
        self.has_log(tenant, name).then(|| self.0.logs.follow(tenant, name))
    }

    /// A name all of whose uploads were refused is no handler and has a log all the same.
    fn has_log(&self, tenant: &TenantId, name: &str) -> bool {
        self.deployed(tenant, name).is_ok() || self.0.logs.has(tenant, name)
    }

    fn deployed(&self, tenant: &TenantId, name: &str) -> Result<Arc<Deployed>, ChangeRefused> {
        let account = self.0.directory.account(tenant).ok_or(ChangeRefused::Handler)?;
        account.handlers.get(name).cloned().ok_or(ChangeRefused::Handler)
    }

    fn tenant(&self, tenant: &TenantId) -> Result<Arc<Tenant>, ChangeRefused> {
        Ok(self.0.directory.account(tenant).ok_or(ChangeRefused::Handler)?.tenant.clone())
    }

    fn changed(&self, tenant: &TenantId, handler: Option<Arc<Deployed>>) -> Result<HandlerInfo, ChangeRefused> {
        let handler = handler.ok_or(ChangeRefused::Handler)?;
        Ok(HandlerInfo::new(&*self.tenant(tenant)?, &handler))
    }
}

struct BadPercent;

/// Where an alias goes. A canary that nobody gave a share begins with ten of a hundred.
fn to(alias: Alias, digest: String, percent: Option<u8>) -> Result<Move, BadPercent> {
    match alias {
        Alias::Live => Ok(Move::Live(digest)),
        Alias::Shadow => Ok(Move::Shadow(digest)),
        Alias::Canary => match percent.unwrap_or(10) {
            percent @ 1..=100 => Ok(Move::Canary(digest, percent)),
            _ => Err(BadPercent),
        },
    }
}

/// What doesn't fit of these settings: held against the live version's manifest, and where that doesn't know a setting,
/// against those of the canary and the shadow, which may know more.
fn misfits(tenant: &Tenant, handler: &Deployed, settings: &BTreeMap<String, String>) -> Vec<BadSetting> {
    let meta = &handler.meta;
    let manifest = |digest: &String| handler.versions.get(digest).and_then(|version| version.manifest.as_ref());
    let Some(live) = manifest(&meta.live) else { return Vec::new() };
    let canary = meta.canary.as_ref().map(|canary| &canary.digest);
    let others: Vec<_> = canary.into_iter().chain(&meta.shadow).filter_map(manifest).collect();
    let mut given = laid_over(&tenant.settings, &BTreeMap::new(), live);
    given.extend(settings.clone());
    let mut bad = live.settings(&given).err().unwrap_or_default();
    bad.retain(|one| match one {
        BadSetting::Unknown { name, .. } => !others.iter().any(|other| other.settings.contains_key(name)),
        BadSetting::Type { .. } | BadSetting::Missing { .. } => true,
    });
    bad
}
