//! Which events were told before: who relays the registry's events signs them anew each time, so that the second telling of
//! one looks like news. Their names tell.

use std::collections::{HashSet, VecDeque};

use bytes::{BufMut, Bytes, BytesMut};
use signalbox_model::conversation::stable_hash;
use signalbox_model::{Partition, Timestamp};
use signalbox_store::{Batch, Range, Store, Table, layout};

use crate::Error;

/// Names that are kept, the newest: a relay gives up long before so many others came. 60 bytes each.
const KEPT: usize = 50_000;
/// Rows read at a time.
const PAGE: usize = 1_000;
/// What keys of these rows begin with, beside the histories: no tenant's name begins so.
const PREFIX: u8 = 1;

type Name = [u8; 16];

/// The last events' names, as they lie in the store.
#[derive(Debug, Default)]
pub(super) struct Told {
    known: HashSet<Name>,
    order: VecDeque<(Timestamp, Name)>,
}

impl Told {
    /// Reads what is there.
    pub(super) async fn open(store: &dyn Store) -> Result<Self, Error> {
        let mut told = Self::default();
        let mut range = Range::prefix(Table::RegistrationLine, vec![PREFIX], PAGE);
        loop {
            let page = store.range(Partition::DIRECTORY, range.clone()).await?;
            for (key, _) in &page {
                if let Some((at, name)) = parse(key) {
                    told.keep(at, name);
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => range = range.resume(last.clone()),
                _ => return Ok(told),
            }
        }
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.known.contains(&name(id))
    }

    /// Puts a name into the batch of its event, in the place of the oldest where there are too many.
    pub(super) fn stage(&self, batch: &mut Batch, id: &str, at: Timestamp) {
        batch.put(Table::RegistrationLine, key(at, name(id)), layout::encode(&()));
        if self.order.len() >= KEPT
            && let Some((at, oldest)) = self.order.front()
        {
            batch.delete(Table::RegistrationLine, key(*at, *oldest));
        }
    }

    /// The batch is durable.
    pub(super) fn is_durable(&mut self, id: &str, at: Timestamp) {
        self.keep(at, name(id));
    }

    fn keep(&mut self, at: Timestamp, name: Name) {
        self.known.insert(name);
        self.order.push_back((at, name));
        if self.order.len() > KEPT
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

fn name(id: &str) -> Name {
    stable_hash(&[b"registry event", id.as_bytes()])
}

fn key(at: Timestamp, name: Name) -> Bytes {
    let mut key = BytesMut::with_capacity(25);
    key.put_u8(PREFIX);
    key.put_u64(at.as_micros());
    key.put_slice(&name);
    key.freeze()
}

fn parse(key: &[u8]) -> Option<(Timestamp, Name)> {
    let (at, name) = key.get(1..)?.split_first_chunk::<8>()?;
    Some((Timestamp::from_micros(u64::from_be_bytes(*at)), name.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use signalbox_store::Op;

    use super::*;

    #[test]
    fn the_oldest_name_makes_room() {
        let mut told = Told::default();
        let at = |n: usize| Timestamp::from_millis(n as u64);
        (0..=KEPT).for_each(|n| told.is_durable(&n.to_string(), at(n)));
        assert!(!told.has("0") && told.has("1") && told.has(&KEPT.to_string()));
        assert_eq!((told.known.len(), told.order.len()), (KEPT, KEPT));
        let mut batch = Batch::new(Partition::DIRECTORY, signalbox_store::Epoch(1));
        told.stage(&mut batch, "new", at(KEPT + 1));
        let oldest = Op::Delete { table: Table::RegistrationLine, key: key(at(1), name("1")) };
        assert!(batch.ops.contains(&oldest), "{batch:?}");
        assert_eq!(parse(&key(at(7), name("x"))), Some((at(7), name("x"))));
    }
}
