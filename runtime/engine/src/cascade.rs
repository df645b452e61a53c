//! Cascade: what handlers lead to, one after the other, has an end.
//!
//! ```text
//! event of depth d ─► send: d + 1 ─► its draft, its receipts; the other number of the house that gets it ─► …
//!                  └► timer that comes soon: d + 1      └► timer that comes later: 0, for time has passed
//! ```
//!
//! A loop that leaves the house and comes back by a stranger's phone has no depth. It is bounded by how many messages
//! handlers may put into one conversation in a minute.

use foldhash::HashMap;
use parking_lot::Mutex;
use signalbox_model::{Address, Conversation, ConversationId, Direction, Timestamp};

use crate::engine::{Engine, read_error};
use crate::error::Error;

/// Over which time handlers' messages are counted.
const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);
/// Shards keep the locks short and apart.
const SHARDS: usize = 16;
/// Conversations that are counted at once in a shard; about 40 bytes each. A house in which more than a million
/// conversations are written to by handlers within a minute leaves the others of that minute uncounted.
const MOST_PER_SHARD: usize = 65_536;
/// How far back the message is looked for that another number of the house was sent.
const LOOK_BACK: usize = 10;

/// The depth of a message that follows from an event of depth `depth`; an error for the tenant when that is too deep.
pub(crate) fn of_send(engine: &Engine, depth: u8) -> Result<u8, String> {
    deeper(engine, depth).ok_or_else(|| {
        let most = engine.config.max_depth;
        format!(
            "a message can't be sent: {most} handlers' sends and timers led to this event, one after the other, and that \
             is the most (limits.max_depth): handlers answer one another, or themselves; end the loop"
        )
    })
}

/// The depth of a timer that is set at `now` for `at`.
pub(crate) fn of_timer(engine: &Engine, depth: u8, now: Timestamp, at: Timestamp) -> Result<u8, String> {
    let rest = engine.config.cascade_rest;
    if at >= now + rest {
        return Ok(0);
    }
    deeper(engine, depth).ok_or_else(|| {
        let (most, seconds) = (engine.config.max_depth, rest.as_secs());
        format!(
            "a timer can't be set: {most} handlers' sends and timers led to this event, one after the other, and that is \
             the most (limits.max_depth); a timer that comes {seconds} seconds later, or more, begins anew"
        )
    })
}

fn deeper(engine: &Engine, depth: u8) -> Option<u8> {
    depth.checked_add(1).filter(|depth| *depth <= engine.config.max_depth)
}

/// The depth of a message that came in: that of the last one which its sender, a number of this house, sent there.
/// Whoever isn't of this house begins anew.
pub(crate) async fn of_inbound(engine: &Engine, from: &Address, to: &Address) -> Result<u8, Error> {
    let Some(tenant) = engine.directory.owner(from) else { return Ok(0) };
    let there = Conversation { tenant, ours: from.clone(), theirs: to.clone() };
    let past = signalbox_records::history::pointers(&*engine.store, there.id(), LOOK_BACK).await.map_err(read_error)?;
    let Some((id, _)) = past.into_iter().find(|(_, direction)| *direction == Direction::Outbound) else { return Ok(0) };
    Ok(engine.live(&there.tenant, id).await?.map_or(0, |live| live.message.depth))
}

/// What handlers put into conversations, by minutes that begin with their first message. In memory alone: after a restart
/// a loop has one more minute.
pub(crate) struct Chatter(Vec<Mutex<HashMap<ConversationId, Minute>>>);

struct Minute {
    since: Timestamp,
    messages: u32,
}

impl Chatter {
    pub(crate) fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }

    /// Counts a message of a handler; when there may be one again, if there were `most` in this minute.
    pub(crate) fn count(&self, conversation: ConversationId, now: Timestamp, most: u32) -> Result<(), Timestamp> {
        let mut minutes = self.0[usize::from(conversation.as_bytes()[15]) % SHARDS].lock();
        if let Some(minute) = minutes.get_mut(&conversation) {
            if minute.since + MINUTE <= now {
                *minute = Minute { since: now, messages: 0 };
            }
            if minute.messages >= most {
                return Err(minute.since + MINUTE);
            }
            minute.messages += 1;
            return Ok(());
        }
        if minutes.len() >= MOST_PER_SHARD {
            minutes.retain(|_, minute| minute.since + MINUTE > now);
        }
        if minutes.len() < MOST_PER_SHARD {
            minutes.insert(conversation, Minute { since: now, messages: 1 });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_room_for_so_many_and_the_next_begins_anew() {
        let (chatter, now) = (Chatter::new(), Timestamp::from_millis(1_000));
        let (one, other) = (ConversationId::from_bytes([1; 16]), ConversationId::from_bytes([2; 16]));
        assert!((0..3).all(|_| chatter.count(one, now, 3).is_ok()));
        assert_eq!(chatter.count(one, now, 3), Err(now + MINUTE));
        assert_eq!(chatter.count(other, now, 3), Ok(()));
        assert_eq!(chatter.count(one, now + MINUTE, 3), Ok(()));
    }
}
