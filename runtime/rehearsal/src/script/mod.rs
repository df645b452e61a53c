//! A script: conversations as their author wrote them.

mod read;
mod texts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use signalbox_guest::Scope;
use signalbox_model::{Address, Category, ReceiptState, Timestamp};

pub use texts::{Texts, Wanted};

/// A file of conversations.
#[derive(Debug, Clone)]
pub struct Script {
    /// The file.
    pub path: PathBuf,
    /// Its conversations, in order.
    pub conversations: Vec<Conversation>,
}

/// One conversation, with what stands when it begins.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// What it shows.
    pub name: String,
    /// The line of the file on which it begins.
    pub line: usize,
    /// What stands when it begins.
    pub setup: Setup,
    /// What outbound HTTP is answered; the first that matches answers.
    pub stubs: Vec<Stub>,
    /// What happens, and what has to come of it.
    pub steps: Vec<Step>,
}

/// What stands when a conversation begins.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The clock.
    pub now: Timestamp,
    /// The tenant's number.
    pub number: Address,
    /// The contact's number.
    pub contact: Address,
    /// The contact's time zone.
    pub time_zone: Option<String>,
    /// The contact's attributes.
    pub attributes: BTreeMap<String, String>,
    /// What the contact said of being written to.
    pub consent: Consent,
    /// Settings, laid over the handler's defaults.
    pub settings: BTreeMap<String, String>,
    /// Secrets by name.
    pub secrets: BTreeMap<String, String>,
    /// The carriers of the number, in order of preference.
    pub carriers: Vec<String>,
}

/// What a contact said of being written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Yes.
    Granted,
    /// Nothing.
    None,
    /// No.
    OptedOut,
}

/// An answer to outbound HTTP.
#[derive(Debug, Clone)]
pub struct Stub {
    /// Only this method.
    pub method: Option<String>,
    /// Only this URL.
    pub url: UrlPattern,
    /// So often, then the next stub that matches.
    pub times: Option<u64>,
    /// After this time, which is virtual.
    pub delay: Duration,
    /// What is answered, or why nothing is.
    pub answer: Result<StubAnswer, StubFailure>,
}

/// What a stub answers.
#[derive(Debug, Clone)]
pub struct StubAnswer {
    /// The status.
    pub status: u16,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// Why a stub answers nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StubFailure {
    /// Nobody listens.
    Refused,
    /// Nothing comes in time.
    Timeout,
    /// The name isn't known.
    Dns,
}

/// A URL as a whole, or what it begins with when it ends with a star.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPattern(String);

impl UrlPattern {
    /// As it was written.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// Is it this one?
    pub fn matches(&self, url: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => url.starts_with(beginning),
            None => self.0 == url,
        }
    }
}

impl std::fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A step with its place.
#[derive(Debug, Clone)]
pub struct Step {
    /// The line of the file.
    pub line: usize,
    /// What it is.
    pub what: What,
}

/// What a step does, or looks for.
#[derive(Debug, Clone)]
pub enum What {
    /// The contact writes.
    In {
        /// The text.
        text: String,
    },
    /// The tenant sends over the API.
    Send(Box<Sending>),
    /// The carrier says what became of the last message that went out.
    Receipt {
        /// What it says.
        state: ReceiptState,
        /// In its own code.
        code: Option<String>,
    },
    /// Time passes; what falls due happens in its order.
    Advance(Duration),
    /// The next message that went out to the contact, or to `to`.
    Reply {
        /// To somebody else than the contact.
        to: Option<Address>,
        /// By this carrier.
        carrier: Option<String>,
        /// What it says.
        texts: Texts,
    },
    /// No further message went out, to anybody or to `to`.
    Nothing {
        /// To this number.
        to: Option<Address>,
    },
    /// The last send was refused or dropped.
    Rejected(Texts),
    /// The last send waits for its time.
    Held,
    /// A timer is set, or isn't.
    Timer {
        /// Its name.
        name: String,
        /// For when.
        due: Due,
    },
    /// What the handler keeps.
    State {
        /// For whom.
        scope: Scope,
        /// Under this key.
        key: String,
        /// What it keeps there.
        wanted: Wanted,
    },
    /// What the handler put on the record since something last happened.
    Note {
        /// Its name.
        name: String,
        /// What it says.
        wanted: Wanted,
    },
    /// A line of the handler's log contains this.
    Log(String),
    /// Calls that the handler made.
    Http(Box<Calls>),
    /// The last event failed for good, or didn't.
    Parked(bool),
}

/// What the tenant sends.
#[derive(Debug, Clone)]
pub struct Sending {
    /// The text.
    pub text: String,
    /// What it is for.
    pub category: Category,
    /// The campaign.
    pub campaign: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// Media.
    pub media: Vec<String>,
    /// Not before so long from now.
    pub after: Option<Duration>,
}

/// For when a timer is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Whenever.
    Whenever,
    /// So long from now.
    In(Duration),
    /// At this time.
    At(Timestamp),
    /// It isn't set.
    Never,
}

/// Calls of outbound HTTP.
#[derive(Debug, Clone)]
pub struct Calls {
    /// With this method.
    pub method: String,
    /// To this URL.
    pub url: UrlPattern,
    /// So many; at least one if nothing is said.
    pub times: Option<u64>,
    /// Whose body contains all of these.
    pub body_contains: Vec<String>,
    /// Which carry these headers.
    pub headers: BTreeMap<String, String>,
}

impl Script {
    /// Reads a script; all that is wrong with it is told at once.
    pub fn parse(path: &Path, text: &str) -> Result<Self, signalbox_forms::Error> {
        read::script(path, text)
    }

    /// Reads a script from its file.
    pub fn load(path: &Path) -> Result<Self, signalbox_forms::Error> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| signalbox_forms::Error::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }
}

impl Default for Setup {
    /// Noon of a summer's day, and a contact who agreed to be written to.
    fn default() -> Self {
        Self {
            now: Timestamp::parse_rfc3339("2026-06-01T12:00:00Z").expect("it is RFC 3339"),
            number: "+15550100001".parse().expect("it is a number"),
            contact: "+15550199001".parse().expect("it is a number"),
            time_zone: None,
            attributes: BTreeMap::new(),
            consent: Consent::Granted,
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            carriers: vec!["main".to_owned()],
        }
    }
}
