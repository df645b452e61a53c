//! From how many senders a template went in the last 24 hours.

use std::collections::VecDeque;

use foldhash::HashMap;
use parking_lot::Mutex;
use signalbox_model::Timestamp;

use super::windows::DAY;

/// Shards keep the locks short and apart.
const SHARDS: usize = 64;
/// Senders of one template that are told apart: with so many it is snowshoeing, whoever counts.
const MAX_SENDERS: usize = 64;

/// Templates and their senders, both as hashes.
pub(crate) struct Templates {
    shards: Vec<Mutex<Shard>>,
    per_shard: usize,
}

#[derive(Default)]
struct Shard {
    templates: HashMap<u64, Senders>,
    order: VecDeque<u64>,
    /// Until then a template that isn't here may have been.
    unknown_until: Timestamp,
}

struct Senders {
    last: Vec<(u64, Timestamp)>,
    unknown_until: Timestamp,
}

impl Templates {
    /// Of about `capacity` templates at most.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), per_shard: (capacity / SHARDS).max(1) }
    }

    fn shard(&self, template: u64) -> &Mutex<Shard> {
        &self.shards[usize::try_from(template % SHARDS as u64).expect("it is less than 64")]
    }

    /// From how many senders the template went, with the one that sends it now. `None` where that isn't known.
    pub(crate) fn senders(&self, template: u64, sender: u64, now: Timestamp) -> Option<u32> {
        let shard = self.shard(template).lock();
        let (last, unknown_until) = match shard.templates.get(&template) {
            Some(senders) => (&senders.last[..], senders.unknown_until),
            None => (&[][..], shard.unknown_until),
        };
        let others = last.iter().filter(|(other, at)| *other != sender && *at + DAY > now).count();
        (unknown_until <= now).then(|| u32::try_from(others + 1).unwrap_or(u32::MAX))
    }

    /// The template went from this sender.
    pub(crate) fn sent(&self, template: u64, sender: u64, at: Timestamp) {
        let mut shard = self.shard(template).lock();
        if !shard.templates.contains_key(&template) {
            while shard.order.len() >= self.per_shard {
                let oldest = shard.order.pop_front().expect("it is longer than nothing");
                let Some(gone) = shard.templates.remove(&oldest) else { continue };
                let last = gone.last.iter().map(|(_, at)| *at + DAY).max().unwrap_or_default();
                shard.unknown_until = shard.unknown_until.max(last).max(gone.unknown_until);
            }
            shard.order.push_back(template);
            let unknown_until = shard.unknown_until;
            shard.templates.insert(template, Senders { last: Vec::with_capacity(1), unknown_until });
        }
        let senders = shard.templates.get_mut(&template).expect("it was put in right now");
        match senders.last.iter_mut().find(|(known, _)| *known == sender) {
            Some((_, last)) => *last = at.max(*last),
            None => {
                if senders.last.len() >= MAX_SENDERS {
                    let oldest = (0..senders.last.len()).min_by_key(|n| senders.last[*n].1).expect("there are some");
                    senders.last.swap_remove(oldest);
                }
                senders.last.push((sender, at));
            }
        }
    }

    /// Forgets what counts no more.
    pub(crate) fn sweep(&self, now: Timestamp) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.templates.values_mut().for_each(|senders| senders.last.retain(|(_, at)| *at + DAY > now));
            shard.templates.retain(|_, senders| !senders.last.is_empty() || senders.unknown_until > now);
            let Shard { templates, order, .. } = &mut *shard;
            order.retain(|template| templates.contains_key(template));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + hours * 3_600_000)
    }

    #[test]
    fn senders_are_counted_once_each_for_a_day() {
        let templates = Templates::new(640);
        assert_eq!(templates.senders(7, 1, at(0)), Some(1));
        for (sender, hours) in [(1, 0), (2, 1), (2, 2), (3, 3)] {
            templates.sent(7, sender, at(hours));
        }
        assert_eq!((templates.senders(7, 1, at(3)), templates.senders(7, 9, at(3))), (Some(3), Some(4)));
        assert_eq!(templates.senders(7, 9, at(26)), Some(2));
        (10..200).for_each(|sender| templates.sent(7, sender, at(4)));
        assert_eq!(templates.senders(7, 9, at(4)), Some(65), "with so many it doesn't matter how many");
        templates.sweep(at(28));
        assert_eq!(templates.senders(7, 9, at(28)), Some(1));
    }

    #[test]
    fn what_fell_out_of_memory_is_unknown_and_not_none() {
        let templates = Templates::new(SHARDS);
        templates.sent(0, 1, at(0));
        templates.sent(64, 1, at(1));
        assert_eq!((templates.senders(0, 1, at(1)), templates.senders(64, 1, at(1))), (None, None));
        assert_eq!(templates.senders(0, 1, at(24)), Some(1));
        assert_eq!(templates.senders(1, 1, at(1)), Some(1), "another shard forgot nothing");
    }
}
