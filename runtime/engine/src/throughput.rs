//! How fast carriers let a registered sender send: its message waits in the queue before its carrier until its turn comes
//! under each of the limits, and can say what it waits for. Daily allowances aren't waited for here: they are a fact that
//! rules hold messages for.
//!
//! Where it isn't known whose network a person is on, a message counts against every carrier's limit.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signalbox_limits::{Limit, Rate, Throttles};
use signalbox_model::conversation::stable_hash;
use signalbox_model::{Address, Message, MessageId, Partition, Timestamp};
use signalbox_policy::data::{AttUse, Per, Throughput};
use signalbox_registry::registration::{Entity, Network, Registered, Standing, UseCase};
use signalbox_store::{Batch, Range, Table, layout};
use tokio_util::sync::CancellationToken;

use crate::counted::Place;
use crate::engine::Engine;
use crate::error::Error;
use crate::handle::Handle;
use crate::registered;

/// Limits that are kept at a time: each costs some 100 bytes.
const KEPT: NonZeroUsize = NonZeroUsize::new(100_000).expect("it is not zero");

/// What a rate is counted for, as a hash of its kind, the tenant and the campaign or number.
type Key = [u8; 16];

/// One limit that a message keeps.
#[derive(Debug, Clone)]
struct Bound {
    key: Key,
    rate: Rate,
    /// Whose limit it is, in words.
    why: &'static str,
}

/// The limits that a message keeps, and the allowance that it uses.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    bounds: Vec<Bound>,
    /// What is counted: segments, or messages with media.
    units: u32,
    allowance: Option<Key>,
}

/// What a queued message waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// In words.
    pub why: &'static str,
    /// About when its turn comes, as far as this limit goes.
    pub estimated_at: Timestamp,
}

/// Carriers' limits, and who waits for them.
pub(crate) struct Paces {
    throttles: Throttles<Key>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    /// Units that ever entered and left, by limit; while anything waits.
    lines: HashMap<Key, (u64, u64)>,
    /// What had entered with each message that waits, in the order of its limits.
    waiting: HashMap<MessageId, (Arc<Pace>, Vec<u64>)>,
}

impl Default for Paces {
    fn default() -> Self {
        Self { throttles: Throttles::new(KEPT), queue: Mutex::default() }
    }
}

impl Paces {
    /// How long `pace` has to wait; takes nothing.
    pub(crate) fn wait(&self, pace: &Pace, now: Instant) -> Duration {
        let waits = pace.bounds.iter().map(|bound| self.throttles.at(bound.key, bound.rate).wait(pace.units, now));
        waits.max().unwrap_or_default()
    }

    /// Takes the message's share of each limit. Asked a moment before; should another lane have taken in between, the
    /// message goes this once, and what comes after it waits longer.
    pub(crate) fn take(&self, pace: &Pace, now: Instant) {
        for bound in &pace.bounds {
            let _ = self.throttles.at(bound.key, bound.rate).take(pace.units, now);
        }
    }

    /// A message stands in a queue from now on.
    pub(crate) fn enters(&self, message: MessageId, pace: &Arc<Pace>, first: bool) {
        let mut queue = self.queue.lock();
        let mut entered = Vec::with_capacity(pace.bounds.len());
        for bound in &pace.bounds {
            let (all, left) = queue.lines.entry(bound.key).or_default();
            *all += u64::from(pace.units);
            entered.push(if first { *left + u64::from(pace.units) } else { *all });
        }
        queue.waiting.insert(message, (pace.clone(), entered));
    }

    /// It doesn't any more.
    pub(crate) fn leaves(&self, message: MessageId) {
        let mut queue = self.queue.lock();
        let Some((pace, _)) = queue.waiting.remove(&message) else { return };
        for bound in &pace.bounds {
            if let Some((all, left)) = queue.lines.get_mut(&bound.key) {
                *left += u64::from(pace.units);
                if left >= all {
                    queue.lines.remove(&bound.key);
                }
            }
        }
    }

    /// What a message waits for the longest, and how long that will be: what stands before it, at the limit's rate.
    fn longest(&self, message: MessageId, now: Instant) -> Option<(&'static str, Duration)> {
        let (pace, entered) = self.queue.lock().waiting.get(&message).cloned()?;
        let of = |(bound, entered): (&Bound, u64)| {
            let left = self.queue.lock().lines.get(&bound.key).map_or(0, |(_, left)| *left);
            let before = entered.saturating_sub(left).saturating_sub(u64::from(pace.units));
            let before = u32::try_from(before).unwrap_or(u32::MAX);
            let turn = self.throttles.at(bound.key, bound.rate).wait(pace.units, now);
            (bound.why, turn.saturating_add(bound.rate.interval().saturating_mul(before)))
        };
        let longest = pace.bounds.iter().zip(entered).map(of).max_by_key(|(_, wait)| *wait);
        longest.filter(|(_, wait)| !wait.is_zero())
    }
}

/// The limits that a message keeps; none for a sender that isn't registered.
pub(crate) fn pace(engine: &Engine, message: &Message, network: Option<Network>) -> Option<Arc<Pace>> {
    if engine.registration.is_empty() || !engine.registration.knows(&message.tenant) {
        return None;
    }
    let Address::E164(to) = &message.to else { return None };
    let registered = registered::find(engine, message);
    if !to.is_nanp() {
        return None;
    }
    let policy = engine.policy.load_full();
    let pace = build(&policy.tables.throughput, message, &registered, network);
    (!pace.bounds.is_empty() || pace.allowance.is_some()).then(|| Arc::new(pace))
}

fn build(table: &Throughput, message: &Message, registered: &Registered, network: Option<Network>) -> Pace {
    let media = !message.body.media_urls.is_empty();
    let units = if media { 1 } else { u32::from(message.segments.max(1)) };
    let tenant = message.tenant.as_str().as_bytes();
    let sender = message.ours().to_string();
    let key = |kind: &str, of: &[u8]| stable_hash(&[b"pace", kind.as_bytes(), tenant, of]);
    let mut pace = Pace { bounds: Vec::new(), units, allowance: None };
    let mut bound = |key: Key, segments: u32, time: Duration, why| {
        let rate = NonZeroU32::new(segments).and_then(|segments| Rate::new(segments, time).ok());
        pace.bounds.extend(rate.map(|rate| Bound { key, rate, why }));
    };
    let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    if registered.toll_free.is_some() {
        let why = "the rate of a toll-free number";
        bound(key("toll-free", sender.as_bytes()), table.toll_free_number_a_second, second, why);
    }
    if registered.short_code.is_some() {
        let why = "the rate of a short code";
        bound(key("short code", sender.as_bytes()), table.short_code_number_a_second, second, why);
    }
    let Some(campaign) = &registered.campaign else { return pace };
    let may_be = |one: Network| network.is_none_or(|network| network == one);
    if may_be(Network::Att) {
        match att_class(table, campaign) {
            Some(class) => {
                let (kind, most) = if media { ("att mms", class.mms) } else { ("att sms", class.sms) };
                match class.per {
                    Per::Campaign => {
                        let why = "AT&T's rate of the campaign's class";
                        bound(key(kind, campaign.campaign.as_bytes()), most, minute, why);
                    }
                    Per::Number => {
                        bound(
                            key(kind, sender.as_bytes()),
                            most,
                            minute,
                            "AT&T's rate of a number in the campaign's class",
                        );
                    }
                }
            }
            None => {
                let why = "the rate of a long code without a class";
                bound(key("long code", sender.as_bytes()), table.long_code_number_a_second, second, why);
            }
        }
    }
    if may_be(Network::Verizon) {
        bound(key("verizon", sender.as_bytes()), table.verizon_number_a_minute, minute, "Verizon's rate of a number");
    }
    pace.allowance = may_be(Network::Tmobile).then_some(campaign.allowance);
    pace
}

fn att_class<'t>(table: &'t Throughput, campaign: &Standing) -> Option<&'t signalbox_policy::data::AttClass> {
    if let Some(class) = campaign.att_class.as_deref().and_then(|name| table.att_class(name)) {
        return Some(class);
    }
    let for_use = match campaign.use_case {
        UseCase::Mixed | UseCase::Marketing => AttUse::Mixed,
        UseCase::LowVolume => AttUse::LowVolume,
        UseCase::SoleProprietor => AttUse::SoleProprietor,
        UseCase::Political => AttUse::Political,
        UseCase::Emergency | UseCase::PublicSafety => AttUse::Emergency,
        UseCase::Charity => AttUse::Charity,
        UseCase::Social => AttUse::Social,
        UseCase::Proxy => AttUse::Proxy,
        UseCase::AgentsFranchises => AttUse::Agents,
        // What these get is agreed with each carrier, and said as `att_class`.
        UseCase::CarrierExempt
        | UseCase::Trial
        | UseCase::UcaasHigh
        | UseCase::UcaasLow
        | UseCase::MachineToMachine => {
            return None;
        }
        _ => AttUse::Dedicated,
    };
    table.att(for_use, campaign.score)
}

/// What each brand sent today of T-Mobile's daily allowance, by tax id.
///
/// In memory, and written down every few seconds and at the drain: a crash forgets what came since. Others who send for the
/// same tax id aren't counted either. So it is a lower bound, and the carrier's own count may be reached before.
///
/// A message that may go takes its place when it is checked, and gives it back if it doesn't go: so what is on its way is
/// counted, and of many that are checked at once no more pass than there is room for.
#[derive(Default)]
pub(crate) struct Allowances {
    days: Mutex<HashMap<Key, Day>>,
    places: Mutex<Places>,
    /// Whether anything ever took a place: until then there is none to give back.
    any: AtomicBool,
}

/// What passed its check and hasn't gone. It needs no day: what goes after midnight counts then.
#[derive(Default)]
struct Places {
    taken: HashMap<MessageId, (Key, u32)>,
    /// Units that are taken, by allowance.
    units: HashMap<Key, u32>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Day {
    used: u32,
    resets_at: Timestamp,
    #[serde(skip)]
    unwritten: bool,
}

impl Places {
    fn leave(&mut self, message: MessageId) -> Option<(Key, u32)> {
        let (key, units) = self.taken.remove(&message)?;
        if let Some(all) = self.units.get_mut(&key) {
            *all = all.saturating_sub(units);
            if *all == 0 {
                self.units.remove(&key);
            }
        }
        Some((key, units))
    }

    fn take(&mut self, message: MessageId, key: Key, units: u32) {
        self.taken.insert(message, (key, units));
        *self.units.entry(key).or_default() += units;
    }
}

impl Allowances {
    /// Would so many units more go beyond the cap? If not, and it is wanted, the message takes its place. It gives up the
    /// one that it had: what it takes may have changed.
    fn is_beyond(
        &self,
        (message, place): (MessageId, Place),
        (key, units): (Key, u32),
        cap: u32,
        now: Timestamp,
    ) -> bool {
        let mut places = self.places.lock();
        // Before the looks: what goes meanwhile has left its place and is counted, or is in its place still.
        let own = if place == Place::Take { places.leave(message) } else { places.taken.get(&message).copied() };
        let looked_at = if place == Place::Take { 0 } else { own.map_or(0, |(_, units)| units) };
        let on_their_way = places.units.get(&key).copied().unwrap_or(0).saturating_sub(looked_at);
        let beyond = self.used(&key, now).saturating_add(on_their_way).saturating_add(units) > cap;
        if !beyond && place == Place::Take {
            self.any.store(true, Ordering::Relaxed);
            places.take(message, key, units);
        }
        beyond
    }

    /// The message doesn't go: its place is free.
    fn withdraw(&self, message: MessageId) {
        if self.any.load(Ordering::Relaxed) {
            self.places.lock().leave(message);
        }
    }

    /// Counts what goes now, in its place.
    fn count(&self, message: MessageId, pace: &Pace, now: Timestamp, resets_at: impl FnOnce() -> Option<Timestamp>) {
        // Under the lock of the places until it is counted: nobody finds it in neither.
        let mut places = self.places.lock();
        let taken = places.leave(message);
        let Some((key, units)) = taken.or(pace.allowance.map(|key| (key, pace.units))) else { return };
        let mut days = self.days.lock();
        let known = days.get_mut(&key).filter(|day| now < day.resets_at);
        match known {
            Some(day) => {
                day.used = day.used.saturating_add(units);
                day.unwritten = true;
            }
            None => {
                if let Some(resets_at) = resets_at() {
                    days.insert(key, Day { used: units, resets_at, unwritten: true });
                }
            }
        }
    }

    /// What went has come back, and surely isn't with the carrier.
    fn uncount(&self, pace: &Pace, now: Timestamp) {
        let Some(key) = pace.allowance else { return };
        if let Some(day) = self.days.lock().get_mut(&key).filter(|day| now < day.resets_at) {
            day.used = day.used.saturating_sub(pace.units);
            day.unwritten = true;
        }
    }

    fn used(&self, key: &Key, now: Timestamp) -> u32 {
        self.days.lock().get(key).filter(|day| now < day.resets_at).map_or(0, |day| day.used)
    }
}

/// Would a message of this campaign go beyond what its brand may send today? One that goes if it may takes its place.
pub(crate) fn is_cap_reached(
    engine: &Engine,
    table: &Throughput,
    (message, place): (&Message, Place),
    campaign: &Standing,
    network: Option<Network>,
) -> bool {
    if network.is_some_and(|network| network != Network::Tmobile) {
        return false;
    }
    let sole = campaign.entity == Some(Entity::SoleProprietor) || campaign.use_case == UseCase::SoleProprietor;
    let cap = if sole { table.tmobile_sole_proprietor_daily() } else { table.tmobile_daily(campaign.score) };
    let units = if message.body.media_urls.is_empty() { u32::from(message.segments.max(1)) } else { 1 };
    engine.allowances.is_beyond((message.id, place), (campaign.allowance, units), cap, engine.clock.now())
}

/// A message goes now: what it uses of an allowance is counted.
pub(crate) fn goes(engine: &Engine, message: MessageId, pace: Option<&Arc<Pace>>, now: Timestamp) {
    if let Some(pace) = pace {
        let resets_at = || engine.policy.load_full().tables.throughput.tmobile_resets(now);
        engine.allowances.count(message, pace, now, resets_at);
    }
}

/// A message that went has come back: the carrier surely doesn't have it.
pub(crate) fn comes_back(engine: &Engine, pace: Option<&Arc<Pace>>) {
    if let Some(pace) = pace {
        engine.allowances.uncount(pace, engine.clock.now());
    }
}

impl Engine {
    /// A message that was to go doesn't: it counts no more in what was counted for it.
    pub(crate) fn gives_place_back(&self, message: &Message) {
        self.counted.withdraw(message);
        self.allowances.withdraw(message.id);
    }
}

/// Reads what was counted before the start.
pub(crate) async fn recover(engine: &Engine) -> Result<(), Error> {
    let now = engine.clock.now();
    let mut range = Range::prefix(Table::Allowance, Vec::new(), 1_000);
    loop {
        let page = engine.store.range(Partition::DIRECTORY, range.clone()).await?;
        for (key, value) in &page {
            let day: Day = layout::decode(Table::Allowance, value)?;
            if let Ok(key) = Key::try_from(&key[..])
                && now < day.resets_at
            {
                engine.allowances.days.lock().insert(key, day);
            }
        }
        match page.last() {
            Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(()),
        }
    }
}

/// Writes down what was counted, for as long as the host runs. The drain does it once more.
pub(crate) async fn run(engine: Arc<Engine>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(engine.config.usage_flush) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = flush(&engine).await {
            engine.step_failed("writing down daily allowances", &error);
        }
    }
}

/// Writes down what was counted until now, and forgets the days that are over.
pub(crate) async fn flush(engine: &Engine) -> Result<(), Error> {
    let now = engine.clock.now();
    let home = Partition::DIRECTORY;
    let mut batch = Batch::new(home, engine.epoch(home));
    let mut written = 0;
    {
        let mut days = engine.allowances.days.lock();
        for (key, day) in days.iter_mut() {
            if day.resets_at <= now {
                batch.delete(Table::Allowance, key.to_vec());
                written += 1;
            } else if std::mem::take(&mut day.unwritten) {
                batch.put(Table::Allowance, key.to_vec(), layout::encode(day));
                written += 1;
            }
        }
        days.retain(|_, day| now < day.resets_at);
    }
    if written > 0 {
        engine.store.commit(batch).await?;
    }
    Ok(())
}

impl Handle {
    /// What a queued message waits for among carriers' limits, and until about when; `None` if for none of them.
    pub fn waits_for(&self, message: MessageId) -> Option<Waits> {
        let (why, wait) = self.0.rates.paces.longest(message, Instant::now())?;
        Some(Waits { why, estimated_at: self.0.clock.now() + wait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(keys: &[(u8, u32)], units: u32) -> Arc<Pace> {
        let bound = |(key, segments): &(u8, u32)| Bound {
            key: [*key; 16],
            rate: Rate::new(NonZeroU32::new(*segments).unwrap(), Duration::from_secs(60)).unwrap(),
            why: "a rate",
        };
        Arc::new(Pace { bounds: keys.iter().map(bound).collect(), units, allowance: Some([9; 16]) })
    }

    fn id(n: u64) -> MessageId {
        MessageId::derived(Timestamp::from_millis(n), Partition::new(0), n)
    }

    #[test]
    fn a_message_waits_for_the_slowest_of_its_limits_and_takes_none_before() {
        let (paces, now) = (Paces::default(), Instant::now());
        let both = pace(&[(1, 6_000), (2, 60)], 1);
        assert_eq!(paces.wait(&both, now), Duration::ZERO);
        paces.take(&both, now);
        assert_eq!(paces.wait(&both, now), Duration::from_secs(1));
        assert_eq!(paces.wait(&pace(&[(1, 6_000)], 1), now), Duration::ZERO);
    }

    #[test]
    fn what_waits_says_for_what_and_for_about_how_long() {
        let (paces, now) = (Paces::default(), Instant::now());
        let slow = pace(&[(1, 60)], 2);
        paces.take(&slow, now);
        (1..=10).for_each(|n| paces.enters(id(n), &slow, false));
        // Nine of two segments each stand before it, and the one that went is still owed.
        let (why, wait) = paces.longest(id(10), now).unwrap();
        assert_eq!((why, wait), ("a rate", Duration::from_secs(18) + paces.wait(&slow, now)));
        (1..=9).for_each(|n| paces.leaves(id(n)));
        assert_eq!(paces.longest(id(10), now).unwrap().1, paces.wait(&slow, now));
        paces.leaves(id(10));
        assert_eq!(paces.longest(id(10), now), None);
        assert!(paces.queue.lock().lines.is_empty() && paces.queue.lock().waiting.is_empty());
    }

    #[test]
    fn a_day_is_counted_until_it_ends() {
        let (allowances, pace) = (Allowances::default(), pace(&[], 3));
        let at = Timestamp::from_millis;
        allowances.count(id(1), &pace, at(1), || Some(at(1_000)));
        allowances.count(id(2), &pace, at(2), || panic!("the day is known"));
        assert_eq!((allowances.used(&[9; 16], at(999)), allowances.used(&[9; 16], at(1_000))), (6, 0));
        allowances.count(id(3), &pace, at(1_000), || Some(at(2_000)));
        assert_eq!(allowances.used(&[9; 16], at(1_500)), 3);
        allowances.uncount(&pace, at(1_600));
        assert_eq!(allowances.used(&[9; 16], at(1_700)), 0);
    }

    #[test]
    fn what_is_on_its_way_takes_its_place_and_gives_it_back() {
        let (allowances, now) = (Allowances::default(), Timestamp::from_millis(1));
        let ask = |n, place| allowances.is_beyond((id(n), place), ([9; 16], 3), 9, now);
        assert!(!ask(1, Place::Take) && !ask(2, Place::Take) && !ask(3, Place::Take));
        // Nothing went so far, and there is no room left; who has a place keeps it.
        assert!(ask(4, Place::Take) && ask(4, Place::Look) && !ask(3, Place::Take) && !ask(3, Place::Look));
        allowances.withdraw(id(2));
        assert!(!ask(4, Place::Look) && !ask(4, Place::Take) && ask(5, Place::Look));
        let pace = pace(&[], 3);
        for n in [1, 3, 4] {
            allowances.count(id(n), &pace, now, || Some(Timestamp::from_millis(1_000)));
        }
        assert!(ask(5, Place::Take));
        assert_eq!(allowances.used(&[9; 16], now), 9);
        let places = allowances.places.lock();
        assert!(places.taken.is_empty() && places.units.is_empty());
    }
}
