//! Backing off: a message whose carrier was busy waits beside its lane's queue, and what is behind it in its conversation
//! waits with it. Others go on.
//!
//! When the wait is over the first of them goes, and the rest only once it is over with: taken, or ended. What comes back
//! meanwhile, because it was on the wire already, takes its place among them.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use signalbox_model::{ConversationId, MessageId, Timestamp};

use crate::egress::{Lane, Waiting};

/// Messages of a conversation that wait beside the queue, in the order of their conversation.
#[derive(Default)]
pub(crate) struct BackingOff {
    /// The first of them doesn't go before this.
    until: Timestamp,
    /// The message that is on its way; the others wait for what becomes of it.
    trying: Option<MessageId>,
    waiting: VecDeque<Waiting>,
}

impl BackingOff {
    /// Has a message of the conversation that is in the queue to wait here?
    pub(crate) fn holds(&self, waiting: &Waiting) -> bool {
        self.trying != Some(waiting.message)
    }

    pub(crate) fn add(&mut self, waiting: Waiting) {
        let at = self.waiting.partition_point(|before| before.seq < waiting.seq);
        self.waiting.insert(at, waiting);
    }
}

impl Lane {
    pub(crate) fn is_backing_off(&self, conversation: ConversationId) -> bool {
        self.backing_off.load(Ordering::Relaxed) > 0 && self.line.lock().backing_off.contains_key(&conversation)
    }

    /// A message that came back waits until then.
    pub(crate) fn back_off(&self, waiting: Waiting, until: Timestamp) {
        let mut line = self.line.lock();
        line.stands(waiting.conversation);
        let of = line.backing_off.entry(waiting.conversation).or_insert_with(|| {
            self.backing_off.fetch_add(1, Ordering::Relaxed);
            BackingOff::default()
        });
        of.until = of.until.max(until);
        if of.trying == Some(waiting.message) {
            of.trying = None;
        }
        of.add(waiting);
    }

    /// The wait is over: the first message comes to the head of the queue.
    pub(crate) fn resume(&self, conversation: ConversationId, now: Timestamp) {
        let mut line = self.line.lock();
        let Some(of) = line.backing_off.get_mut(&conversation) else { return };
        // Another one came back meanwhile, or one is on its way: that brings it on.
        if of.until > now || of.trying.is_some() {
            return;
        }
        let first = of.waiting.pop_front();
        of.trying = first.as_ref().map(|first| first.message);
        self.put_back(&mut line, first.into_iter());
    }

    /// A message won't come back: if the rest of its conversation waits for what becomes of it, that goes on.
    pub(crate) fn is_over(&self, conversation: ConversationId, message: MessageId) {
        if self.backing_off.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut line = self.line.lock();
        let is_awaited = line.backing_off.get(&conversation).is_some_and(|of| of.trying == Some(message));
        if is_awaited {
            self.release(&mut line, conversation);
        }
    }

    fn release(&self, line: &mut crate::egress::Line, conversation: ConversationId) {
        if let Some(of) = line.backing_off.remove(&conversation) {
            self.backing_off.fetch_sub(1, Ordering::Relaxed);
            self.put_back(line, of.waiting.into_iter());
        }
    }

    /// Takes out those that wait here and whose validity ran out. They stand until somebody ends them.
    pub(crate) fn expired_beside(&self, now: Timestamp) -> Vec<Waiting> {
        if self.backing_off.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        let mut line = self.line.lock();
        let mut gone = Vec::new();
        let mut empty = Vec::new();
        for (conversation, of) in &mut line.backing_off {
            let (left, stays) =
                std::mem::take(&mut of.waiting).into_iter().partition(|waiting| waiting.expires_at <= now);
            of.waiting = stays;
            gone.extend::<VecDeque<Waiting>>(left);
            if of.waiting.is_empty() && of.trying.is_none() {
                empty.push(*conversation);
            }
        }
        for conversation in empty {
            self.release(&mut line, conversation);
        }
        gone
    }
}
