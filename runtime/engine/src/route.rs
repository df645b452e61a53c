//! Route: which carriers may take a message, in order of preference.

use std::sync::Arc;

use signalbox_model::directory::Tenant;
use signalbox_model::{Address, Message};

use crate::engine::Engine;
use crate::reading::is_health;

/// Nobody may take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoRoute {
    /// In words.
    pub(crate) why: String,
}

/// The carriers that may take `message`, the preferred one first.
pub(crate) fn route(engine: &Engine, message: &Message) -> Result<Vec<Arc<str>>, NoRoute> {
    let account = engine.directory.account(&message.tenant);
    let Some(plan) = account.as_ref().and_then(|account| account.tenant.numbers.get(message.ours())) else {
        return Err(NoRoute { why: "the sender is not one of the tenant's numbers".to_owned() });
    };
    if !message.body.media_urls.is_empty() {
        return Err(NoRoute { why: "no carrier of this sender takes media; send the text alone".to_owned() });
    }
    let known = |name: &String| {
        let found = engine.lanes.get_key_value(name.as_str()).filter(|(_, lane)| lane.carrier.sends());
        found.map(|(name, _)| name.clone())
    };
    let mut candidates: Vec<_> = plan.carriers.iter().filter_map(known).collect();
    if candidates.is_empty() {
        return Err(NoRoute { why: "no carrier is set up for this sender".to_owned() });
    }
    if account.as_ref().is_some_and(|account| is_health(&account.tenant)) {
        candidates.retain(|name| has_baa(engine, name));
        if candidates.is_empty() {
            let why = "no carrier of this sender signed a business associate agreement (`baa` in its configuration), and \
                       the tenant is one of health care";
            return Err(NoRoute { why: why.to_owned() });
        }
    }
    // The first whose binds are up; if all are down, the preferred one, and the message waits for it.
    let up = |name: &Arc<str>| engine.carrier(name).is_some_and(|carrier| carrier.is_up());
    let mut ordered = candidates;
    if let Some(first_up) = ordered.iter().position(up) {
        ordered.rotate_left(first_up);
    }
    Ok(ordered)
}

/// Did every carrier that may take the tenant's messages from this number sign a business associate agreement? Those of a
/// health tenant go by no other, so there it is enough that one did.
pub(crate) fn is_covered(engine: &Engine, tenant: &Tenant, ours: &Address) -> bool {
    let Some(plan) = tenant.numbers.get(ours) else { return false };
    let mut carriers = plan.carriers.iter().map(|name| has_baa(engine, name));
    if is_health(tenant) { carriers.any(|has| has) } else { carriers.all(|has| has) }
}

fn has_baa(engine: &Engine, name: &str) -> bool {
    engine.carrier(name).is_some_and(|carrier| carrier.has_baa())
}
