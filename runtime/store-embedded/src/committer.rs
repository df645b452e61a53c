//! The committer: one thread that turns what waits into one write and one fsync.
//!
//! A group is whatever came while the group before it was being made durable. Only a busy store waits for more, and not for
//! long: an fsync and the threads that it wakes cost the same for few requests as for many, and where many come, that is
//! what keeps the processor from more useful work. All of a group's callers are answered after the fsync, also those whose
//! batch was refused: a refusal, too, tells of batches before it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use signalbox_store::{Committed, Epoch, Error, InboxSeq};
use tokio::sync::oneshot;

use crate::config::Config;
use crate::group::{Group, Owners};
use crate::queue::{Gather, Request};
use crate::shared::Shared;

/// Answers that wait for the fsync.
enum Answer {
    Committed(oneshot::Sender<Result<Committed, Error>>, Result<Committed, Error>),
    Acquired(oneshot::Sender<Result<Epoch, Error>>, Result<Epoch, Error>),
}

impl Answer {
    fn give(self) {
        // A caller that went away is no concern: its batch stands.
        match self {
            Self::Committed(to, result) => drop(to.send(result)),
            Self::Acquired(to, result) => drop(to.send(result)),
        }
    }

    fn give_failure(self, why: &Arc<str>) {
        match self {
            Self::Committed(to, _) => drop(to.send(Err(Error::Fatal(why.clone())))),
            Self::Acquired(to, _) => drop(to.send(Err(Error::Fatal(why.clone())))),
        }
    }
}

/// Runs until the store is closed; then lets go of the folder.
pub fn run(shared: &Shared, owners: Owners) {
    let mut committer = Committer { shared, owners, answers: Vec::new(), bells: Vec::new() };
    let served = catch_unwind(AssertUnwindSafe(|| committer.serve()));
    if let Err(why) = served.unwrap_or_else(|_| Err("the committer came to an unforeseen end".to_owned())) {
        let why: Arc<str> = why.into();
        tracing::error!(why = %why, "the store failed and must be reopened");
        shared.fail(&why);
        for answer in committer.answers.drain(..) {
            answer.give_failure(&why);
        }
        shared.queue.wait_for_close();
    }
    shared.let_go();
}

struct Committer<'a> {
    shared: &'a Shared,
    owners: Owners,
    answers: Vec<Answer>,
    bells: Vec<usize>,
}

impl Committer<'_> {
    fn serve(&mut self) -> Result<(), String> {
        let mut waiting = VecDeque::new();
        let mut group = Group::default();
        let (mut gather, longest) = (None, self.shared.config.gather);
        while self.shared.queue.take_all(&mut waiting, gather) {
            let is_busy = waiting.len() >= Config::BUSY && !longest.is_zero();
            if let Err(why) = self.serve_all(&mut waiting, &mut group) {
                for request in waiting.drain(..) {
                    request.refuse(Error::Fatal(why.as_str().into()));
                }
                return Err(why);
            }
            gather = is_busy.then(|| Gather { enough: Config::ENOUGH, until: Instant::now() + longest });
        }
        Ok(())
    }

    fn serve_all(&mut self, waiting: &mut VecDeque<Request>, group: &mut Group) -> Result<(), String> {
        let config = &self.shared.config;
        while !waiting.is_empty() {
            while let Some(request) = waiting.pop_front() {
                self.admit(request, group)?;
                if group.ops() >= config.max_ops_per_flush || group.bytes() >= config.max_bytes_per_flush {
                    break;
                }
            }
            self.flush(group)?;
        }
        Ok(())
    }

    /// Evaluates a request on top of the group so far.
    fn admit(&mut self, request: Request, group: &mut Group) -> Result<(), String> {
        let trees = self.shared.trees.read();
        let trees = trees.as_ref().ok_or("it was closed")?;
        match request {
            Request::Commit(batch, reply) => {
                let result = group.add(batch, &mut self.owners, trees);
                // A check that can't be read says nothing about the other batches; but a damaged tree must not be
                // written to.
                if let Err(Error::Unusable(why)) = &result {
                    let why = why.clone();
                    self.answers.push(Answer::Committed(reply, result));
                    return Err(why);
                }
                self.answers.push(Answer::Committed(reply, result));
            }
            Request::Acquire(partition, reply) => {
                let epoch = group.acquire(partition, &mut self.owners);
                self.answers.push(Answer::Acquired(reply, Ok(epoch)));
            }
        }
        Ok(())
    }

    /// Makes the group durable, shows its inbox records, answers its callers.
    fn flush(&mut self, group: &mut Group) -> Result<(), String> {
        if group.ops() > 0 {
            let trees = self.shared.trees.read();
            trees.as_ref().ok_or("it was closed")?.write(group.drain_writes())?;
        }
        for (slot, seq) in group.drain_taken() {
            self.shared.inboxes[slot].remove(seq);
        }
        for (slot, seq, record) in group.drain_sent() {
            self.shared.inboxes[slot].push(seq, record);
            if !self.bells.contains(&slot) {
                self.bells.push(slot);
            }
        }
        for answer in self.answers.drain(..) {
            answer.give();
        }
        for slot in self.bells.drain(..) {
            self.shared.inboxes[slot].bell.notify_one();
        }
        Ok(())
    }
}

/// The number of an inbox record, read from its key; `None` if it isn't the key of one.
pub fn inbox_seq(key: &[u8]) -> Option<InboxSeq> {
    Some(InboxSeq(u64::from_be_bytes(key.try_into().ok()?)))
}
