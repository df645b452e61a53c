//! Roles, states, and which PDU may be sent by whom in which state.

use std::fmt;

use crate::pdu::CommandId;

/// Which end of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The client: it binds.
    Esme,
    /// The server: it is bound to.
    Smsc,
}

impl Role {
    /// The other end.
    pub fn peer(self) -> Role {
        match self {
            Role::Esme => Role::Smsc,
            Role::Smsc => Role::Esme,
        }
    }
}

/// The three ways to bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum BindKind {
    /// The ESME only submits.
    Transmitter,
    /// The ESME only receives.
    Receiver,
    /// Both; from 3.4 on.
    #[default]
    Transceiver,
}

impl BindKind {
    /// The request that binds so.
    pub fn command_id(self) -> CommandId {
        match self {
            BindKind::Transmitter => CommandId::BIND_TRANSMITTER,
            BindKind::Receiver => CommandId::BIND_RECEIVER,
            BindKind::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Connected, not bound. A bind may be on its way.
    Open,
    /// The SMSC has sent an `outbind`.
    Outbound,
    /// Bound.
    Bound(BindKind),
    /// Bound, but no new request is sent: what is in flight is waited for, then `unbind` is sent.
    Draining(BindKind),
    /// `unbind` was sent.
    Unbinding,
    /// Over.
    Closed,
}

impl State {
    /// How the session is bound, draining included.
    pub fn bound(self) -> Option<BindKind> {
        match self {
            State::Bound(kind) | State::Draining(kind) => Some(kind),
            _ => None,
        }
    }

    /// Whether `sender` may send `request` now.
    pub fn allows(self, sender: Role, request: CommandId) -> bool {
        match request {
            CommandId::ENQUIRE_LINK | CommandId::GENERIC_NACK => self != State::Closed,
            CommandId::UNBIND => self.bound().is_some() || self == State::Unbinding,
            CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSCEIVER => self == State::Open && sender == Role::Esme,
            CommandId::BIND_RECEIVER => matches!(self, State::Open | State::Outbound) && sender == Role::Esme,
            CommandId::OUTBIND => self == State::Open && sender == Role::Smsc,
            _ => self.bound().is_some_and(|kind| kind.allows(sender, request)),
        }
    }
}

impl BindKind {
    fn allows(self, sender: Role, request: CommandId) -> bool {
        let (transmits, receives) = (self != BindKind::Receiver, self != BindKind::Transmitter);
        match (sender, request) {
            (Role::Esme, CommandId::SUBMIT_SM | CommandId::SUBMIT_MULTI | CommandId::DATA_SM) => transmits,
            (Role::Esme, CommandId::QUERY_SM | CommandId::CANCEL_SM | CommandId::REPLACE_SM) => transmits,
            (Role::Smsc, CommandId::DELIVER_SM | CommandId::DATA_SM | CommandId::ALERT_NOTIFICATION) => receives,
            _ => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Open => "open",
            State::Outbound => "outbound",
            State::Bound(BindKind::Transmitter) => "bound_tx",
            State::Bound(BindKind::Receiver) => "bound_rx",
            State::Bound(BindKind::Transceiver) => "bound_trx",
            State::Draining(_) => "draining",
            State::Unbinding => "unbinding",
            State::Closed => "closed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bind_kind_allows_its_own_direction() {
        use BindKind::*;
        let table = [
            (Role::Esme, CommandId::SUBMIT_SM, [true, false, true]),
            (Role::Esme, CommandId::DATA_SM, [true, false, true]),
            (Role::Esme, CommandId::QUERY_SM, [true, false, true]),
            (Role::Esme, CommandId::DELIVER_SM, [false, false, false]),
            (Role::Smsc, CommandId::DELIVER_SM, [false, true, true]),
            (Role::Smsc, CommandId::DATA_SM, [false, true, true]),
            (Role::Smsc, CommandId::ALERT_NOTIFICATION, [false, true, true]),
            (Role::Smsc, CommandId::SUBMIT_SM, [false, false, false]),
        ];
        for (sender, request, wanted) in table {
            let got = [Transmitter, Receiver, Transceiver].map(|kind| State::Bound(kind).allows(sender, request));
            assert_eq!(got, wanted, "{sender:?} sends {request}");
            assert!(!State::Open.allows(sender, request), "{request} before a bind");
            assert!(!State::Unbinding.allows(sender, request), "{request} after unbind");
        }
    }

    #[test]
    fn binds_need_an_open_session_and_an_esme() {
        assert!(State::Open.allows(Role::Esme, CommandId::BIND_TRANSCEIVER));
        assert!(!State::Open.allows(Role::Smsc, CommandId::BIND_TRANSCEIVER));
        assert!(!State::Bound(BindKind::Receiver).allows(Role::Esme, CommandId::BIND_RECEIVER));
        assert!(State::Outbound.allows(Role::Esme, CommandId::BIND_RECEIVER));
        assert!(!State::Outbound.allows(Role::Esme, CommandId::BIND_TRANSMITTER));
    }
}
