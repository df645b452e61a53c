//! What the path counts. No bodies, no numbers, no ids: only sums.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use signalbox_model::Status;

/// A label: the status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: &'static str,
}

/// What the path counts.
pub(crate) struct Metrics {
    pub(crate) accepted: Counter,
    transitions: Vec<Counter>,
    by_status: Family<StatusLabel, Counter>,
    pub(crate) invocations: Counter,
    pub(crate) handler_failures: Counter,
    pub(crate) recordings_dropped: Counter,
    pub(crate) receipts: Counter,
    pub(crate) receipts_parked: Counter,
    pub(crate) receipts_unmatched: Counter,
    pub(crate) receipts_repeated: Counter,
    pub(crate) inbound_parts: Counter,
    pub(crate) inbound_unroutable: Counter,
    pub(crate) throttled: Counter,
    pub(crate) step_failures: Counter,
    pub(crate) panics: Counter,
    pub(crate) waiting: Gauge,
    pub(crate) store_full: Gauge,
    pub(crate) store_free_bytes: Gauge,
    pub(crate) policies_taken: Counter,
    pub(crate) policies_refused: Counter,
    pub(crate) policies_stale: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let by_status: Family<StatusLabel, Counter> = Family::default();
        // Looked up once: the hot path only adds.
        let counter = |status: Status| by_status.get_or_create(&StatusLabel { status: status.as_str() }).clone();
        let transitions = Status::ALL.into_iter().map(counter).collect();
        Self {
            accepted: Counter::default(),
            transitions,
            by_status,
            invocations: Counter::default(),
            handler_failures: Counter::default(),
            recordings_dropped: Counter::default(),
            receipts: Counter::default(),
            receipts_parked: Counter::default(),
            receipts_unmatched: Counter::default(),
            receipts_repeated: Counter::default(),
            inbound_parts: Counter::default(),
            inbound_unroutable: Counter::default(),
            throttled: Counter::default(),
            step_failures: Counter::default(),
            panics: Counter::default(),
            waiting: Gauge::default(),
            store_full: Gauge::default(),
            store_free_bytes: Gauge::default(),
            policies_taken: Counter::default(),
            policies_refused: Counter::default(),
            policies_stale: Gauge::default(),
        }
    }

    /// Counts a message that became `status`.
    pub(crate) fn transition(&self, status: Status) {
        self.transitions[status as usize].inc();
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("signalbox");
        registry.register("messages_accepted", "Messages accepted over the API", self.accepted.clone());
        registry.register("message_transitions", "Messages that reached a status", self.by_status.clone());
        registry.register("handler_invocations", "Runs of handlers", self.invocations.clone());
        registry.register("handler_failures", "Runs of handlers that failed", self.handler_failures.clone());
        let dropped = "Recordings of runs that there was no room for";
        registry.register("recordings_dropped", dropped, self.recordings_dropped.clone());
        registry.register("receipts", "Delivery receipts that carriers brought", self.receipts.clone());
        let parked = "Receipts that came before the answer to their submit";
        registry.register("receipts_parked", parked, self.receipts_parked.clone());
        let unmatched = "Receipts whose message wasn't found in time";
        registry.register("receipts_unmatched", unmatched, self.receipts_unmatched.clone());
        registry.register("receipts_repeated", "Receipts that said nothing new", self.receipts_repeated.clone());
        registry.register("inbound_parts", "Inbound messages and parts of them", self.inbound_parts.clone());
        let unroutable = "Inbound messages for numbers that no tenant has";
        registry.register("inbound_unroutable", unroutable, self.inbound_unroutable.clone());
        registry.register("submits_throttled", "Submits that a carrier asked to bring again", self.throttled.clone());
        registry.register("step_failures", "Steps of the path that failed", self.step_failures.clone());
        registry.register("panics", "Defects that ended a step of the path", self.panics.clone());
        registry.register("policies_taken", "Policy sets that were put in force", self.policies_taken.clone());
        let refused = "Policy sets that couldn't be taken; the last good one stayed";
        registry.register("policies_refused", refused, self.policies_refused.clone());
        let stale = "1 while the newest policy set isn't the one in force";
        registry.register("policies_stale", stale, self.policies_stale.clone());
        let full = "1 while the store's disk has less left than `min_free` and nothing new is taken in";
        registry.register("store_full", full, self.store_full.clone());
        let free = "What the store's disk has left; 0 where nobody knows";
        registry.register("store_free_bytes", free, self.store_free_bytes.clone());
        registry.register("messages_waiting", "Outbound messages not yet with a carrier", self.waiting.clone());
    }
}
