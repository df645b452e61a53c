//! Consents as they are taken and shown.

use serde::{Deserialize, Serialize};
use signalbox_engine::registry::{By, Change, Entry, Grant, Import, Level, Line, Program, Revocation, import};
use signalbox_engine::{ConsentSaid, FieldError};
use signalbox_model::Timestamp;
use utoipa::ToSchema;

use crate::shape::{Field, Kind, Need, Object, Shape};

/// A person's consent, or that it was taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewConsent)]
pub(crate) struct NewConsent {
    /// To which of your senders; this or `campaign`.
    #[serde(default)]
    #[schema(example = "+14155550100")]
    pub(crate) sender: Option<String>,
    /// To which of your campaigns.
    #[serde(default)]
    pub(crate) campaign: Option<String>,
    /// `express`, `express_written`, or `revoked`.
    #[schema(example = "express_written")]
    consent: String,
    /// When the person said so (RFC 3339); now if it isn't given.
    #[serde(default)]
    at: Option<String>,
    /// How it was obtained.
    #[serde(default)]
    #[schema(example = "web form")]
    method: Option<String>,
    /// Where the proof is: a document's number, a URL.
    #[serde(default)]
    proof: Option<String>,
    /// How far a revocation reaches: `program` (the sender or campaign), `category` or `all`.
    #[serde(default)]
    reach: Option<String>,
    /// The category of a revocation that reaches so far.
    #[serde(default)]
    category: Option<String>,
}

const fn field(name: &'static str, kind: Kind, need: Need) -> Field {
    Field { name, kind, need }
}

impl Shape for NewConsent {
    const SHAPE: Object = Object {
        fields: &[
            field("sender", Kind::Text, Need::Nullable),
            field("campaign", Kind::Text, Need::Nullable),
            field("consent", Kind::OneOf(&["express", "express_written", "revoked"]), Need::Required),
            field("at", Kind::Text, Need::Nullable),
            field("method", Kind::Text, Need::Nullable),
            field("proof", Kind::Text, Need::Nullable),
            field("reach", Kind::OneOf(&["program", "category", "all"]), Need::Nullable),
            field("category", Kind::OneOf(&["transactional", "marketing", "otp", "conversational"]), Need::Nullable),
        ],
    };
}

/// Bytes of a method, and of a proof: a line on a ledger, not a document.
const MAX_WORDS_BYTES: usize = 256;

impl NewConsent {
    /// What it says and when, or all that is wrong with it.
    pub(crate) fn read(self, now: Timestamp) -> Result<(ConsentSaid, Option<Timestamp>), Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, code, detail: String| {
            errors.push(FieldError { field: field.to_owned(), code, detail });
        };
        let at = self.at.as_deref().map(Timestamp::parse_rfc3339);
        match at {
            Some(None) => wrong("at", "at.malformed", "`at` is not RFC 3339, such as 2026-12-24T09:00:00Z".to_owned()),
            Some(Some(at)) if at > now => wrong("at", "at.future", "`at` is in the future".to_owned()),
            _ => {}
        }
        for (name, text) in [("method", &self.method), ("proof", &self.proof)] {
            if text.as_ref().is_some_and(|text| text.len() > MAX_WORDS_BYTES) {
                wrong(name, "text.too_long", format!("`{name}` has at most {MAX_WORDS_BYTES} bytes"));
            }
        }
        let reach = import::reach_of(self.reach.as_deref(), self.category.as_deref());
        let said = match (Level::parse(&self.consent), reach) {
            (Some(_), _) if self.reach.is_some() || self.category.is_some() => {
                wrong("reach", "reach.unfit", "`reach` and `category` are for revocations".to_owned());
                None
            }
            (Some(level), _) => match self.method.filter(|method| !method.trim().is_empty()) {
                Some(method) => Some(ConsentSaid::Granted { level, method, proof: self.proof }),
                None => {
                    wrong("method", "method.missing", "`method` says how the consent was obtained".to_owned());
                    None
                }
            },
            (None, Ok(reach)) if self.consent == "revoked" => Some(ConsentSaid::Revoked { reach }),
            (None, Ok(_)) => {
                let detail = "`consent` is express, express_written or revoked".to_owned();
                wrong("consent", "consent.unknown", detail);
                None
            }
            (None, Err((field, reason))) => {
                wrong(field, "reach.unfit", format!("`{field}` {reason}"));
                None
            }
        };
        match said {
            Some(said) if errors.is_empty() => Ok((said, at.flatten())),
            _ => Err(errors),
        }
    }
}

/// What a person allows a sender or campaign.
#[derive(Serialize, ToSchema)]
#[schema(as = Consent)]
pub(crate) struct ConsentView {
    /// The person.
    number: String,
    /// The sender, if it is about one.
    sender: Option<String>,
    /// The campaign, if it is about one.
    campaign: Option<String>,
    /// `none`, `express` or `express_written`; `none` as well where it was taken back for everything.
    consent: &'static str,
    /// The last consent that was given, whether it was taken back or not.
    granted: Option<GrantView>,
    /// The revocations that stand, newest last.
    revoked: Vec<RevocationView>,
}

/// A consent that was given.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentGrant)]
pub(crate) struct GrantView {
    /// `express` or `express_written`.
    consent: &'static str,
    /// When the person gave it.
    at: String,
    /// How it was obtained.
    method: String,
    /// Where the proof is.
    proof: Option<String>,
    /// By whose word it is on record.
    by: ByView,
}

/// A consent that was taken back.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentRevocation)]
pub(crate) struct RevocationView {
    /// When.
    at: String,
    /// `program`, `campaign`, `category` or `all`.
    reach: &'static str,
    /// Which category, where it reaches one.
    category: Option<&'static str>,
    /// By whose word.
    by: ByView,
}

/// By whose word something is on record.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentBy)]
pub(crate) struct ByView {
    /// `keyword` (the person's own message), `api`, `import` or `carrier`.
    kind: &'static str,
    /// The keyword, the import's name, or the carrier's.
    what: Option<String>,
    /// The message that said it.
    message_id: Option<String>,
    /// The API key that was used.
    key_id: Option<String>,
}

/// What a person allows.
#[derive(Serialize, ToSchema)]
#[schema(as = Consents)]
pub(crate) struct ConsentsView {
    /// For each sender and campaign of which something is on record.
    pub(crate) consents: Vec<ConsentView>,
}

/// A page of everybody's consents.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentPage)]
pub(crate) struct ConsentPageView {
    /// The consents.
    pub(crate) consents: Vec<ConsentView>,
    /// Where the next page begins; null at the end.
    pub(crate) next_cursor: Option<String>,
}

/// A line of the ledger.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentLine)]
pub(crate) struct ConsentLineView {
    /// When it was put on record.
    recorded_at: String,
    /// A consent that was given.
    granted: Option<GrantView>,
    /// A consent that was taken back.
    revoked: Option<RevocationView>,
}

/// A ledger.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentLines)]
pub(crate) struct ConsentLinesView {
    /// The last said first.
    pub(crate) history: Vec<ConsentLineView>,
}

/// An import of consents.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentImport)]
pub(crate) struct ConsentImportView {
    /// Its name.
    name: String,
    /// Changes in it.
    changes: u64,
    /// Of them revocations.
    revocations: u64,
    /// Changes written so far. None of them is seen before all are.
    pub(crate) written: u64,
    /// When it was begun.
    begun_at: String,
    /// When all of it was seen; null while it is written.
    completed_at: Option<String>,
}

impl ConsentView {
    pub(crate) fn new(entry: &Entry) -> Self {
        let standing = &entry.standing;
        let (sender, campaign) = match &entry.party.program {
            Program::Sender(sender) => (Some(sender.to_string()), None),
            Program::Campaign(campaign) => (None, Some(campaign.clone())),
        };
        let all_revoked = standing.standing_revocations().any(|revocation| revocation.reach.is_whole());
        let level = standing.granted.as_ref().filter(|_| !all_revoked).map_or(Level::None, |grant| grant.level);
        Self {
            number: entry.party.person.to_string(),
            sender,
            campaign,
            consent: level.as_str(),
            granted: standing.granted.as_ref().map(GrantView::new),
            revoked: standing.standing_revocations().map(RevocationView::new).collect(),
        }
    }
}

impl GrantView {
    fn new(grant: &Grant) -> Self {
        Self {
            consent: grant.level.as_str(),
            at: grant.at.to_rfc3339(),
            method: grant.method.clone(),
            proof: grant.proof.clone(),
            by: ByView::new(&grant.by),
        }
    }
}

impl RevocationView {
    fn new(revocation: &Revocation) -> Self {
        Self {
            at: revocation.at.to_rfc3339(),
            reach: revocation.reach.as_str(),
            category: revocation.reach.category().map(|category| category.as_str()),
            by: ByView::new(&revocation.by),
        }
    }
}

impl ByView {
    fn new(by: &By) -> Self {
        let (kind, what) = match by {
            By::Keyword { word, .. } => ("keyword", Some(word.clone())),
            By::Api { .. } => ("api", None),
            By::Import { name, .. } => ("import", Some(name.clone())),
            By::Carrier { carrier } => ("carrier", Some(carrier.clone())),
        };
        let message_id = match by {
            By::Keyword { message, .. } => Some(message.to_string()),
            _ => None,
        };
        let key_id = match by {
            By::Api { key } | By::Import { key, .. } => Some(key.to_string()),
            _ => None,
        };
        Self { kind, what, message_id, key_id }
    }
}

impl ConsentLineView {
    pub(crate) fn new(line: &Line) -> Self {
        let (granted, revoked) = match &line.change {
            Change::Granted(grant) => (Some(GrantView::new(grant)), None),
            Change::Revoked(revocation) => (None, Some(RevocationView::new(revocation))),
        };
        Self { recorded_at: line.recorded_at.to_rfc3339(), granted, revoked }
    }
}

impl ConsentImportView {
    pub(crate) fn new(import: &Import) -> Self {
        Self {
            name: import.name.clone(),
            changes: import.changes,
            revocations: import.revocations,
            written: if import.completed_at.is_some() { import.changes } else { 0 },
            begun_at: import.begun_at.to_rfc3339(),
            completed_at: import.completed_at.map(Timestamp::to_rfc3339),
        }
    }
}
