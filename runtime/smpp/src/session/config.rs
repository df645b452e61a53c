//! A session's limits and timers.

use std::time::Duration;

use crate::pdu::{DEFAULT_MAX_PDU_OCTETS, Version};

/// A session's limits and timers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// Our version. 3.4 by default: nearly every carrier speaks it, and some refuse a bind that says 5.0.
    pub version: Version,
    /// What a peer speaks whose bind answer has no `sc_interface_version`. 3.3 by default, as the specification has it: no
    /// TLVs. Many carriers leave it out and take TLVs all the same; say 3.4 for those that are known to.
    pub assumed_peer_version: Version,
    /// Requests in flight. 10 by default: what carriers commonly grant, and what is in doubt when the connection breaks.
    pub window: usize,
    /// Without an answer for so long, a request's outcome is unknown. 60 s by default, the customary value: a slow carrier
    /// answers within it, and what was in doubt too early was doubted for nothing.
    pub response_timeout: Duration,
    /// After so long without a PDU from the peer it is asked for a sign of life, which must come within the same time (or
    /// within `response_timeout`, if that is shorter). 30 s by default: below the minute or more after which carriers and
    /// middleboxes drop idle connections. `None` never asks.
    pub enquire_link: Option<Duration>,
    /// From connecting to being bound. 30 s by default: long enough for a carrier that checks elsewhere, and a connection
    /// that never binds doesn't stay.
    pub bind_timeout: Duration,
    /// The longest PDU taken. 64 KiB by default: room for the longest `message_payload` that anyone sends, and a bound for
    /// what a peer can make us hold.
    pub max_pdu_octets: usize,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            version: Version::V3_4,
            assumed_peer_version: Version::V3_3,
            window: 10,
            response_timeout: Duration::from_secs(60),
            enquire_link: Some(Duration::from_secs(30)),
            bind_timeout: Duration::from_secs(30),
            max_pdu_octets: DEFAULT_MAX_PDU_OCTETS,
        }
    }
}

impl SessionConfig {
    /// How often [`Session::tick`](super::Session::tick) should be called: an eighth of the shortest timer, at most a second.
    pub fn tick(&self) -> Duration {
        let timers = [Some(self.response_timeout), self.enquire_link, Some(self.bind_timeout)];
        let shortest = timers.into_iter().flatten().min().unwrap_or(Duration::MAX);
        (shortest / 8).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }

    pub(super) fn enquire_timeout(&self) -> Duration {
        self.enquire_link.unwrap_or(self.response_timeout).min(self.response_timeout)
    }
}
