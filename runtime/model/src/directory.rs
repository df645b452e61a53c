//! What tenants and operators set up: tenants, keys, webhooks; [handlers and bindings](crate::handler). Small, read on every message, kept
//! in memory whole.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::clock::Timestamp;
use crate::id::{KeyId, TenantId};
use crate::message::Category;

/// A tenant as the operator set it up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its name.
    pub id: TenantId,
    /// What recipients know it by; stands in the answers to HELP and STOP.
    pub brand: String,
    /// Where its customers find help; stands in the answer to HELP.
    pub help: String,
    /// Its share of turns beside other tenants; 1 is usual.
    pub weight: u16,
    /// Segments a second over all its numbers; 0 is no limit.
    pub segments_per_second: u32,
    /// The numbers it may send from, each with the carriers that take it, in order of preference.
    pub numbers: BTreeMap<Address, NumberPlan>,
    /// What becomes of a message whose carrier may or may not have it.
    pub in_doubt: InDoubtPlan,
    /// How far a recipient's STOP reaches.
    #[serde(default)]
    pub stop_reach: StopReach,
    /// Hosts to which its handlers may send HTTP requests if they declare them: `api.example.com`, `*.example.org`.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Names of secrets and their values for its handlers.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Settings for its handlers.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// How far its handlers may go beyond, or have to stay below, the house's own limits.
    #[serde(default)]
    pub caps: HandlerCaps,
    /// Which runs of its handlers are kept for replay.
    #[serde(default)]
    pub recording: RecordingPlan,
    /// For how long what is on record of it is kept.
    #[serde(default)]
    pub retention: RetentionPlan,
    /// Which messages a supervisor looks at before they go.
    #[serde(default)]
    pub supervision: Option<SupervisionPlan>,
}

/// Which messages a supervisor looks at before they go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisionPlan {
    /// Those that say one of these words or phrases.
    pub words: Vec<String>,
    /// So many of a hundred others.
    pub sample_percent: u8,
    /// For so long one waits for its supervisor.
    pub within: Duration,
    /// What becomes of it then.
    pub then: Lapse,
}

/// What becomes of a message at which no supervisor looked in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lapse {
    /// It doesn't go.
    #[default]
    Reject,
    /// It goes, and its record says so.
    Send,
}

/// The most that a tenant's handlers are granted of what one event may use; the house's own limit where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerCaps {
    /// Computing time.
    pub cpu: Option<Duration>,
    /// Time in all.
    pub wall: Option<Duration>,
    /// Computing time of a draft handler, which is on every message's way.
    pub draft_cpu: Option<Duration>,
    /// A draft handler's time in all.
    pub draft_wall: Option<Duration>,
    /// Memory, summed.
    pub memory_bytes: Option<u64>,
    /// Messages.
    pub sends: Option<u32>,
    /// Timers.
    pub timers: Option<u32>,
    /// Remarks on the record.
    pub notes: Option<u32>,
    /// State reads and writes.
    pub state_ops: Option<u32>,
    /// Bytes of state written.
    pub state_bytes: Option<u64>,
    /// HTTP requests.
    pub http_calls: Option<u32>,
    /// How long one may take.
    pub http_time: Option<Duration>,
}

/// How a number sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberPlan {
    /// Carriers by name, in order of preference.
    pub carriers: Vec<String>,
    /// Segments a second from this number; 0 is no limit.
    pub segments_per_second: u32,
}

/// How far a recipient's STOP reaches.
///
/// 47 CFR 64.1200(a)(10) has one STOP end everything from a sender; that part is waived until 2027-01-31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReach {
    /// The number that it was said to, and the campaign to which the number belongs.
    #[default]
    Sender,
    /// The category of the last message, from every number of the tenant.
    Category,
    /// Everything from the tenant.
    All,
}

/// What to do with a message that may or may not have reached its carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InDoubtAction {
    /// Send it again: a double is better than none.
    Resend,
    /// Keep it `in_doubt` until somebody decides: none is better than a double.
    Hold,
}

/// [`InDoubtAction`] by category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InDoubtPlan {
    /// For `transactional`.
    pub transactional: InDoubtAction,
    /// For `marketing`.
    pub marketing: InDoubtAction,
    /// For `otp`.
    pub otp: InDoubtAction,
    /// For `conversational`.
    pub conversational: InDoubtAction,
}

impl Default for InDoubtPlan {
    /// A reminder or a code twice is a nuisance, and not at all is a harm; an advertisement is the other way round.
    fn default() -> Self {
        Self {
            transactional: InDoubtAction::Resend,
            marketing: InDoubtAction::Hold,
            otp: InDoubtAction::Resend,
            conversational: InDoubtAction::Resend,
        }
    }
}

impl InDoubtPlan {
    /// What to do for `category`.
    pub const fn action(&self, category: Category) -> InDoubtAction {
        match category {
            Category::Transactional => self.transactional,
            Category::Marketing => self.marketing,
            Category::Otp => self.otp,
            Category::Conversational => self.conversational,
        }
    }
}

/// Which runs of handlers are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingMode {
    /// None.
    Off,
    /// Those that fail.
    Failures,
    /// Those that fail, and one event of so many.
    Sample(u32),
    /// All.
    All,
}

/// Which runs of a tenant's handlers are kept, for how long, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingPlan {
    /// Which.
    pub mode: RecordingMode,
    /// For how long.
    pub keep: Duration,
    /// At most so many: the oldest go first.
    pub max: usize,
}

impl Default for RecordingPlan {
    /// A week is how long after a failure somebody looks; ten thousand recordings of a usual size are some 20 MB.
    fn default() -> Self {
        Self { mode: RecordingMode::Failures, keep: Duration::from_secs(7 * 86_400), max: 10_000 }
    }
}

/// What law or custom says of how long records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionClass {
    /// None in particular.
    #[default]
    Standard,
    /// Broker-dealers: 17 CFR 240.17a-4 and FINRA 4511.
    Finance,
    /// Health care: 45 CFR 164.316(b)(2).
    Health,
}

impl RetentionClass {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Finance, Self::Health];

    /// The name in configurations and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Finance => "finance",
            Self::Health => "health",
        }
    }

    /// Messages and the audit log of this class are kept at least so long.
    pub const fn least(self) -> Duration {
        match self {
            Self::Standard => RetentionPlan::LEAST_MESSAGES,
            Self::Finance | Self::Health => RetentionPlan::SIX_YEARS,
        }
    }
}

/// For how long what is on record of a tenant is kept; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionPlan {
    /// Of which class its records are.
    pub class: RetentionClass,
    /// Messages with their timelines, and events that were given up.
    pub messages: Option<Duration>,
    /// Carriers' ids of messages, by which receipts find them.
    pub carrier_ids: Option<Duration>,
    /// What webhooks were answered, and webhook events that were given up.
    pub deliveries: Option<Duration>,
    /// The audit log.
    pub audit: Option<Duration>,
}

impl RetentionPlan {
    const DAY: Duration = Duration::from_secs(86_400);
    /// With the leap days that six years may have.
    pub const SIX_YEARS: Duration = Duration::from_secs(2_192 * 86_400);
    /// Webhooks are tried for five days, and need the message that they tell of.
    pub const LEAST_MESSAGES: Duration = Duration::from_secs(7 * 86_400);
    /// Carriers try for up to three days, and tell then.
    pub const LEAST_CARRIER_IDS: Duration = Duration::from_secs(3 * 86_400);
    /// What failed over a night can be looked at in the morning.
    pub const LEAST_DELIVERIES: Duration = Self::DAY;

    /// What a class keeps unless it is told otherwise.
    ///
    /// Messages: thirteen months, so that a month can be held against the same one a year ago; six years where the class
    /// asks for it. Carriers' ids and answers of webhooks: a month, in which every question about a delivery comes. The
    /// audit log, which has no text and no number: six years.
    pub const fn of(class: RetentionClass) -> Self {
        let messages = match class {
            RetentionClass::Standard => Duration::from_secs(400 * 86_400),
            RetentionClass::Finance | RetentionClass::Health => Self::SIX_YEARS,
        };
        let month = Duration::from_secs(30 * 86_400);
        Self {
            class,
            messages: Some(messages),
            carrier_ids: Some(month),
            deliveries: Some(month),
            audit: Some(Self::SIX_YEARS),
        }
    }
}

impl Default for RetentionPlan {
    fn default() -> Self {
        Self::of(RetentionClass::Standard)
    }
}

/// An API key: its secret is kept only as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its public part.
    pub id: KeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// SHA-256 of the secret's text. The secret has 256 bits of chance, so a fast hash is enough.
    pub secret_sha256: [u8; 32],
    /// When it was made.
    pub made_at: Timestamp,
}

/// A webhook endpoint.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// Where events go.
    pub url: String,
    /// Event types it wants, such as `message.delivered`; `message.*` is all of them.
    pub events: Vec<String>,
    /// `whsec_…`: the key that signs.
    pub secret: String,
    /// When it was made or last changed.
    pub made_at: Timestamp,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("tenant", &self.tenant).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Webhook {
    /// Does it want events of this type?
    pub fn wants(&self, event: &str) -> bool {
        self.events.iter().any(|wanted| match wanted.strip_suffix('*') {
            Some(prefix) => event.starts_with(prefix),
            None => wanted == event,
        })
    }
}
