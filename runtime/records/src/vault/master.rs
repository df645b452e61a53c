//! The operator's key, under which every other lies. It is never in the store.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cipher::{KEY_LEN, Key};
use crate::audit::{hash, hex, unhex};

/// Everybody but the owner.
const OTHERS: u32 = 0o077;

/// Why the master key can't be had, or isn't the one.
#[derive(Debug, thiserror::Error)]
pub enum MasterError {
    /// The file can't be read or written.
    #[error("the master key {} can't be read or made: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is there and can't be used.
    #[error("the master key {name} {reason}")]
    Unusable {
        /// Which.
        name: String,
        /// What is wrong, and how to mend it.
        reason: &'static str,
    },
    /// There is none, and there should be.
    #[error(
        "this store has sealed bodies of {tenants} tenant(s), and no master key is configured: give the one that sealed \
         them as [encryption] key"
    )]
    Missing {
        /// Tenants with keys.
        tenants: usize,
    },
    /// It is another than the one that wrapped the tenants' keys.
    #[error(
        "the master key (fingerprint {given}) isn't the one under which the keys in this store lie (fingerprint \
         {wanted}): give that one as [encryption] key, or, if you are replacing it, as old_key beside the new one"
    )]
    Other {
        /// Of the key that was given.
        given: String,
        /// Of the key that is wanted.
        wanted: String,
    },
    /// A tenant's key was changed by somebody.
    #[error(
        "the key of tenant `{tenant}` in the store was changed and can't be opened; restore the store from a backup"
    )]
    Damaged {
        /// Whose.
        tenant: String,
    },
    /// The store couldn't.
    #[error(transparent)]
    Store(#[from] signalbox_store::Error),
    /// A row can't be read.
    #[error(transparent)]
    Unreadable(#[from] signalbox_store::layout::Unreadable),
}

/// The operator's key. Cheap to clone.
#[derive(Clone)]
pub struct Master(Arc<Inner>);

struct Inner {
    key: Key,
    fingerprint: [u8; 8],
}

impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Master").field(&hex(&self.0.fingerprint)).finish()
    }
}

impl Master {
    /// Made of 32 bytes of chance.
    pub fn from_bytes(bytes: &[u8; KEY_LEN]) -> Self {
        let digest = hash(&[b"signalbox master key", bytes]);
        let fingerprint = *digest.first_chunk().expect("a digest is longer");
        Self(Arc::new(Inner { key: Key::new(bytes), fingerprint }))
    }

    /// Reads 64 hexadecimal digits; `name` says where they are from.
    pub fn parse(name: &str, text: &str) -> Result<Self, MasterError> {
        let bytes = unhex(text.trim()).and_then(|bytes| <[u8; KEY_LEN]>::try_from(bytes).ok());
        let reason = "isn't 64 hexadecimal digits; `signalbox keys make FILE` makes one";
        bytes.map(|bytes| Self::from_bytes(&bytes)).ok_or(MasterError::Unusable { name: name.to_owned(), reason })
    }

    /// Reads a file that its owner alone can read.
    pub fn read(path: &Path) -> Result<Self, MasterError> {
        let failed = |source| MasterError::File { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(failed)?;
        if fs::metadata(path).map_err(failed)?.mode() & OTHERS != 0 {
            let reason = "can be read or changed by others; chmod 600 it";
            return Err(MasterError::Unusable { name: path.display().to_string(), reason });
        }
        Self::parse(&path.display().to_string(), &text)
    }

    /// Writes a new key into a file that wasn't there.
    pub fn make(path: &Path, bytes: &[u8; KEY_LEN]) -> Result<Self, MasterError> {
        let failed = |source| MasterError::File { path: path.to_owned(), source };
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        let written = file.write_all(format!("{}\n", hex(bytes)).as_bytes()).and_then(|()| file.sync_all());
        written.map_err(failed)?;
        Ok(Self::from_bytes(bytes))
    }

    /// What tells one key from another and betrays neither.
    pub fn fingerprint(&self) -> String {
        hex(&self.0.fingerprint)
    }

    pub(super) fn id(&self) -> [u8; 8] {
        self.0.fingerprint
    }

    pub(super) fn key(&self) -> &Key {
        &self.0.key
    }
}
