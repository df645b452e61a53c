//! Where the ledger's rows lie.
//!
//! Everything of a tenant has its name before it, so that a tenant's ledger is a scan of each partition; then:
//!
//! | key | value |
//! |---|---|
//! | `id 00` | the standing, folded |
//! | `id 01 import` | a change of an import that is folded into the standing at the next change |
//! | `id 02 time hash` | a line of the ledger |
//!
//! So what a person allows is one short scan, which ends before the ledger's lines.

use bytes::{BufMut, Bytes};
use serde::{Deserialize, Serialize};
use signalbox_model::{Address, TenantId, Timestamp};
use signalbox_store::layout;

use crate::consent::{Change, ConsentId, PersonId, Program, Revocation, Standing};

const STANDING: u8 = 0;
const IMPORTED: u8 = 1;
const LINE: u8 = 2;

/// An import, by its tenant, its name and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImportId(pub(crate) [u8; 16]);

/// Whose consent to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The tenant's sender or campaign.
    pub program: Program,
    /// The person's number.
    pub person: Address,
}

/// The stored form of a standing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StandingRow {
    pub(crate) party: Party,
    pub(crate) standing: Standing,
}

/// The stored form of an import's change, and of a line of the ledger.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChangeRow {
    pub(crate) party: Party,
    pub(crate) change: Change,
    /// When it was put on record.
    pub(crate) recorded_at: Timestamp,
    /// Hidden until this import is complete.
    pub(crate) import: Option<ImportId>,
}

/// The stored form of a revocation that reaches past its program; read into memory whole at the start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WideRow {
    pub(crate) person: PersonId,
    pub(crate) revocation: Revocation,
    pub(crate) import: Option<ImportId>,
}

fn key(tenant: &TenantId, id: ConsentId, tag: u8, rest: &[&[u8]]) -> Bytes {
    let mut key = layout::tenant_prefix(tenant);
    key.put_slice(&id.0);
    key.put_u8(tag);
    rest.iter().for_each(|part| key.put_slice(part));
    key.freeze()
}

pub(crate) fn standing_key(tenant: &TenantId, id: ConsentId) -> Bytes {
    key(tenant, id, STANDING, &[])
}

pub(crate) fn imported_key(tenant: &TenantId, id: ConsentId, import: ImportId) -> Bytes {
    key(tenant, id, IMPORTED, &[&import.0])
}

pub(crate) fn line_key(tenant: &TenantId, id: ConsentId, at: Timestamp, hash: [u8; 8]) -> Bytes {
    key(tenant, id, LINE, &[&at.as_micros().to_be_bytes(), &hash])
}

/// Everything of a consent.
pub(crate) fn of_consent(tenant: &TenantId, id: ConsentId) -> Bytes {
    let mut key = layout::tenant_prefix(tenant);
    key.put_slice(&id.0);
    key.freeze()
}

/// All wide revocations of a person.
pub(crate) fn wide_of(tenant: &TenantId, person: PersonId) -> Bytes {
    let mut key = layout::tenant_prefix(tenant);
    key.put_slice(&person.0);
    key.freeze()
}

/// All lines of a ledger.
pub(crate) fn lines_prefix(tenant: &TenantId, id: ConsentId) -> Bytes {
    key(tenant, id, LINE, &[])
}

/// Behind everything of a consent.
pub(crate) fn behind(tenant: &TenantId, id: ConsentId) -> Bytes {
    key(tenant, id, u8::MAX, &[])
}

/// `tenant 00 person time hash`: a wide revocation.
pub(crate) fn wide_key(tenant: &TenantId, person: PersonId, at: Timestamp, hash: [u8; 8]) -> Bytes {
    let mut key = layout::tenant_prefix(tenant);
    key.put_slice(&person.0);
    key.put_u64(at.as_micros());
    key.put_slice(&hash);
    key.freeze()
}

/// What a key of the consent table is.
pub(crate) enum RowKind {
    Standing,
    Imported(ImportId),
    Line,
}

/// Reads a key: its consent's id and what it holds. `None` if it isn't one of this tenant's.
pub(crate) fn parse(tenant: &TenantId, key: &[u8]) -> Option<(ConsentId, RowKind)> {
    let rest = key.strip_prefix(tenant.as_str().as_bytes())?.strip_prefix(&[0])?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let kind = match rest.split_first()? {
        (&STANDING, []) => RowKind::Standing,
        (&IMPORTED, import) => RowKind::Imported(ImportId(import.try_into().ok()?)),
        (&LINE, _) => RowKind::Line,
        _ => return None,
    };
    Some((ConsentId(*id), kind))
}
