//! The path of a message. Read these in order, and you have read what Signalbox does:
//!
//! | file | what happens there |
//! |---|---|
//! | [`accept`] | a request becomes a message that is durable before the answer |
//! | `inbound.rs` | what a handset wrote becomes a durable message before its carrier is answered |
//! | `dispatch.rs` | the events of a conversation, one at a time |
//! | `draft.rs` | an accepted message: its time, the draft handler, the check, the route |
//! | `react.rs` | inbound messages, status changes and timers, shown to the tenant's handler |
//! | `egress.rs` | a queue before each carrier: turns, rates, windows, the intent to send made durable |
//! | `settle.rs` | what a carrier said of a message, at once or later |
//! | `timers.rs` | what is due comes back |
//!
//! The rest is what they stand on: `step.rs` (a step is one commit), `check.rs` (nothing leaves unchecked), `route.rs`,
//! `turns.rs` and `fair.rs` (whose turn it is), `assign.rs` (which handler and version gets an event), `handlers.rs`,
//! `caps.rs`, `effects.rs`, `content.rs`, `cascade.rs` (what a message may say, and that loops end), `agree.rs` and
//! `retry.rs` (a tenant's code, what it may use, what it asked for, when others have to agree to it, and when it failed),
//! `health.rs`, `rollback.rs` and `shadow.rs` (how a version does), `parked.rs` (events that were given up), `usage.rs`,
//! `logs.rs`, `outbound.rs` (where a tenant's code may call), `directory/` (what tenants set up, with `deploy.rs` and
//! `bind.rs` to change it), `contacts.rs` (what they recorded of people), `suppressed.rs` (lists of numbers to which not
//! everything may go), `holds.rs` (what must be kept), `sealing.rs` (bodies under lock and key), `erasure/` (a person's
//! words made unreadable), `counted/` (what went to whom), `programs.rs` (what they say of their campaigns), `declared.rs`
//! (what is said of tenants and people), `portal.rs` (links to a tenant's portal), `supervision.rs` (messages that a supervisor looks at first), `retention/`
//! (what was kept long enough is deleted), `audit.rs` (the log of it all, chained), `reading.rs` (who reads bodies),
//! `resolve.rs` and `cancel.rs` (what senders decide of a message afterwards), `in_force.rs` (policies as they are taken
//! into use), `look.rs` (what can be seen of a conversation), `hot.rs`, `wheel.rs`, `idempotency.rs`.

pub mod accept;
mod agree;
mod assign;
mod audit;
mod backing_off;
mod backlog;
mod bind;
mod breakdown;
mod cancel;
mod caps;
mod cascade;
mod check;
mod config;
mod consent;
mod contacts;
mod content;
mod counted;
mod declared;
mod deploy;
mod dialogue;
mod directory;
mod dispatch;
mod draft;
mod early;
mod effects;
mod egress;
mod engine;
mod erasure;
mod error;
mod failover;
mod fair;
mod gate;
mod handle;
mod handlers;
mod health;
mod holds;
mod hot;
mod idempotency;
mod in_force;
mod inbound;
mod logs;
mod look;
mod measured;
mod metrics;
mod outbound;
mod parked;
mod portal;
mod programs;
mod rates;
mod react;
mod reading;
mod recordings;
mod redact;
mod registered;
mod resolve;
mod retention;
mod retry;
mod rollback;
mod room;
mod route;
mod sample;
mod sealing;
mod service;
mod settle;
mod shadow;
mod shown;
mod step;
mod supervision;
mod suppressed;
mod throughput;
mod timers;
mod turns;
mod usage;
mod wheel;

pub use accept::{Accepted, Caller, Explanation, Rejected, Request};
pub use assign::{Candidate, Whose};
pub use audit::{AuditPage, AuditQuery, Config as AuditConfig, Standing};
pub use bind::{BindRefused, NewBinding};
pub use caps::{caps_for, limits_for};
pub use config::Config;
pub use consent::{ConsentChange, ConsentSaid};
pub use contacts::{Contact, ContactRefused, is_time_zone};
pub use deploy::{ChangeRefused, HandlerInfo, HandlerRefused, VersionInfo};
pub use erasure::{EraseRefused, Erased};
pub use error::{CancelRefused, Error, FieldError, Refused, ResolveRefused};
pub use gate::{GateExample, GateRefused, MOST as GATE_MOST, Verdict};
pub use handle::{Handle, Readiness, SettledKeys, WebhookRefused};
pub use holds::HoldRefused;
pub use in_force::PolicySet;
pub use logs::LogLine;
pub use measured::Lookup;
pub use outbound::{Nowhere, Outbound, Web, held_as_declared, send_as_declared};
pub use parked::{Filter as ParkedFilter, MAX_PAGE as PARKED_PAGE, Parked, ParkedCursor, ParkedPage};
pub use programs::{ProgramInfo, ProgramRefused, ProgramSettings};
pub use reading::{MAX_REASON_CHARS, REDACTED, ReadRefused, Reading};
pub use recordings::{MAX_PAGE as RUNS_PAGE, Run, RunCursor, RunDetail, RunFilter, RunOutcome, RunPage};
pub use registered::Registrar;
pub use resolve::Resolution;
pub use retention::{
    Config as RetentionConfig, Deleted, Kind as RetentionKind, Ran as RetentionRan, Report as RetentionReport,
    Status as RetentionStatus, Totals as RetentionTotals,
};
pub use room::Status as RoomStatus;
pub use sealing::Config as SealingConfig;
pub use service::{Parts, Service};
pub use shadow::{Comparison, Difference};
pub use signalbox_policy::described;
pub use signalbox_policy::watcher::{Failure as PolicyFailure, Status as PolicyStatus};
pub use signalbox_registry as registry;
pub use supervision::{Supervised, SupervisionRefused};
pub use suppressed::ListInfo;
pub use throughput::Waits;
pub use usage::{MAX_DAYS, UsageRow, Used};
