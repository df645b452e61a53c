//! What a simulator is started with.

use crate::Scenario;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Everything that a simulator needs; the default listens for SMPP and control on free local ports.
#[derive(Clone, Debug)]
pub struct Config {
    /// SMPP.
    pub listen: SocketAddr,
    /// The control API, if wanted.
    pub control: Option<SocketAddr>,
    /// The webhook sink, if wanted.
    pub sink: Option<SocketAddr>,
    /// How the carrier behaves at first.
    pub scenario: Scenario,
    /// Seeds every draw; drawn from the system if left out.
    pub seed: Option<u64>,
    /// Appends the ledger's lines, as JSON.
    pub ledger_file: Option<PathBuf>,
    /// Keep counts only: no ledger in memory, no inboxes.
    pub counts_only: bool,
    /// The sink keeps a count only.
    pub sink_counts_only: bool,
    /// What may be held in memory.
    pub limits: Limits,
}

/// Bounds of what is held in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A peer's PDU: the largest legal one is a `message_payload` of 64 KiB with its fields.
    pub pdu_bytes: usize,
    /// Receipts and inbound parts scheduled or waiting for a receiver.
    pub parcels: usize,
    /// Ledger lines; older ones are forgotten.
    pub ledger_lines: usize,
    /// Numbers that have an inbox.
    pub inboxes: usize,
    /// Messages in one inbox; older ones are forgotten.
    pub inbox_messages: usize,
    /// Webhooks kept; older ones are forgotten.
    pub hooks: usize,
    /// A webhook's body; the rest of a longer one is dropped.
    pub hook_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pdu_bytes: 128 * 1024,
            parcels: 2_000_000,
            ledger_lines: 200_000,
            inboxes: 100_000,
            inbox_messages: 1_000,
            hooks: 100_000,
            hook_body_bytes: 1 << 20,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: free_port,
            control: Some(free_port),
            sink: None,
            scenario: Scenario::default(),
            seed: None,
            ledger_file: None,
            counts_only: false,
            sink_counts_only: false,
            limits: Limits::default(),
        }
    }
}
