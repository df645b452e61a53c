//! The one place where an error of the house meets a status code.

use signalbox_engine::registry::{self, ImportRefused, LineError, SuppressionRefused};
use signalbox_engine::{
    BindRefused, CancelRefused, ChangeRefused, ContactRefused, EraseRefused, Error, FieldError, GateRefused,
    HandlerRefused, HoldRefused, ProgramRefused, ReadRefused, Refused, ResolveRefused, SupervisionRefused,
    WebhookRefused,
};
use signalbox_guest::Refusal;
use signalbox_guest::manifest::{BadSetting, Beyond, Complaint};
use signalbox_records as records;
use signalbox_store as store;

use crate::code::Code;
use crate::problem::Problem;
use crate::views::DecisionView;

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid(errors) => Self::fields(Code::RequestInvalid, errors),
            Refused::Policy(rejected) => {
                let first = rejected.decision.reasons.first();
                let detail = first.map_or_else(|| "a rule forbids it".to_owned(), |reason| reason.explain.clone());
                let decision = DecisionView::new(&rejected.decision);
                Self::new(Code::PolicyRefused, detail).about(rejected.id.to_string(), Some(decision))
            }
            Refused::KeyReused => {
                let detail = "this Idempotency-Key came before with another body: use a new key for a new request";
                Self::new(Code::KeyReused, detail)
            }
            Refused::KeyBusy => {
                let detail = "a request with this Idempotency-Key is being worked on; ask again for its answer";
                Self::new(Code::KeyBusy, detail)
            }
            Refused::Path(error) => error.into(),
        }
    }
}

impl From<ReadRefused> for Problem {
    fn from(refused: ReadRefused) -> Self {
        match refused {
            ReadRefused::Path(error) => error.into(),
            ReadRefused::Unlogged => {
                Self::field(Code::HeaderInvalid, "Signalbox-Reveal", "reveal.unlogged", refused.to_string())
            }
            ReadRefused::NoReason => {
                Self::field(Code::HeaderInvalid, "Signalbox-Reveal", "reveal.missing", refused.to_string())
            }
        }
    }
}

impl From<SupervisionRefused> for Problem {
    fn from(refused: SupervisionRefused) -> Self {
        match refused {
            SupervisionRefused::Path(error) => error.into(),
            SupervisionRefused::Unknown => Self::new(Code::MessageUnknown, refused.to_string()),
            SupervisionRefused::Why => Self::field(Code::RequestInvalid, "why", "why.length", refused.to_string()),
        }
    }
}

impl From<ImportRefused> for Problem {
    fn from(refused: ImportRefused) -> Self {
        match refused {
            ImportRefused::Lines(lines) => wrong_lines(&lines),
            ImportRefused::NameTaken => {
                Self::field(Code::RequestInvalid, "name", "name.taken", ImportRefused::NameTaken.to_string())
            }
            ImportRefused::Registry(registry::Error::Store(error)) => error.into(),
            ImportRefused::Registry(error) => Self::internal(error),
        }
    }
}

impl From<SuppressionRefused> for Problem {
    fn from(refused: SuppressionRefused) -> Self {
        let field = |field, code| Self::field(Code::RequestInvalid, field, code, refused.to_string());
        match refused {
            SuppressionRefused::Lines(lines) => wrong_lines(&lines),
            SuppressionRefused::Other(_) => field("name", "name.taken"),
            SuppressionRefused::Older(_) => field("fetched_at", "list.older"),
            SuppressionRefused::Times(_) => field("fetched_at", "list.times"),
            SuppressionRefused::TooMany(_) => field("name", "list.too_many"),
            SuppressionRefused::Registry(registry::Error::Store(error)) => error.into(),
            SuppressionRefused::Registry(error) => Self::internal(error),
        }
    }
}

fn wrong_lines(lines: &[LineError]) -> Problem {
    let field = |line: &LineError| FieldError {
        field: format!("line {} {}", line.line, line.column).trim_end().to_owned(),
        code: "line.invalid",
        detail: format!("line {}: {} {}", line.line, line.column, line.reason).replace("  ", " "),
    };
    Problem::fields(Code::RequestInvalid, lines.iter().map(field).collect())
}

impl From<ProgramRefused> for Problem {
    fn from(refused: ProgramRefused) -> Self {
        match refused {
            ProgramRefused::Invalid(errors) => Self::fields(Code::RequestInvalid, errors),
            ProgramRefused::Path(error) => error.into(),
        }
    }
}

impl From<EraseRefused> for Problem {
    fn from(refused: EraseRefused) -> Self {
        match refused {
            EraseRefused::Path(error) => error.into(),
            EraseRefused::Held(_) => Self::new(Code::HoldCovers, refused.to_string()),
        }
    }
}

impl From<HoldRefused> for Problem {
    fn from(refused: HoldRefused) -> Self {
        use registry::HoldRefused::{Operators, Registry, Released, TooMany, Unknown, Why};
        let refused = match refused {
            HoldRefused::Hold(refused) => refused,
            HoldRefused::Path(error) => return error.into(),
        };
        match refused {
            Why => Self::field(Code::RequestInvalid, "why", "why.length", refused.to_string()),
            TooMany => Self::field(Code::RequestInvalid, "on", "holds.too_many", refused.to_string()),
            Unknown => {
                Self::new(Code::HoldUnknown, "there is no hold with this id; GET /v1/holds lists those there are")
            }
            Released(_) | Operators => Self::new(Code::HoldFast, refused.to_string()),
            Registry(registry::Error::Store(error)) => error.into(),
            Registry(error) => Self::internal(error),
        }
    }
}

impl From<registry::registration::Refused> for Problem {
    fn from(refused: registry::registration::Refused) -> Self {
        use registry::registration::Refused;
        match refused {
            Refused::Lines(lines) => {
                let field = |line: &LineError| {
                    let LineError { line, column, reason } = line;
                    let (field, place) = match line {
                        0 => (column.clone(), String::new()),
                        line => (format!("line {line} {column}"), format!("line {line}: ")),
                    };
                    let what = if column.is_empty() { String::new() } else { format!("`{column}` ") };
                    let detail = format!("{place}{what}{reason}");
                    FieldError { field: field.trim_end().to_owned(), code: "registration.invalid", detail }
                };
                Self::fields(Code::RequestInvalid, lines.iter().map(field).collect())
            }
            Refused::Registry(registry::Error::Store(error)) => error.into(),
            Refused::Registry(error) => Self::internal(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Draining => Self::new(
                Code::Draining,
                "the request wasn't taken; send it again, it will reach another host or the next start",
            ),
            Error::Full { why } => Self::new(
                Code::StoreFull,
                format!(
                    "{why}: nothing new is taken in, and what was accepted goes on. Send it again later; the operator makes \
                     room on the disk, or keeps messages for a shorter time"
                ),
            ),
            Error::Overloaded { waiting } => {
                Self::new(Code::Overloaded, format!("{waiting} messages wait already; send more slowly"))
            }
            Error::Unreadable(_) | Error::NoLine(_) | Error::Broken { .. } => Self::internal(error),
        }
    }
}

impl From<records::Error> for Problem {
    fn from(error: records::Error) -> Self {
        match error {
            records::Error::Store(error) => error.into(),
            records::Error::Cursor(bad) => {
                Self::field(Code::QueryInvalid, "cursor", "parameter.malformed", format!("`cursor` {bad}"))
            }
            records::Error::Unreadable(_) | records::Error::Incomplete { .. } | records::Error::Sealed { .. } => {
                Self::internal(error)
            }
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Malformed(_) => Self::internal(error),
            store::Error::Closed => Self::new(Code::Draining, "the request wasn't taken; send it again"),
            store::Error::Conflict { .. } | store::Error::Fenced { .. } | store::Error::Unusable(_) => {
                Self::new(Code::StoreFailed, "nothing was changed; send it again").because(error)
            }
            store::Error::Fatal(_) => {
                let detail = "whether the request was carried out isn't known; send it again with the same \
                              Idempotency-Key, and it is carried out once";
                Self::new(Code::StoreFailed, detail).because(error)
            }
        }
    }
}

impl Problem {
    /// A defect here.
    pub(crate) fn internal(cause: impl ToString) -> Self {
        Self::new(Code::Internal, "this is our fault; please report it with the request's id").because(cause)
    }
}

impl From<ResolveRefused> for Problem {
    fn from(refused: ResolveRefused) -> Self {
        match refused {
            ResolveRefused::NotFound => no_message(),
            ResolveRefused::Certain(_) => Self::new(Code::NotInDoubt, refused.to_string()),
            ResolveRefused::Full => Self::new(Code::TooLate, refused.to_string()),
            ResolveRefused::Path(error) => error.into(),
        }
    }
}

impl From<CancelRefused> for Problem {
    fn from(refused: CancelRefused) -> Self {
        match refused {
            CancelRefused::NotFound => no_message(),
            CancelRefused::TooLate(_) => Self::new(Code::TooLate, refused.to_string()),
            CancelRefused::Path(error) => error.into(),
        }
    }
}

impl From<HandlerRefused> for Problem {
    fn from(refused: HandlerRefused) -> Self {
        match refused {
            HandlerRefused::Name => Self::field(Code::RequestInvalid, "name", "name.malformed", refused.to_string()),
            HandlerRefused::Component(Refusal::TooLarge { .. }) => Self::new(Code::BodyTooLarge, refused.to_string()),
            HandlerRefused::Component(Refusal::Unavailable { .. }) => {
                Self::new(Code::Busy, "the component couldn't be compiled now; upload it again").because(refused)
            }
            HandlerRefused::Manifest(refused) => {
                let fault = |complaint: &Complaint| FieldError {
                    field: format!("manifest:{}:{}", complaint.line, complaint.column),
                    code: "manifest.malformed",
                    detail: complaint.to_string(),
                };
                Self::fields(Code::ManifestRefused, refused.complaints.iter().map(fault).collect())
            }
            HandlerRefused::Limits(beyond) => {
                let fault = |beyond: &Beyond| FieldError {
                    field: format!("manifest.limits.{}", beyond.limit),
                    code: "limits.not_allowed",
                    detail: format!("{beyond}: ask for less, or ask the operator for more"),
                };
                Self::fields(Code::ManifestRefused, beyond.iter().map(fault).collect())
            }
            HandlerRefused::Percent => {
                Self::field(Code::RequestInvalid, "percent", "percent.out_of_range", refused.to_string())
            }
            HandlerRefused::Component(refusal) => Self::new(Code::ComponentRefused, refusal.to_string()),
            HandlerRefused::Path(error) => error.into(),
        }
    }
}

impl From<BindRefused> for Problem {
    fn from(refused: BindRefused) -> Self {
        match refused {
            BindRefused::Number => Self::new(Code::NumberUnknown, refused.to_string()),
            BindRefused::Handler => {
                Self::field(Code::RequestInvalid, "handler", "handler.unknown", refused.to_string())
            }
            BindRefused::Name => Self::field(Code::RequestInvalid, "name", "name.malformed", refused.to_string()),
            BindRefused::Scope(_) => Self::field(Code::RequestInvalid, "scope", "scope.malformed", refused.to_string()),
            BindRefused::TooMany(_) => {
                Self::field(Code::RequestInvalid, "name", "bindings.too_many", refused.to_string())
            }
            BindRefused::Path(error) => error.into(),
        }
    }
}

impl From<ChangeRefused> for Problem {
    fn from(refused: ChangeRefused) -> Self {
        let field = |name: &str, code| Self::field(Code::RequestInvalid, name, code, refused.to_string());
        match refused {
            ChangeRefused::Handler => no_handler(),
            ChangeRefused::Version(_) => field("version", "version.unknown"),
            ChangeRefused::Percent => field("percent", "percent.out_of_range"),
            ChangeRefused::Live => field("alias", "alias.live"),
            ChangeRefused::TooMuch(_) => field("value", "value.out_of_range"),
            ChangeRefused::SecretName => field("secret", "name.malformed"),
            ChangeRefused::Settings(bad) => Self::fields(Code::RequestInvalid, bad.iter().map(setting).collect()),
            ChangeRefused::Path(error) => error.into(),
        }
    }
}

fn setting(bad: &BadSetting) -> FieldError {
    let (name, code) = match bad {
        BadSetting::Unknown { name, .. } => (name, "setting.unknown"),
        BadSetting::Type { name, .. } => (name, "setting.type"),
        BadSetting::Missing { name, .. } => (name, "setting.missing"),
    };
    FieldError { field: format!("settings.{name}"), code, detail: bad.to_string() }
}

impl From<GateRefused> for Problem {
    fn from(refused: GateRefused) -> Self {
        match refused {
            GateRefused::Handler => no_handler(),
            GateRefused::Component(refusal) => HandlerRefused::Component(refusal).into(),
            GateRefused::Busy => Self::new(Code::Busy, "other candidates are being looked at; send this one again"),
            GateRefused::Path(error) => error.into(),
        }
    }
}

impl From<ContactRefused> for Problem {
    fn from(refused: ContactRefused) -> Self {
        match refused {
            ContactRefused::Invalid(errors) => Self::fields(Code::RequestInvalid, errors),
            ContactRefused::Path(error) => error.into(),
        }
    }
}

impl From<WebhookRefused> for Problem {
    fn from(refused: WebhookRefused) -> Self {
        match refused {
            WebhookRefused::Invalid(error) => Self::fields(Code::RequestInvalid, vec![error]),
            WebhookRefused::Path(error) => error.into(),
        }
    }
}

/// The tenant has no such message; another tenant's is none either.
pub(crate) fn no_message() -> Problem {
    Problem::new(Code::MessageUnknown, "there is no message with this id; ids begin with `msg_`")
}

/// The tenant has no such handler.
pub(crate) fn no_handler() -> Problem {
    Problem::new(Code::HandlerUnknown, "there is no handler of this name; GET /v1/handlers lists those there are")
}

/// The tenant has no such run.
pub(crate) fn no_run() -> Problem {
    let detail =
        "no run with this id is recorded; ids begin with `inv_`, and GET /v1/invocations lists those there are";
    Problem::new(Code::RunUnknown, detail)
}

/// Of this run there is no recording.
pub(crate) fn no_recording() -> Problem {
    let detail = "the run is known, but what it read and was answered is larger than the 1 MiB that is kept of a run, so it \
                  can't be replayed: have the handler read less state or history per event";
    Problem::new(Code::RunUnknown, detail)
}

/// The handler has no such version.
pub(crate) fn no_version() -> Problem {
    let detail = "the handler has no version with this digest; GET /v1/handlers/{name} lists those there are";
    Problem::new(Code::VersionUnknown, detail)
}

/// The tenant has no such binding.
pub(crate) fn no_binding() -> Problem {
    Problem::new(Code::BindingUnknown, "there is no binding of this name; GET /v1/bindings lists those there are")
}

/// The tenant has no such event among those that were given up.
pub(crate) fn no_parked() -> Problem {
    Problem::new(Code::ParkedUnknown, "there is no such event; GET /v1/parked lists those there are")
}

/// A key speaks for a tenant, so the tenant is there; unless it was taken away between the two.
pub(crate) fn no_secret() -> Problem {
    Problem::internal("a caller without a tenant")
}
