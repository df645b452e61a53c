//! Weighted fair turns: deficit round robin over tenants, and round robin over the flows of each.
//!
//! A tenant with a million messages waiting gets its share and no more; one of its numbers that is throttled doesn't
//! hold up the others.

use std::collections::VecDeque;
use std::time::Duration;

use foldhash::HashMap;
use signalbox_model::TenantId;

/// How many flows of a tenant are asked in one turn: bounds the work when most of them must wait.
const FLOWS_ASKED: usize = 64;

/// May this one go now?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admit {
    /// Yes.
    Go,
    /// This flow not before this has passed.
    FlowWaits(Duration),
    /// Nothing of this tenant before this has passed.
    TenantWaits(Duration),
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    /// This.
    Item(T),
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
    ring: VecDeque<u64>,
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
            let turns = Turns { weight: 1, deficit: 0, flows: HashMap::default(), ring: VecDeque::new() };
            self.tenants.insert(tenant.clone(), turns);
        }
        let turns = self.tenants.get_mut(tenant).expect("it was put there just now");
        turns.weight = weight.max(1);
        turns.flows.entry(flow).or_insert_with(|| {
            turns.ring.push_back(flow);
            VecDeque::new()
        })
    }

    /// The next one whose turn it is and who may go.
    pub(crate) fn pop(&mut self, mut admit: impl FnMut(&TenantId, &T) -> Admit) -> Next<T> {
        let mut wait: Option<Duration> = None;
        for _ in 0..self.ring.len() {
            let tenant = self.ring.front().expect("the ring is as long as the loop").clone();
            let turns = self.tenants.get_mut(&tenant).expect("every tenant of the ring has turns");
            match turns.pop(&tenant, &mut admit) {
                Ok(item) => {
                    self.len -= 1;
                    if turns.ring.is_empty() {
                        self.tenants.remove(&tenant);
                        self.ring.pop_front();
                    } else if turns.deficit == 0 {
                        self.ring.rotate_left(1);
                    }
                    return Next::Item(item);
                }
                Err(blocked) => {
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
                if flow.iter().any(&mut leave) {
                    let (left, stays) = std::mem::take(flow).into_iter().partition(|item| leave(item));
                    *flow = stays;
                    gone.extend::<VecDeque<T>>(left);
                }
            }
            turns.flows.retain(|_, flow| !flow.is_empty());
            turns.ring.retain(|flow| turns.flows.contains_key(flow));
        }
        self.tenants.retain(|_, turns| !turns.ring.is_empty());
        self.ring.retain(|tenant| self.tenants.contains_key(tenant));
        self.len -= gone.len();
        gone
    }
}

impl<T> Turns<T> {
    fn pop(&mut self, tenant: &TenantId, admit: &mut impl FnMut(&TenantId, &T) -> Admit) -> Result<T, Duration> {
        if self.deficit == 0 {
            self.deficit = self.weight;
        }
        let mut wait = Duration::MAX;
        for _ in 0..self.ring.len().min(FLOWS_ASKED) {
            let flow = *self.ring.front().expect("the ring is as long as the loop");
            let items = self.flows.get_mut(&flow).expect("every flow of the ring has items");
            match admit(tenant, items.front().expect("an empty flow leaves the ring")) {
                Admit::Go => {
                    let item = items.pop_front().expect("its front was just looked at");
                    self.deficit -= 1;
                    if items.is_empty() {
                        self.flows.remove(&flow);
                        self.ring.pop_front();
                    } else {
                        self.ring.rotate_left(1);
                    }
                    return Ok(item);
                }
                Admit::FlowWaits(blocked) => {
                    wait = wait.min(blocked);
                    self.ring.rotate_left(1);
                }
                Admit::TenantWaits(blocked) => {
                    self.deficit = 0;
                    return Err(wait.min(blocked));
                }
            }
        }
        self.deficit = 0;
        Err(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    fn drain(queue: &mut FairQueue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| match queue.pop(|_, _| Admit::Go) {
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
        assert_eq!(queue.pop(admit), Next::Item("fast"));
        assert_eq!(queue.pop(admit), Next::Wait(Duration::from_millis(5)));
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn order_within_a_flow_is_kept_and_what_is_put_back_goes_first() {
        let mut queue = FairQueue::default();
        queue.push(&tenant("a"), 1, 1, "first");
        queue.push(&tenant("a"), 1, 1, "second");
        assert_eq!(queue.pop(|_, _| Admit::Go), Next::Item("first"));
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
