//! A bank's fraud alert: was this payment yours? YES or NO within a deadline, called back to the bank; no answer is one, too.
//!
//! The bank sends the alert over the API with a tag `case=…`. From then on the case is open in this conversation, until it
//! is answered, runs out of time or can't be delivered. One case at a time: a second alert waits for the first, so that a
//! YES always has one meaning.

wit_bindgen::generate!({ path: "../../../wit", world: "handler" });

mod answer;
mod bank;
mod case;

use answer::Answer;
use bank::Told;
use case::Case;
use exports::signalbox::messaging::draft_handler::{DraftChange, DraftDecision};
use exports::signalbox::messaging::{draft_handler, message_handler, receipt_handler, timer_handler};
use signalbox::messaging::types::{Attribute, CallError, HandlerError, InboundMessage, OutboundDraft, Receipt, Timer};
use signalbox::messaging::{log, notes, outbox, settings};

struct FraudAlert;

export!(FraudAlert);

/// So many answers that are neither YES nor NO are asked again; then a person has to help.
const UNCLEAR_MOST: i64 = 2;

impl draft_handler::Guest for FraudAlert {
    /// Opens a case for an alert; everything else passes.
    fn on_draft(draft: OutboundDraft) -> Result<DraftDecision, HandlerError> {
        let Some(id) = attribute(&draft.attributes, "tag.case") else { return Ok(DraftDecision::Send) };
        if !case::is_id(id) {
            return Ok(DraftDecision::Drop("the tag `case` is to be 1 to 48 letters, digits and hyphens".into()));
        }
        match Case::open()? {
            Some(open) if open.id != id => Ok(DraftDecision::Change(vec![DraftChange::NotBefore(open.deadline)])),
            _ => {
                Case::start(id, &draft.id)?;
                Ok(DraftDecision::Send)
            }
        }
    }
}

impl message_handler::Guest for FraudAlert {
    fn on_message(message: InboundMessage) -> Result<(), HandlerError> {
        let answer = answer::read(&message.text);
        let Some(case) = Case::open()? else { return nothing_open(answer) };
        let Some(answer) = answer else { return unclear() };
        notes::label(answer.name())?;
        case.close()?;
        let ours = match answer {
            Answer::Mine => "Thank you. The payment goes through; you needn't do anything.",
            Answer::NotMine => "Thank you. The payment is stopped and the card is blocked. We'll call you.",
        };
        match bank::tell(&case.id, answer.name()) {
            Told::Yes => say(ours),
            Told::Closed => say(&format!("This case is closed already. Please call {}.", phone())),
            Told::NotNow(why) => {
                case::keep_trying(&case.id, answer.name(), 1)?;
                log::write(log::Level::Warn, &format!("case {}: {why}; trying again", case.id));
                say("Thank you. We have your answer and are passing it on to the bank.")
            }
            Told::Never(why) => {
                escalate(&case.id, answer.name(), &why)?;
                say(&format!("Thank you. A colleague looks at it now; you may also call {}.", phone()))
            }
        }
    }
}

impl timer_handler::Guest for FraudAlert {
    fn on_timer(timer: Timer) -> Result<(), HandlerError> {
        match timer.name.as_str() {
            case::ASK_AGAIN => ask_again(),
            case::DEADLINE => out_of_time(),
            name if name.starts_with(case::CALL_BACK) => call_back(&timer.payload),
            _ => Ok(()),
        }
    }
}

impl receipt_handler::Guest for FraudAlert {
    /// A customer whom the alert can't reach won't answer: the bank is told at once rather than at the deadline.
    fn on_receipt(receipt: Receipt) -> Result<(), HandlerError> {
        if !receipt.final_ || receipt.status == "delivered" {
            return Ok(());
        }
        let Some(case) = Case::open()?.filter(|case| case.alert == receipt.message) else { return Ok(()) };
        case.close()?;
        notes::label("unreachable")?;
        tell_or_keep_trying(&case.id, "unreachable", 1)
    }
}

fn nothing_open(answer: Option<Answer>) -> Result<(), HandlerError> {
    notes::label("no-open-case")?;
    match answer {
        Some(_) => say(&format!("There is no open question, or its time is over. Please call {}.", phone())),
        None => say(&format!("Nobody reads this number. Please call {}.", phone())),
    }
}

fn unclear() -> Result<(), HandlerError> {
    notes::label("unclear")?;
    match case::count_unclear()? {
        n if n <= UNCLEAR_MOST => say("Please answer YES if the payment was yours, NO if it wasn't."),
        n if n == UNCLEAR_MOST + 1 => say(&format!("We can't tell what you mean. Please call {}.", phone())),
        // It was said; more would only cost.
        _ => Ok(()),
    }
}

fn ask_again() -> Result<(), HandlerError> {
    match Case::open()? {
        Some(_) => say("We still need your answer: YES if the payment was yours, NO if it wasn't."),
        None => Ok(()),
    }
}

fn out_of_time() -> Result<(), HandlerError> {
    let Some(case) = Case::open()? else { return Ok(()) };
    case.close()?;
    tell_or_keep_trying(&case.id, "none", 1)?;
    say(&format!("We had no answer from you, so the card is on hold. Please call {}.", phone()))
}

fn call_back(payload: &[u8]) -> Result<(), HandlerError> {
    let Some(kept) = case::kept(payload) else { return Ok(()) };
    tell_or_keep_trying(&kept.case, &kept.answer, kept.tries + 1)
}

/// Tells the bank. What it can't take now is tried again later and, after some times, given to people.
fn tell_or_keep_trying(case: &str, answer: &str, tries: u32) -> Result<(), HandlerError> {
    match bank::tell(case, answer) {
        Told::Yes | Told::Closed => Ok(()),
        Told::NotNow(_) if tries < case::TRIES_MOST => Ok(case::keep_trying(case, answer, tries)?),
        Told::NotNow(why) | Told::Never(why) => escalate(case, answer, &why),
    }
}

/// Texts the fraud desk. It gets the case's id: nothing of the customer.
fn escalate(case: &str, answer: &str, why: &str) -> Result<(), HandlerError> {
    log::write(log::Level::Error, &format!("case {case}: the bank couldn't be told: {why}"));
    let Some(desk) = settings::get("desk").filter(|desk| !desk.is_empty()) else { return Ok(()) };
    outbox::send(&outbox::OutgoingMessage {
        sender: None,
        recipient: Some(desk),
        text: format!("Fraud alert: case {case} was answered \"{answer}\" and the case service doesn't take it."),
        media: Vec::new(),
        options: Vec::new(),
    })?;
    Ok(())
}

fn say(text: &str) -> Result<(), HandlerError> {
    outbox::reply(text)?;
    Ok(())
}

fn phone() -> String {
    settings::get("phone").unwrap_or_else(|| "the number on your card".into())
}

fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.value.as_str())
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
