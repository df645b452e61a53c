//! A tenant's messages, newest first, over all partitions: a merge of one reverse scan a partition.
//!
//! Ids sort by time, so the merge is by id and a time bound is an id bound. Work is bounded by the call, not by how
//! rare the answers are: a page may come back short, with a cursor.

use std::collections::BinaryHeap;
use std::ops::Bound;

use bytes::{BufMut, Bytes};
use futures_util::future::try_join_all;
use signalbox_model::conversation::stable_hash;
use signalbox_model::{
    Address, Conversation, Direction, Head, Message, MessageId, Partition, Status, TenantId, Timestamp,
};
use signalbox_store::layout::tenant_prefix;
use signalbox_store::{Store, successor_of_prefix};

use crate::Error;
use crate::cursor::{BadCursor, Cursor};
use crate::scan::Scan;

/// The longest page.
pub const MAX_PAGE: usize = 1_000;
/// Rows that one call reads before it gives back what it has. A row is about a microsecond.
const ROWS_A_CALL: usize = 20_000;

/// Which messages. A field that is `None` lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Sender.
    pub from: Option<Address>,
    /// Recipient.
    pub to: Option<Address>,
    /// The status that it has now.
    pub status: Option<Status>,
    /// Made at this time or later, by whole milliseconds.
    pub after: Option<Timestamp>,
    /// Made before this time, by whole milliseconds.
    pub before: Option<Timestamp>,
    /// Which way.
    pub direction: Option<Direction>,
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Messages and where they are now, newest first.
    pub items: Vec<(Message, Head)>,
    /// Where the next page begins. There may be none behind it even so; none at all when it is `None`.
    pub next: Option<Cursor>,
}

/// A page of a tenant's messages, newest first. `limit` is at most [`MAX_PAGE`], and at least 1.
pub async fn list(
    store: &dyn Store,
    tenant: &TenantId,
    query: &Query,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page, Error> {
    let question = query.hash(tenant);
    if cursor.is_some_and(|cursor| cursor.question != question) {
        return Err(BadCursor::Question.into());
    }
    let (start, end) = query.bounds(tenant, cursor.map(|cursor| cursor.last));
    let scans = query.partitions(tenant, store.partitions()).into_iter();
    let scans = scans.map(|partition| Scan::new(store, tenant, partition, (start.clone(), end.clone())));
    let mut merge = Merge::begin(scans.collect()).await?;

    let limit = limit.clamp(1, MAX_PAGE);
    let mut items = Vec::new();
    let mut last = None;
    while let Some((id, scan)) = merge.next() {
        let rows = scan.take();
        if let Some(item) = query.admits(id, &rows)? {
            items.push(item);
        }
        last = Some(id);
        if items.len() == limit || merge.rows() >= ROWS_A_CALL {
            break;
        }
        merge.refill().await?;
    }
    let more = merge.refill().await?;
    let next = last.filter(|_| more).map(|last| Cursor { last, question });
    Ok(Page { items, next })
}

impl Query {
    /// What identifies the question; the page's length isn't part of it.
    fn hash(&self, tenant: &TenantId) -> [u8; 4] {
        let hash = stable_hash(&[b"listing", tenant.as_str().as_bytes(), format!("{:?}", self.parts()).as_bytes()]);
        [hash[0], hash[1], hash[2], hash[3]]
    }

    fn parts(&self) -> [Option<String>; 6] {
        [
            self.from.as_ref().map(ToString::to_string),
            self.to.as_ref().map(ToString::to_string),
            self.status.map(|status| status.to_string()),
            self.after.map(|at| at.as_micros().to_string()),
            self.before.map(|at| at.as_micros().to_string()),
            self.direction.map(|direction| format!("{direction:?}")),
        ]
    }

    /// Between which keys the answers lie.
    fn bounds(&self, tenant: &TenantId, last: Option<MessageId>) -> (Bytes, Option<Bytes>) {
        let at = |ms: u64| {
            let mut key = tenant_prefix(tenant);
            key.put_uint(ms & 0xFFFF_FFFF_FFFF, 6);
            key.freeze()
        };
        let all = tenant_prefix(tenant).freeze();
        let start = self.after.map_or_else(|| all.clone(), |after| at(whole_millis_up(after)));
        let before = self.before.map(|before| at(whole_millis_up(before)));
        let last = last.map(|last| signalbox_store::layout::message_prefix(tenant, last));
        let end = before.into_iter().chain(last).min();
        (start, end.or_else(|| successor_of_prefix(&all)))
    }

    /// Where answers may lie: with both numbers known, in the conversation's partition alone.
    fn partitions(&self, tenant: &TenantId, count: u16) -> Vec<Partition> {
        let (Some(from), Some(to)) = (&self.from, &self.to) else { return (0..count).map(Partition::new).collect() };
        let of = |ours: &Address, theirs: &Address| {
            Conversation { tenant: tenant.clone(), ours: ours.clone(), theirs: theirs.clone() }.id().partition(count)
        };
        let mut partitions = match self.direction {
            Some(Direction::Outbound) => vec![of(from, to)],
            Some(Direction::Inbound) => vec![of(to, from)],
            None => vec![of(from, to), of(to, from)],
        };
        partitions.dedup();
        partitions
    }

    fn admits(&self, id: MessageId, rows: &crate::record::Rows) -> Result<Option<(Message, Head)>, Error> {
        let message = rows.message(id)?;
        let fits = self.from.as_ref().is_none_or(|from| *from == message.from)
            && self.to.as_ref().is_none_or(|to| *to == message.to)
            && self.direction.is_none_or(|direction| direction == message.direction);
        if !fits {
            return Ok(None);
        }
        let head = rows.head(id)?;
        Ok(self.status.is_none_or(|status| status == head.status).then_some((message, head)))
    }
}

/// Ids know whole milliseconds: the first one that isn't before `at`.
fn whole_millis_up(at: Timestamp) -> u64 {
    at.as_micros().div_ceil(1_000)
}

/// The scans, the newest message first.
struct Merge<'a> {
    scans: Vec<Scan<'a>>,
    heads: BinaryHeap<(MessageId, usize)>,
    /// The scan whose message was taken, and which isn't in the heap until it has another.
    taken: Option<usize>,
}

impl<'a> Merge<'a> {
    async fn begin(mut scans: Vec<Scan<'a>>) -> Result<Self, Error> {
        try_join_all(scans.iter_mut().map(Scan::advance)).await?;
        let heads = scans.iter().enumerate().filter_map(|(i, scan)| Some((scan.id()?, i))).collect();
        Ok(Self { scans, heads, taken: None })
    }

    fn next(&mut self) -> Option<(MessageId, &mut Scan<'a>)> {
        let (id, i) = self.heads.pop()?;
        self.taken = Some(i);
        Some((id, &mut self.scans[i]))
    }

    /// Reads on where a message was taken; is there any other?
    async fn refill(&mut self) -> Result<bool, Error> {
        if let Some(i) = self.taken.take() {
            self.scans[i].advance().await?;
            self.heads.extend(self.scans[i].id().map(|id| (id, i)));
        }
        Ok(!self.heads.is_empty())
    }

    fn rows(&self) -> usize {
        self.scans.iter().map(|scan| scan.rows).sum()
    }
}

/// Both ends of a scan: from, and up to but without.
pub(crate) fn range_bounds((start, end): (Bytes, Option<Bytes>)) -> (Bound<Bytes>, Bound<Bytes>) {
    (Bound::Included(start), end.map_or(Bound::Unbounded, Bound::Excluded))
}
