//! Suppression lists as the API shows them.

use serde::Serialize;
use signalbox_engine::registry::ListKind;
use signalbox_engine::registry::suppression::{Hit, Progress};
use signalbox_engine::{Handle, ListInfo};
use signalbox_model::Timestamp;
use utoipa::ToSchema;

/// A suppression list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuppressionList)]
pub(crate) struct SuppressionListView {
    /// Its name.
    name: String,
    /// `dnc`, `litigator`, `reassigned` or `own`; null while the first version is imported.
    kind: Option<&'static str>,
    /// Whose messages are held against it: `tenant` or `all`; null while the first version is imported.
    #[serde(rename = "for")]
    reach: Option<&'static str>,
    /// Where it is from.
    source: Option<String>,
    /// When it was fetched there.
    fetched_at: Option<String>,
    /// From when on it is too old, as was said when it was imported.
    expires_at: Option<String>,
    /// From when on it is too old, all told; null if never.
    stale_from: Option<String>,
    /// Whether it is too old now. It still suppresses; and messages that need a fresh list are held.
    stale: Option<bool>,
    /// Of which numbers it tells the whole: `all`, area codes, or `none`; for the kind `dnc`.
    covers: Option<String>,
    /// How many numbers it has.
    numbers: u64,
    /// When this version was imported.
    imported_at: Option<String>,
    /// An import of a new version that is under way.
    importing: Option<ImportingView>,
}

/// An import that is under way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuppressionImport)]
pub(crate) struct ImportingView {
    /// Numbers that are written; none of them counts before all are.
    written: u64,
    /// Of so many.
    of: u64,
}

/// Every list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuppressionLists)]
pub(crate) struct SuppressionListsView {
    /// The lists.
    pub(crate) lists: Vec<SuppressionListView>,
}

/// What lists say of a number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuppressionCheck)]
pub(crate) struct SuppressionCheckView {
    /// The number.
    pub(crate) number: String,
    /// Each list.
    pub(crate) lists: Vec<HitView>,
}

/// What one list says of a number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuppressionHit)]
pub(crate) struct HitView {
    /// The list's name.
    name: String,
    /// Its kind.
    kind: &'static str,
    /// Whether the number is on it; null for a list of answers.
    on: Option<bool>,
    /// Whether the number went to somebody else since the consent: `yes`, `no` or `no_data`.
    answer: Option<&'static str>,
    /// Whether the list is too old.
    stale: bool,
}

impl SuppressionListView {
    pub(crate) fn new(info: &ListInfo) -> Self {
        let ListInfo { meta, stale, stale_from } = info;
        Self {
            name: meta.name.clone(),
            kind: Some(meta.kind.as_str()),
            reach: Some(if meta.for_all { "all" } else { "tenant" }),
            source: Some(meta.source.clone()),
            fetched_at: Some(meta.fetched_at.to_rfc3339()),
            expires_at: meta.expires_at.map(Timestamp::to_rfc3339),
            stale_from: stale_from.map(Timestamp::to_rfc3339),
            stale: Some(*stale),
            covers: (meta.kind == ListKind::Dnc).then(|| meta.covers.to_string()),
            numbers: meta.numbers,
            imported_at: Some(meta.imported_at.to_rfc3339()),
            importing: None,
        }
    }

    /// A list of which the first version is under way.
    pub(crate) fn begun(name: &str, progress: Progress) -> Self {
        let nothing = Self {
            name: name.to_owned(),
            kind: None,
            reach: None,
            source: None,
            fetched_at: None,
            expires_at: None,
            stale_from: None,
            stale: None,
            covers: None,
            numbers: 0,
            imported_at: None,
            importing: None,
        };
        nothing.importing(Some(progress))
    }

    pub(crate) fn importing(self, progress: Option<Progress>) -> Self {
        let importing = progress.map(|progress| ImportingView { written: progress.done, of: progress.of });
        Self { importing, ..self }
    }
}

impl SuppressionCheckView {
    pub(crate) fn hit(handle: &Handle, hit: Hit) -> HitView {
        let Hit { list, on, answer } = hit;
        let info = handle.list_info(list);
        let is_answers = info.meta.kind == ListKind::Reassigned;
        HitView {
            name: info.meta.name,
            kind: info.meta.kind.as_str(),
            on: (!is_answers).then_some(on),
            answer: answer.map(signalbox_engine::registry::suppression::Answer::as_str),
            stale: info.stale,
        }
    }
}
