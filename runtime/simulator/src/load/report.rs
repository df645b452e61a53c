//! What came back, summed up.

use serde::Serialize;
use std::time::Duration;

/// The load's result.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Messages sent.
    pub sent: u64,
    /// Messages that got an id.
    pub accepted: u64,
    /// Messages that got an answer without an id.
    pub refused: u64,
    /// Messages that got no answer.
    pub errors: u64,
    /// Requests that were sent again.
    pub retries: u64,
    /// From the first to the last.
    pub seconds: f64,
    /// Accepted messages a second.
    pub per_second: f64,
    /// Median of the time from a request's turn to its answer.
    pub p50_ms: f64,
    /// 99th percentile of it.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// The last answer that refused something, or the last error: what to look at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_trouble: Option<String>,
    #[serde(skip)]
    latencies_us: Vec<u32>,
}

/// One connection's share.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) errors: u64,
    pub(super) retries: u64,
    pub(super) latencies_us: Vec<u32>,
    pub(super) last_trouble: Option<String>,
}

impl Report {
    pub(super) fn add(&mut self, tally: Tally) {
        self.sent += tally.sent;
        self.accepted += tally.accepted;
        self.refused += tally.refused;
        self.errors += tally.errors;
        self.retries += tally.retries;
        self.latencies_us.extend(tally.latencies_us);
        self.last_trouble = tally.last_trouble.or(self.last_trouble.take());
    }

    pub(super) fn sum_up(mut self, took: Duration) -> Self {
        let mut latencies = std::mem::take(&mut self.latencies_us);
        latencies.sort_unstable();
        self.seconds = took.as_secs_f64();
        self.per_second = self.accepted as f64 / self.seconds.max(1e-9);
        self.p50_ms = quantile_ms(&latencies, 0.50);
        self.p99_ms = quantile_ms(&latencies, 0.99);
        self.max_ms = quantile_ms(&latencies, 1.0);
        self
    }
}

/// Nearest rank, over sorted microseconds.
fn quantile_ms(sorted: &[u32], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil().max(1.0) as usize;
    sorted.get(rank - 1).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let micros: Vec<u32> = (1..=200).map(|n| n * 1000).collect();
        assert_eq!([0.5, 0.99, 1.0].map(|share| quantile_ms(&micros, share)), [100.0, 198.0, 200.0]);
        assert_eq!(quantile_ms(&[], 0.5), 0.0);
    }
}
