//! The task of one connection: it reads, writes and keeps time, all three in one task, so that they wake each other for free.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::inbound::{Inbound, Responder};
use super::outcome::Waiter;
use super::shared::{MAX_PENDING_OUTPUT, Shared, now};
use crate::Error;
use crate::pdu::{AlertNotification, Bind, CommandId, Encode, Frames, Outbind, Pdu};
use crate::session::{BindKind, Closed, Event, State};

/// Read into at least so much room: some dozens of typical PDUs a system call.
const READ_OCTETS: usize = 16 * 1024;

/// The last words (an `unbind_resp`, a refusal) are worth waiting so long for a peer to take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a connection tells whoever opens it, before there are messages.
pub(super) enum Greeting {
    Bound,
    BindRequested { kind: BindKind, bind: Bind },
    Outbind(Outbind),
}

pub(super) struct Connection<S> {
    pub shared: Arc<Shared>,
    pub stream: S,
    /// Whether a failed write has certainly handed nothing over. So it is for a bare socket, and not where TLS has records
    /// of its own between.
    pub exact: bool,
    pub max_pdu_octets: usize,
    pub tick: Duration,
    pub inbound: mpsc::Sender<Inbound>,
    pub greetings: mpsc::UnboundedSender<Greeting>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Runs until the session is closed and everyone is told.
    pub async fn run(self) {
        let Self { shared, stream, exact, max_pdu_octets, tick, inbound, greetings } = self;
        let (source, sink) = tokio::io::split(stream);
        let mut reader =
            Reader { shared: shared.clone(), source, frames: Frames::new(max_pdu_octets), inbound, greetings };
        let mut writer = Writer { shared: shared.clone(), sink, exact, taken: BytesMut::new() };
        tokio::select! {
            () = reader.run() => {}
            () = writer.run() => {}
            () = keep_time(&shared, tick) => {}
        }
        shared.step(|session| session.close(Closed::Aborted));
        settle(&shared);
        drop(reader);
        // A peer that doesn't take them in time doesn't hold up whoever waits for the end.
        let _ = timeout(LAST_WORDS, writer.finish()).await;
    }
}

/// Takes and settles all events that aren't the reader's own.
fn settle(shared: &Shared) -> State {
    let mut events = VecDeque::new();
    let state = shared.step(|session| {
        session.take_events(&mut events);
        session.state()
    });
    let rest = shared.settle(&mut events);
    debug_assert!(rest.iter().all(|event| matches!(event, Event::Bound)), "requests are taken where they are read");
    state
}

async fn keep_time(shared: &Shared, tick: Duration) {
    let mut ticks = interval(tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        shared.step(|session| session.tick(now()));
        if settle(shared) == State::Closed {
            return;
        }
    }
}

struct Writer<S> {
    shared: Arc<Shared>,
    sink: WriteHalf<S>,
    exact: bool,
    /// Taken from the session, not yet handed over.
    taken: BytesMut,
}

impl<S: AsyncWrite> Writer<S> {
    async fn run(&mut self) {
        loop {
            self.shared.flush.notified().await;
            // Let those who are about to submit do so: one write for all of them.
            tokio::task::yield_now().await;
            loop {
                if settle(&self.shared) == State::Closed {
                    return;
                }
                self.take();
                if self.taken.is_empty() {
                    break;
                }
                if let Err(error) = self.write_taken().await {
                    return self.shared.step(|session| session.close(Closed::Io(error.kind())));
                }
            }
        }
    }

    fn take(&mut self) {
        if self.taken.is_empty() {
            self.taken.clear();
            self.shared.quietly(|session| session.take_output(&mut self.taken));
            self.shared.drained.notify_one();
        }
    }

    /// Safe to drop and call again: what was handed over is always counted.
    async fn write_taken(&mut self) -> std::io::Result<()> {
        while !self.taken.is_empty() {
            match self.sink.write_buf(&mut self.taken).await {
                Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
                Ok(octets) => self.shared.quietly(|session| session.wrote(octets)),
                Err(error) => {
                    let doubtful = if self.exact { 0 } else { self.taken.len() };
                    self.shared.quietly(|session| session.wrote(doubtful));
                    return Err(error);
                }
            }
        }
        self.sink.flush().await
    }

    async fn finish(&mut self) -> std::io::Result<()> {
        let last_words = self.shared.closed.borrow().as_ref().is_some_and(Closed::leaves_last_words);
        if last_words {
            self.write_taken().await?;
            self.take();
            self.write_taken().await?;
        }
        self.sink.shutdown().await
    }
}

struct Reader<S> {
    shared: Arc<Shared>,
    source: ReadHalf<S>,
    frames: Frames,
    inbound: mpsc::Sender<Inbound>,
    greetings: mpsc::UnboundedSender<Greeting>,
}

impl<S: AsyncRead> Reader<S> {
    async fn run(&mut self) {
        let mut decoded = Vec::new();
        let mut events = VecDeque::new();
        loop {
            if let Err(reason) = self.read().await {
                return self.shared.step(|session| session.close(reason));
            }
            // Decoding is the dear part and needs no lock.
            let out_of_step = self.decode(&mut decoded);
            let (state, pending) = self.shared.step(|session| {
                let now = now();
                for (header, result) in decoded.drain(..) {
                    session.receive(header, result, now);
                }
                if let Some(length) = out_of_step {
                    session.out_of_step(length);
                }
                session.take_events(&mut events);
                (session.state(), session.pending_output())
            });
            for event in self.shared.settle(&mut events) {
                self.hand_on(event).await;
            }
            if state == State::Closed {
                return;
            }
            if pending > MAX_PENDING_OUTPUT {
                self.wait_for_the_peer_to_read().await;
            }
        }
    }

    async fn read(&mut self) -> Result<(), Closed> {
        let buffer = self.frames.buffer();
        if buffer.capacity() - buffer.len() < READ_OCTETS / 4 {
            buffer.reserve(READ_OCTETS);
        }
        match self.source.read_buf(buffer).await {
            Ok(0) => Err(Closed::PeerClosed { mid_pdu: self.frames.mid_pdu() }),
            Ok(_) => Ok(()),
            Err(error) => Err(Closed::Io(error.kind())),
        }
    }

    /// Every whole PDU that was read; the length at which the stream fell out of step, if it did.
    fn decode(&mut self, decoded: &mut Vec<Decoded>) -> Option<u32> {
        loop {
            match self.frames.next_frame() {
                Ok(Some(frame)) => decoded.push((frame.header, frame.decode())),
                Ok(None) => return None,
                Err(Error::FrameLength { length, .. }) => return Some(length),
                Err(_) => return Some(0),
            }
        }
    }

    async fn hand_on(&mut self, event: Event<Waiter>) {
        let greeting = match event {
            Event::Request { sequence_number, request } => {
                let responder = Responder::new(self.shared.clone(), request.command_id(), sequence_number);
                return self.deliver(Inbound { request, responder }).await;
            }
            Event::Alert(alert) => return self.deliver(self.unanswerable(alert)).await,
            Event::Bound => Greeting::Bound,
            Event::BindRequested { kind, bind } => Greeting::BindRequested { kind, bind },
            Event::Outbind(outbind) => Greeting::Outbind(outbind),
            _ => return,
        };
        // Nobody there: whoever opened the connection gave up, and its handle's end closes it.
        let _ = self.greetings.send(greeting);
    }

    fn unanswerable(&self, alert: AlertNotification) -> Inbound {
        let responder = Responder::new(self.shared.clone(), CommandId::ALERT_NOTIFICATION, 0);
        Inbound { request: Pdu::AlertNotification(alert), responder }
    }

    /// Waits while the channel is full, and reads nothing meanwhile. A request that can't be handed on is answered as its
    /// responder is dropped.
    async fn deliver(&mut self, inbound: Inbound) {
        let Err(mpsc::error::TrySendError::Full(inbound)) = self.inbound.try_send(inbound) else { return };
        if !matches!(self.shared.peek(|session| session.state()), State::Bound(_)) {
            return;
        }
        self.shared.quietly(|session| session.listening(false, now()));
        tokio::select! {
            _ = self.inbound.send(inbound) => {}
            () = self.shared.leaving.notified() => {}
        }
        self.shared.quietly(|session| session.listening(true, now()));
    }

    async fn wait_for_the_peer_to_read(&mut self) {
        while self.shared.peek(|session| session.pending_output()) > MAX_PENDING_OUTPUT {
            self.shared.drained.notified().await;
        }
    }
}

type Decoded = (crate::pdu::Header, Result<crate::pdu::Command, Error>);
