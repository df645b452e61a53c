//! What became of each part, and what that makes of the message.

use signalbox_model::ErrorClass;
use signalbox_smpp::pdu::CommandStatus;
use signalbox_smpp::{SubmitOutcome, Written};

use super::status;
use crate::Outcome;

/// What became of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its answer isn't there yet.
    Waiting,
    /// The carrier has it, under this id.
    Taken(String),
    /// The carrier hasn't got it and says to come back.
    Busy { raw_code: String, class: ErrorClass },
    /// The carrier refused it for good.
    Refused { raw_code: String, class: ErrorClass },
    /// No octet of it was written.
    Unsent,
    /// It may have reached the carrier.
    Unknown(&'static str),
}

impl Fate {
    pub fn of(outcome: SubmitOutcome) -> Self {
        match outcome {
            SubmitOutcome::Response(answer) if answer.status.is_ok() => {
                Self::Taken(answer.message_id.map_or_else(String::new, |id| id.to_str_lossy().into_owned()))
            }
            SubmitOutcome::Response(answer) => Self::of_status(answer.status),
            SubmitOutcome::Timeout => Self::Unknown("no answer within the response timeout"),
            SubmitOutcome::Disconnected { written: Written::Never } => Self::Unsent,
            SubmitOutcome::Disconnected { written: Written::MayHave } => {
                Self::Unknown("the connection was lost before the answer came")
            }
        }
    }

    fn of_status(status: CommandStatus) -> Self {
        let (raw_code, class) = (status.to_string(), status::class(status));
        match status::is_busy(status) {
            true => Self::Busy { raw_code, class },
            false => Self::Refused { raw_code, class },
        }
    }

    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Taken(_))
    }
}

/// What the parts' fates make of the message; `None` if some are taken and the others may be sent again.
///
/// A refusal comes before doubt: whatever became of the other parts, the message will never be whole, and sending it again
/// would be refused again.
pub(super) fn outcome(fates: &[Fate]) -> Option<Outcome> {
    let part = |at: usize| (fates.len() > 1).then(|| u8::try_from(at).unwrap_or(u8::MAX));
    let found = fates.iter().enumerate().find_map(|(at, fate)| match fate {
        Fate::Refused { raw_code, class } => {
            Some(Outcome::Refused { raw_code: raw_code.clone(), class: *class, part: part(at) })
        }
        _ => None,
    });
    if found.is_some() {
        return found;
    }
    if let Some(why) = fates.iter().find_map(|fate| if let Fate::Unknown(why) = fate { Some(*why) } else { None }) {
        return Some(Outcome::Unknown { why: why.to_owned() });
    }
    if fates.iter().all(Fate::is_taken) {
        let ids = fates.iter().map(|fate| if let Fate::Taken(id) = fate { id.clone() } else { String::new() });
        return Some(Outcome::Taken { ids: ids.collect() });
    }
    if fates.iter().any(Fate::is_taken) {
        return None;
    }
    let busy = fates.iter().find_map(|fate| match fate {
        Fate::Busy { raw_code, class } => Some(Outcome::Busy { raw_code: raw_code.clone(), class: *class }),
        _ => None,
    });
    Some(busy.unwrap_or(Outcome::Unsent))
}

/// The outcome when some parts are taken and the others couldn't be sent however often it was tried. Not [`Outcome::Busy`]:
/// that would send the taken ones twice.
pub(super) fn given_up(fates: &[Fate]) -> Outcome {
    let at = fates.iter().position(|fate| !fate.is_taken()).unwrap_or_default();
    let (raw_code, class) = match fates.get(at) {
        Some(Fate::Busy { raw_code, class }) => (raw_code.clone(), *class),
        _ => ("no bind took the remaining parts".to_owned(), ErrorClass::Transient),
    };
    Outcome::Refused { raw_code, class, part: u8::try_from(at).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(id: &str) -> Fate {
        Fate::Taken(id.to_owned())
    }

    fn busy() -> Fate {
        Fate::of_status(CommandStatus::ESME_RTHROTTLED)
    }

    fn refused() -> Fate {
        Fate::of_status(CommandStatus::ESME_RINVDSTADR)
    }

    #[test]
    fn fates_make_the_outcome_that_sends_nothing_twice() {
        let unknown = || Fate::Unknown("why");
        let rate = || Outcome::Busy { raw_code: "ESME_RTHROTTLED (0x00000058)".into(), class: ErrorClass::LimitRate };
        let refusal = |part| Outcome::Refused {
            raw_code: "ESME_RINVDSTADR (0x0000000b)".into(),
            class: ErrorClass::DestInvalid,
            part,
        };
        let doubt = || Outcome::Unknown { why: "why".into() };
        for (fates, wanted) in [
            (vec![taken("a")], Some(Outcome::Taken { ids: vec!["a".into()] })),
            (vec![taken("a"), taken("b")], Some(Outcome::Taken { ids: vec!["a".into(), "b".into()] })),
            (vec![busy()], Some(rate())),
            (vec![Fate::Unsent, busy()], Some(rate())),
            (vec![Fate::Unsent, Fate::Unsent], Some(Outcome::Unsent)),
            (vec![taken("a"), busy()], None),
            (vec![Fate::Unsent, taken("b")], None),
            (vec![taken("a"), unknown()], Some(doubt())),
            (vec![busy(), unknown()], Some(doubt())),
            (vec![refused()], Some(refusal(None))),
            (vec![taken("a"), refused(), unknown()], Some(refusal(Some(1)))),
        ] {
            assert_eq!(outcome(&fates), wanted, "{fates:?}");
        }
    }

    #[test]
    fn giving_up_on_the_rest_never_says_that_nothing_was_taken() {
        let outcome = given_up(&[taken("a"), busy(), Fate::Unsent]);
        assert!(matches!(outcome, Outcome::Refused { part: Some(1), class: ErrorClass::LimitRate, .. }));
        let outcome = given_up(&[Fate::Unsent, taken("b")]);
        assert!(matches!(outcome, Outcome::Refused { part: Some(0), class: ErrorClass::Transient, .. }));
    }
}
