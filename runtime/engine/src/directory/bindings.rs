//! A tenant's bindings, so sorted that the most specific is found first.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::HashMap;
use signalbox_model::Address;
use signalbox_model::handler::{Binding, Scope};

/// A tenant's bindings.
#[derive(Clone, Default)]
pub(crate) struct Bindings {
    by_name: BTreeMap<String, Arc<Binding>>,
    /// Those of one number: most tenants have no others, and some have thousands.
    by_number: HashMap<Address, Vec<Arc<Binding>>>,
    /// The others, the most specific first.
    wide: Vec<Arc<Binding>>,
}

impl Bindings {
    pub(crate) fn put(&mut self, binding: Binding) {
        self.remove(&binding.name);
        let binding = Arc::new(binding);
        self.by_name.insert(binding.name.clone(), binding.clone());
        let place = match &binding.scope {
            Scope::Number(number) => self.by_number.entry(number.clone()).or_default(),
            _ => &mut self.wide,
        };
        place.push(binding);
        place.sort_by(|a, b| rank(a).cmp(&rank(b)));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        let Some(binding) = self.by_name.remove(name) else { return };
        let others = |other: &Arc<Binding>| other.name != name;
        match &binding.scope {
            Scope::Number(number) => {
                if let Some(place) = self.by_number.get_mut(number) {
                    place.retain(others);
                }
                self.by_number.retain(|_, place| !place.is_empty());
            }
            _ => self.wide.retain(others),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Binding>> {
        self.by_name.get(name)
    }

    /// By name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Binding>> {
        self.by_name.values()
    }

    /// Those that may be about events on `number`, the most specific first.
    pub(crate) fn candidates(&self, number: &Address) -> impl Iterator<Item = &Arc<Binding>> {
        self.by_number.get(number).into_iter().flatten().chain(&self.wide)
    }
}

/// Where two are equally specific, the one that names its kinds goes first, and then the name decides.
fn rank(binding: &Binding) -> ((u8, usize), bool, &str) {
    (binding.scope.rank(), binding.kinds.is_empty(), &binding.name)
}
