//! The carrier seam: what the path asks of a connection to a carrier, whatever it speaks.
//!
//! A connector takes submissions through [`Slot`]s, so that the path makes the intent to send durable only when
//! there is room for it, and hands what comes in to the path through [`Intake`], answering the carrier only when the
//! path says that it is durable.

mod duration;
mod error;
pub mod smpp;

pub use error::Error;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use signalbox_model::{Address, Encoding, ErrorClass, Receipt};
use signalbox_text::{Concatenation, DefaultAlphabet};
use tokio::sync::{mpsc, oneshot};

/// What is to be sent, in the carrier-neutral form; a connector splits and encodes it.
#[derive(Clone)]
pub struct Submission {
    /// Sender.
    pub from: Address,
    /// Recipient.
    pub to: Address,
    /// The text.
    pub text: String,
    /// How it is encoded.
    pub encoding: Encoding,
    /// How many parts it takes, as counted when it was accepted.
    pub segments: u8,
    /// The concatenation reference, if it takes several parts: belongs to (sender, recipient).
    pub reference: u16,
    /// How much longer the carrier may try.
    pub validity: Duration,
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Submission({:?} → {:?}, {} segments)", self.from, self.to, self.segments)
    }
}

/// What the carrier made of a submission, all parts taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has every part.
    Taken {
        /// Its ids, one a part, as written.
        ids: Vec<String>,
    },
    /// It has nothing and says to come back.
    Busy {
        /// Its own code.
        raw_code: String,
        /// `limit.rate`, `limit.queue` or `transient`.
        class: ErrorClass,
    },
    /// It refused it for good; parts before the refused one may have been taken.
    Refused {
        /// Its own code.
        raw_code: String,
        /// The canonical class.
        class: ErrorClass,
        /// Which part, from 0, when there are several.
        part: Option<u8>,
    },
    /// It surely has nothing: no byte was written.
    Unsent,
    /// Bytes may have reached it, and no answer came.
    Unknown {
        /// In words.
        why: String,
    },
}

/// Room for one submission on one bind.
pub trait Slot: Send {
    /// Sends it. The future completes when every part is answered, timed out or lost.
    fn submit(self: Box<Self>, submission: Submission) -> BoxFuture<'static, Outcome>;
}

/// How a carrier's connections are, for pages and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Health {
    /// Binds that are up.
    pub binds_up: usize,
    /// Binds that there should be.
    pub binds: usize,
    /// Requests on the wire without an answer.
    pub in_flight: usize,
    /// Segments a second that the bind allows itself now, if it was slowed down.
    pub slowed_to: Option<u32>,
    /// The last thing that went wrong, in words.
    pub last_error: Option<String>,
}

/// A connection to a carrier.
pub trait Carrier: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &Arc<str>;

    /// Whether messages could go by it now, but for a full window or a pace: a bind that sends is up. Cheap: routing asks
    /// it for every message.
    fn is_up(&self) -> bool;

    /// Room for a submission of `parts` parts, if there is some now: a bind is up, its window has places, and its
    /// pace allows it.
    fn try_slot(&self, parts: u8) -> Option<Box<dyn Slot>>;

    /// Completes when [`try_slot`](Self::try_slot) is worth asking again.
    fn ready(&self, parts: u8) -> BoxFuture<'_, ()>;

    /// How it is.
    fn health(&self) -> Health;

    /// Whether anything can be sent by it, when it is up. False for one that only brings messages.
    fn sends(&self) -> bool {
        true
    }

    /// Whether its operator signed a business associate agreement with ours: only then may it carry what patients write
    /// and are written (45 CFR 164.502(e)).
    fn has_baa(&self) -> bool {
        false
    }

    /// The canonical form in which a carrier's message ids are compared.
    fn canonical_id(&self, raw: &str) -> String;

    /// Stops taking submissions, waits for those in flight within `bound`, unbinds.
    fn close(&self, bound: Duration) -> BoxFuture<'_, ()>;
}

/// Where connectors put what comes in. Bounded: a path that is behind slows its carriers down.
pub type Intake = mpsc::Sender<Incoming>;

/// Something that a carrier brought.
#[derive(Debug)]
pub struct Incoming {
    /// By this carrier.
    pub carrier: Arc<str>,
    /// What.
    pub what: Brought,
    /// How to answer the carrier.
    pub answer: Answer,
}

/// What a carrier can bring.
#[derive(Debug)]
pub enum Brought {
    /// A delivery receipt.
    Receipt {
        /// What it says.
        receipt: Receipt,
        /// Whose message it speaks of: our sender, as the carrier wrote it, where that could be read.
        ours: Option<Address>,
        /// The recipient, likewise.
        theirs: Option<Address>,
    },
    /// An inbound message or a part of one.
    Part(InboundPart),
}

/// An inbound message or a part of one, as octets: a character may lie across two parts.
#[derive(Clone)]
pub struct InboundPart {
    /// Who wrote.
    pub from: Address,
    /// To which of our numbers.
    pub to: Address,
    /// The octets of the text, without a user data header.
    pub octets: Bytes,
    /// How they are to be read.
    pub data_coding: u8,
    /// What data coding 0 means at this carrier.
    pub default_alphabet: DefaultAlphabet,
    /// Which part of how many, if it is one of several.
    pub place: Option<Concatenation>,
}

impl fmt::Debug for InboundPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InboundPart({:?} → {:?}, {:?})", self.from, self.to, self.place)
    }
}

/// The answer that a carrier waits for.
#[derive(Debug)]
pub struct Answer(oneshot::Sender<Verdict>);

/// What to tell a carrier about what it brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable here.
    Durable,
    /// Not now; bring it again.
    Later,
    /// It can't be taken, and bringing it again won't help (no such number here).
    Refused,
}

impl Answer {
    /// An answer and the place where the connector waits for it. Dropping the answer says "later".
    pub fn pair() -> (Self, oneshot::Receiver<Verdict>) {
        let (tx, rx) = oneshot::channel();
        (Self(tx), rx)
    }

    /// Tells the carrier.
    pub fn give(self, verdict: Verdict) {
        // The connection may be gone; then the carrier brings it again, and the path knows it again.
        let _ = self.0.send(verdict);
    }
}
