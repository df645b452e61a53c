//! Reminds patients of their visits, and understands what they answer.
//!
//! The clinic books over the API: a text with the tag `visit=2026-06-05T14:30`, the visit's time by the clinic's clock. A day
//! before, at the same time of day by the patient's clock, the reminder goes out. Patients confirm, ask for another day, call
//! off, or several of these at once: "sounds good but can we do Tuesday instead" confirms the visit *and* asks to move it.
//!
//! A text is read on lock screens: none that leaves here tells anything of a patient's health, whoever wrote it.

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package local:appointment-reminder;
        world appointment-reminder {
            include signalbox:messaging/message-hook@0.1.0;
            include signalbox:messaging/draft-hook@0.1.0;
            include signalbox:messaging/timer-hook@0.1.0;
        }
    ",
    generate_all,
});

mod booking;
mod dates;
mod talk;
mod understand;

use booking::{REMIND, Visit};
use exports::signalbox::messaging::draft_handler::DraftDecision;
use exports::signalbox::messaging::{draft_handler, message_handler, timer_handler};
use signalbox::messaging::types::{CallError, HandlerError, InboundMessage, OutboundDraft, Timer};
use signalbox::messaging::{log, notes, outbox, settings};

struct AppointmentReminder;

export!(AppointmentReminder);

impl draft_handler::Guest for AppointmentReminder {
    /// Takes a booking down, and stops what would tell of a patient's health.
    fn on_draft(draft: OutboundDraft) -> Result<DraftDecision, HandlerError> {
        if tells_of_health(&draft.text) {
            // The reason is on the record: it doesn't repeat the word.
            return Ok(DraftDecision::Drop("the text tells of the patient's health; say it by telephone".into()));
        }
        let Some(tag) = draft.attributes.iter().find(|attribute| attribute.name == "tag.visit") else {
            return Ok(DraftDecision::Send);
        };
        let Some((date, hour, minute)) = dates::parse(&tag.value) else {
            return Ok(DraftDecision::Drop("the tag `visit` is to be a date and time such as 2026-06-05T14:30".into()));
        };
        let visit = Visit::at(date, hour, minute, &booking::clinic_zone()?)?;
        if visit.at <= booking::now() {
            return Ok(DraftDecision::Drop("the visit is in the past".into()));
        }
        visit.book()?;
        Ok(DraftDecision::Send)
    }
}

impl message_handler::Guest for AppointmentReminder {
    fn on_message(message: InboundMessage) -> Result<(), HandlerError> {
        let meant = understand::read(&message.text);
        for label in meant.labels() {
            notes::label(label)?;
        }
        let answer = match Visit::booked()? {
            Some(visit) => talk::answer(&visit, &meant)?,
            None => talk::without_visit()?,
        };
        outbox::reply(&answer)?;
        Ok(())
    }
}

impl timer_handler::Guest for AppointmentReminder {
    fn on_timer(timer: Timer) -> Result<(), HandlerError> {
        if timer.name != REMIND {
            return Ok(());
        }
        match Visit::booked()? {
            Some(visit) => {
                outbox::reply(&talk::reminder(&visit)?)?;
            }
            None => log::write(log::Level::Info, "a reminder came for a visit that was called off"),
        }
        Ok(())
    }
}

fn tells_of_health(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words = settings::get("private-words").unwrap_or_default();
    // At the beginning of a word, so that "std" isn't found in "mustard".
    let begins = |word: &str| {
        lower.match_indices(word).any(|(at, _)| !lower[..at].chars().next_back().is_some_and(char::is_alphanumeric))
    };
    words.split(',').map(|word| word.trim().to_lowercase()).any(|word| !word.is_empty() && begins(&word))
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
