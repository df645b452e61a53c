//! What the carrier counted.

use serde::{Deserialize, Serialize};

/// Counts since the start; `bound` and `pending` are of now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Connections taken.
    pub connections: u64,
    /// Connections that the carrier broke.
    pub disconnects: u64,
    /// Binds let in.
    pub binds: u64,
    /// Binds refused.
    pub binds_refused: u64,
    /// Sessions bound now.
    pub bound: u64,
    /// `submit_sm` received, whatever the answer.
    pub submits: u64,
    /// Submits that the carrier took, answered or not.
    pub accepted: u64,
    /// Submits refused for good.
    pub refused: u64,
    /// Submits refused with `ESME_RTHROTTLED`.
    pub throttled: u64,
    /// Submits refused with `ESME_RMSGQFUL`.
    pub queue_full: u64,
    /// Submits whose response was withheld or cut.
    pub unanswered: u64,
    /// Receipts that peers asked for.
    pub receipts_due: u64,
    /// Receipts never sent, by the scenario's will.
    pub receipts_lost: u64,
    /// Receipts sent, repeats included.
    pub receipts_sent: u64,
    /// Receipts whose `deliver_sm_resp` said success.
    pub receipts_acked: u64,
    /// Receipts whose `deliver_sm_resp` said otherwise.
    pub receipts_refused: u64,
    /// Inbound parts sent, repeats included.
    pub mo_sent: u64,
    /// Inbound parts whose `deliver_sm_resp` said success.
    pub mo_acked: u64,
    /// Inbound parts whose `deliver_sm_resp` said otherwise.
    pub mo_refused: u64,
    /// Sent again after a broken connection, a timeout or a passing refusal.
    pub redelivered: u64,
    /// Given up: attempts used, or the carrier's own bounds reached.
    pub given_up: u64,
    /// Waiting for a receiver or its window.
    pub pending: u64,
    /// Whole messages that reached phones.
    pub messages: u64,
    /// `generic_nack` received.
    pub nacks_received: u64,
    /// `generic_nack` sent.
    pub nacks_sent: u64,
    /// `enquire_link` answered by peers.
    pub links_answered: u64,
    /// Garbage sent.
    pub garbage: u64,
    /// Ledger lines that could not be written to its file.
    pub ledger_write_errors: u64,
}

/// Counts to wait for; those left out are not waited for. All must be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WaitFor {
    /// See [`Stats::connections`]; so for the others.
    pub connections: u64,
    /// Broken connections.
    pub disconnects: u64,
    /// Binds let in.
    pub binds: u64,
    /// Binds refused.
    pub binds_refused: u64,
    /// Sessions bound now, at least.
    pub bound: u64,
    /// Submits received.
    pub submits: u64,
    /// Submits taken.
    pub accepted: u64,
    /// Submits refused for good.
    pub refused: u64,
    /// Receipts sent.
    pub receipts_sent: u64,
    /// Receipts acknowledged.
    pub receipts_acked: u64,
    /// Inbound parts sent.
    pub mo_sent: u64,
    /// Inbound parts acknowledged.
    pub mo_acked: u64,
    /// Whole messages at phones.
    pub messages: u64,
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waited {
    /// Every count was reached before the time ran out.
    pub met: bool,
    /// The counts at the end.
    pub stats: Stats,
}

impl WaitFor {
    pub(crate) fn is_met(&self, stats: &Stats) -> bool {
        self.connections <= stats.connections
            && self.disconnects <= stats.disconnects
            && self.binds <= stats.binds
            && self.binds_refused <= stats.binds_refused
            && self.bound <= stats.bound
            && self.submits <= stats.submits
            && self.accepted <= stats.accepted
            && self.refused <= stats.refused
            && self.receipts_sent <= stats.receipts_sent
            && self.receipts_acked <= stats.receipts_acked
            && self.mo_sent <= stats.mo_sent
            && self.mo_acked <= stats.mo_acked
            && self.messages <= stats.messages
    }
}
