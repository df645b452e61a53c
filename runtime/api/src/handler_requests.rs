//! The bodies and parameters that the routes about handlers, bindings and parked events take.

use std::collections::BTreeMap;

use serde::Deserialize;
use signalbox_engine::{ParkedCursor, ParkedFilter};
use signalbox_model::handler::{Alias, EventKind, OnFailure, Scope};
use signalbox_model::{Address, AddressKind, Timestamp};
use utoipa::ToSchema;

use crate::code::Code;
use crate::problem::Problem;
use crate::query::{Params, address, time};
use crate::shape::{Field, Kind, Need, Object, Shape};

const fn field(name: &'static str, kind: Kind, need: Need) -> Field {
    Field { name, kind, need }
}

/// The names of [`EventKind`], in its order.
const KINDS: &[&str] = &["message", "draft", "receipt", "timer"];
/// The names of [`OnFailure`], in its order.
const ON_FAILURE: &[&str] = &["closed", "open", "hold"];

/// Which handler gets which events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBinding)]
pub(crate) struct NewBinding {
    /// The handler's name.
    #[schema(example = "echo-support")]
    pub(crate) handler: String,
    /// For these kinds of events: `message`, `draft`, `receipt`, `timer`; for all that the handler exports unless said.
    #[serde(default)]
    kinds: Vec<String>,
    /// What becomes of drafts whose handler fails: `closed` (they are tried again, and then rejected), `open` (they
    /// leave as they are) or `hold` (they wait until it works again, or until they expire). `closed` unless said.
    #[serde(default)]
    on_failure: Option<String>,
    /// For events of this number; when the path names the binding.
    #[serde(default)]
    number: Option<String>,
    /// For events of these numbers.
    #[serde(default)]
    numbers: Option<Vec<String>>,
    /// For events of the tenant's numbers that begin like this.
    #[serde(default)]
    #[schema(example = "+1415")]
    prefix: Option<String>,
    /// For drafts and receipts of messages of this campaign.
    #[serde(default)]
    campaign: Option<String>,
    /// For all of the tenant's events, if it is true.
    #[serde(default)]
    tenant: bool,
}

impl Shape for NewBinding {
    const SHAPE: Object = Object {
        fields: &[
            field("handler", Kind::Text, Need::Required),
            field("kinds", Kind::Texts, Need::Optional),
            field("on_failure", Kind::OneOf(ON_FAILURE), Need::Nullable),
            field("number", Kind::Text, Need::Nullable),
            field("numbers", Kind::Texts, Need::Nullable),
            field("prefix", Kind::Text, Need::Nullable),
            field("campaign", Kind::Text, Need::Nullable),
            field("tenant", Kind::Flag, Need::Optional),
        ],
    };
}

fn wrong(field: &str, code: &'static str, detail: String) -> Problem {
    Problem::field(Code::RequestInvalid, field, code, detail)
}

fn number(field: &str, text: &str) -> Result<Address, Problem> {
    text.parse().map_err(|error: signalbox_model::address::ParseAddressError| {
        wrong(field, "number.malformed", format!("`{field}` {error}"))
    })
}

impl NewBinding {
    /// As the path names it: by a number for one of a number alone, or else by a name, and then the body says what it is
    /// about.
    pub(crate) fn named(
        self,
        name: &str,
        is_own: impl Fn(&Address) -> bool,
    ) -> Result<signalbox_engine::NewBinding, Problem> {
        let one_of = |kind: &String| {
            EventKind::parse(kind).ok_or_else(|| {
                let detail = format!("`kinds` are of {}", KINDS.join(", "));
                wrong("kinds", "kinds.unknown", detail)
            })
        };
        let kinds = self.kinds.iter().map(one_of).collect::<Result<_, _>>()?;
        let on_failure = self.on_failure.as_deref().and_then(OnFailure::parse).unwrap_or_default();
        let mut scopes = Vec::new();
        if let Some(text) = &self.number {
            scopes.push(Scope::Number(number("number", text)?));
        }
        if let Some(texts) = &self.numbers {
            scopes.push(Scope::Numbers(texts.iter().map(|text| number("numbers", text)).collect::<Result<_, _>>()?));
        }
        scopes.extend(self.prefix.map(Scope::Prefix));
        scopes.extend(self.campaign.map(Scope::Campaign));
        scopes.extend(self.tenant.then_some(Scope::Tenant));
        let scope = match (scopes.pop(), scopes.is_empty()) {
            (None, _) => {
                let number = number("number", name)?;
                if !is_own(&number) && number.kind() == AddressKind::Alphanumeric {
                    let detail = "say what the binding is about: `number`, `numbers`, `prefix`, `campaign` or `tenant`";
                    return Err(wrong("tenant", "scope.missing", detail.to_owned()));
                }
                Scope::Number(number)
            }
            (Some(scope), true) => scope,
            (Some(_), false) => {
                let detail = "give one of `number`, `numbers`, `prefix`, `campaign` and `tenant`".to_owned();
                return Err(wrong("tenant", "scope.several", detail));
            }
        };
        // A name that is a number's is the number's.
        let by_path = name.parse().ok().filter(|number| name.starts_with('+') || is_own(number));
        if let Some(by_path) = by_path
            && scope != Scope::Number(by_path)
        {
            let detail =
                "the path names a number; name the binding otherwise, or leave out what it is about".to_owned();
            return Err(wrong("number", "scope.other", detail));
        }
        Ok(signalbox_engine::NewBinding { name: name.to_owned(), scope, kinds, handler: self.handler, on_failure })
    }
}

/// Which version an alias goes to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAlias)]
pub(crate) struct NewAlias {
    /// The version's digest, or the beginning of it; at least 6 digits.
    #[schema(example = "3f2a9c01b7de")]
    pub(crate) version: String,
    /// For `canary`: how many of a hundred conversations it answers; 10 unless said.
    #[serde(default)]
    percent: Option<u64>,
}

impl NewAlias {
    pub(crate) fn percent(&self) -> Option<u8> {
        // What is no share is none of 1 to 100 either.
        self.percent.map(|percent| u8::try_from(percent).unwrap_or(0))
    }
}

impl Shape for NewAlias {
    const SHAPE: Object = Object {
        fields: &[field("version", Kind::Text, Need::Required), field("percent", Kind::Count, Need::Nullable)],
    };
}

/// A handler's own settings, in place of those before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSettings)]
pub(crate) struct NewSettings {
    /// By name. Handlers read all of them as text.
    #[schema(example = json!({"hours": "Monday to Friday, 9 to 17"}))]
    pub(crate) settings: BTreeMap<String, String>,
}

impl Shape for NewSettings {
    const SHAPE: Object = Object { fields: &[field("settings", Kind::NamedTexts, Need::Required)] };
}

/// A handler's secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSecret)]
pub(crate) struct NewSecret {
    /// The secret itself. Nobody can read it again but the handler.
    pub(crate) value: String,
}

impl Shape for NewSecret {
    const SHAPE: Object = Object { fields: &[field("value", Kind::Text, Need::Required)] };
}

/// Which parked events are tried again: those that fit all that is said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RetryParked)]
pub(crate) struct RetryParked {
    /// All of them, if it is true; otherwise something else must be said.
    #[serde(default)]
    all: bool,
    /// Those of this handler.
    #[serde(default)]
    handler: Option<String>,
    /// Those of this kind: `message`, `draft`, `receipt` or `timer`.
    #[serde(default)]
    kind: Option<String>,
    /// Those given up at or after this, RFC 3339.
    #[serde(default)]
    after: Option<String>,
    /// Those given up before this, RFC 3339.
    #[serde(default)]
    before: Option<String>,
    /// Only those that failed with a version that isn't the live one any more.
    #[serde(default)]
    after_deploy: bool,
}

impl Shape for RetryParked {
    const SHAPE: Object = Object {
        fields: &[
            field("all", Kind::Flag, Need::Optional),
            field("handler", Kind::Text, Need::Nullable),
            field("kind", Kind::OneOf(KINDS), Need::Nullable),
            field("after", Kind::Text, Need::Nullable),
            field("before", Kind::Text, Need::Nullable),
            field("after_deploy", Kind::Flag, Need::Optional),
        ],
    };
}

impl RetryParked {
    pub(crate) fn filter(self) -> Result<ParkedFilter, Problem> {
        let at = |field: &str, text: Option<String>| {
            let parse = |text: String| {
                let at = Timestamp::parse_rfc3339(&text);
                at.ok_or_else(|| {
                    wrong(field, "time.malformed", format!("`{field}` is not RFC 3339, such as 2026-12-24T09:00:00Z"))
                })
            };
            text.map(parse).transpose()
        };
        let kind = self.kind.as_deref().and_then(EventKind::parse);
        let (after, before) = (at("after", self.after)?, at("before", self.before)?);
        let filter = ParkedFilter { handler: self.handler, kind, after, before, after_deploy: self.after_deploy };
        let says_something = filter.handler.is_some()
            || filter.kind.is_some()
            || filter.after.is_some()
            || filter.before.is_some()
            || filter.after_deploy;
        if self.all == says_something {
            let detail = "say which events: `all`: true alone, or `handler`, `kind`, `after`, `before`, `after_deploy`";
            return Err(wrong("all", "filter.missing", detail.to_owned()));
        }
        Ok(filter)
    }
}

/// What stands in a form that uploads a version.
#[derive(ToSchema)]
#[schema(as = NewVersion)]
#[allow(dead_code, reason = "stands for the form in the description")]
pub(crate) struct VersionForm {
    /// The manifest, `handler.toml`.
    manifest: Option<String>,
    /// The component.
    #[schema(value_type = String, format = Binary)]
    component: Vec<u8>,
}

/// Which alias an uploaded version is given.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    alias: Option<Alias>,
    percent: Option<u8>,
}

impl Params for Placement {
    const NAMES: &'static [&'static str] = &["alias", "percent"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "alias" => self.alias = Some(Alias::parse(value).ok_or("is live, canary or shadow")?),
            _ => {
                let percent = value.parse().ok().filter(|percent| (1..=100).contains(percent));
                self.percent = Some(percent.ok_or("is from 1 to 100")?);
            }
        }
        Ok(())
    }
}

impl Placement {
    pub(crate) fn alias(self) -> Result<Option<(Alias, Option<u8>)>, Problem> {
        match (self.alias, self.percent) {
            (None, None) => Ok(None),
            (Some(alias), percent) if percent.is_none() || alias == Alias::Canary => Ok(Some((alias, percent))),
            _ => {
                let detail = "`percent` goes with `alias=canary`".to_owned();
                Err(Problem::field(Code::QueryInvalid, "percent", "parameter.malformed", detail))
            }
        }
    }
}

/// From where a log is read on, and whether it goes on.
#[derive(Debug, Default)]
pub(crate) struct Following {
    pub(crate) after: Option<u64>,
    pub(crate) follow: bool,
}

impl Params for Following {
    const NAMES: &'static [&'static str] = &["after", "follow"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "after" => self.after = Some(value.parse().map_err(|_| "is the number of a line".to_owned())?),
            _ => self.follow = value.parse().map_err(|_| "is true or false".to_owned())?,
        }
        Ok(())
    }
}

/// Whose event is asked about.
#[derive(Debug, Default)]
pub(crate) struct WhoseEvent {
    pub(crate) from: Option<Address>,
    pub(crate) to: Option<Address>,
    pub(crate) campaign: Option<String>,
    pub(crate) kind: Option<EventKind>,
}

fn kind(value: &str) -> Result<EventKind, String> {
    EventKind::parse(value).ok_or_else(|| format!("is one of {}", KINDS.join(", ")))
}

impl Params for WhoseEvent {
    const NAMES: &'static [&'static str] = &["from", "to", "campaign", "kind"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "from" => self.from = Some(address(value)?),
            "to" => self.to = Some(address(value)?),
            "campaign" => self.campaign = Some(value.to_owned()),
            _ => self.kind = Some(kind(value)?),
        }
        Ok(())
    }
}

/// Which parked events to list, and from where.
#[derive(Debug, Default)]
pub(crate) struct ParkedListing {
    pub(crate) filter: ParkedFilter,
    pub(crate) cursor: Option<ParkedCursor>,
    pub(crate) limit: Option<usize>,
}

impl Params for ParkedListing {
    const NAMES: &'static [&'static str] = &["handler", "kind", "after", "before", "cursor", "limit"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        let filter = &mut self.filter;
        match name {
            "handler" => filter.handler = Some(value.to_owned()),
            "kind" => filter.kind = Some(kind(value)?),
            "after" => filter.after = Some(time(value)?),
            "before" => filter.before = Some(time(value)?),
            "cursor" => self.cursor = Some(value.parse()?),
            _ => {
                let limit = value.parse().ok().filter(|limit| (1..=signalbox_engine::PARKED_PAGE).contains(limit));
                let most = signalbox_engine::PARKED_PAGE;
                self.limit = Some(limit.ok_or_else(|| format!("is a whole number from 1 to {most}"))?);
            }
        }
        Ok(())
    }
}

/// Which days' usage.
#[derive(Debug, Default)]
pub(crate) struct Days {
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
}

impl Params for Days {
    const NAMES: &'static [&'static str] = &["from", "to"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        let is_day = value.len() == 10 && Timestamp::parse_rfc3339(&format!("{value}T00:00:00Z")).is_some();
        let day = Some(value.to_owned()).filter(|_| is_day);
        let day = day.ok_or("is a day, such as 2026-12-24")?;
        *(if name == "from" { &mut self.from } else { &mut self.to }) = Some(day);
        Ok(())
    }
}
