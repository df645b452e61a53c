//! Route: which carriers may take a message, in order of preference.

use std::sync::Arc;

use signalbox_model::Message;

use crate::engine::Engine;

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
    let known = |name: &String| engine.lanes.get_key_value(name.as_str()).map(|(name, _)| name.clone());
    let candidates: Vec<_> = plan.carriers.iter().filter_map(known).collect();
    if candidates.is_empty() {
        return Err(NoRoute { why: "no carrier is set up for this sender".to_owned() });
    }
    // The first whose binds are up; if all are down, the preferred one, and the message waits for it.
    let up = |name: &Arc<str>| engine.carrier(name).is_some_and(|carrier| carrier.is_up());
    let mut ordered = candidates;
    if let Some(first_up) = ordered.iter().position(up) {
        ordered.rotate_left(first_up);
    }
    Ok(ordered)
}
