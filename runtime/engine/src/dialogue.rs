//! Whether a message answers somebody: how long ago its recipient wrote to its sender. Read from the conversation's history,
//! the newest first, and only where a rule asks it of a message of this category: most answers find what they answer in the
//! first few rows.

use signalbox_model::Message;
use signalbox_policy::Policies;
use signalbox_policy::facts::{Fact, Facts};
use signalbox_records::history::{Heard, last_inbound};

use crate::engine::{Engine, read_error};
use crate::error::Error;

/// Messages of ours that are looked behind for one of theirs. Who sent so many since is told nothing, and waits for what the
/// rules say of that.
const LOOK_BACK: usize = 1_024;
/// What stands for never, or for longer ago.
const NEVER_HOURS: u32 = 10_000;

/// Fills in how long ago the recipient wrote, where rules ask for it.
pub(crate) async fn fill(
    engine: &Engine,
    policy: &Policies,
    message: &Message,
    facts: &mut Facts,
) -> Result<(), Error> {
    if !policy.rules.reads_of(message.category).has(Fact::LastInboundHours) {
        return Ok(());
    }
    let heard = last_inbound(&*engine.store, message.conversation_id(), LOOK_BACK).await.map_err(read_error)?;
    facts.last_inbound_hours = match heard {
        Heard::At(at) => {
            let hours = facts.now.since(at).as_secs().div_ceil(3_600);
            Some(u32::try_from(hours).map_or(NEVER_HOURS, |hours| hours.min(NEVER_HOURS)))
        }
        Heard::Never => Some(NEVER_HOURS),
        Heard::NotLately => None,
    };
    Ok(())
}
