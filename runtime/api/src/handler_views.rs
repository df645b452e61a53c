//! What the routes about handlers, bindings and parked events answer with.

use std::collections::BTreeMap;

use serde::Serialize;
use signalbox_engine::{
    Candidate, Comparison, Difference, HandlerInfo, LogLine, Parked, ParkedPage, UsageRow, Used, VersionInfo, Whose,
};
use signalbox_model::handler::{Alias, Binding, Change, EventKind, Scope, Version};
use utoipa::ToSchema;

/// A version of a handler.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HandlerVersion)]
pub(crate) struct VersionView {
    /// What it is called for short: the first 12 digits of its digest.
    version: String,
    /// SHA-256 of the component, hexadecimal.
    digest: String,
    /// `live`, `canary`, `shadow`, as far as it is any of them.
    aliases: Vec<&'static str>,
    /// What its manifest says that it does.
    description: String,
    /// The component's size in bytes.
    size: u64,
    /// The handler interfaces that were found in it; the host calls these.
    exports: Vec<String>,
    /// The interfaces that it wants of the host.
    imports: Vec<String>,
    /// What it asks for in its manifest and doesn't get, and what to do about it. Right after an upload also what it did
    /// wrong with a sample of each event that it handles.
    warnings: Vec<String>,
    /// How long it took to compile.
    compile_ms: u64,
    /// When it was uploaded.
    uploaded_at: String,
    /// Events that it was shown within the last minutes, since the start of the host.
    recent_events: usize,
    /// How many of these failed at their first attempt.
    recent_failures: usize,
    /// Until when it isn't called, because it failed too often in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    rests_until: Option<String>,
}

impl From<VersionInfo> for VersionView {
    fn from(info: VersionInfo) -> Self {
        let VersionInfo { meta, description, aliases, warnings, seen, rests_until } = info;
        Self {
            version: Version::label(&meta.digest).to_owned(),
            digest: meta.digest,
            aliases: aliases.into_iter().map(Alias::as_str).collect(),
            description,
            size: meta.size,
            exports: meta.exports,
            imports: meta.imports,
            warnings,
            compile_ms: meta.compile_ms,
            uploaded_at: meta.uploaded_at.to_rfc3339(),
            recent_events: seen.0,
            recent_failures: seen.1,
            rests_until: rests_until.map(|until| until.to_rfc3339()),
        }
    }
}

/// A version that was uploaded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadedVersion)]
pub(crate) struct UploadedView {
    /// The handler's name.
    name: String,
    /// The version.
    #[serde(flatten)]
    version: VersionView,
}

impl UploadedView {
    pub(crate) fn new(info: VersionInfo) -> Self {
        Self { name: info.meta.handler.clone(), version: info.into() }
    }
}

/// A version that answers a share of the conversations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Canary)]
pub(crate) struct CanaryView {
    /// The version.
    version: String,
    /// How many of a hundred conversations it answers.
    percent: u8,
    /// Since when.
    since: String,
}

/// A handler: the version that answers, and what stands beside it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Handler)]
pub(crate) struct HandlerView {
    /// Its name.
    name: String,
    /// The version that answers.
    #[serde(flatten)]
    live: Option<VersionView>,
    /// Since when it does.
    live_since: String,
    /// The version that answered before.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    /// A version that answers a share of the conversations.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<CanaryView>,
    /// A version that is shown what the live one is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    shadow: Option<String>,
}

fn label(digest: &str) -> String {
    Version::label(digest).to_owned()
}

impl From<&HandlerInfo> for HandlerView {
    fn from(info: &HandlerInfo) -> Self {
        let meta = &info.meta;
        Self {
            name: meta.name.clone(),
            live: info.live().cloned().map(Into::into),
            live_since: meta.live_since.to_rfc3339(),
            previous: meta.previous.as_deref().map(label),
            canary: meta.canary.as_ref().map(|canary| CanaryView {
                version: label(&canary.digest),
                percent: canary.percent,
                since: canary.since.to_rfc3339(),
            }),
            shadow: meta.shadow.as_deref().map(label),
        }
    }
}

/// A tenant's handlers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Handlers)]
pub(crate) struct HandlersView {
    /// By name.
    pub(crate) handlers: Vec<HandlerView>,
}

/// Something that happened to a handler.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HandlerChange)]
pub(crate) struct ChangeView {
    /// When.
    at: String,
    /// `uploaded`, `live`, `canary`, `canary_ended`, `shadow`, `shadow_ended` or `rolled_back`.
    what: &'static str,
    /// The version that it happened to; for `rolled_back`, the one that failed.
    version: String,
    /// Why, where somebody may wonder.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl From<Change> for ChangeView {
    fn from(change: Change) -> Self {
        let Change { at, what, digest, why } = change;
        Self { at: at.to_rfc3339(), what: what.as_str(), version: label(&digest), why }
    }
}

/// A handler with its versions and its history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HandlerDetail)]
pub(crate) struct HandlerDetailView {
    /// The handler.
    #[serde(flatten)]
    handler: HandlerView,
    /// Its versions, the newest first.
    versions: Vec<VersionView>,
    /// Its own settings.
    settings: BTreeMap<String, String>,
    /// The names of its own secrets.
    secrets: Vec<String>,
    /// What happened to it, oldest first.
    changes: Vec<ChangeView>,
}

impl From<HandlerInfo> for HandlerDetailView {
    fn from(info: HandlerInfo) -> Self {
        let handler = HandlerView::from(&info);
        let HandlerInfo { meta, versions, secrets } = info;
        Self {
            handler,
            versions: versions.into_iter().map(Into::into).collect(),
            settings: meta.settings,
            secrets,
            changes: meta.changes.into_iter().map(Into::into).collect(),
        }
    }
}

/// How a handler's shadow compares, since it watches or since the start of the host.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShadowComparison)]
pub(crate) struct ComparisonView {
    /// Events that both were shown.
    compared: u64,
    /// Of these, those on which both would have done the same.
    same: u64,
    /// And those on which they wouldn't.
    different: u64,
    /// Events that the shadow wasn't shown because others were being shown.
    left_out: u64,
    /// The last hundred differences, newest first.
    differences: Vec<DifferenceView>,
}

/// An event on which the two don't do the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShadowDifference)]
pub(crate) struct DifferenceView {
    /// The event.
    event: String,
    /// `message`, `draft`, `receipt` or `timer`.
    kind: &'static str,
    /// When the shadow was done.
    at: String,
    /// The version that answered.
    live_version: String,
    /// What it alone did.
    live: Vec<String>,
    /// The version that watched.
    shadow_version: String,
    /// What it alone would have done.
    shadow: Vec<String>,
}

impl From<Comparison> for ComparisonView {
    fn from(comparison: Comparison) -> Self {
        let Comparison { compared, same, different, left_out, differences } = comparison;
        let differences = differences.into_iter().map(Into::into).collect();
        Self { compared, same, different, left_out, differences }
    }
}

impl From<Difference> for DifferenceView {
    fn from(difference: Difference) -> Self {
        let Difference { event, kind, at, live_version, live, shadow_version, shadow } = difference;
        let (event, kind, at) = (event.to_string(), kind.as_str(), at.to_rfc3339());
        Self { event, kind, at, live_version, live, shadow_version, shadow }
    }
}

/// What a handler said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HandlerLogs)]
pub(crate) struct LogsView {
    /// Oldest first.
    pub(crate) lines: Vec<LineView>,
}

/// A line that a handler wrote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogLine)]
pub(crate) struct LineView {
    /// Its number; give the last one as `after` to read on.
    pub(crate) n: u64,
    /// When the run ended.
    at: String,
    /// The event that was handled; none of an upload that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// `message`, `draft`, `receipt` or `timer`; `upload` of one that was refused.
    kind: &'static str,
    /// The attempt at the event, from 1; 0 of an upload.
    attempt: u8,
    /// The version that wrote it, or was refused.
    version: String,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    level: &'static str,
    /// What it says. Telephone numbers have their last digits starred out; control characters are left out.
    text: String,
}

impl From<LogLine> for LineView {
    fn from(line: LogLine) -> Self {
        let LogLine { n, at, event, kind, attempt, version, level, text } = line;
        let (at, event) = (at.to_rfc3339(), event.map(|event| event.to_string()));
        let kind = kind.map_or("upload", |kind| kind.as_str());
        Self { n, at, event, kind, attempt, version, level, text }
    }
}

/// Which handler gets which events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Binding)]
pub(crate) struct BindingView {
    /// Its name; the number for one of a number alone.
    name: String,
    /// `number`, `numbers`, `prefix`, `campaign` or `tenant`: which events it is about.
    scope: &'static str,
    /// The number, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    /// The numbers, if it is about several.
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<Vec<String>>,
    /// How the numbers begin that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    /// The campaign that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<String>,
    /// Of which kinds: `message`, `draft`, `receipt`, `timer`; all that the handler exports if there are none.
    kinds: Vec<&'static str>,
    /// The handler's name.
    handler: String,
    /// `closed`, `open` or `hold`: what becomes of drafts whose handler fails.
    on_failure: &'static str,
    /// When it was made or last changed.
    made_at: String,
}

impl From<Binding> for BindingView {
    fn from(binding: Binding) -> Self {
        let Binding { name, scope, kinds, handler, on_failure, made_at, .. } = binding;
        let mut view = Self {
            name,
            scope: scope.kind(),
            number: None,
            numbers: None,
            prefix: None,
            campaign: None,
            kinds: kinds.into_iter().map(EventKind::as_str).collect(),
            handler,
            on_failure: on_failure.as_str(),
            made_at: made_at.to_rfc3339(),
        };
        match scope {
            Scope::Number(number) => view.number = Some(number.to_string()),
            Scope::Numbers(numbers) => view.numbers = Some(numbers.iter().map(ToString::to_string).collect()),
            Scope::Prefix(prefix) => view.prefix = Some(prefix),
            Scope::Campaign(campaign) => view.campaign = Some(campaign),
            Scope::Tenant => {}
        }
        view
    }
}

/// A tenant's bindings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bindings)]
pub(crate) struct BindingsView {
    /// By name.
    pub(crate) bindings: Vec<BindingView>,
}

/// Who gets an event, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WhoseEvent)]
pub(crate) struct WhoseView {
    /// The event's kind.
    kind: &'static str,
    /// The handler; none if nobody gets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    handler: Option<String>,
    /// `live` or `canary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<&'static str>,
    /// The version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// What becomes of a draft if the handler fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_failure: Option<&'static str>,
    /// The version that watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    shadow: Option<String>,
    /// Every binding that was looked at, in that order, and what was found.
    candidates: Vec<CandidateView>,
}

/// A binding that was looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BindingCandidate)]
pub(crate) struct CandidateView {
    /// The binding.
    #[serde(flatten)]
    binding: BindingView,
    /// Does it get the event?
    wins: bool,
    /// Why, or why not.
    why: String,
}

impl WhoseView {
    pub(crate) fn new(kind: EventKind, whose: Whose) -> Self {
        let Whose { handler, on_failure, shadow, candidates } = whose;
        let on_failure = (handler.is_some() && kind == EventKind::Draft).then_some(on_failure.as_str());
        let (handler, alias, version) = match handler {
            Some((handler, alias, digest)) => (Some(handler), Some(alias.as_str()), Some(label(&digest))),
            None => (None, None, None),
        };
        let shadow = shadow.as_deref().map(label);
        let view = |Candidate { binding, wins, why }| CandidateView { binding: binding.into(), wins, why };
        let candidates = candidates.into_iter().map(view).collect();
        Self { kind: kind.as_str(), handler, alias, version, on_failure, shadow, candidates }
    }
}

/// An event that was given up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ParkedEvent)]
pub(crate) struct ParkedView {
    /// The event.
    event: String,
    /// `message`, `draft`, `receipt` or `timer`.
    kind: &'static str,
    /// The handler that failed.
    handler: String,
    /// The version that failed.
    version: String,
    /// Why, at the last attempt.
    error: String,
    /// How often it was tried.
    attempts: u8,
    /// When it was given up.
    parked_at: String,
    /// The message that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The timer that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    timer: Option<String>,
}

impl From<Parked> for ParkedView {
    fn from(parked: Parked) -> Self {
        Self {
            event: parked.id().to_string(),
            kind: parked.kind().as_str(),
            version: label(&parked.digest),
            attempts: parked.attempts(),
            parked_at: parked.at.to_rfc3339(),
            message: parked.message().map(|id| id.to_string()),
            timer: parked.timer().map(str::to_owned),
            handler: parked.handler,
            error: parked.error,
        }
    }
}

/// Events that were given up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ParkedEvents)]
pub(crate) struct ParkedPageView {
    /// Those that happened last first.
    events: Vec<ParkedView>,
    /// Give this as `cursor` for the next page; not there on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl From<ParkedPage> for ParkedPageView {
    fn from(page: ParkedPage) -> Self {
        let ParkedPage { events, next } = page;
        let next_cursor = next.map(|cursor| cursor.to_string());
        Self { events: events.into_iter().map(Into::into).collect(), next_cursor }
    }
}

/// How many events are tried again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetriedEvents)]
pub(crate) struct RetriedView {
    /// So many.
    pub(crate) retried: usize,
    /// There are more that fit; ask again.
    pub(crate) more: bool,
}

/// What a tenant used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub(crate) struct UsageView {
    /// By day and handler.
    pub(crate) usage: Vec<UsageRowView>,
}

/// What was used on a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageOfDay)]
pub(crate) struct UsageRowView {
    /// The day, in UTC.
    day: String,
    /// By this handler; not there for what the tenant's own requests used.
    #[serde(skip_serializing_if = "Option::is_none")]
    handler: Option<String>,
    /// Runs of the handler: every attempt, and those as shadow.
    invocations: u64,
    /// Runs that failed.
    failures: u64,
    /// Computing time, in microseconds.
    cpu_us: u64,
    /// The most memory that one run held.
    peak_memory_bytes: u64,
    /// Calls of the host.
    host_calls: u64,
    /// Messages that were accepted from it.
    messages: u64,
    /// Segments of these.
    segments: u64,
}

impl From<UsageRow> for UsageRowView {
    fn from(row: UsageRow) -> Self {
        let UsageRow { day, handler, used } = row;
        let Used { invocations, failures, cpu_us, peak_memory_bytes, host_calls, messages, segments } = used;
        let handler = Some(handler).filter(|handler| !handler.is_empty());
        Self { day, handler, invocations, failures, cpu_us, peak_memory_bytes, host_calls, messages, segments }
    }
}
