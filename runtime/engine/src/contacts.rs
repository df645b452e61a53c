//! What a tenant recorded of the people on the other side, for its handlers: a time zone and attributes.
//!
//! It belongs to (tenant, their number), whichever of the tenant's numbers they write to. Consent is not part of it: that
//! has a ledger of its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use signalbox_model::conversation::stable_hash;
use signalbox_model::{Address, Partition, TenantId, Timestamp};
use signalbox_policy::place::Known;
use signalbox_records::vault::Words;
use signalbox_store::{Batch, Table, layout};

use crate::engine::Engine;
use crate::error::{Error, FieldError};

/// Attributes of one contact: all of them are handed to a handler that asks for the contact.
const MAX_ATTRIBUTES: usize = 64;
/// As long as the name of a state key may be useful; names are words.
const MAX_NAME_BYTES: usize = 64;
/// A value is a word or a line, not a document; 64 of them stay far below what a host call may hand over.
const MAX_VALUE_BYTES: usize = 1_024;

/// What a tenant recorded of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The time zone where they most likely are, as an IANA name.
    pub time_zone: Option<String>,
    /// What else is worth knowing, by name.
    pub attributes: BTreeMap<String, String>,
}

/// Why a contact wasn't taken.
#[derive(Debug, thiserror::Error)]
pub enum ContactRefused {
    /// It is wrong in these fields; nothing was changed.
    #[error("{} field(s) of the contact can't be used", .0.len())]
    Invalid(Vec<FieldError>),
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

/// A person's stable hash within a tenant.
pub(crate) fn hash(tenant: &TenantId, theirs: &Address) -> [u8; 16] {
    stable_hash(&[b"contact", tenant.as_str().as_bytes(), theirs.to_string().as_bytes()])
}

/// What is recorded of a person; `None` if nothing is.
pub(crate) async fn read(engine: &Engine, tenant: &TenantId, theirs: &Address) -> Result<Option<Contact>, Error> {
    let hash = hash(tenant, theirs);
    let home = Partition::of_hash(&hash, engine.store.partitions());
    let row = engine.store.get(home, Table::Contact, layout::contact_key(hash)).await?;
    let Some(row) = row else { return Ok(None) };
    if !layout::is_sealed(&row) {
        return Ok(Some(layout::decode(Table::Contact, &row)?));
    }
    let sealed: Vec<u8> = layout::decode_as(layout::SEALED, Table::Contact, &row)?;
    let opened = engine.open_words(Table::Contact, &hash, &sealed).await?;
    Ok(opened.map(|row| layout::decode(Table::Contact, &row)).transpose()?)
}

/// The time zone of a person whose tenant recorded none: that of their ZIP code, or of the area that their number is of,
/// where that is one only.
pub(crate) fn likely_zone(engine: &Engine, theirs: &Address, attributes: &BTreeMap<String, String>) -> Option<String> {
    let Address::E164(number) = theirs else { return None };
    let policy = engine.policy.load();
    let known = Known { zone: None, zip: attributes.get("zip").map(String::as_str) };
    policy.tables.whereabouts(*number, known)?.zone_name().map(str::to_owned)
}

/// Records a person in place of what was recorded before.
pub(crate) async fn write(
    engine: &Engine,
    tenant: &TenantId,
    theirs: &Address,
    contact: &Contact,
) -> Result<(), ContactRefused> {
    let wrong = contact.wrong();
    if !wrong.is_empty() {
        return Err(ContactRefused::Invalid(wrong));
    }
    let hash = hash(tenant, theirs);
    let home = Partition::of_hash(&hash, engine.store.partitions());
    let mut batch = Batch::new(home, engine.epoch(home));
    let row = layout::encode(contact);
    let row = match engine.seal_words(tenant, (None, theirs), (Table::Contact, &hash), &row, Timestamp::MAX).await? {
        Some(Words::Sealed(sealed)) => layout::encode_as(layout::SEALED, &sealed),
        Some(Words::Erased) => unreachable!("nothing is said after the end of time"),
        None => row,
    };
    batch.put(Table::Contact, layout::contact_key(hash), row);
    engine.store.commit(batch).await.map_err(Error::from)?;
    Ok(())
}

impl Contact {
    /// All that is wrong with it.
    fn wrong(&self) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        let mut complain = |field: &str, code, detail| wrong.push(FieldError { field: field.to_owned(), code, detail });
        if let Some(zone) = &self.time_zone
            && !is_time_zone(zone)
        {
            let detail = "`time_zone` is no IANA time zone; write such as America/Chicago".to_owned();
            complain("time_zone", "time_zone.unknown", detail);
        }
        let (count, most) = (self.attributes.len(), MAX_ATTRIBUTES);
        if count > most {
            complain(
                "attributes",
                "attributes.too_many",
                format!("{count} attributes are given; at most {most} are taken"),
            );
        }
        for (name, value) in &self.attributes {
            if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
                let detail = format!("an attribute's name has 1 to {MAX_NAME_BYTES} bytes and no control character");
                complain("attributes", "attributes.name", detail);
            }
            if value.len() > MAX_VALUE_BYTES {
                let (bytes, most) = (value.len(), MAX_VALUE_BYTES);
                let detail = format!("an attribute's value has {bytes} bytes; at most {most} are taken");
                complain("attributes", "attributes.too_long", detail);
            }
        }
        wrong
    }
}

/// Is it a time zone's IANA name? The data is the program's own, so that every host knows the same zones.
pub fn is_time_zone(name: &str) -> bool {
    jiff::tz::TimeZone::get(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(zone: Option<&str>, attributes: &[(&str, &str)]) -> Vec<&'static str> {
        let attributes = attributes.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let contact = Contact { time_zone: zone.map(str::to_owned), attributes };
        contact.wrong().into_iter().map(|error| error.code).collect()
    }

    #[test]
    fn zones_are_iana_names() {
        assert!(wrong(Some("America/Chicago"), &[]).is_empty() && wrong(Some("UTC"), &[]).is_empty());
        for none in ["Chicago", "CST6CDT7", "", "../etc/passwd", "+05:00"] {
            assert_eq!(wrong(Some(none), &[]), ["time_zone.unknown"], "{none}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let long = "x".repeat(MAX_VALUE_BYTES + 1);
        assert!(wrong(None, &[("name", "Ada")]).is_empty());
        let all = wrong(Some("Nowhere"), &[("", "a"), ("note", &long)]);
        assert_eq!(all, ["time_zone.unknown", "attributes.name", "attributes.too_long"]);
        let many: Vec<_> = (0..=MAX_ATTRIBUTES).map(|n| n.to_string()).collect();
        let many: Vec<_> = many.iter().map(|name| (name.as_str(), "")).collect();
        assert_eq!(wrong(None, &many), ["attributes.too_many"]);
    }
}
