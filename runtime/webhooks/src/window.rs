//! The part of an endpoint's queues that is in memory: which event may go next.
//!
//! A lane is the endpoint's queue in one partition. Lanes are read on from the last key that was read, so what was
//! told and deleted before is never passed again. Within a conversation events go one at a time; a conversation whose
//! first event waits for its retry holds back its own events and no others.

use std::collections::{BTreeSet, VecDeque};

use foldhash::HashMap;
use signalbox_model::{ConversationId, Partition, Timestamp};

use crate::item::Row;

/// An event and where it lies.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pending {
    pub partition: Partition,
    pub seq: u64,
    pub row: Row,
}

/// A page to be read: up to `limit` rows of `partition` behind `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub partition: Partition,
    pub after: Option<u64>,
    pub limit: usize,
}

#[derive(Debug, Default)]
struct Lane {
    after: Option<u64>,
    /// There may be rows behind `after`.
    more: bool,
    reading: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Busy,
    Waiting(Timestamp),
}

#[derive(Debug)]
struct Queue {
    state: State,
    rows: VecDeque<Pending>,
}

/// Rows read at once.
const PAGE: usize = 128;
/// Lanes read at once; one behind the other would be slow where the store is a network away.
const READS: usize = 8;

/// What is in memory.
#[derive(Debug)]
pub(crate) struct Window {
    limit: usize,
    rows: usize,
    reading: usize,
    lanes: HashMap<Partition, Lane>,
    /// Lanes with more, in the order of turns.
    turns: VecDeque<Partition>,
    queues: HashMap<ConversationId, Queue>,
    ready: VecDeque<ConversationId>,
    waiting: BTreeSet<(Timestamp, ConversationId)>,
}

impl Window {
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            rows: 0,
            reading: 0,
            lanes: HashMap::default(),
            turns: VecDeque::new(),
            queues: HashMap::default(),
            ready: VecDeque::new(),
            waiting: BTreeSet::new(),
        }
    }

    /// Something may have come behind what was read of `partition`.
    pub fn ring(&mut self, partition: Partition) {
        let lane = self.lanes.entry(partition).or_default();
        if !lane.more && !lane.reading {
            self.turns.push_back(partition);
        }
        lane.more = true;
    }

    /// The next page to read, while there is room for it.
    pub fn next_read(&mut self) -> Option<Wanted> {
        let room = self.limit.saturating_sub(self.rows + self.reading * PAGE);
        // Small pages would cost a read for a few rows each; an empty window has room for at least one.
        if self.reading >= READS || room < PAGE.min(self.limit) {
            return None;
        }
        let partition = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&partition).expect("a lane with a turn exists");
        (lane.more, lane.reading) = (false, true);
        self.reading += 1;
        Some(Wanted { partition, after: lane.after, limit: PAGE.min(room) })
    }

    /// Takes in a page that was read: its rows, the last key in it, and whether it was full.
    pub fn take_in(&mut self, wanted: Wanted, rows: Vec<(u64, Row)>, last: Option<u64>, now: Timestamp) {
        self.reading -= 1;
        let Some(lane) = self.lanes.get_mut(&wanted.partition) else { return };
        lane.after = last.or(lane.after);
        lane.reading = false;
        if lane.more {
            self.turns.push_back(wanted.partition);
        }
        for (seq, row) in rows {
            self.push(Pending { partition: wanted.partition, seq, row }, now);
        }
    }

    fn push(&mut self, pending: Pending, now: Timestamp) {
        self.rows += 1;
        let conversation = pending.row.item.conversation;
        if let Some(queue) = self.queues.get_mut(&conversation) {
            queue.rows.push_back(pending);
            return;
        }
        self.queues.insert(conversation, Queue { state: State::Busy, rows: [pending].into() });
        self.settle(conversation, now);
    }

    /// The first event of a conversation becomes ready, or waits for its time; an empty conversation is forgotten.
    fn settle(&mut self, conversation: ConversationId, now: Timestamp) {
        let Some(queue) = self.queues.get_mut(&conversation) else { return };
        match queue.rows.front() {
            None => {
                self.queues.remove(&conversation);
            }
            Some(first) if first.row.not_before > now => {
                queue.state = State::Waiting(first.row.not_before);
                self.waiting.insert((first.row.not_before, conversation));
            }
            Some(_) => {
                queue.state = State::Ready;
                self.ready.push_back(conversation);
            }
        }
    }

    /// Events whose time has come become ready.
    pub fn wake(&mut self, now: Timestamp) {
        while let Some(&(at, conversation)) = self.waiting.first().filter(|(at, _)| *at <= now) {
            self.waiting.remove(&(at, conversation));
            self.settle(conversation, now);
        }
    }

    /// When the next waiting event's time comes.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// The next event that may go. Its conversation is busy until [`finish`](Self::finish) or
    /// [`postpone`](Self::postpone).
    pub fn start(&mut self) -> Option<Pending> {
        while let Some(conversation) = self.ready.pop_front() {
            // A conversation whose lane was dropped may still stand in line.
            if let Some(queue) = self.queues.get_mut(&conversation).filter(|queue| queue.state == State::Ready) {
                queue.state = State::Busy;
                return queue.rows.front().cloned();
            }
        }
        None
    }

    /// The conversation's first event is over. `None` if it was dropped meanwhile.
    pub fn finish(&mut self, conversation: ConversationId, now: Timestamp) -> Option<Pending> {
        let queue = self.queues.get_mut(&conversation)?;
        let pending = queue.rows.pop_front()?;
        self.rows -= 1;
        self.settle(conversation, now);
        Some(pending)
    }

    /// The conversation's first event is tried again at `at`; `failed` more attempts have failed.
    pub fn postpone(
        &mut self,
        conversation: ConversationId,
        at: Timestamp,
        failed: u16,
        now: Timestamp,
    ) -> Option<&Pending> {
        let first = self.queues.get_mut(&conversation)?.rows.front_mut()?;
        first.row.attempts += failed;
        first.row.not_before = at;
        self.settle(conversation, now);
        self.queues.get(&conversation)?.rows.front()
    }

    /// The first event of a conversation.
    pub fn first(&self, conversation: ConversationId) -> Option<&Pending> {
        self.queues.get(&conversation)?.rows.front()
    }

    /// The partition isn't ours any more: its rows are another's to tell.
    pub fn drop_lane(&mut self, partition: Partition) {
        self.lanes.remove(&partition);
        self.turns.retain(|turn| *turn != partition);
        let of_lane = |queue: &Queue| queue.rows.front().is_some_and(|pending| pending.partition == partition);
        let dropped: Vec<_> = self.queues.iter().filter(|(_, queue)| of_lane(queue)).map(|(id, _)| *id).collect();
        for conversation in dropped {
            if let Some(queue) = self.queues.remove(&conversation) {
                self.rows -= queue.rows.len();
                if let State::Waiting(at) = queue.state {
                    self.waiting.remove(&(at, conversation));
                }
            }
        }
    }

    /// How many events are in memory.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// How many conversations wait for a retry.
    pub fn retrying(&self) -> usize {
        self.waiting.len()
    }

    /// Nothing in memory, nothing to read, nothing being read.
    pub fn is_idle(&self) -> bool {
        self.rows == 0 && self.reading == 0 && self.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use signalbox_model::{AttemptId, Chance, MessageId};

    use std::sync::Arc;

    use super::*;
    use crate::item::{Endpoint, Item};

    const P: Partition = Partition::new(3);
    const T0: Timestamp = Timestamp::from_millis(1_000);

    fn row(conversation: u8) -> Row {
        let chance = Chance::seeded(1);
        Row::fresh(Arc::new(Item {
            id: AttemptId::new(T0, P, &chance),
            tenant: "acme".parse().unwrap(),
            endpoint: Endpoint::Webhook { name: "main".into() },
            conversation: ConversationId::from_bytes([conversation; 16]),
            message: MessageId::new(T0, P, &chance),
            n: 0,
            event: "message.sent".into(),
        }))
    }

    fn filled(limit: usize, conversations: &[u8]) -> Window {
        let mut window = Window::new(limit);
        window.ring(P);
        let wanted = window.next_read().unwrap();
        let rows: Vec<_> = conversations.iter().enumerate().map(|(i, c)| (i as u64, row(*c))).collect();
        let last = rows.last().map(|(seq, _)| *seq);
        window.take_in(wanted, rows, last, T0);
        window
    }

    fn started(window: &mut Window) -> Vec<u64> {
        std::iter::from_fn(|| window.start()).map(|pending| pending.seq).collect()
    }

    fn conversation(n: u8) -> ConversationId {
        ConversationId::from_bytes([n; 16])
    }

    #[test]
    fn a_conversation_goes_one_at_a_time_and_others_beside_it() {
        let mut window = filled(100, &[1, 1, 2]);
        assert_eq!(started(&mut window), [0, 2]);
        window.finish(conversation(1), T0);
        assert_eq!(started(&mut window), [1]);
    }

    #[test]
    fn a_retry_holds_back_its_own_conversation_only() {
        let mut window = filled(100, &[1, 1, 2]);
        started(&mut window);
        let later = T0 + std::time::Duration::from_secs(5);
        window.postpone(conversation(1), later, 1, T0);
        window.finish(conversation(2), T0);
        assert_eq!(started(&mut window), [0; 0]);
        assert_eq!(window.next_wake(), Some(later));
        window.wake(later);
        assert_eq!(started(&mut window), [0]);
        assert_eq!(window.first(conversation(1)).map(|first| first.row.attempts), Some(1));
    }

    #[test]
    fn a_full_window_reads_no_more_until_there_is_room() {
        let mut window = filled(4, &[1, 2, 3, 4]);
        window.ring(P);
        assert_eq!(window.next_read(), None);
        started(&mut window);
        (1..=4).for_each(|c| {
            window.finish(conversation(c), T0);
        });
        assert_eq!(window.next_read(), Some(Wanted { partition: P, after: Some(3), limit: 4 }));
    }

    #[test]
    fn a_ring_during_a_read_is_not_lost() {
        let mut window = Window::new(1_000);
        window.ring(P);
        let wanted = window.next_read().unwrap();
        window.ring(P);
        assert_eq!(window.next_read(), None);
        window.take_in(wanted, vec![], None, T0);
        assert!(window.next_read().is_some());
    }

    #[test]
    fn a_dropped_lane_leaves_nothing_behind() {
        let mut window = filled(100, &[1, 2]);
        started(&mut window);
        window.postpone(conversation(1), Timestamp::MAX, 1, T0);
        window.drop_lane(P);
        assert_eq!((window.len(), window.retrying(), window.is_idle()), (0, 0, true));
        assert!(window.finish(conversation(2), T0).is_none());
    }
}
