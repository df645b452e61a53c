//! What a carrier's `command_status` means for the message.
//!
//! | status | class | why |
//! |---|---|---|
//! | `ESME_RTHROTTLED` | `limit.rate` | come back slower |
//! | `ESME_RMSGQFUL` | `limit.queue` | come back later; the bind is slowed down only for many in a row |
//! | `ESME_RSYSERR`, `ESME_RX_T_APPN`, `ESME_RSERTYPUNAVAIL` | `transient` | the peer's own faults, which pass |
//! | `ESME_RINVBNDSTS` | `transient` | the session is wrong, not the message; another bind takes it |
//! | `ESME_RINVDSTADR`, its TON, NPI and subunit | `dest.invalid` | |
//! | `ESME_RINVSRCADR`, its TON, NPI and subunit | `sender.invalid` | |
//! | `ESME_RINVSERTYP`, `ESME_RSERTYPUNAUTH`, `ESME_RSERTYPDENIED`, `ESME_RPROHIBITED` | `sender.invalid` | this account may not send so |
//! | lengths, data coding, `esm_class`, optional parameters, times | `content.malformed` | this PDU, sent again, is refused again |
//! | `ESME_RDELIVERYFAILURE` | `dest.unreachable` | the carrier tried |
//! | `ESME_RX_P_APPN`, `ESME_RX_R_APPN`, `ESME_RSUBMITFAIL`, `ESME_RUNKNOWNERR`, all others | `unknown` | they say no more than no |
//! | vendors' codes | `unknown` | only the carrier's paper explains them; what was refused for a reason that we don't know isn't repeated unasked: carriers take that for spam |
//!
//! The first four rows let the message wait and come back; the rest end it.

use signalbox_model::ErrorClass;
use signalbox_smpp::pdu::CommandStatus;

/// Whether the carrier hasn't got the message and the same one may well be taken later.
pub(super) fn is_busy(status: CommandStatus) -> bool {
    status.is_transient() || status == CommandStatus::ESME_RINVBNDSTS
}

/// The canonical class.
pub(super) fn class(status: CommandStatus) -> ErrorClass {
    match status {
        CommandStatus::ESME_RTHROTTLED => ErrorClass::LimitRate,
        CommandStatus::ESME_RMSGQFUL => ErrorClass::LimitQueue,
        status if is_busy(status) => ErrorClass::Transient,
        CommandStatus::ESME_RINVDSTADR
        | CommandStatus::ESME_RINVDSTTON
        | CommandStatus::ESME_RINVDSTNPI
        | CommandStatus::ESME_RINVDSTADDRSUBUNIT => ErrorClass::DestInvalid,
        CommandStatus::ESME_RINVSRCADR
        | CommandStatus::ESME_RINVSRCTON
        | CommandStatus::ESME_RINVSRCNPI
        | CommandStatus::ESME_RINVSRCADDRSUBUNIT
        | CommandStatus::ESME_RINVSERTYP
        | CommandStatus::ESME_RSERTYPUNAUTH
        | CommandStatus::ESME_RSERTYPDENIED
        | CommandStatus::ESME_RPROHIBITED => ErrorClass::SenderInvalid,
        CommandStatus::ESME_RINVMSGLEN
        | CommandStatus::ESME_RINVCMDLEN
        | CommandStatus::ESME_RINVESMCLASS
        | CommandStatus::ESME_RINVDCS
        | CommandStatus::ESME_RINVSCHED
        | CommandStatus::ESME_RINVEXPIRY
        | CommandStatus::ESME_RINVOPTPARSTREAM
        | CommandStatus::ESME_ROPTPARNOTALLWD
        | CommandStatus::ESME_RINVPARLEN
        | CommandStatus::ESME_RMISSINGOPTPARAM
        | CommandStatus::ESME_RINVOPTPARAMVAL => ErrorClass::ContentMalformed,
        CommandStatus::ESME_RDELIVERYFAILURE => ErrorClass::DestUnreachable,
        _ => ErrorClass::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_the_classes_of_the_table() {
        for (code, busy, name) in [
            (0x58, true, "limit.rate"),
            (0x14, true, "limit.queue"),
            (0x08, true, "transient"),
            (0x64, true, "transient"),
            (0x04, true, "transient"),
            (0x0B, false, "dest.invalid"),
            (0x50, false, "dest.invalid"),
            (0x0A, false, "sender.invalid"),
            (0x101, false, "sender.invalid"),
            (0x01, false, "content.malformed"),
            (0x104, false, "content.malformed"),
            (0xFE, false, "dest.unreachable"),
            (0x45, false, "unknown"),
            (0x65, false, "unknown"),
            (0x410, false, "unknown"),
            (0xFFFF, false, "unknown"),
        ] {
            assert_eq!((is_busy(CommandStatus(code)), class(CommandStatus(code)).as_str()), (busy, name), "{code:#x}");
        }
    }
}
