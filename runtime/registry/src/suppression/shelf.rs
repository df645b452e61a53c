//! What a tenant's messages are held against: its own lists and those that hold for everybody.

use std::sync::Arc;
use std::time::Duration;

use signalbox_model::{Address, Timestamp};

use super::{Answer, List, ListKind, ListMeta};

/// How old a list of a kind may be, and whether there has to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// From this age on it is too old; none where only its own end counts.
    pub most: Option<Duration>,
    /// Is it unknown whether the lists are fresh where there is none of this kind?
    pub needed: bool,
}

/// The lists of one tenant.
#[derive(Debug, Default)]
pub struct Shelf {
    lists: Vec<Arc<List>>,
}

/// What the lists say of a number. What no list tells is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Said {
    /// Is it on a do-not-call list?
    pub on_dnc: Option<bool>,
    /// Is it on a list of litigators?
    pub on_litigator: Option<bool>,
    /// Is it on an own list? Without a list it isn't.
    pub on_own: bool,
    /// Did it go to somebody else since the consent?
    pub reassigned: Option<Answer>,
    /// Is a list too old?
    pub stale: Option<bool>,
}

/// A list and what it says of one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The list.
    pub list: ListMeta,
    /// Is the number on it?
    pub on: bool,
    /// What it answers, where it is a list of answers and the day of the consent is known.
    pub answer: Option<Answer>,
}

impl Shelf {
    pub(super) fn new(lists: Vec<Arc<List>>) -> Self {
        Self { lists }
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// What they say of a number whose holder consented then. A list that is too old still suppresses; that somebody
    /// isn't on it says nothing any more, which is what `stale` is for.
    pub fn ask(
        &self,
        number: &Address,
        consented: Option<Timestamp>,
        now: Timestamp,
        terms: impl Fn(ListKind) -> Terms,
    ) -> Said {
        let mut said = Said::default();
        let (mut stale, mut missing) = (false, false);
        for kind in ListKind::ALL {
            let terms = terms(kind);
            // One that tells nothing of this number is as good as none.
            let tells = |list: &Arc<List>| list.meta.kind == kind && list.meta.covers.has(number);
            missing |= terms.needed && !self.lists.iter().any(tells);
            for list in self.lists.iter().filter(|list| list.meta.kind == kind) {
                let is_stale = list.meta.is_stale(terms.most, now);
                stale |= is_stale;
                let on = list.has(number);
                // Who isn't on a list that doesn't cover them may be on the one that does.
                let either = |known: Option<bool>| match known.unwrap_or_default() || on {
                    true => Some(true),
                    false => known.or_else(|| list.meta.covers.has(number).then_some(false)),
                };
                match kind {
                    ListKind::Dnc => said.on_dnc = either(said.on_dnc),
                    ListKind::Litigator => said.on_litigator = either(said.on_litigator),
                    ListKind::Own => said.on_own |= on,
                    ListKind::Reassigned => {
                        let answer = consented.map(|consented| list.answer(number, consented));
                        // What was so when an old list was made may not be so now.
                        let answer = answer.filter(|answer| !is_stale || *answer == Answer::Yes);
                        said.reassigned = worse(said.reassigned, answer);
                    }
                }
            }
        }
        said.stale = if stale { Some(true) } else { (!missing).then_some(false) };
        said
    }

    /// What each list says of a number, for people.
    pub fn hits(&self, number: &Address, consented: Option<Timestamp>) -> Vec<Hit> {
        let hit = |list: &Arc<List>| {
            let is_answers = list.meta.kind == ListKind::Reassigned;
            let answer = consented.filter(|_| is_answers).map(|consented| list.answer(number, consented));
            Hit { list: list.meta.clone(), on: list.has(number), answer }
        };
        self.lists.iter().map(hit).collect()
    }

    /// What is known of each list.
    pub fn lists(&self) -> impl Iterator<Item = &ListMeta> {
        self.lists.iter().map(|list| &list.meta)
    }
}

/// Of two answers that of which more follows: yes, then no, then that there is no data.
fn worse(one: Option<Answer>, other: Option<Answer>) -> Option<Answer> {
    let rank = |answer: &Answer| match answer {
        Answer::NoData => 0,
        Answer::No => 1,
        Answer::Yes => 2,
    };
    one.into_iter().chain(other).max_by_key(rank)
}

impl ListMeta {
    /// Is it too old, where a list of its kind may be `most` old?
    pub fn is_stale(&self, most: Option<Duration>, now: Timestamp) -> bool {
        self.stale_from(most).is_some_and(|from| from <= now)
    }

    /// When it gets too old.
    pub fn stale_from(&self, most: Option<Duration>) -> Option<Timestamp> {
        let by_age = most.map(|most| self.fetched_at + most);
        self.expires_at.into_iter().chain(by_age).min()
    }
}
