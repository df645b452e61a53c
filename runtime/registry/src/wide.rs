//! Revocations that reach past the sender to which they were said, in memory whole.
//!
//! They are asked for with every message and lie in the partitions of the conversations in which they were said; about
//! 150 bytes each.

use std::collections::HashMap;

use parking_lot::RwLock;
use signalbox_model::Category;

use crate::consent::{PersonId, Revocation, keep_newest};

#[derive(Default)]
pub(crate) struct Wide(RwLock<HashMap<PersonId, Vec<Revocation>>>);

impl Wide {
    pub(crate) fn add(&self, person: PersonId, revocation: &Revocation) {
        keep_newest(self.0.write().entry(person).or_default(), revocation);
    }

    /// Takes back what turned out not to be durable.
    pub(crate) fn remove(&self, person: PersonId, revocation: &Revocation) {
        if let Some(known) = self.0.write().get_mut(&person) {
            known.retain(|other| other != revocation);
        }
    }

    /// The newest that covers this. Where nothing reaches so far nobody's hash is made.
    pub(crate) fn find(
        &self,
        person: impl FnOnce() -> PersonId,
        category: Category,
        campaign: Option<&str>,
    ) -> Option<Revocation> {
        let all = self.0.read();
        if all.is_empty() {
            return None;
        }
        let found = all.get(&person())?.iter().rev().find(|one| one.reach.covers_elsewhere(category, campaign));
        found.cloned()
    }
}
