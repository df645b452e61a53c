//! Ranges: in bounds, in order, in pages.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::{Owned, P0, P1, Place, close, open, text};
use crate::{Page, Range, Table};

async fn keys(owned: &Owned, range: Range) -> Vec<String> {
    let page = owned.store.range(owned.partition, range).await.expect("the range can be read");
    page.iter().map(|(key, _)| text(key)).collect()
}

fn between(start: Bound<&'static str>, end: Bound<&'static str>) -> Range {
    let bound = |bound: Bound<&'static str>| bound.map(Bytes::from_static_str);
    Range { table: Table::State, start: bound(start), end: bound(end), reverse: false, limit: 100 }
}

trait FromStaticStr {
    fn from_static_str(text: &'static str) -> Bytes;
}

impl FromStaticStr for Bytes {
    fn from_static_str(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }
}

/// Open and closed ends, both directions, limits, and bounds that nothing lies between.
pub async fn ranges_keep_to_their_bounds(place: &dyn Place) {
    use Bound::{Excluded, Included, Unbounded};
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    let neighbour = Owned::acquire(&store, P1).await;
    let mut batch = owned.batch();
    for key in ["a", "b", "b1", "b2", "c"] {
        batch.put(Table::State, key, key).put(Table::Consent, key, "x").put(Table::Timer, key, "x");
    }
    owned.commit(batch).await;
    neighbour.put(Table::State, "b3", "x").await;
    let cases: [(Range, &[&str]); 12] = [
        (between(Unbounded, Unbounded), &["a", "b", "b1", "b2", "c"]),
        (between(Included("b"), Included("b2")), &["b", "b1", "b2"]),
        (between(Excluded("b"), Excluded("b2")), &["b1"]),
        (between(Included("b0"), Unbounded), &["b1", "b2", "c"]),
        (between(Unbounded, Excluded("b")), &["a"]),
        (between(Included("b"), Excluded("b")), &[]),
        (between(Included("c"), Included("a")), &[]),
        (between(Excluded("b"), Excluded("b1")), &[]),
        (between(Included("d"), Unbounded), &[]),
        (Range::prefix(Table::State, "b", 100), &["b", "b1", "b2"]),
        (Range::prefix(Table::State, "b", 2), &["b", "b1"]),
        (Range::prefix(Table::State, "", 0), &[]),
    ];
    for (range, expected) in cases {
        assert_eq!(keys(&owned, range.clone()).await, expected, "{range:?}");
        if range.limit == 100 {
            let mut backwards = expected.to_vec();
            backwards.reverse();
            assert_eq!(keys(&owned, range.clone().reversed()).await, backwards, "{range:?} in reverse");
        }
    }
    assert_eq!(keys(&owned, Range::prefix(Table::State, "b", 2).reversed()).await, ["b2", "b1"]);
    close(store).await;
}

/// A prefix that has no successor of its own length ends where its table ends.
pub async fn a_prefix_of_high_bytes_has_an_end(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    let keys: [&[u8]; 5] = [b"\xFE", b"\xFE\xFF", b"\xFF", b"\xFF\xFF", b"\xFF\xFF\x01"];
    let mut batch = owned.batch();
    for key in keys {
        batch.put(Table::Meta, key, "x").put(Table::Webhook, key, "x");
    }
    owned.commit(batch).await;
    for (prefix, expected) in [(&b"\xFF"[..], &keys[2..]), (b"\xFF\xFF", &keys[3..]), (b"\xFE\xFF", &keys[1..2])] {
        for table in [Table::Meta, Table::Webhook] {
            let page = store.range(P0, Range::prefix(table, prefix, 100)).await.expect("the range can be read");
            let found: Vec<_> = page.iter().map(|(key, _)| key.as_ref()).collect();
            assert_eq!(found, expected);
        }
    }
    close(store).await;
}

/// Rows that stay are seen once and in order, whatever happens to the others between two pages.
pub async fn a_range_is_resumed_while_rows_come_and_go(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    for reverse in [false, true] {
        let mut batch = owned.batch();
        for n in 0..100 {
            batch.put(Table::History, format!("h{n:03}"), "x").put(Table::History, format!("i{n:03}"), "x");
        }
        owned.commit(batch).await;
        let mut range = Range::prefix(Table::History, "h", 7);
        if reverse {
            range = range.reversed();
        }
        let mut seen = Vec::new();
        loop {
            let page = store.range(P0, range.clone()).await.expect("the range can be read");
            let Some((last, _)) = page.last().cloned() else { break };
            seen.extend(page.iter().map(|(key, _)| text(key)));
            let at: u32 = text(&last)[1..4].parse().expect("a number is in the key");
            let (ahead, behind) = if reverse { (at.saturating_sub(2), at + 2) } else { (at + 2, at.saturating_sub(2)) };
            let mut batch = owned.batch();
            // The row itself, one ahead, one behind; and new ones on both sides.
            batch.delete(Table::History, last.clone()).delete(Table::History, format!("h{ahead:03}"));
            batch.delete(Table::History, format!("h{behind:03}"));
            batch.put(Table::History, format!("h{ahead:03}+"), "x");
            batch.put(Table::History, format!("h{behind:03}+"), "x");
            owned.commit(batch).await;
            range = range.resume(last);
        }
        let in_order = if reverse { seen.is_sorted_by(|a, b| a > b) } else { seen.is_sorted_by(|a, b| a < b) };
        assert!(in_order, "each once and in order: {seen:?}");
        assert!(seen.iter().any(|key| key.ends_with('+')), "rows that were added ahead are seen");
        let stayed = keys(&owned, Range::prefix(Table::History, "h", 1_000)).await;
        for key in stayed.iter().filter(|key| !key.ends_with('+')) {
            assert!(seen.contains(key), "{key} was there all along");
        }
        let mut batch = owned.batch();
        for key in stayed {
            batch.delete(Table::History, key);
        }
        owned.commit(batch).await;
    }
    close(store).await;
}

/// Many writes and reads at places that chance chose, beside a map that does the same.
pub async fn ranges_agree_with_a_sorted_map(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    let mut map = BTreeMap::new();
    let mut chance = Chance(0x5EED);
    for round in 0..300 {
        let mut batch = owned.batch();
        for _ in 0..chance.below(6) {
            let key = chance.key();
            if chance.below(3) == 0 {
                batch.delete(Table::Part, key.clone());
                map.remove(&key);
            } else {
                let value = Bytes::from(format!("{round}"));
                batch.put(Table::Part, key.clone(), value.clone());
                map.insert(key, value);
            }
        }
        owned.commit(batch).await;
        let range = Range {
            table: Table::Part,
            start: chance.bound(),
            end: chance.bound(),
            reverse: chance.below(2) == 0,
            limit: chance.below(30) as usize,
        };
        let page = store.range(P0, range.clone()).await.expect("the range can be read");
        assert_eq!(page, expected(&map, &range), "{range:?}");
        let key = chance.key();
        assert_eq!(super::get(&store, P0, Table::Part, key.clone()).await.as_ref(), map.get(&key));
    }
    close(store).await;
}

fn expected(map: &BTreeMap<Bytes, Bytes>, range: &Range) -> Page {
    let inside = |key: &Bytes| {
        (match &range.start {
            Bound::Included(start) => key >= start,
            Bound::Excluded(start) => key > start,
            Bound::Unbounded => true,
        }) && (match &range.end {
            Bound::Included(end) => key <= end,
            Bound::Excluded(end) => key < end,
            Bound::Unbounded => true,
        })
    };
    let mut page: Page = map.iter().filter(|(key, _)| inside(key)).map(|(k, v)| (k.clone(), v.clone())).collect();
    if range.reverse {
        page.reverse();
    }
    page.truncate(range.limit);
    page
}

/// Chance that is the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn key(&mut self) -> Bytes {
        let length = self.below(4);
        (0..length).map(|_| [0, b'a', b'b', 0xFF][self.below(4) as usize]).collect::<Vec<u8>>().into()
    }

    fn bound(&mut self) -> Bound<Bytes> {
        match self.below(3) {
            0 => Bound::Included(self.key()),
            1 => Bound::Excluded(self.key()),
            _ => Bound::Unbounded,
        }
    }
}
