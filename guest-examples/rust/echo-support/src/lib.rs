//! A small help-desk. It knows a few keywords, remembers who it talks to, and asks again after a while.

wit_bindgen::generate!({ path: "../../../wit", world: "handler" });

mod desk;
mod memory;

use exports::signalbox::messaging::draft_handler::{DraftChange, DraftDecision};
use exports::signalbox::messaging::{draft_handler, message_handler, receipt_handler, timer_handler};
use signalbox::messaging::types::{CallError, HandlerError, InboundMessage, OutboundDraft, Receipt, Timer};
use signalbox::messaging::{log, notes, outbox, timers};

struct EchoSupport;

export!(EchoSupport);

impl message_handler::Guest for EchoSupport {
    fn on_message(message: InboundMessage) -> Result<(), HandlerError> {
        let turn = memory::count_turn()?;
        let answer = desk::answer(&message.text, turn)?;
        notes::label(answer.intent)?;
        outbox::reply(&answer.text)?;
        if answer.follow_up {
            timers::set_after(desk::FOLLOW_UP, desk::follow_up_delay_ms(), answer.intent.as_bytes())?;
        } else {
            timers::cancel(desk::FOLLOW_UP)?;
        }
        Ok(())
    }
}

impl draft_handler::Guest for EchoSupport {
    /// Fills in `{name}`. Most texts have no brace in them, and those cost no more than looking for one.
    fn on_draft(draft: OutboundDraft) -> Result<DraftDecision, HandlerError> {
        if !draft.text.contains('{') {
            return Ok(DraftDecision::Send);
        }
        let name = memory::name()?;
        let text = draft.text.replace("{name}", name.as_deref().unwrap_or("there"));
        if text == draft.text {
            return Ok(DraftDecision::Send);
        }
        Ok(DraftDecision::Change(vec![DraftChange::Text(text)]))
    }
}

impl receipt_handler::Guest for EchoSupport {
    fn on_receipt(receipt: Receipt) -> Result<(), HandlerError> {
        if receipt.final_ && receipt.status != "delivered" {
            notes::label("undelivered")?;
            let class = receipt.error_class.as_deref().unwrap_or("unknown");
            notes::text("undelivered-because", class)?;
            log::write(log::Level::Warn, &format!("{} ended as {}: {class}", receipt.message, receipt.status));
        }
        Ok(())
    }
}

impl timer_handler::Guest for EchoSupport {
    fn on_timer(timer: Timer) -> Result<(), HandlerError> {
        if timer.name == desk::FOLLOW_UP {
            let intent = String::from_utf8_lossy(&timer.payload);
            outbox::reply(&desk::follow_up(&intent, memory::name()?.as_deref()))?;
            notes::label("follow-up")?;
        }
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
