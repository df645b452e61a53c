//! One bind's window: places, what is in flight in them, and who is told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use foldhash::{HashMap, HashMapExt};
use parking_lot::Mutex;
use signalbox_model::ErrorClass;
use signalbox_smpp::pdu::{CommandStatus, SubmitSm};
use signalbox_smpp::{Bind, BindKind, Error, SubmitOutcome};
use tokio::sync::{Notify, mpsc, oneshot};

use super::fate::Fate;
use super::tempo::Tempo;

/// A submission's number and the number of its part, in one word.
type Tagged = (u64, SubmitOutcome);

/// `ESME_RMSGQFUL`s in a row from which on they are a complaint about the bind. Many carriers have a queue for each recipient or
/// network: fewer say that one of these is full, which is for its messages to wait for and not for all others.
const FULL_QUEUES: u32 = 10;

/// One bind, whether it is up or not. It outlives its connections.
pub(super) struct Link {
    pub number: usize,
    pub kind: BindKind,
    pub tempo: Tempo,
    window: usize,
    /// Whether the peer takes optional parameters.
    takes_tlvs: AtomicBool,
    state: Mutex<State>,
    outcomes: mpsc::UnboundedSender<Tagged>,
    /// Rung when a place may have become free, or the bind came up.
    bell: Arc<Notify>,
}

struct State {
    bind: Option<Bind>,
    /// Places that are reserved or in flight: never more than the window.
    used: usize,
    in_flight: usize,
    last: u64,
    /// `ESME_RMSGQFUL`s since anything else was answered.
    full_queues: u32,
    flights: HashMap<u64, Flight>,
}

/// A submission of which parts are in flight.
struct Flight {
    fates: Vec<Fate>,
    /// How many of them wait for their answers.
    waiting: usize,
    /// Parts for which there was no place yet. They go one by one into the places that those before them free.
    rest: VecDeque<(usize, SubmitSm)>,
    tell: oneshot::Sender<Vec<Fate>>,
}

impl Flight {
    /// Leaves the remaining parts unsent: after a part that wasn't taken, what follows waits for the next try.
    fn stop(&mut self) {
        for (at, _) in self.rest.drain(..) {
            self.fates[at] = Fate::Unsent;
        }
    }

    fn finish(self) {
        // Whoever doesn't wait any more doesn't want to know.
        let _ = self.tell.send(self.fates);
    }
}

impl Link {
    /// A link that is down, and the outcomes that it is to be given back in [`settle`](Self::settle).
    pub fn new(
        number: usize,
        kind: BindKind,
        window: usize,
        tempo: Tempo,
        bell: Arc<Notify>,
    ) -> (Self, mpsc::UnboundedReceiver<Tagged>) {
        let (outcomes, to_settle) = mpsc::unbounded_channel();
        let state = State { bind: None, used: 0, in_flight: 0, last: 0, full_queues: 0, flights: HashMap::new() };
        let takes_tlvs = AtomicBool::new(false);
        (Self { number, kind, tempo, window, takes_tlvs, state: Mutex::new(state), outcomes, bell }, to_settle)
    }

    /// Whether messages go this way at all.
    pub fn sends(&self) -> bool {
        self.kind != BindKind::Receiver
    }

    /// It is bound.
    pub fn up(&self, bind: Bind) {
        self.takes_tlvs.store(bind.takes_tlvs(), Ordering::Relaxed);
        self.state.lock().bind = Some(bind);
        self.bell.notify_waiters();
    }

    /// It isn't bound any more.
    pub fn down(&self) {
        let bind = self.state.lock().bind.take();
        drop(bind);
        self.bell.notify_waiters();
    }

    pub fn is_up(&self) -> bool {
        self.state.lock().bind.is_some()
    }

    pub fn takes_tlvs(&self) -> bool {
        self.takes_tlvs.load(Ordering::Relaxed)
    }

    /// Parts on the wire without an answer.
    pub fn in_flight(&self) -> usize {
        self.state.lock().in_flight
    }

    /// How many places a submission of so many parts asks for.
    pub fn places_for(&self, parts: usize) -> usize {
        parts.clamp(1, self.window)
    }

    /// Free places, if messages can go this way now.
    pub fn room(&self) -> Option<usize> {
        let state = self.state.lock();
        (self.sends() && state.bind.is_some()).then(|| self.window - state.used)
    }

    /// Reserves places, if there are so many and the pace allows `parts` segments.
    pub fn reserve(&self, places: usize, parts: u32, now: Instant) -> bool {
        let mut state = self.state.lock();
        if state.bind.is_none() || state.used + places > self.window || !self.tempo.take(parts, now) {
            return false;
        }
        state.used += places;
        true
    }

    /// Gives reserved places back, unused.
    pub fn release(&self, places: usize) {
        self.state.lock().used -= places;
        self.bell.notify_waiters();
    }

    /// Hands the parts to the bind, in order, by the places reserved for them; those beyond follow as answers come.
    pub fn send(&self, places: usize, parts: Vec<SubmitSm>) -> oneshot::Receiver<Vec<Fate>> {
        let (tell, told) = oneshot::channel();
        let count = parts.len();
        let mut flight = Flight {
            fates: vec![Fate::Waiting; count],
            waiting: 0,
            rest: parts.into_iter().enumerate().collect(),
            tell,
        };
        let mut state = self.state.lock();
        state.last += 1;
        let key = state.last;
        let mut free = places;
        while free > 0 && self.send_next(&mut flight, key, &state.bind) {
            free -= 1;
        }
        state.used -= free;
        state.in_flight += places - free;
        match flight.waiting {
            0 => flight.finish(),
            _ => drop(state.flights.insert(key, flight)),
        }
        drop(state);
        if free > 0 {
            self.bell.notify_waiters();
        }
        told
    }

    /// Sends the next of the remaining parts. False if none of them goes any more.
    fn send_next(&self, flight: &mut Flight, key: u64, bind: &Option<Bind>) -> bool {
        let Some((at, part)) = flight.rest.pop_front() else { return false };
        match self.put(bind, key << 8 | at as u64, &part) {
            Ok(()) => {
                flight.waiting += 1;
                true
            }
            Err(fate) => {
                flight.fates[at] = fate;
                flight.stop();
                false
            }
        }
    }

    fn put(&self, bind: &Option<Bind>, tag: u64, part: &SubmitSm) -> Result<(), Fate> {
        let permit = bind.as_ref().and_then(Bind::try_permit).ok_or(Fate::Unsent)?;
        permit.submit_tagged(part, tag, &self.outcomes).map_err(|error| match error {
            Error::Encode { .. } => {
                Fate::Refused { raw_code: format!("not sent: {error}"), class: ErrorClass::ContentMalformed }
            }
            // The session is about to end.
            _ => Fate::Unsent,
        })
    }

    /// Takes outcomes in.
    pub fn settle(&self, outcomes: &mut Vec<Tagged>, now: Instant) {
        let mut state = self.state.lock();
        let state = &mut *state;
        for (tag, outcome) in outcomes.drain(..) {
            self.heed(&outcome, &mut state.full_queues, now);
            let (key, at) = (tag >> 8, (tag & 0xFF) as usize);
            let goes_on = state.flights.get_mut(&key).is_some_and(|flight| {
                flight.waiting -= 1;
                flight.fates[at] = Fate::of(outcome);
                if !flight.fates[at].is_taken() {
                    flight.stop();
                }
                self.send_next(flight, key, &state.bind)
            });
            if goes_on {
                continue;
            }
            state.used -= 1;
            state.in_flight -= 1;
            if state.flights.get(&key).is_some_and(|flight| flight.waiting == 0)
                && let Some(flight) = state.flights.remove(&key)
            {
                flight.finish();
            }
        }
        self.bell.notify_waiters();
    }

    /// Slows down if the carrier says that it is too much.
    fn heed(&self, outcome: &SubmitOutcome, full_queues: &mut u32, now: Instant) {
        let SubmitOutcome::Response(answer) = outcome else { return };
        *full_queues = if answer.status == CommandStatus::ESME_RMSGQFUL { full_queues.saturating_add(1) } else { 0 };
        let slowed = match answer.status == CommandStatus::ESME_RTHROTTLED || *full_queues >= FULL_QUEUES {
            true => self.tempo.complaint(now),
            false if answer.tlvs.is_empty() => None,
            false => answer.tlvs.congestion_state().and_then(|state| self.tempo.congestion(state, now)),
        };
        if let Some(per_second) = slowed {
            tracing::info!(bind = self.number, status = %answer.status, per_second, "slowed down");
        }
    }

    /// Whether every submission has its outcome.
    pub fn is_settled(&self) -> bool {
        self.state.lock().flights.is_empty()
    }

    /// Lets go of everything; whoever waits for an outcome learns that it is unknown.
    pub fn abandon(&self) {
        let mut state = self.state.lock();
        let (bind, flights) = (state.bind.take(), std::mem::take(&mut state.flights));
        drop(state);
        drop((bind, flights));
    }
}
