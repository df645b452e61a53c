//! A look at the journals before the database reads them.
//!
//! The database reads a journal up to the first entry that it can't read, and cuts off the rest. That is right for
//! the torn end that a crash leaves, whose batch nobody was told of; but it is as silent when a byte in the middle was
//! damaged, and then batches that were acknowledged would be gone. The two differ: behind a torn end there is no
//! intact batch. (And when a torn end looks whole but for its checksum, the database refuses the journal, although
//! nothing is lost.) So: an unreadable place with an intact batch behind it is damage and stops the opening; one
//! without is cut off here.
//!
//! A journal that was cut at a batch's end can't be told from one that ended there.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use signalbox_store::Error;
use xxhash_rust::xxh3::Xxh3;

use crate::folder::cannot;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: [u8; 4] = *b"FJL\x03";

/// Looks at every journal of the database in `data`; mends the newest one's torn end.
///
/// # Errors
///
/// [`Error::Unusable`] if one is damaged: the text names the file and the place.
pub fn look_over(data: &Path) -> Result<(), Error> {
    let mut journals = list(data)?;
    journals.sort_unstable();
    let newest = journals.last().map(|(number, _)| *number);
    for (number, path) in journals {
        look_at(&path, Some(number) == newest).map_err(|error| cannot("read", &path, &error))??;
    }
    Ok(())
}

fn list(data: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    let entries = match fs::read_dir(data) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot("list", data, &error)),
    };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    Ok(paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "jnl"))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.parse().ok()?, path)))
        .collect())
}

fn look_at(path: &Path, newest: bool) -> std::io::Result<Result<(), Error>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader =
        Reader { source: BufReader::with_capacity(1 << 18, &mut file), left: length, buffer: Vec::new(), seqno: None };
    let mut good = 0;
    while reader.batch()? {
        good = length - reader.left;
    }
    if good == length {
        return Ok(Ok(()));
    }
    let mut rest = Vec::new();
    file.seek(SeekFrom::Start(good))?;
    file.read_to_end(&mut rest)?;
    // Room that was set aside and never written.
    if rest.iter().all(|byte| *byte == 0) {
        return Ok(Ok(()));
    }
    if !newest || has_batch(&rest[1..]) {
        return Ok(Err(Error::Unusable(format!(
            "the journal {} is damaged at byte {good}, with intact batches behind it: restore the folder from the last \
             backup (cutting the file there would let the store open, but lose every batch behind it)",
            path.display()
        ))));
    }
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(good)?;
    file.sync_all()?;
    tracing::info!(journal = %path.display(), at = good, "cut off a batch that a crash had left half-written");
    Ok(Ok(()))
}

/// Does an intact batch start anywhere in here?
fn has_batch(bytes: &[u8]) -> bool {
    (0..bytes.len()).filter(|at| bytes[*at] == START && matches!(bytes.get(at + 13), Some(&(ITEM | CLEAR)))).any(|at| {
        let rest = &bytes[at..];
        let mut reader = Reader { source: rest, left: rest.len() as u64, buffer: Vec::new(), seqno: None };
        reader.batch().unwrap_or(false)
    })
}

/// Reads batches as the database writes them.
struct Reader<S> {
    source: S,
    left: u64,
    buffer: Vec<u8>,
    /// The last batch's number. No checksum covers it, but it rises from batch to batch.
    seqno: Option<u64>,
}

impl<S: Read> Reader<S> {
    /// Is what comes next a whole and intact batch? Reads it.
    fn batch(&mut self) -> std::io::Result<bool> {
        let Some([START, head @ ..]) = self.fixed::<13>()? else { return Ok(false) };
        let count = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let seqno = u64::from_le_bytes([head[4], head[5], head[6], head[7], head[8], head[9], head[10], head[11]]);
        if self.seqno.is_some_and(|last| seqno <= last) {
            return Ok(false);
        }
        self.seqno = Some(seqno);
        let mut checksum = Xxh3::new();
        for _ in 0..count {
            if !self.item(&mut checksum)? {
                return Ok(false);
            }
        }
        let Some([END, sum @ .., t0, t1, t2, t3]) = self.fixed::<13>()? else { return Ok(false) };
        let sum: [u8; 8] = sum;
        Ok([t0, t1, t2, t3] == TRAILER && u64::from_le_bytes(sum) == checksum.digest())
    }

    fn item(&mut self, checksum: &mut Xxh3) -> std::io::Result<bool> {
        match self.fixed::<1>()? {
            Some([ITEM]) => {}
            Some([CLEAR]) => {
                let Some(space) = self.fixed::<8>()? else { return Ok(false) };
                checksum.update(&[CLEAR]);
                checksum.update(&space);
                return Ok(true);
            }
            _ => return Ok(false),
        }
        // Kind, compression, key space (8), the key's length (2), the value's length (4), the same as it lies here (4).
        let Some(head) = self.fixed::<20>()? else { return Ok(false) };
        let key = u64::from(u16::from_le_bytes([head[10], head[11]]));
        let value = u64::from(u32::from_le_bytes([head[16], head[17], head[18], head[19]]));
        if key + value > self.left {
            return Ok(false);
        }
        self.left -= key + value;
        self.buffer.clear();
        let read = (&mut self.source).take(key + value).read_to_end(&mut self.buffer)?;
        checksum.update(&[ITEM]);
        checksum.update(&head);
        checksum.update(&self.buffer);
        Ok(read as u64 == key + value)
    }

    fn fixed<const N: usize>(&mut self) -> std::io::Result<Option<[u8; N]>> {
        if self.left < N as u64 {
            return Ok(None);
        }
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        self.left -= N as u64;
        Ok(Some(bytes))
    }
}
