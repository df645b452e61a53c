//! Says how often a contact wrote.

wit_bindgen::generate!({ path: "wit", world: "message-hook" });

use exports::signalbox::messaging::message_handler::Guest;
use signalbox::messaging::state::Scope;
use signalbox::messaging::types::{CallError, HandlerError, InboundMessage};
use signalbox::messaging::{outbox, settings, state};

struct Handler;

export!(Handler);

impl Guest for Handler {
    fn on_message(_message: InboundMessage) -> Result<(), HandlerError> {
        let count = state::increment(&Scope::Conversation, "count", 1, None)?;
        let which = if count == 1 { "your first message".to_owned() } else { format!("message {count}") };
        let greeting = settings::get("greeting").unwrap_or_default();
        outbox::reply(&format!("{greeting}! That was {which}."))?;
        Ok(())
    }
}

/// A call that the host refuses is a mistake in this handler: trying again would not help.
impl From<CallError> for HandlerError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Invalid(why) | CallError::Denied(why) => HandlerError::Reject(why),
            CallError::Other(why) => HandlerError::Other(why),
        }
    }
}
