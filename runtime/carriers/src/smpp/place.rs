//! A place in a window, and the submission that goes by it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use signalbox_model::ErrorClass;
use signalbox_smpp::pdu::SubmitSm;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::fate::{self, Fate};
use super::hub::{Hub, Open, now};
use super::link::Link;
use crate::{Outcome, Slot, Submission};

/// Times that parts which weren't taken are sent again after others of their message were. Beyond that the message has failed:
/// its phone waits for parts no longer than some minutes anyway.
const TRIES: u32 = 5;

/// The wait before the first of them, twice as long before each next one.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// How long each of them waits for a place.
const PATIENCE: Duration = Duration::from_secs(15);

/// Places reserved on one link. Dropped, they are free again.
pub(super) struct Place {
    hub: Arc<Hub>,
    link: usize,
    places: usize,
    /// What was taken of the pace.
    segments: u32,
}

impl Place {
    pub fn new(hub: Arc<Hub>, link: usize, places: usize, segments: u32) -> Self {
        Self { hub, link, places, segments }
    }

    fn link(&self) -> &Link {
        &self.hub.links[self.link]
    }

    fn send(mut self, parts: Vec<SubmitSm>) -> oneshot::Receiver<Vec<Fate>> {
        let places = std::mem::take(&mut self.places);
        self.link().send(places, parts)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.places > 0 {
            self.link().tempo.give_back(self.segments, now());
            self.link().release(self.places);
        }
    }
}

impl Slot for Place {
    fn submit(self: Box<Self>, submission: Submission) -> BoxFuture<'static, Outcome> {
        let parts = match self.hub.composer.compose(&submission, self.link().takes_tlvs()) {
            Ok(parts) => parts,
            Err(error) => {
                let (raw_code, class) = (format!("not sent: {error}"), ErrorClass::ContentMalformed);
                return std::future::ready(Outcome::Refused { raw_code, class, part: None }).boxed();
            }
        };
        let open = self.hub.begin();
        // A message of one part is never sent again by us.
        let kept = if parts.len() > 1 { parts.clone() } else { Vec::new() };
        let count = parts.len();
        let told = self.send(parts);
        follow(open, kept, count, told).boxed()
    }
}

/// Waits for the answers, and sends the parts that weren't taken again once others were.
async fn follow(open: Open, kept: Vec<SubmitSm>, count: usize, told: oneshot::Receiver<Vec<Fate>>) -> Outcome {
    let hub = &open.0;
    let mut fates = heard(told, count).await;
    for tried in 0..TRIES {
        if let Some(outcome) = fate::outcome(&fates) {
            return outcome;
        }
        tokio::time::sleep(hub.chance.jitter(FIRST_WAIT * 2u32.pow(tried), 0.25)).await;
        let missing: Vec<usize> = (0..count).filter(|at| !fates[*at].is_taken()).collect();
        let Ok(place) = timeout(PATIENCE, hub.place(missing.len())).await else { continue };
        let again = missing.iter().map(|at| kept[*at].clone()).collect();
        let heard = heard(place.send(again), missing.len()).await;
        for (at, fate) in missing.into_iter().zip(heard) {
            fates[at] = fate;
        }
    }
    fate::outcome(&fates).unwrap_or_else(|| fate::given_up(&fates))
}

async fn heard(told: oneshot::Receiver<Vec<Fate>>, count: usize) -> Vec<Fate> {
    told.await.unwrap_or_else(|_| vec![Fate::Unknown("the connector was stopped"); count])
}
