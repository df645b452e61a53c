//! A handler that can be called: its versions, compiled, and what they are called with.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use signalbox_guest::manifest::HostPattern;
use signalbox_guest::{self as guest, Manifest};
use signalbox_model::ConversationId;
use signalbox_model::conversation::stable_hash;
use signalbox_model::directory::{RecordingPlan, Tenant};
use signalbox_model::handler::{self, Alias, EventKind, Handler};
use signalbox_store::{Store, Table};
use tokio::sync::OnceCell;

use crate::caps::Caps;
use crate::health::Health;
use crate::outbound::held;
use crate::shadow::Watch;
use crate::usage::Tally;

/// What complaints call a manifest.
pub(crate) const MANIFEST: &str = "handler.toml";

/// The port of a host that is named without one.
const HTTPS: u16 = 443;

/// A handler with its versions.
pub(crate) struct Deployed {
    pub(crate) meta: Handler,
    /// By digest.
    pub(crate) versions: BTreeMap<String, Arc<Version>>,
    /// Its own secrets.
    pub(crate) own_secrets: BTreeMap<String, String>,
    /// What the versions are given, by digest.
    kits: BTreeMap<String, Kit>,
    /// Where the operator lets the tenant's handlers send HTTP requests, if they declare it.
    pub(crate) hosts: Arc<[HostPattern]>,
    /// Which of its runs are kept.
    pub(crate) recording: RecordingPlan,
    /// What the operator lets its runs use.
    pub(crate) caps: Caps,
    /// What it used.
    pub(crate) tally: Arc<Tally>,
    /// How its shadow compares.
    pub(crate) watch: Arc<Watch>,
}

/// What a version is given with each event.
#[derive(Clone, Default)]
pub(crate) struct Kit {
    pub(crate) settings: guest::Names,
    /// With those that are only put into its requests.
    pub(crate) secrets: guest::Names,
    /// Those that it holds itself.
    pub(crate) held: guest::Names,
}

/// A version of a handler.
pub(crate) struct Version {
    pub(crate) meta: handler::Version,
    /// What it is called for short.
    pub(crate) label: String,
    pub(crate) manifest: Option<Manifest>,
    /// `None` inside if this host refuses it.
    code: OnceCell<Option<Arc<guest::Handler>>>,
    /// How it does.
    pub(crate) health: Mutex<Health>,
}

impl Deployed {
    /// Puts a handler together; `before` is what it was until now.
    pub(crate) fn new(
        tenant: &Tenant,
        meta: Handler,
        versions: BTreeMap<String, Arc<Version>>,
        own_secrets: BTreeMap<String, String>,
        before: Option<&Self>,
    ) -> Self {
        let kit = |version: &Arc<Version>| Kit::new(tenant, &meta.settings, &own_secrets, version.manifest.as_ref());
        let kits = versions.iter().map(|(digest, version)| (digest.clone(), kit(version))).collect();
        let same_shadow = before.filter(|before| before.meta.shadow == meta.shadow);
        Self {
            kits,
            hosts: granted(tenant),
            recording: tenant.recording,
            caps: Caps::new(&tenant.caps),
            tally: before.map(|before| before.tally.clone()).unwrap_or_default(),
            watch: same_shadow.map(|before| before.watch.clone()).unwrap_or_default(),
            meta,
            versions,
            own_secrets,
        }
    }

    /// The same handler, of a tenant that is set up otherwise.
    pub(crate) fn under(&self, tenant: &Tenant) -> Self {
        Self::new(tenant, self.meta.clone(), self.versions.clone(), self.own_secrets.clone(), Some(self))
    }

    /// What a version is given.
    pub(crate) fn kit(&self, version: &Version) -> Kit {
        self.kits.get(&version.meta.digest).cloned().unwrap_or_default()
    }

    /// What this version asks for and doesn't get.
    pub(crate) fn warnings(&self, tenant: &Tenant, version: &Version) -> Vec<String> {
        let Some(manifest) = &version.manifest else { return self.unheld() };
        let mut warnings = Vec::new();
        for secret in manifest.secrets.iter().filter(|secret| secret.required) {
            let name = &secret.name;
            if !self.own_secrets.contains_key(name) && !tenant.secrets.contains_key(name) {
                warnings.push(format!(
                    "the secret `{name}` is missing: PUT /v1/handlers/{}/secrets/{name}",
                    self.meta.name
                ));
            }
        }
        for host in manifest.hosts.iter().filter(|host| !self.grants(host)) {
            warnings.push(format!("the operator hasn't granted the host {host} to this tenant: ask for it"));
        }
        if manifest.name != self.meta.name {
            warnings
                .push(format!("its manifest calls it `{}`, and it is deployed as `{}`", manifest.name, self.meta.name));
        }
        let given = laid_over(&tenant.settings, &self.meta.settings, manifest);
        if let Err(bad) = manifest.settings(&given) {
            warnings.extend(bad.iter().map(|bad| format!("{bad}: PUT /v1/handlers/{}/settings", self.meta.name)));
        }
        warnings
    }

    /// What a version without a manifest doesn't get.
    fn unheld(&self) -> Vec<String> {
        if self.own_secrets.is_empty() {
            return Vec::new();
        }
        vec![format!(
            "without a {MANIFEST} it is given no secrets: declare them there, and upload it with PUT /v1/handlers/{}/versions",
            self.meta.name
        )]
    }

    /// Is a declared host granted? One with a star only if it was granted with the star.
    fn grants(&self, declared: &HostPattern) -> bool {
        let text = declared.to_string();
        let is_port = |port: &str| port.bytes().all(|c| c.is_ascii_digit());
        let (host, port) = match text.rsplit_once(':').filter(|(_, port)| is_port(port)) {
            Some((host, port)) => (host, port.parse().unwrap_or(HTTPS)),
            None => (text.as_str(), HTTPS),
        };
        self.hosts
            .iter()
            .any(|granted| granted == declared || (!host.starts_with('*') && granted.matches(host, port, HTTPS)))
    }

    pub(crate) fn live(&self) -> Option<&Arc<Version>> {
        self.versions.get(&self.meta.live)
    }

    pub(crate) fn shadow(&self) -> Option<&Arc<Version>> {
        self.versions.get(self.meta.shadow.as_ref()?)
    }

    /// The version that answers events of this kind in this conversation: the canary its share, and the live one the
    /// rest.
    pub(crate) fn answers(&self, kind: EventKind, conversation: ConversationId) -> Option<(Alias, &Arc<Version>)> {
        if let Some(canary) = &self.meta.canary
            && self.draw(conversation) < canary.percent
            && let Some(version) = self.versions.get(&canary.digest).filter(|version| version.handles(kind))
        {
            return Some((Alias::Canary, version));
        }
        self.live().filter(|version| version.handles(kind)).map(|version| (Alias::Live, version))
    }

    /// From 0 to 99, the same for a conversation and a handler's name always: a conversation stays with the canary for
    /// as long as its share isn't lowered, and one that was given to it stays when the share is raised.
    fn draw(&self, conversation: ConversationId) -> u8 {
        let hash = stable_hash(&[b"canary", conversation.as_bytes(), self.meta.name.as_bytes()]);
        let number = u64::from_be_bytes(hash[..8].try_into().expect("eight of sixteen bytes"));
        u8::try_from(number % 100).expect("it is less than a hundred")
    }

    /// A version by its digest, or by the beginning of it if no other begins so.
    pub(crate) fn find(&self, digest: &str) -> Option<&Arc<Version>> {
        if digest.len() < 6 {
            return None;
        }
        let mut found = self.versions.values().filter(|version| version.meta.digest.starts_with(digest));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// What the version is called by now.
    pub(crate) fn aliases(&self, digest: &str) -> Vec<Alias> {
        let meta = &self.meta;
        let of = |alias: &Alias| match alias {
            Alias::Live => meta.live == digest,
            Alias::Canary => meta.canary.as_ref().is_some_and(|canary| canary.digest == digest),
            Alias::Shadow => meta.shadow.as_deref() == Some(digest),
        };
        Alias::ALL.into_iter().filter(of).collect()
    }
}

impl Kit {
    /// The tenant's, and before them the handler's own. A handler with a manifest is given what it declares there and no
    /// more; one without, all settings and no secrets.
    fn new(
        tenant: &Tenant,
        own_settings: &BTreeMap<String, String>,
        own_secrets: &BTreeMap<String, String>,
        manifest: Option<&Manifest>,
    ) -> Self {
        let all = |wide: &BTreeMap<String, String>, own: &BTreeMap<String, String>| {
            let mut all = wide.clone();
            all.extend(own.clone());
            all
        };
        let mut settings = all(&tenant.settings, own_settings);
        let mut secrets = manifest.map_or_else(BTreeMap::new, |_| all(&tenant.secrets, own_secrets));
        if let Some(manifest) = manifest {
            secrets.retain(|name, _| manifest.secret(name).is_some());
            if !manifest.settings.is_empty() {
                settings = laid_over(&tenant.settings, own_settings, manifest);
                let defaults = manifest.settings.iter();
                let defaults = defaults.filter_map(|(name, known)| Some((name.clone(), known.default.clone()?)));
                for (name, default) in defaults {
                    settings.entry(name).or_insert(default);
                }
            }
        }
        let secrets = Arc::new(secrets);
        Self { settings: Arc::new(settings), held: held(manifest, &secrets), secrets }
    }
}

/// The tenant's settings as far as the handler knows them, and before them its own.
pub(crate) fn laid_over(
    wide: &BTreeMap<String, String>,
    own: &BTreeMap<String, String>,
    manifest: &Manifest,
) -> BTreeMap<String, String> {
    let known = |(name, _): &(&String, &String)| manifest.settings.is_empty() || manifest.settings.contains_key(*name);
    let wide = wide.iter().filter(known).chain(own.iter().filter(known));
    wide.map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl Version {
    pub(crate) fn new(meta: handler::Version, manifest: Option<Manifest>, code: Option<Arc<guest::Handler>>) -> Self {
        let code = code.map_or_else(OnceCell::new, |code| OnceCell::new_with(Some(Some(code))));
        let label = handler::Version::label(&meta.digest).to_owned();
        Self { meta, label, manifest, code, health: Mutex::default() }
    }

    /// As it lay in the store. Its manifest was read when it was uploaded; a host that can't read it any more says so, and
    /// gives the version what one without a manifest is given: no secrets.
    pub(crate) fn stored(meta: handler::Version) -> Self {
        let manifest = meta.manifest.as_deref().and_then(|text| {
            let read = Manifest::parse(MANIFEST, text);
            read.inspect_err(|error| tracing::error!(handler = meta.handler, %error, "a stored manifest is refused"))
                .ok()
        });
        Self::new(meta, manifest, None)
    }

    /// Does it handle events of this kind, as far as is known?
    pub(crate) fn handles(&self, kind: EventKind) -> bool {
        self.meta.handles(kind) && self.code.get().is_none_or(Option::is_some)
    }

    /// Its code; compiled now if nobody needed it since the start. `None` if this host refuses it, which is said once.
    pub(crate) async fn code(&self, store: &dyn Store, host: &guest::Host) -> Option<Arc<guest::Handler>> {
        let code = self.code.get_or_init(|| self.load(store, host)).await;
        code.clone()
    }

    async fn load(&self, store: &dyn Store, host: &guest::Host) -> Option<Arc<guest::Handler>> {
        let meta = &self.meta;
        let key = meta.digest.clone().into_bytes().into();
        let bytes = match store.get(signalbox_model::Partition::DIRECTORY, Table::Component, key).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                tracing::error!(tenant = %meta.tenant, handler = meta.handler, version = self.label, "a handler's component is missing from the store");
                return None;
            }
            Err(error) => {
                tracing::error!(tenant = %meta.tenant, handler = meta.handler, version = self.label, %error, "a handler's component can't be read");
                return None;
            }
        };
        match host.compile(bytes.to_vec()).await {
            Ok(code) => {
                let guest::HandlerInfo { compile_time, from_cache, .. } = code.info();
                tracing::info!(tenant = %meta.tenant, handler = meta.handler, version = self.label, took = ?compile_time, from_cache, "a handler is back");
                Some(code)
            }
            Err(refusal) => {
                tracing::error!(tenant = %meta.tenant, handler = meta.handler, version = self.label, %refusal, "a stored handler is refused");
                None
            }
        }
    }
}

/// What the operator granted. The configuration was checked; what is no host all the same grants nothing.
fn granted(tenant: &Tenant) -> Arc<[HostPattern]> {
    let parse = |host: &String| {
        let parsed = host.parse::<HostPattern>();
        parsed.inspect_err(|error| tracing::error!(tenant = %tenant.id, host, %error, "a granted host is none")).ok()
    };
    tenant.hosts.iter().filter_map(parse).collect()
}
