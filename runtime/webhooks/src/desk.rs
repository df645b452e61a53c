//! One endpoint's desk: reads what waits for it, hands it to workers in the order that conversations need, and writes
//! down what came of it. One task, so none of this needs a lock.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use signalbox_model::{Partition, Timestamp};
use signalbox_store::layout::outbox_key;
use signalbox_store::{Batch, Committed, Page, Range, Table};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::Error;
use crate::context::Context;
use crate::health::Health;
use crate::item::{Row, parse_key};
use crate::prepare::{Destinations, Refusal};
use crate::roster::Entry;
use crate::window::{Wanted, Window};
use crate::worker::{Backlog, Done, Job, Worker};

/// Outcomes taken at once: they share one batch a partition.
const DONE_AT_ONCE: usize = 64;
/// Commits under way before nothing new is begun: a store that hangs must not grow a queue here.
const MAX_COMMITS: usize = 256;
/// How long a desk without anything to do stays: its connections may be wanted again.
const LINGER: Duration = Duration::from_secs(120);

type Read = (Wanted, Result<Page, signalbox_store::Error>);
type Commit = (Partition, Result<Committed, signalbox_store::Error>);

pub(crate) struct Desk {
    pub(crate) context: Arc<Context>,
    pub(crate) entry: Arc<Entry>,
    pub(crate) window: Window,
    pub(crate) health: Health,
    pub(crate) destinations: Destinations,
    /// Webhooks that answered 410, and the version of them that did.
    pub(crate) gone: HashMap<String, Timestamp>,
    pub(crate) in_flight: usize,
    pub(crate) idle: Vec<usize>,
    /// At most as many as there are workers: begun, but not yet in anybody's hands.
    backlog: Backlog,
    workers: Vec<mpsc::Sender<Job>>,
    tasks: JoinSet<()>,
    done: (mpsc::Sender<Done>, mpsc::Receiver<Done>),
    finished: Vec<Done>,
    /// What is to be committed at the end of this turn.
    batches: Vec<Batch>,
    reads: FuturesUnordered<BoxFuture<'static, Read>>,
    commits: FuturesUnordered<BoxFuture<'static, Commit>>,
}

enum Signal {
    Rung,
    Done,
    Read(Read),
    Committed(Commit),
    Time,
    Unused,
    Drain,
}

impl Desk {
    pub fn new(context: Arc<Context>, entry: Arc<Entry>) -> Self {
        let window = Window::new(context.config.window);
        Self {
            context,
            entry,
            window,
            health: Health::default(),
            destinations: Destinations::default(),
            gone: HashMap::new(),
            in_flight: 0,
            idle: Vec::new(),
            backlog: Backlog::default(),
            workers: Vec::new(),
            tasks: JoinSet::new(),
            done: mpsc::channel(DONE_AT_ONCE),
            finished: Vec::new(),
            batches: Vec::new(),
            reads: FuturesUnordered::new(),
            commits: FuturesUnordered::new(),
        }
    }

    /// Works until there was nothing to do for a while, or the house drains.
    pub async fn run(mut self, mut drain: watch::Receiver<bool>) -> Result<(), Error> {
        loop {
            self.turn();
            match self.signal(&mut drain).await {
                Signal::Rung => self.entry.take_rung().into_iter().for_each(|partition| self.window.ring(partition)),
                Signal::Done => self.settle_finished(),
                Signal::Read(read) => self.take_in(read)?,
                Signal::Committed(commit) => self.committed(commit)?,
                Signal::Time => {}
                Signal::Unused if self.context.roster.leave(&self.entry) => return Ok(()),
                Signal::Unused => {}
                Signal::Drain => return self.drain().await,
            }
        }
    }

    /// Begins whatever can be begun now.
    fn turn(&mut self) {
        let now = self.context.clock.now();
        self.window.wake(now);
        self.dispatch(now);
        self.commit();
        self.read();
        self.count();
    }

    async fn signal(&mut self, drain: &mut watch::Receiver<bool>) -> Signal {
        let now = self.context.clock.now();
        let wake = self.window.next_wake().into_iter().chain(self.health.next_wake(now)).min();
        let unused = self.window.is_idle() && self.commits.is_empty();
        let clock = &self.context.clock;
        tokio::select! {
            biased;
            _ = drain.wait_for(|drain| *drain) => Signal::Drain,
            // The desk holds a sender itself, so the channel never ends.
            _ = self.done.1.recv_many(&mut self.finished, DONE_AT_ONCE) => Signal::Done,
            Some(commit) = self.commits.next() => Signal::Committed(commit),
            Some(read) = self.reads.next() => Signal::Read(read),
            () = self.entry.bell.notified() => Signal::Rung,
            () = async { clock.sleep_until(wake.unwrap_or(now)).await }, if wake.is_some() => Signal::Time,
            () = tokio::time::sleep(LINGER), if unused => Signal::Unused,
        }
    }

    fn dispatch(&mut self, now: Timestamp) {
        let usual = self.context.config.per_endpoint;
        let limit = self.health.concurrency(usual, now);
        // An ill endpoint gets no more than it is allowed; one that is well has something before it at any time.
        let limit = if limit < usual { limit } else { 2 * usual };
        if limit < usual {
            self.take_back(now);
        } else {
            self.clear_backlog();
        }
        while self.in_flight < limit && self.commits.len() < MAX_COMMITS {
            let Some(pending) = self.window.start() else { return };
            match self.prepare(&pending.row, now) {
                Ok(job) => self.hand_over(job),
                Err(Refusal::Park(why)) => self.park(pending, now, why),
                Err(Refusal::Drop(why)) => self.drop_event(&pending, now, why),
            }
        }
    }

    /// To the worker that was used last: its connection is the least likely to have been closed. If nobody is free, to
    /// whoever will be first.
    fn hand_over(&mut self, job: Job) {
        self.in_flight += 1;
        let index = match self.idle.pop() {
            Some(index) => index,
            None if self.workers.len() < self.context.config.per_endpoint => self.hire(),
            None => return self.backlog.lock().push_back(job),
        };
        self.give(index, job);
    }

    fn give(&mut self, index: usize, job: Job) {
        let sent = self.workers[index].try_send(job);
        sent.expect("an idle worker has room for a job, and works as long as the desk has its sender");
    }

    fn hire(&mut self) -> usize {
        let (sender, jobs) = mpsc::channel(1);
        let index = self.workers.len();
        let (context, done) = (Arc::clone(&self.context), self.done.0.clone());
        let backlog = Arc::clone(&self.backlog);
        self.tasks.spawn(Worker { index, context, jobs, backlog, done, line: None }.run());
        self.workers.push(sender);
        index
    }

    fn settle_finished(&mut self) {
        let now = self.context.clock.now();
        for done in std::mem::take(&mut self.finished) {
            self.in_flight -= 1;
            if !done.goes_on {
                self.idle.push(done.worker);
            }
            self.settle(done, now);
        }
    }

    /// Whoever is free takes what came just after they had looked.
    fn clear_backlog(&mut self) {
        while let Some(&index) = self.idle.last() {
            let Some(job) = self.backlog.lock().pop_front() else { return };
            self.idle.pop();
            self.give(index, job);
        }
    }

    /// Nobody begins on what is in nobody's hands yet: it is ready, as it was before.
    fn take_back(&mut self, now: Timestamp) {
        let jobs = std::mem::take(&mut *self.backlog.lock());
        for job in jobs {
            self.in_flight -= 1;
            // Its lane may have been dropped, and another event have come first since.
            if self.window.first(job.item.conversation).is_some_and(|first| first.row.item.id == job.item.id) {
                self.window.postpone(job.item.conversation, now, 0, now);
            }
        }
    }

    /// The batch in which this turn's writes to `partition` go; `None` when it isn't ours any more.
    pub(crate) fn batch(&mut self, partition: Partition) -> Option<&mut Batch> {
        let at = match self.batches.iter().position(|batch| batch.partition == partition) {
            Some(at) => at,
            None => {
                let Some(epoch) = (self.context.epochs)(partition) else {
                    self.window.drop_lane(partition);
                    return None;
                };
                self.batches.push(Batch::new(partition, epoch));
                self.batches.len() - 1
            }
        };
        Some(&mut self.batches[at])
    }

    fn commit(&mut self) {
        for batch in self.batches.drain(..) {
            let store = Arc::clone(&self.context.store);
            self.commits.push(Box::pin(async move {
                let partition = batch.partition;
                (partition, store.commit(batch).await)
            }));
        }
    }

    fn committed(&mut self, (partition, result): Commit) -> Result<(), Error> {
        match result {
            Ok(_) => Ok(()),
            // Whoever has it now tells what is left; what was told just now is told twice, with the same id.
            Err(signalbox_store::Error::Fenced { .. }) => {
                self.window.drop_lane(partition);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn read(&mut self) {
        while let Some(wanted) = self.window.next_read() {
            let store = Arc::clone(&self.context.store);
            let key = self.entry.key.0;
            self.reads.push(Box::pin(async move {
                let mut range = Range::prefix(Table::Outbox, key.to_vec(), wanted.limit);
                if let Some(after) = wanted.after {
                    range = range.resume(outbox_key(key, after));
                }
                (wanted, store.range(wanted.partition, range).await)
            }));
        }
    }

    fn take_in(&mut self, (wanted, page): Read) -> Result<(), Error> {
        let page = page?;
        if page.len() == wanted.limit {
            self.window.ring(wanted.partition);
        }
        let last = page.last().and_then(|(key, _)| parse_key(key)).map(|(_, seq)| seq);
        let rows: Vec<_> = page.iter().filter_map(|(key, value)| self.row(wanted.partition, key, value)).collect();
        if let Some((_, row)) = rows.first() {
            self.entry.call(&row.item);
        }
        self.window.take_in(wanted, rows, last, self.context.clock.now());
        Ok(())
    }

    /// A row that can't be read stays where it is and holds nobody up; somebody has to look at it.
    fn row(&self, partition: Partition, key: &[u8], value: &[u8]) -> Option<(u64, Row)> {
        let (_, seq) = parse_key(key)?;
        match Row::decode(value) {
            Ok(row) => Some((seq, row)),
            Err(error) => {
                tracing::error!(endpoint = ?self.entry.key, partition = partition.index(), seq, %error, "webhook event skipped");
                None
            }
        }
    }

    fn count(&self) {
        let counters = &self.entry.counters;
        counters.waiting.store(self.window.len() as u64, Ordering::Relaxed);
        counters.retrying.store(self.window.retrying() as u64, Ordering::Relaxed);
    }

    /// Waits for what is under way, within a bound, and writes it down. What isn't is told after the next start.
    async fn drain(mut self) -> Result<(), Error> {
        let until = tokio::time::Instant::now() + self.context.config.drain_timeout;
        self.take_back(self.context.clock.now());
        while self.in_flight > 0 {
            let more = self.done.1.recv_many(&mut self.finished, DONE_AT_ONCE);
            if tokio::time::timeout_at(until, more).await.is_err() {
                break;
            }
            self.settle_finished();
        }
        self.commit();
        while let Some(commit) = self.commits.next().await {
            self.committed(commit)?;
        }
        Ok(())
    }
}
