//! The key by which we know native code as our own.

use crate::Error;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Bytes of a tag.
pub(super) const TAG_BYTES: usize = 32;

const KEY_BYTES: usize = 32;

/// Everybody but the owner.
const OTHERS: u32 = 0o077;

/// A secret of this folder's.
#[derive(Clone)]
pub(super) struct Key([u8; KEY_BYTES]);

impl Key {
    /// Reads the key, or makes it if there is none.
    pub(super) fn settle(path: &Path, fresh: impl FnOnce() -> [u8; KEY_BYTES]) -> Result<Self, Error> {
        match fs::symlink_metadata(path) {
            Ok(_) => Self::read(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(path, &fresh()).map_err(|source| Error::Cache { path: path.to_owned(), source })?;
                // Read again rather than kept: another process may have been quicker.
                Self::read(path)
            }
            Err(source) => Err(Error::Cache { path: path.to_owned(), source }),
        }
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let refused = |reason: String| Error::Key { path: path.to_owned(), reason };
        let failed = |source| Error::Cache { path: path.to_owned(), source };
        // A link could lead to a file that somebody else chose; opening a pipe could take forever.
        if !fs::symlink_metadata(path).map_err(failed)?.is_file() {
            return Err(refused("is no ordinary file; remove it, and a new key is made".to_owned()));
        }
        let file = fs::File::open(path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        if meta.mode() & OTHERS != 0 {
            let mode = meta.mode() & 0o777;
            return Err(refused(format!(
                "can be read or changed by others (mode {mode:03o}), who could then have us run any code: remove the \
                 folder that it is in, and a new key is made"
            )));
        }
        let mut bytes = Vec::with_capacity(KEY_BYTES + 1);
        file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        let key = bytes.try_into().map_err(|_| refused(format!("isn't {KEY_BYTES} bytes long; remove it")))?;
        Ok(Self(key))
    }

    /// The tag of a file's content under its name.
    pub(super) fn tag(&self, name: &str, content: &[u8]) -> [u8; TAG_BYTES] {
        self.mac(name, content).finalize().into_bytes().into()
    }

    /// Whether we wrote this content under this name. Takes as long for a wrong tag as for a right one.
    pub(super) fn made(&self, tag: &[u8; TAG_BYTES], name: &str, content: &[u8]) -> bool {
        self.mac(name, content).verify_slice(tag).is_ok()
    }

    /// The name counts too: one handler's file can't be put in another's place.
    fn mac(&self, name: &str, content: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(&(name.len() as u64).to_le_bytes());
        mac.update(name.as_bytes());
        mac.update(content);
        mac
    }
}

/// Writes the key whole or not at all: it gets its name when it is on disk. Who finds the name taken leaves it.
fn make(path: &Path, key: &[u8; KEY_BYTES]) -> io::Result<()> {
    let unnamed = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unnamed)?;
    let written = file.write_all(key).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&unnamed, path));
    fs::remove_file(&unnamed)?;
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}
