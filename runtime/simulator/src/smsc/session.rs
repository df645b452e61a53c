//! One connection's side of the carrier: its state, its window, the bytes that wait to be written.

use super::parcel::Parcel;
use crate::Status;
use crate::scenario::InterfaceVersion;
use crate::wire::put_pdu;
use bytes::BytesMut;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Transmitter,
    Receiver,
    Transceiver,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// A bind is being answered.
    Binding,
    Bound {
        kind: Kind,
        account: Arc<str>,
    },
    Unbound,
}

/// How a connection ends once its bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Close,
    /// RST instead of FIN.
    Reset,
}

pub(super) struct Session {
    pub(super) state: State,
    /// The lower of both sides' versions.
    pub(super) version: InterfaceVersion,
    pub(super) out: BytesMut,
    pub(super) ending: Option<Ending>,
    pub(super) wake: Arc<Notify>,
    pub(super) outstanding: HashMap<u32, Outstanding>,
    next_sequence: u32,
}

/// A `deliver_sm` that isn't answered yet.
pub(super) struct Outstanding {
    pub(super) parcel: Parcel,
    /// Its line in the ledger.
    pub(super) line: u64,
    pub(super) sent: Instant,
}

/// Bytes that may wait on one connection; a peer that doesn't read gets no more receipts.
const OUT_BYTES: usize = 1 << 20;

impl Session {
    pub(super) fn new() -> Self {
        Self {
            state: State::Open,
            version: InterfaceVersion::V34,
            out: BytesMut::new(),
            ending: None,
            wake: Arc::new(Notify::new()),
            outstanding: HashMap::new(),
            next_sequence: 1,
        }
    }

    pub(super) fn account(&self) -> Option<&Arc<str>> {
        match &self.state {
            State::Bound { account, .. } => Some(account),
            _ => None,
        }
    }

    pub(super) fn may_submit(&self) -> bool {
        matches!(self.state, State::Bound { kind: Kind::Transmitter | Kind::Transceiver, .. })
    }

    pub(super) fn may_receive(&self) -> bool {
        matches!(self.state, State::Bound { kind: Kind::Receiver | Kind::Transceiver, .. }) && self.ending.is_none()
    }

    pub(super) fn speaks_tlvs(&self) -> bool {
        self.version >= InterfaceVersion::V34
    }

    pub(super) fn has_room(&self, window_pdus: usize, parcel: &Parcel) -> bool {
        self.may_receive()
            && self.outstanding.len() < window_pdus
            && self.out.len() < OUT_BYTES
            && (self.speaks_tlvs() || !parcel.needs_tlvs())
    }

    pub(super) fn take_sequence(&mut self) -> u32 {
        let sequence = self.next_sequence;
        self.next_sequence = if sequence == 0x7FFF_FFFF { 1 } else { sequence + 1 };
        sequence
    }

    /// Appends a PDU, unless the connection is ending.
    pub(super) fn put(&mut self, command: u32, status: Status, sequence: u32, body: impl FnOnce(&mut BytesMut)) {
        if self.ending.is_none() {
            put_pdu(&mut self.out, command, status, sequence, body);
        }
    }

    pub(super) fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
        self.wake.notify_one();
    }
}
