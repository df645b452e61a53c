//! The query part of a URL: read strictly, so that a mistyped filter isn't silently none.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use signalbox_engine::FieldError;
use signalbox_engine::registry::suppression::{Covers, Uncovered};
use signalbox_engine::registry::{BadPlace, ListKind, Place};
use signalbox_model::{Address, Direction, Status, Timestamp};
use signalbox_records::list::MAX_PAGE;
use signalbox_records::{BadCursor, Cursor};

use crate::code::Code;
use crate::problem::Problem;
use crate::shape::{fault, unknown};

/// Which messages to list, and from where.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) query: signalbox_records::Query,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) limit: Option<usize>,
}

/// Which consents to list, and from where.
#[derive(Debug, Default)]
pub(crate) struct ConsentListing {
    pub(crate) cursor: Option<Place>,
    pub(crate) limit: Option<usize>,
}

/// Consents to what.
#[derive(Debug, Default)]
pub(crate) struct ConsentOf {
    pub(crate) sender: Option<Address>,
    pub(crate) campaign: Option<String>,
}

/// What is said of a suppression list.
#[derive(Debug, Default)]
pub(crate) struct SuppressionSaid {
    pub(crate) kind: Option<ListKind>,
    pub(crate) source: Option<String>,
    pub(crate) fetched_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) for_all: bool,
    pub(crate) covers: Option<Covers>,
}

/// What suppression lists are asked.
#[derive(Debug, Default)]
pub(crate) struct SuppressionAsked {
    pub(crate) consented_at: Option<Timestamp>,
}

/// A set of parameters.
pub(crate) trait Params: Default {
    const NAMES: &'static [&'static str];

    /// Takes a parameter of [`NAMES`](Self::NAMES); its value, if it can't be used, is answered with what is expected.
    fn take(&mut self, name: &str, value: &str) -> Result<(), String>;
}

/// The parameters of a request.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: Params, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let malformed = |_| Problem::new(Code::QueryInvalid, "the query isn't of the form name=value&name=value");
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await.map_err(malformed)?;
        read(&pairs).map(Self)
    }
}

fn read<T: Params>(pairs: &[(String, String)]) -> Result<T, Problem> {
    let mut params = T::default();
    let mut faults: Vec<FieldError> = Vec::new();
    for (i, (name, value)) in pairs.iter().enumerate() {
        if !T::NAMES.contains(&name.as_str()) {
            let (shown, hint) = unknown(name, T::NAMES);
            faults.push(fault(&shown, "parameter.unknown", format!("`{shown}` is no parameter here; {hint}")));
        } else if pairs[..i].iter().any(|(before, _)| before == name) {
            faults.push(fault(name, "parameter.twice", format!("`{name}` is there twice; leave one out")));
        } else if let Err(expected) = params.take(name, value) {
            faults.push(fault(name, "parameter.malformed", format!("`{name}` {expected}")));
        }
    }
    if faults.is_empty() { Ok(params) } else { Err(Problem::fields(Code::QueryInvalid, faults)) }
}

impl Params for Listing {
    const NAMES: &'static [&'static str] = &["from", "to", "status", "after", "before", "direction", "cursor", "limit"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        let query = &mut self.query;
        match name {
            "from" => query.from = Some(address(value)?),
            "to" => query.to = Some(address(value)?),
            "status" => query.status = Some(status(value)?),
            "after" => query.after = Some(time(value)?),
            "before" => query.before = Some(time(value)?),
            "direction" => query.direction = Some(direction(value)?),
            "cursor" => self.cursor = Some(value.parse().map_err(|error: BadCursor| error.to_string())?),
            _ => self.limit = Some(limit(value)?),
        }
        Ok(())
    }
}

impl Params for ConsentListing {
    const NAMES: &'static [&'static str] = &["cursor", "limit"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "cursor" => self.cursor = Some(value.parse().map_err(|error: BadPlace| error.to_string())?),
            _ => self.limit = Some(limit(value)?),
        }
        Ok(())
    }
}

impl Params for ConsentOf {
    const NAMES: &'static [&'static str] = &["sender", "campaign"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "sender" => self.sender = Some(address(value)?),
            _ => self.campaign = Some(value.to_owned()),
        }
        Ok(())
    }
}

impl Params for SuppressionSaid {
    const NAMES: &'static [&'static str] = &["kind", "source", "fetched_at", "expires_at", "covers", "for"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "kind" => {
                let kind = ListKind::parse(value);
                let kinds = || ListKind::ALL.map(ListKind::as_str).join(", ");
                self.kind = Some(kind.ok_or_else(|| format!("is one of {}", kinds()))?);
            }
            "source" if (1..=MAX_SOURCE).contains(&value.len()) => self.source = Some(value.to_owned()),
            "source" => return Err(format!("has 1 to {MAX_SOURCE} bytes")),
            "fetched_at" => self.fetched_at = Some(time(value)?),
            "expires_at" => self.expires_at = Some(time(value)?),
            "covers" => self.covers = Some(value.parse().map_err(|error: Uncovered| error.to_string())?),
            _ => self.for_all = for_all(value)?,
        }
        Ok(())
    }
}

impl Params for SuppressionAsked {
    const NAMES: &'static [&'static str] = &["consented_at"];

    fn take(&mut self, _: &str, value: &str) -> Result<(), String> {
        self.consented_at = Some(time(value)?);
        Ok(())
    }
}

/// The name of a registry or vendor, a file's name, an agreement's number.
const MAX_SOURCE: usize = 256;

fn for_all(value: &str) -> Result<bool, String> {
    match value {
        "all" => Ok(true),
        "tenant" => Ok(false),
        _ => Err("is `tenant` or `all`".to_owned()),
    }
}

/// A plus that wasn't written as `%2B` arrives as a space; no address begins with one.
pub(crate) fn address(value: &str) -> Result<Address, String> {
    let plus = value.strip_prefix(' ').filter(|rest| rest.bytes().all(|c| c.is_ascii_digit()));
    let parsed = match plus {
        Some(digits) => format!("+{digits}").parse(),
        None => value.parse(),
    };
    parsed.map_err(|error: signalbox_model::address::ParseAddressError| error.to_string())
}

fn status(value: &str) -> Result<Status, String> {
    Status::parse(value).ok_or_else(|| format!("is one of {}", Status::ALL.map(Status::as_str).join(", ")))
}

pub(crate) fn time(value: &str) -> Result<Timestamp, String> {
    // The plus of an offset, likewise.
    let plus = value.rfind(' ').filter(|at| *at > 10);
    let mended = plus.map(|at| format!("{}+{}", &value[..at], &value[at + 1..]));
    let parsed = Timestamp::parse_rfc3339(mended.as_deref().unwrap_or(value));
    parsed.ok_or_else(|| "is not RFC 3339, such as 2026-12-24T09:00:00Z".to_owned())
}

fn direction(value: &str) -> Result<Direction, String> {
    match value {
        "outbound" => Ok(Direction::Outbound),
        "inbound" => Ok(Direction::Inbound),
        _ => Err("is outbound or inbound".to_owned()),
    }
}

fn limit(value: &str) -> Result<usize, String> {
    let number = value.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
    number.ok_or_else(|| format!("is a whole number from 1 to {MAX_PAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(pairs: &[(&str, &str)]) -> Result<Listing, Vec<(String, String)>> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        read::<Listing>(&pairs)
            .map_err(|problem| problem.view(None).errors.into_iter().map(|error| (error.field, error.detail)).collect())
    }

    #[test]
    fn a_plus_that_became_a_space_is_still_one() {
        let listing = listing(&[("to", " 14155550123"), ("after", "2026-01-01T00:00:00 01:00")]).unwrap();
        assert_eq!(listing.query.to.unwrap().to_string(), "+14155550123");
        assert_eq!(listing.query.after.unwrap().to_rfc3339(), "2025-12-31T23:00:00.000000Z");
    }

    #[test]
    fn every_wrong_parameter_is_told() {
        let pairs =
            [("form", "1"), ("status", "gone"), ("limit", "0"), ("limit", "5"), ("cursor", "x"), ("after", "é")];
        let told = listing(&pairs).unwrap_err();
        let fields: Vec<_> = told.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["form", "status", "limit", "limit", "cursor", "after"]);
        assert!(told[0].1.contains("did you mean `from`?"), "{told:?}");
    }
}
