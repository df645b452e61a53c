//! What is being erased: noted before anything is destroyed, and forgotten when nothing is left, so that a crash in between
//! leaves no half.

use bytes::{BufMut, Bytes};
use serde::{Deserialize, Serialize};
use signalbox_model::{Address, Partition, TenantId, Timestamp};
use signalbox_store::{Batch, Range, Table, layout};

use super::{AT_ONCE, carry_out};
use crate::engine::Engine;
use crate::error::Error;

/// Before the keys of all notes.
const PREFIX: &[u8] = b"path/erasing/";

/// What is to be erased. The number stands here for as long as that takes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) tenant: TenantId,
    pub(super) theirs: Address,
    /// By whose word.
    pub(super) by: String,
    pub(super) at: Timestamp,
}

impl Note {
    fn key(&self) -> Bytes {
        let mut key = bytes::BytesMut::from(PREFIX);
        key.put_slice(&layout::tenant_prefix(&self.tenant));
        key.put_slice(self.theirs.to_string().as_bytes());
        key.freeze()
    }
}

pub(super) async fn put(engine: &Engine, note: &Note) -> Result<(), Error> {
    let mut batch = Batch::new(Partition::DIRECTORY, engine.epoch(Partition::DIRECTORY));
    batch.put(Table::Meta, note.key(), layout::encode(note));
    engine.store.commit(batch).await?;
    Ok(())
}

pub(super) async fn remove(engine: &Engine, note: &Note) -> Result<(), Error> {
    let mut batch = Batch::new(Partition::DIRECTORY, engine.epoch(Partition::DIRECTORY));
    batch.delete(Table::Meta, note.key());
    engine.store.commit(batch).await?;
    Ok(())
}

/// Goes on with what a crash interrupted, before the path begins. No hold can have come in between: whoever places one
/// waits for the erasure.
pub(crate) async fn resume(engine: &Engine) -> Result<(), Error> {
    let mut range = Range::prefix(Table::Meta, PREFIX, AT_ONCE);
    loop {
        let page = engine.store.range(Partition::DIRECTORY, range.clone()).await?;
        for (_, value) in &page {
            carry_out(engine, &layout::decode(Table::Meta, value)?).await?;
        }
        match page.last() {
            Some((last, _)) if page.len() == AT_ONCE => range = range.resume(last.clone()),
            _ => return Ok(()),
        }
    }
}
