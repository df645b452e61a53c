//! What would go on for ever.

use crate::deeds::Done;
use crate::signalbox::messaging::state::{self, Scope};
use crate::signalbox::messaging::types::Timer;
use crate::signalbox::messaging::{outbox, timers};

/// Long ago.
const PAST: u64 = 1;

pub fn tight_timer() -> Done {
    timers::set_at("tight", PAST, b"")?;
    Ok(())
}

pub fn slow_timer() -> Done {
    timers::set_after("slow", 60_000, b"")?;
    Ok(())
}

/// Has a timer send something whose draft is shown.
pub fn show_later() -> Done {
    timers::set_after("show", 60_000, b"")?;
    Ok(())
}

/// As much as an event may send.
pub fn chatter() -> Done {
    for _ in 0..9 {
        outbox::reply("and another thing")?;
    }
    Ok(())
}

/// Sets itself again: at once, or after a minute.
pub fn on_timer(timer: &Timer) -> Done {
    state::increment(&Scope::Conversation, &format!("timer {}", timer.name), 1, None)?;
    match timer.name.as_str() {
        "tight" => tight_timer(),
        "slow" => slow_timer(),
        "show" => outbox::reply("please show this").map(drop).map_err(Into::into),
        _ => Ok(()),
    }
}
