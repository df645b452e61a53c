//! The folder: whose it is, what is in it, and whether it was finished when it was made.
//!
//! | file | what it is |
//! |---|---|
//! | `lock` | held by the process that has the store open; its number is in it |
//! | `signalbox-store` | the format's version, the number of partitions, `making` or `ready` |
//! | `data/` | the trees and journals |

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use signalbox_model::Partition;
use signalbox_store::Error;

const LOCK: &str = "lock";
const MARKER: &str = "signalbox-store";
const DATA: &str = "data";
const VERSION: u32 = 1;
/// How many trees there are beside the database's own, which is number 0.
const SPACES: usize = 3;

/// A folder that this process owns until it is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Locked; the lock goes when the file is closed.
    _lock: File,
}

impl Folder {
    /// Takes the folder for this process, and makes it if it isn't there.
    ///
    /// # Errors
    ///
    /// [`Error::Unusable`] if another process has it, if it is another kind of folder, or if it was made with another
    /// number of partitions or by another version.
    pub fn take(path: &Path, partitions: u16) -> Result<Self, Error> {
        if partitions == 0 || partitions > Partition::MAX_COUNT {
            return Err(Error::Unusable(format!(
                "a store has between 1 and {} partitions, not {partitions}",
                Partition::MAX_COUNT
            )));
        }
        fs::create_dir_all(path).map_err(|error| cannot("make the folder", path, &error))?;
        let lock = lock(path)?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        match folder.read_marker()? {
            Some(marker) => folder.check(&marker, partitions)?,
            None => folder.start_making(partitions)?,
        }
        Ok(folder)
    }

    /// Where the trees and journals are.
    pub fn data(&self) -> PathBuf {
        self.path.join(DATA)
    }

    /// Notes that all of the store has been made, so that what is missing from now on was lost.
    ///
    /// # Errors
    ///
    /// [`Error::Unusable`] if it can't be written.
    pub fn finish_making(&self, partitions: u16) -> Result<(), Error> {
        self.write_marker(&Marker { version: VERSION, partitions, ready: true })
    }

    fn start_making(&self, partitions: u16) -> Result<(), Error> {
        let stranger = fs::read_dir(&self.path)
            .map_err(|error| cannot("list", &self.path, &error))?
            .filter_map(Result::ok)
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .find(|name| ![LOCK, "lost+found", &format!("{MARKER}.new")].contains(&name.as_str()));
        match stranger {
            Some(name) if name == DATA => Err(Error::Unusable(format!(
                "{} holds a store whose `{MARKER}` file is missing: restore it from the last backup of the folder",
                self.path.display()
            ))),
            Some(name) => Err(Error::Unusable(format!(
                "{} is not a Signalbox store, and not empty (it has `{name}`): name an empty folder",
                self.path.display()
            ))),
            None => self.write_marker(&Marker { version: VERSION, partitions, ready: false }),
        }
    }

    fn check(&self, marker: &Marker, partitions: u16) -> Result<(), Error> {
        let path = self.path.display();
        if marker.version != VERSION {
            return Err(Error::Unusable(format!(
                "the store in {path} has format {}, and this program reads {VERSION}: start the version that wrote it",
                marker.version
            )));
        }
        if marker.partitions != partitions {
            return Err(Error::Unusable(format!(
                "the store in {path} was made with {0} partitions and {partitions} are configured: set them to {0}, \
                 or name an empty folder (the number can't change, for it decides where every conversation lives)",
                marker.partitions
            )));
        }
        let data = self.data();
        if !marker.ready {
            // The process that made it was stopped before the first commit: nothing in it was ever promised.
            return match fs::remove_dir_all(&data) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot("clear", &data, &error)),
                _ => Ok(()),
            };
        }
        // The database takes a tree without its `current` file for one that was never finished, and clears it away.
        let trees = (0..=SPACES).map(|number| data.join("keyspaces").join(number.to_string()).join("current"));
        let missing = [data.join("version")].into_iter().chain(trees).find(|file| !file.is_file());
        if let Some(missing) = missing {
            return Err(Error::Unusable(format!(
                "the store in {path} has lost its data ({} is missing): restore the folder from the last backup",
                missing.display()
            )));
        }
        Ok(())
    }

    fn read_marker(&self) -> Result<Option<Marker>, Error> {
        let path = self.path.join(MARKER);
        match fs::read_to_string(&path) {
            Ok(text) => Marker::parse(&text).map(Some).ok_or_else(|| {
                Error::Unusable(format!(
                    "{} is damaged: restore it from the last backup, or write `signalbox-store {VERSION}`, `partitions \
                     N` and `ready` into it, a line each",
                    path.display()
                ))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot("read", &path, &error)),
        }
    }

    fn write_marker(&self, marker: &Marker) -> Result<(), Error> {
        let path = self.path.join(MARKER);
        let new = self.path.join(format!("{MARKER}.new"));
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(marker.text().as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|error| cannot("write", &path, &error))
    }
}

struct Marker {
    version: u32,
    partitions: u16,
    ready: bool,
}

impl Marker {
    fn text(&self) -> String {
        let state = if self.ready { "ready" } else { "making" };
        format!("{MARKER} {}\npartitions {}\n{state}\n", self.version, self.partitions)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let version = lines.next()?.strip_prefix(MARKER)?.trim().parse().ok()?;
        let partitions = lines.next()?.strip_prefix("partitions")?.trim().parse().ok()?;
        let ready = match lines.next()? {
            "ready" => true,
            "making" => false,
            _ => return None,
        };
        Some(Self { version, partitions, ready })
    }
}

fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| cannot("open", &path, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(taken(folder, &mut file)),
        Err(TryLockError::Error(error)) => return Err(cannot("lock", &path, &error)),
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    write(&mut file).map_err(|error| cannot("write", &path, &error))?;
    Ok(file)
}

fn taken(folder: &Path, lock: &mut File) -> Error {
    let mut text = String::new();
    let owner = match lock.take(32).read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok()) {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    };
    Error::Unusable(format!("the store in {} is in use by {owner}: stop it, or name another folder", folder.display()))
}

/// "can't … …: …".
pub fn cannot(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::Unusable(format!("can't {what} {}: {error}", path.display()))
}
