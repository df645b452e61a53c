//! Weighted fair turns: deficit round robin over tenants, and round robin over the flows of each.
//!
//! A tenant with a million messages waiting gets its share and no more; one of its numbers that is throttled doesn't
//! hold up the others.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use foldhash::HashMap;
use signalbox_model::TenantId;

/// A flow that must wait isn't asked again before its time, nor later than this: what it waits for may change.
const REST_MOST: Duration = Duration::from_secs(1);

/// May this one go now?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admit {
    /// Yes.
    Go,
    /// This flow not before this has passed.
    FlowWaits(Duration),
    /// Nothing of this tenant before this has passed.
    TenantWaits(Duration),
    /// It isn't its turn at all: it is taken out, and costs its tenant nothing.
    Aside,
    /// Nobody before this one, and this one not now. Its turn stays.
    Stop,
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    /// This.
    Item(T),
    /// This was taken out; whose turn it is remains to be seen.
    Aside(T),
    /// Nothing, until the one whose turn it is may go.
    Stopped,
    /// Nothing before this has passed.
    Wait(Duration),
    /// Nothing.
    Empty,
}

/// A queue that is fair between tenants.
pub(crate) struct FairQueue<T> {
    tenants: HashMap<TenantId, Turns<T>>,
    ring: VecDeque<TenantId>,
    len: usize,
}

struct Turns<T> {
    weight: u16,
    deficit: u16,
    flows: HashMap<u64, VecDeque<T>>,
    /// Flows that are to be asked.
    ring: VecDeque<u64>,
    /// The others: those that must wait, by when they are asked again.
    resting: BTreeSet<(Instant, u64)>,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { tenants: HashMap::default(), ring: VecDeque::new(), len: 0 }
    }
}

impl<T> FairQueue<T> {
    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts `item` at the end of its flow.
    pub(crate) fn push(&mut self, tenant: &TenantId, weight: u16, flow: u64, item: T) {
        self.flow(tenant, weight, flow).push_back(item);
        self.len += 1;
    }

    /// Puts `item` back to the head of its flow: it was taken and couldn't go.
    pub(crate) fn push_front(&mut self, tenant: &TenantId, weight: u16, flow: u64, item: T) {
        self.flow(tenant, weight, flow).push_front(item);
        self.len += 1;
    }

    fn flow(&mut self, tenant: &TenantId, weight: u16, flow: u64) -> &mut VecDeque<T> {
        if !self.tenants.contains_key(tenant) {
            self.ring.push_back(tenant.clone());
            let turns = Turns::default();
            self.tenants.insert(tenant.clone(), turns);
        }
        let turns = self.tenants.get_mut(tenant).expect("it was put there just now");
        turns.weight = weight.max(1);
        turns.flows.entry(flow).or_insert_with(|| {
            turns.ring.push_back(flow);
            VecDeque::new()
        })
    }

    /// The next one whose turn it is and who may go. `now` is asked only where somebody waits.
    pub(crate) fn pop(&mut self, now: impl Fn() -> Instant, mut admit: impl FnMut(&TenantId, &T) -> Admit) -> Next<T> {
        let mut wait: Option<Duration> = None;
        for _ in 0..self.ring.len() {
            let tenant = self.ring.front().expect("the ring is as long as the loop").clone();
            let turns = self.tenants.get_mut(&tenant).expect("every tenant of the ring has turns");
            let next = turns.pop(&tenant, &now, &mut admit);
            if let Next::Item(_) | Next::Aside(_) = next {
                self.len -= 1;
                if turns.flows.is_empty() {
                    self.tenants.remove(&tenant);
                    self.ring.pop_front();
                } else if turns.deficit == 0 {
                    self.ring.rotate_left(1);
                }
            }
            match next {
                Next::Item(_) | Next::Aside(_) | Next::Stopped | Next::Empty => return next,
                Next::Wait(blocked) => {
                    wait = Some(wait.map_or(blocked, |least| least.min(blocked)));
                    self.ring.rotate_left(1);
                }
            }
        }
        wait.map_or(Next::Empty, Next::Wait)
    }

    /// Takes out all that `leave` says, wherever they stand.
    pub(crate) fn sweep(&mut self, mut leave: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut gone = Vec::new();
        for turns in self.tenants.values_mut() {
            for flow in turns.flows.values_mut() {
                // Each is asked once: whoever asks may count.
                let Some(first) = flow.iter().position(&mut leave) else { continue };
                let mut rest = flow.split_off(first).into_iter();
                gone.extend(rest.next());
                for item in rest {
                    if leave(&item) { gone.push(item) } else { flow.push_back(item) }
                }
            }
            turns.flows.retain(|_, flow| !flow.is_empty());
            turns.ring.retain(|flow| turns.flows.contains_key(flow));
            turns.resting.retain(|(_, flow)| turns.flows.contains_key(flow));
        }
        self.tenants.retain(|_, turns| !turns.flows.is_empty());
        self.ring.retain(|tenant| self.tenants.contains_key(tenant));
        self.len -= gone.len();
        gone
    }
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        let (flows, ring, resting) = (HashMap::default(), VecDeque::new(), BTreeSet::new());
        Self { weight: 1, deficit: 0, flows, ring, resting }
    }
}

impl<T> Turns<T> {
    /// Never empty: a tenant without items has no turns.
    fn pop(
        &mut self,
        tenant: &TenantId,
        now: &impl Fn() -> Instant,
        admit: &mut impl FnMut(&TenantId, &T) -> Admit,
    ) -> Next<T> {
        if self.deficit == 0 {
            self.deficit = self.weight;
        }
        if !self.resting.is_empty() {
            self.wake(now());
        }
        while let Some(flow) = self.ring.front().copied() {
            let items = self.flows.get_mut(&flow).expect("every flow of the ring has items");
            match admit(tenant, items.front().expect("an empty flow leaves the ring")) {
                Admit::Go => {
                    self.deficit -= 1;
                    return Next::Item(self.take_first(flow));
                }
                Admit::Aside => return Next::Aside(self.take_first(flow)),
                Admit::Stop => return Next::Stopped,
                Admit::FlowWaits(blocked) => {
                    self.ring.pop_front();
                    self.resting.insert((now() + blocked.min(REST_MOST), flow));
                }
                Admit::TenantWaits(blocked) => {
                    self.deficit = 0;
                    return Next::Wait(blocked);
                }
            }
        }
        self.deficit = 0;
        let first = self.resting.first().map(|(at, _)| at.saturating_duration_since(now()));
        Next::Wait(first.expect("a flow that isn't in the ring rests"))
    }

    /// Flows whose time has come are asked again.
    fn wake(&mut self, now: Instant) {
        while let Some((_, flow)) = self.resting.first().copied().filter(|(at, _)| *at <= now) {
            self.resting.pop_first();
            self.ring.push_back(flow);
        }
    }

    /// Takes the first item of the flow whose turn it is.
    fn take_first(&mut self, flow: u64) -> T {
        let items = self.flows.get_mut(&flow).expect("every flow of the ring has items");
        let item = items.pop_front().expect("an empty flow leaves the ring");
        if items.is_empty() {
            self.flows.remove(&flow);
            self.ring.pop_front();
        } else {
            self.ring.rotate_left(1);
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    fn drain(queue: &mut FairQueue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| match queue.pop(Instant::now, |_, _| Admit::Go) {
            Next::Item(item) => Some(item),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn a_crowd_does_not_hold_up_a_neighbour() {
        let mut queue = FairQueue::default();
        for _ in 0..100 {
            queue.push(&tenant("crowd"), 1, 0, "crowd");
        }
        queue.push(&tenant("quiet"), 1, 0, "quiet");
        let order = drain(&mut queue);
        assert!(order.iter().position(|x| *x == "quiet").unwrap() <= 1);
        assert_eq!((order.len(), queue.len()), (101, 0));
    }

    #[test]
    fn turns_follow_the_weights() {
        let mut queue = FairQueue::default();
        for _ in 0..30 {
            queue.push(&tenant("three"), 3, 0, "three");
            queue.push(&tenant("one"), 1, 0, "one");
        }
        let first: Vec<_> = drain(&mut queue).into_iter().take(20).collect();
        assert_eq!(first.iter().filter(|x| **x == "three").count(), 15);
    }

    #[test]
    fn a_throttled_flow_does_not_hold_up_the_tenants_others() {
        let mut queue = FairQueue::default();
        queue.push(&tenant("a"), 1, 1, "slow");
        queue.push(&tenant("a"), 1, 2, "fast");
        let admit = |_: &TenantId, item: &&str| match *item {
            "slow" => Admit::FlowWaits(Duration::from_millis(5)),
            _ => Admit::Go,
        };
        let now = Instant::now();
        assert_eq!(queue.pop(|| now, admit), Next::Item("fast"));
        assert_eq!(queue.pop(|| now, admit), Next::Wait(Duration::from_millis(5)));
        assert_eq!(queue.len(), 1);
        assert_eq!(queue.pop(|| now + Duration::from_millis(5), |_, _| Admit::Go), Next::Item("slow"));
    }

    #[test]
    fn a_free_flow_goes_however_many_wait_and_those_that_wait_are_not_asked_meanwhile() {
        let (mut queue, now) = (FairQueue::default(), Instant::now());
        for flow in 0..1_000 {
            queue.push(&tenant("a"), 1, flow, "slow");
        }
        queue.push(&tenant("a"), 1, 1_000, "free");
        let mut asked = 0;
        let mut admit = |_: &TenantId, item: &&str| {
            asked += 1;
            if *item == "slow" { Admit::FlowWaits(Duration::from_secs(60)) } else { Admit::Go }
        };
        assert_eq!(queue.pop(|| now, &mut admit), Next::Item("free"));
        assert_eq!(queue.pop(|| now, &mut admit), Next::Wait(REST_MOST));
        assert_eq!(asked, 1_001);
        assert_eq!(queue.pop(|| now + REST_MOST, |_, _| Admit::Go), Next::Item("slow"));
    }

    #[test]
    fn who_stops_the_rest_keeps_its_turn_and_what_is_left_of_it() {
        let (mut queue, now) = (FairQueue::default(), Instant::now());
        for _ in 0..4 {
            queue.push(&tenant("three"), 3, 0, "three");
            queue.push(&tenant("one"), 1, 0, "one");
        }
        let mut order = Vec::new();
        while order.len() < 6 {
            assert_eq!(queue.pop(|| now, |_, _| Admit::Stop), Next::Stopped);
            match queue.pop(|| now, |_, _| Admit::Go) {
                Next::Item(item) => order.push(item),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(order, ["three", "three", "three", "one", "three", "one"]);
    }

    #[test]
    fn what_is_set_aside_costs_its_tenant_nothing() {
        let (mut queue, now) = (FairQueue::default(), Instant::now());
        for item in ["aside", "a", "b"] {
            queue.push(&tenant("a"), 2, 0, item);
        }
        queue.push(&tenant("b"), 1, 0, "c");
        let admit = |_: &TenantId, item: &&str| if *item == "aside" { Admit::Aside } else { Admit::Go };
        assert_eq!(queue.pop(|| now, admit), Next::Aside("aside"));
        assert_eq!(drain(&mut queue), ["a", "b", "c"]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn order_within_a_flow_is_kept_and_what_is_put_back_goes_first() {
        let mut queue = FairQueue::default();
        queue.push(&tenant("a"), 1, 1, "first");
        queue.push(&tenant("a"), 1, 1, "second");
        assert_eq!(queue.pop(Instant::now, |_, _| Admit::Go), Next::Item("first"));
        queue.push_front(&tenant("a"), 1, 1, "first");
        assert_eq!(drain(&mut queue), ["first", "second"]);
    }

    #[test]
    fn a_sweep_takes_out_what_it_should_and_keeps_the_rest() {
        let mut queue = FairQueue::default();
        for item in ["old", "new", "old"] {
            queue.push(&tenant("a"), 1, 1, item);
        }
        assert_eq!(queue.sweep(|item| *item == "old"), ["old", "old"]);
        assert_eq!(drain(&mut queue), ["new"]);
    }
}
