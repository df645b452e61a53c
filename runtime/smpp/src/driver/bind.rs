//! The handle to a bound session, and the slots of its window.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::outcome::{Outcome, Pending, Submission, Tagged, Waiter};
use super::shared::{Shared, now};
use crate::Error;
use crate::pdu::{AlertNotification, Encode, SubmitSm, Version};
use crate::session::{Closed, State, Written};

/// A bound session, in either role. Clones share it; when the last is dropped, the session drains and unbinds by itself.
#[derive(Clone)]
pub struct Bind {
    shared: Arc<Shared>,
    _alive: Arc<Alive>,
}

/// Unbinds when the last handle goes.
struct Alive(Arc<Shared>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.unbind();
    }
}

impl Bind {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { _alive: Arc::new(Alive(shared.clone())), shared }
    }

    /// Waits for a slot of the window, in turn.
    ///
    /// # Errors
    /// [`Error::Closed`] once the session is closed or about to unbind.
    pub async fn permit(&self) -> Result<Permit, Error> {
        match self.shared.slots.acquire().await {
            Ok(slot) => Ok(self.take(slot)),
            Err(_) => Err(self.gone()),
        }
    }

    /// A slot of the window, if one is free and the session takes requests.
    pub fn try_permit(&self) -> Option<Permit> {
        self.shared.slots.try_acquire().ok().map(|slot| self.take(slot))
    }

    fn take(&self, slot: tokio::sync::SemaphorePermit<'_>) -> Permit {
        slot.forget();
        Permit { shared: Some(self.shared.clone()) }
    }

    fn gone(&self) -> Error {
        Error::Closed(self.shared.closed.borrow().clone().unwrap_or(Closed::Unbound))
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.shared.peek(|session| session.in_flight())
    }

    /// Slots of the window that are free.
    pub fn free_slots(&self) -> usize {
        self.shared.slots.available_permits()
    }

    /// The last `congestion_state` that the peer told, 0–100; from 80 on it asks to hold.
    pub fn congestion(&self) -> Option<u8> {
        self.shared.peek(|session| session.congestion())
    }

    /// The version that the peer named, if it named one.
    pub fn peer_version(&self) -> Option<Version> {
        self.shared.peek(|session| session.peer_version())
    }

    /// Whether TLVs are written to this peer. If not, `message_payload` and `sar_*` can't be sent to it, and others are left out.
    pub fn takes_tlvs(&self) -> bool {
        self.shared.peek(|session| session.dialect().tlvs)
    }

    /// Where the session stands.
    pub fn state(&self) -> State {
        self.shared.peek(|session| session.state())
    }

    /// Sends an `alert_notification` (an SMSC's).
    ///
    /// # Errors
    /// [`Error::Illegal`] or [`Error::Encode`].
    pub fn alert(&self, alert: &AlertNotification) -> Result<(), Error> {
        self.shared.step(|session| session.alert(alert))
    }

    /// Lets nothing new begin, waits for what is in flight both ways (no longer than the response timeout), unbinds, and
    /// says how it ended.
    pub async fn unbind(&self) -> Closed {
        self.shared.unbind();
        self.closed().await
    }

    /// Drops the connection; what is in flight is lost.
    pub fn abort(&self) {
        self.shared.step(|session| session.close(Closed::Aborted));
    }

    /// Waits for the end, and says why it came.
    pub async fn closed(&self) -> Closed {
        self.shared.ended().await
    }
}

impl std::fmt::Debug for Bind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bind").field("state", &self.state()).field("in_flight", &self.in_flight()).finish()
    }
}

/// A free slot of the window. Dropped unused, it is free again.
#[must_use = "it holds a slot of the window"]
pub struct Permit {
    shared: Option<Arc<Shared>>,
}

impl Permit {
    /// Sends a message. Its outcome always comes, by the response timeout at the latest; a session that has ended meanwhile
    /// is an outcome too.
    ///
    /// # Errors
    /// [`Error::Encode`] or [`Error::Illegal`]: this message can't be sent on this bind as it is, and wasn't.
    pub fn submit(self, submit_sm: &SubmitSm) -> Result<Submission, Error> {
        self.request(submit_sm).map(Submission)
    }

    /// Sends a message whose outcome goes into a channel that many share, beside the `tag`: cheaper than a future for each
    /// where one task settles them all. What waits in the channel is at most a window for each bind that feeds it, if its
    /// receiver keeps up.
    ///
    /// # Errors
    /// As [`Permit::submit`]; nothing goes into the channel then.
    pub fn submit_tagged(
        self,
        submit_sm: &SubmitSm,
        tag: u64,
        outcomes: &mpsc::UnboundedSender<Tagged>,
    ) -> Result<(), Error> {
        self.send(submit_sm, Waiter::Many(tag, outcomes.clone()))
    }

    /// Sends any request that the role and state allow: `deliver_sm` from an SMSC, `query_sm` from an ESME, …
    ///
    /// # Errors
    /// As [`Permit::submit`].
    pub fn request(self, request: &impl Encode) -> Result<Pending, Error> {
        let (tell, pending) = oneshot::channel();
        self.send(request, Waiter::One(tell))?;
        Ok(Pending(pending))
    }

    fn send(mut self, request: &impl Encode, waiter: Waiter) -> Result<(), Error> {
        let Some(shared) = &self.shared else { return Ok(()) };
        let now = now();
        let gone = shared.step(|session| match session.state() {
            State::Bound(_) => session.request(request, waiter, now).map(|_| None),
            _ => Ok(Some(waiter)),
        })?;
        match gone {
            Some(waiter) => waiter.tell(Outcome::Disconnected { written: Written::Never }),
            // The slot is given back with the outcome.
            None => self.shared = None,
        }
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.slots.add_permits(1);
        }
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Permit")
    }
}
