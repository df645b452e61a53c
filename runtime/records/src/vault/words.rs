//! Words that lie elsewhere than in messages: sealed for themselves, with what it takes to find their key.

use serde::{Deserialize, Serialize};
use signalbox_model::TenantId;
use signalbox_store::Table;
use signalbox_store::layout;

use super::cipher::Key;
use crate::Error;

/// Sealed words. No number stands in it.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) tenant: TenantId,
    /// A keyed hash.
    pub(super) person: [u8; 16],
    pub(super) generation: u32,
    bytes: Vec<u8>,
}

/// What became of words that were to be sealed.
#[derive(Debug, PartialEq, Eq)]
pub enum Words {
    /// They lie so; [`super::Vault::open_words`] opens them.
    Sealed(Vec<u8>),
    /// They are older than the last erasure, and belong to what was erased: they are not to be written.
    Erased,
}

impl Envelope {
    pub(super) fn seal(
        key: &Key,
        (tenant, person, generation): (TenantId, [u8; 16], u32),
        place: &[u8],
        text: &[u8],
        chance: &signalbox_model::Chance,
    ) -> Vec<u8> {
        let bytes = key.seal(&about(&tenant, &person, &generation.to_be_bytes(), place), text.to_vec(), chance);
        layout::encode(&Self { tenant, person, generation, bytes }).to_vec()
    }

    pub(super) fn read(sealed: &[u8], table: Table) -> Result<Self, Error> {
        Ok(layout::decode(table, sealed)?)
    }

    pub(super) fn open(&self, key: &Key, place: &[u8]) -> Result<Vec<u8>, Error> {
        let generation = self.generation.to_be_bytes();
        let text = key.open(&about(&self.tenant, &self.person, &generation, place), &self.bytes);
        text.ok_or(Error::Sealed { why: "its row was changed, or lay elsewhere" })
    }
}

/// Words are bound to their place: a row that is moved doesn't open there.
fn about<'a>(tenant: &'a TenantId, person: &'a [u8; 16], generation: &'a [u8; 4], place: &'a [u8]) -> [&'a [u8]; 5] {
    [b"words", tenant.as_str().as_bytes(), person, generation, place]
}
