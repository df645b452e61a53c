//! A message as rules look at it: its facts laid flat, and whom they make it a message for.

use signalbox_model::Timestamp;

use super::rule::Scope;
use crate::facts::{Fact, Facts, Flat, Kind};

/// Made once for a message, for all rules that are asked about it.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    pub(crate) now: Timestamp,
    pub(crate) facts: Flat,
    marks: Marks,
}

/// The facts that `applies` can name.
pub(crate) const SCOPED: [Fact; 6] =
    [Fact::Direction, Fact::Category, Fact::Origin, Fact::Channel, Fact::SenderType, Fact::Carrier];

/// Words of those facts, a bit for each: one look tells whether a rule is for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marks(u64);

/// At which bit the words of each fact begin, and how many bits that takes in all.
const BEGINS: [u32; SCOPED.len() + 1] = {
    let (mut begins, mut at) = ([0; SCOPED.len() + 1], 0);
    while at < SCOPED.len() {
        let Kind::Word(words) = SCOPED[at].kind() else { panic!("`applies` names facts that are words") };
        begins[at + 1] = begins[at] + words.len() as u32;
        at += 1;
    }
    begins
};

const _: () = assert!(BEGINS[SCOPED.len()] <= u64::BITS, "marks have 64 bits");

impl Subject {
    /// Of a message with these facts.
    pub fn of(facts: &Facts) -> Self {
        let flat = facts.flat();
        let mut marks = 0;
        for (fact, begin) in SCOPED.iter().zip(BEGINS) {
            // What isn't known marks nothing: such a message is every rule's, which is the stricter side.
            marks |= flat.get(*fact).map_or(0, |position| 1_u64 << (i64::from(begin) + position));
        }
        Self { now: facts.now, facts: flat, marks: Marks(marks) }
    }

    /// Has it one of these?
    #[inline]
    pub(crate) fn is_marked(&self, marks: Marks) -> bool {
        self.marks.0 & marks.0 != 0
    }
}

impl Marks {
    /// Those of the messages that a rule isn't for.
    pub(crate) fn outside(scopes: &[Scope]) -> Self {
        let outside = scopes.iter().map(|scope| {
            let at = SCOPED.iter().position(|fact| *fact == scope.fact).expect("`applies` can name it");
            let all = (1_u64 << (BEGINS[at + 1] - BEGINS[at])) - 1;
            (all & !scope.words) << BEGINS[at]
        });
        Self(outside.fold(0, |all, one| all | one))
    }
}
