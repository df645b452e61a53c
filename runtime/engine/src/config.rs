//! The path's limits. Everything is bounded; each line says why the bound is there.

use std::time::Duration;

use signalbox_model::Message;

/// The path's limits.
#[derive(Debug, Clone)]
pub struct Config {
    /// Outbound messages that may wait at once; more are refused with `limit.queue`, so that memory is bounded
    /// (about 200 bytes each).
    pub max_waiting: usize,
    /// Steps (an event, its handler, its commit) that may run at once: enough to keep the committer's groups full,
    /// few enough that instances of handlers fit their pool.
    pub max_steps: usize,
    /// Steps of one tenant that may run at once, so that a slow handler occupies only its owner's share.
    pub max_steps_per_tenant: usize,
    /// Messages in memory on their way, so that a step needn't read back what the last one wrote.
    pub hot_messages: usize,
    /// People of whom it is in memory what they were sent in 24 hours, where rules count that; about 250 bytes each. With
    /// more of them some counts are unknown for a while.
    pub counted_people: usize,
    /// Messages written ahead in one go: a bound on what a crash leaves in doubt, besides the carriers' windows.
    pub max_write_ahead: usize,
    /// How long a message waits that its carrier said of to come back later; twice as long each time, so that a carrier that is
    /// ill isn't asked at the speed of its answers.
    pub busy_wait: Duration,
    /// The longest such wait: how late it is seen that the carrier is well again.
    pub busy_wait_most: Duration,
    /// Times after which such a message fails; 0 to try for as long as it is valid.
    pub max_busy: u16,
    /// Times that a message which stays in doubt is sent again, where its tenant wants that: a carrier that takes messages
    /// and never answers would have each of them delivered until its validity ends.
    pub max_resends: u16,
    /// How long a carrier has no bind up before what waits for it goes by another: longer than reconnecting takes, shorter
    /// than a code is waited for.
    pub failover_after: Duration,
    /// Attempts at an event before it is parked.
    pub max_attempts: u8,
    /// The waits between them.
    pub retry_waits: [Duration; 4],
    /// Failures in a row after which a version of a handler rests: its events wait instead of using up their attempts.
    pub breaker_failures: u32,
    /// How long it rests before one event finds out whether it works again; twice as long each time it doesn't.
    pub breaker_wait: Duration,
    /// The longest rest: how late a version that works again is found out.
    pub breaker_wait_most: Duration,
    /// Events that a new version or a canary must have seen before it is judged: two failures of three say little.
    pub rollback_least: usize,
    /// It is taken back when so many of a hundred events more fail than with the version that it stands beside or after.
    pub rollback_percent: u8,
    /// How long an event counts in that share.
    pub rollback_window: Duration,
    /// How long a version is watched that became the live one.
    pub rollback_watch: Duration,
    /// Events that are shown to shadows at once; more are left out, so that shadows take little from those who answer.
    pub max_shadows: usize,
    /// How often what handlers used is written down: what a crash may lose of it.
    pub usage_flush: Duration,
    /// The longest wait that a handler may ask for before the next attempt at an event: its conversation waits with it.
    pub retry_wait_most: Duration,
    /// How many handlers' sends and soon timers may follow from one another: ends reply loops.
    pub max_depth: u8,
    /// A timer that comes at least so much later than what set it doesn't follow from it: a chain of such timers may go on
    /// for ever, at no more than this pace.
    pub cascade_rest: Duration,
    /// Messages that handlers may put into one conversation in a minute: a person who writes gets fewer answers, and two
    /// machines that answer each other by way of a carrier get no more.
    pub handler_messages_per_minute: u32,
    /// How long parts of a long inbound message are waited for.
    pub reassembly: Duration,
    /// How long a receipt waits for the answer to its submit.
    pub parked_receipt: Duration,
    /// Receipts that may wait so at once.
    pub max_parked_receipts: usize,
    /// The longest text, in characters, before it is even counted in segments.
    pub max_text_chars: usize,
    /// The most segments of a message: carriers refuse or reorder more.
    pub max_segments: u8,
    /// Messages in one batch call.
    pub max_batch: usize,
    /// How long a message is tried for when its sender doesn't say.
    pub default_validity: Duration,
    /// How far ahead `send_at` may lie, and how long `valid_for` may be.
    pub max_schedule: Duration,
    /// How long idempotency keys are kept.
    pub idempotency: Duration,
    /// How many inbox records of a partition are read at a time.
    pub inbox_page: usize,
    /// Events of one partition that may be in memory at once; the rest stays in the store.
    pub max_pending_per_partition: usize,
    /// What the store's disk keeps free: with less left nothing new is taken in, and what was accepted goes on. Enough for a
    /// full set of journals and write buffers, and for compacting. 0 never refuses.
    pub min_free_bytes: u64,
    /// How often that is looked at: a disk takes longer to fill by so much.
    pub room_every: Duration,
    /// The audit log.
    pub audit: crate::audit::Config,
    /// How what was kept long enough is deleted.
    pub retention: crate::retention::Config,
    /// Bodies under lock and key.
    pub sealing: crate::sealing::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_waiting: 1_000_000,
            max_steps: 512,
            max_steps_per_tenant: 256,
            hot_messages: 16_384,
            counted_people: 500_000,
            max_write_ahead: 256,
            busy_wait: Duration::from_secs(1),
            busy_wait_most: Duration::from_secs(600),
            max_busy: 0,
            max_resends: 2,
            failover_after: Duration::from_secs(30),
            max_attempts: 5,
            retry_waits: [
                Duration::from_secs(1),
                Duration::from_secs(5),
                Duration::from_secs(30),
                Duration::from_secs(300),
            ],
            breaker_failures: 20,
            breaker_wait: Duration::from_secs(5),
            breaker_wait_most: Duration::from_secs(60),
            rollback_least: 20,
            rollback_percent: 20,
            rollback_window: Duration::from_secs(300),
            rollback_watch: Duration::from_secs(3_600),
            max_shadows: 4,
            usage_flush: Duration::from_secs(10),
            retry_wait_most: Duration::from_secs(3_600),
            max_depth: 8,
            cascade_rest: Duration::from_secs(30),
            handler_messages_per_minute: 60,
            reassembly: Duration::from_secs(60),
            parked_receipt: Duration::from_secs(300),
            max_parked_receipts: 100_000,
            max_text_chars: 1_600,
            max_segments: 10,
            max_batch: 1_000,
            default_validity: Message::DEFAULT_VALIDITY,
            max_schedule: Duration::from_secs(35 * 86_400),
            idempotency: Duration::from_secs(48 * 3_600),
            inbox_page: 512,
            max_pending_per_partition: 65_536,
            min_free_bytes: 512 << 20,
            room_every: Duration::from_secs(1),
            audit: crate::audit::Config::default(),
            retention: crate::retention::Config::default(),
            sealing: crate::sealing::Config::default(),
        }
    }
}
