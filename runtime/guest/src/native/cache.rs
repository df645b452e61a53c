//! Native code in files: a handler that was compiled once isn't compiled again at the next start.

use super::Native;
use super::key::{Key, TAG_BYTES};
use crate::Error;
use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use wasmtime::Engine;

const KEY: &str = "key";
const NATIVE: &str = "native";

/// A folder of native code. A file is a tag and the code; one whose tag isn't ours is as good as none.
#[derive(Clone)]
pub struct Cache {
    folder: PathBuf,
    key: Key,
    most_bytes: u64,
}

/// What a component's native code is called: by the component and by all that compiling depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileName(String);

impl FileName {
    /// For a component's digest and this engine. Should two engines ever have one hash, wasmtime still finds the code
    /// unfit when it is loaded.
    pub(crate) fn new(digest: &str, engine: &Engine) -> Self {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self(format!("{digest}-{:016x}.{NATIVE}", hasher.finish()))
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, most_bytes, .. } = self;
        f.debug_struct("Cache").field("folder", folder).field("most_bytes", most_bytes).finish_non_exhaustive()
    }
}

impl Cache {
    /// Opens the cache in `folder`, which is made if it isn't there, with a key in it of `fresh` bytes. They must be
    /// such that nobody can guess them.
    ///
    /// Beyond `most_bytes`, the files that were written first go.
    pub fn open(folder: impl Into<PathBuf>, most_bytes: u64, fresh: impl FnOnce() -> [u8; 32]) -> Result<Self, Error> {
        let folder = folder.into();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|source| Error::Cache { path: folder.clone(), source })?;
        let key = Key::settle(&folder.join(KEY), fresh)?;
        Ok(Self { folder, key, most_bytes })
    }

    /// What is kept under this name, if we wrote it. `most` is the size of the largest that is ever written.
    pub(crate) fn read(&self, name: &FileName, most: usize) -> Option<Native> {
        let path = self.folder.join(&name.0);
        match read(&path, most) {
            Ok((tag, code)) if self.key.made(&tag, &name.0, &code) => Some(Native(code)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Ok(_) => {
                let path = path.display();
                tracing::error!(%path, "native code isn't as it was written: it is damaged or forged; compiling again");
                None
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "native code can't be read; compiling again");
                None
            }
        }
    }

    /// Keeps native code. If that fails, it is compiled again next time, and said now.
    pub(crate) fn write(&self, name: &FileName, native: &Native) {
        let path = self.folder.join(&name.0);
        let tag = self.key.tag(&name.0, &native.0);
        if let Err(error) = write(&path, &tag, &native.0).and_then(|()| self.make_room()) {
            tracing::warn!(path = %path.display(), %error, "native code can't be kept; it is compiled again next time");
        }
    }

    /// Removes what was written first until the rest is within the bound; a torn file of a crash counts and goes as any.
    fn make_room(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name() != KEY {
                let meta = entry.metadata()?;
                files.push((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), meta.len(), entry.path()));
            }
        }
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, size, path) in files {
            if bytes <= self.most_bytes {
                break;
            }
            fs::remove_file(path)?;
            bytes -= size;
        }
        Ok(())
    }
}

fn read(path: &Path, most: usize) -> io::Result<([u8; TAG_BYTES], Vec<u8>)> {
    let mut file = File::open(path)?;
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if size > most.saturating_add(TAG_BYTES) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than any that is written"));
    }
    let mut tag = [0; TAG_BYTES];
    file.read_exact(&mut tag)?;
    let mut code = Vec::with_capacity(size - TAG_BYTES);
    file.take(most as u64).read_to_end(&mut code)?;
    Ok((tag, code))
}

/// Under another name first, so that readers never see half a file. It isn't synced: what a crash tears has a wrong tag.
fn write(path: &Path, tag: &[u8], code: &[u8]) -> io::Result<()> {
    let unnamed = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = File::create(&unnamed)?;
    let written = file.write_all(tag).and_then(|()| file.write_all(code)).and_then(|()| fs::rename(&unnamed, path));
    if written.is_err() {
        let _ = fs::remove_file(&unnamed);
    }
    written
}
