//! The key that signs checkpoints, and the one by which people's numbers are hashed.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use signalbox_model::{Address, TenantId};

use super::hash;
use super::item::Person;

/// An Ed25519 public key.
pub type PublicKey = [u8; 32];

/// 32 bytes to sign with, 32 to hash with.
const FILE_BYTES: usize = 64;
/// Everybody but the owner.
const OTHERS: u32 = 0o077;

/// Why the keys can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read or written.
    #[error("the audit key {} can't be read or made: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is there and can't be used.
    #[error("the audit key {} {reason}", path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// What is wrong, and how to mend it.
        reason: String,
    },
}

/// Both keys. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<Pair>);

struct Pair {
    signing: Ed25519KeyPair,
    hiding: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Made of 64 bytes of chance.
    pub fn from_bytes(bytes: &[u8; FILE_BYTES]) -> Self {
        let (seed, hiding) = bytes.split_at(32);
        let signing = Ed25519KeyPair::from_seed_unchecked(seed).expect("32 bytes are a seed of Ed25519");
        Self(Arc::new(Pair { signing, hiding: hiding.try_into().expect("the other half has 32 bytes") }))
    }

    /// Reads the file, or makes it, readable for its owner alone, when there is none.
    pub fn settle(path: &Path, fresh: impl FnOnce() -> [u8; FILE_BYTES]) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let is_missing = fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if is_missing {
            make(path, &fresh()).map_err(failed)?;
        }
        let unusable = |reason: String| KeyError::Unusable { path: path.to_owned(), reason };
        if !fs::symlink_metadata(path).map_err(failed)?.is_file() {
            return Err(unusable("is no ordinary file; put the key itself there".to_owned()));
        }
        let file = fs::File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(unusable(format!("can be read or changed by others (mode {mode:03o}); chmod 600 it")));
        }
        let mut bytes = Vec::with_capacity(FILE_BYTES + 1);
        file.take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        let wrong = |_| unusable(format!("isn't {FILE_BYTES} bytes long; restore it from where you keep its copy"));
        let bytes: [u8; FILE_BYTES] = bytes.try_into().map_err(wrong)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// What verifies its signatures.
    pub fn public(&self) -> PublicKey {
        self.0.signing.public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes")
    }

    pub(super) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.0.signing.sign(text).as_ref().try_into().expect("an Ed25519 signature has 64 bytes")
    }

    /// A person of a tenant's. Without the key nobody finds the number by trying them all.
    pub fn person(&self, tenant: &TenantId, number: &Address) -> Person {
        let digest = hash(&[&self.0.hiding, tenant.as_str().as_bytes(), number.to_string().as_bytes()]);
        Person(*digest.first_chunk().expect("a digest is longer"))
    }
}

pub(super) fn is_signed(text: &[u8], signature: &[u8], by: &PublicKey) -> bool {
    UnparsedPublicKey::new(&ED25519, by).verify(text, signature).is_ok()
}

/// Writes the key whole or not at all: it gets its name when it is on disk. Who finds the name taken leaves it.
fn make(path: &Path, bytes: &[u8; FILE_BYTES]) -> io::Result<()> {
    let unnamed = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unnamed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&unnamed, path));
    fs::remove_file(&unnamed)?;
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}
