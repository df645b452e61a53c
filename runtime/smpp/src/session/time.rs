//! What the session does as time passes.

use std::time::Instant;

use super::window::Owner;
use super::{Closed, Event, Session, State};
use crate::pdu::Pdu;

impl<T> Session<T> {
    /// Lets time pass: call about as often as [`SessionConfig::tick`](super::SessionConfig::tick) says.
    pub fn tick(&mut self, now: Instant) {
        if self.deaf_since.is_some() {
            return;
        }
        if matches!(self.state, State::Open | State::Outbound) && now >= self.deadline {
            return self.close(Closed::BindTimeout);
        }
        let (callers, ours): (Vec<_>, Vec<_>) =
            self.window.expired(now).into_iter().partition(|request| matches!(request.owner, Owner::Caller(_)));
        // Callers first: our own may end the session, and its end is the last event.
        for request in callers.into_iter().chain(ours) {
            match request.owner {
                Owner::Caller(token) => self.emit(Event::TimedOut { token }),
                Owner::Bind(_) => self.close(Closed::BindTimeout),
                Owner::Unbind => self.close(Closed::UnbindUnanswered),
                Owner::EnquireLink => self.enquiry_expired(request.deadline),
            }
        }
        self.enquire_if_idle(now);
        self.unbind_if_drained(now);
    }

    /// Whether the peer's octets are being read. While they aren't, because our own side is slow, its silence means
    /// nothing and no timer runs.
    pub fn listening(&mut self, listening: bool, now: Instant) {
        match (listening, self.deaf_since) {
            (false, None) => self.deaf_since = Some(now),
            (true, Some(since)) => {
                self.deaf_since = None;
                self.postpone(now.saturating_duration_since(since));
            }
            _ => {}
        }
    }

    /// Any PDU since the question is a sign of life; some peers don't answer the question but do answer messages.
    fn enquiry_expired(&mut self, deadline: Instant) {
        self.enquiring = false;
        if self.heard + self.config.enquire_timeout() <= deadline {
            self.close(Closed::EnquireLinkUnanswered);
        }
    }

    fn enquire_if_idle(&mut self, now: Instant) {
        let Some(idle) = self.config.enquire_link else { return };
        if self.state.bound().is_some() && !self.enquiring && now.saturating_duration_since(self.heard) >= idle {
            self.enquiring = true;
            let sent = self.send(&Pdu::EnquireLink, Owner::EnquireLink, now + self.config.enquire_timeout());
            debug_assert!(sent.is_ok(), "a header always fits");
        }
    }
}
