//! A handler that does wrong on request. The text says what.

wit_bindgen::generate!({ path: "../../../wit", world: "handler" });

mod clock;
mod deeds;
mod drafts;
mod loops;
mod told;
mod wasi_web;
mod web;

use exports::signalbox::messaging::draft_handler::{Address, Attribute, DraftChange, DraftDecision, Media};
use exports::signalbox::messaging::{draft_handler, message_handler, receipt_handler, timer_handler};
use signalbox::messaging::types::{CallError, HandlerError, InboundMessage, OutboundDraft, Receipt, Timer};
use signalbox::messaging::{outbox, settings};

struct Misbehaving;

export!(Misbehaving);

impl message_handler::Guest for Misbehaving {
    fn on_message(message: InboundMessage) -> Result<(), HandlerError> {
        // Asked for first, so that a failure has something to undo.
        outbox::reply("before")?;
        match message.text.as_str() {
            "spin" => deeds::spin(),
            "recurse" => drop(deeds::recurse(1)),
            "recurse lightly" => drop(deeds::recurse_lightly(1)),
            "allocate" => deeds::allocate(),
            "panic" => panic!("on request"),
            "trap" => core::arch::wasm32::unreachable(),
            "exit" => std::process::exit(3),
            "files" => return deeds::files(),
            "sleep" => deeds::sleep(),
            "surroundings" => return deeds::surroundings(),
            "flood log" => deeds::flood_log(),
            "flood stdout" => deeds::flood_stdout(),
            "flood sends" => return deeds::flood_sends(),
            "flood timers" => return deeds::flood_timers(),
            "flood notes" => return deeds::flood_notes(),
            "flood state" => return deeds::flood_state(),
            "large state" => return deeds::large_state(),
            "keep more" => return deeds::keep_more(),
            "read all" => return deeds::read_all(),
            "large call" => return deeds::large_call(),
            "tell secret" => return deeds::tell_secret(),
            "bad arguments" => return deeds::bad_arguments(),
            "own writes" => return deeds::own_writes(),
            "withdraw" => return deeds::withdraw(),
            "count" => return deeds::count(),
            "take a number" => return deeds::take_a_number(),
            "work" => deeds::work(),
            "hold" => deeds::hold(),
            "history" => return deeds::history(),
            "fetch" => return web::fetch(),
            "return much" => return Err(HandlerError::Reject("x".repeat(10 << 20))),
            "leak pollables" => wasi_web::leak_pollables(),
            "leak headers" => wasi_web::leak_headers(),
            "hold headers" => wasi_web::hold_headers(),
            "wasi fetch" => return wasi_web::fetch(),
            "wasi flood" => return wasi_web::flood(),
            "flood http" => return web::flood(),
            "bad fetches" => return web::bad(),
            "local time" => return clock::local(),
            "bad local times" => return clock::bad(),
            "set a tight timer" => return loops::tight_timer(),
            "set a slow timer" => return loops::slow_timer(),
            "show a timer's draft" => return loops::show_later(),
            "chatter" => return loops::chatter(),
            "send elsewhere" => return deeds::send_elsewhere(),
            "cancel it" => return deeds::cancel_it(),
            "cancel nothing" => return deeds::cancel_nothing(),
            "send a file of the host's" => return deeds::send_file(),
            "send a nul" => return deeds::send_nul(),
            "send many tags" => return deeds::send_tags(),
            "watch receipts" => return told::watch(),
            // Also where parts of it are missing.
            text if text.starts_with("show the message") => return told::message(&message),
            "retry in ages" => return Err(HandlerError::Retry(Some(u64::MAX))),
            "retry" => return Err(HandlerError::Retry(Some(1_500))),
            "reject" => return Err(HandlerError::Reject("not for me".into())),
            "other" => return Err(HandlerError::Other("no idea".into())),
            _ => {}
        }
        Ok(())
    }
}

impl draft_handler::Guest for Misbehaving {
    fn on_draft(draft: OutboundDraft) -> Result<DraftDecision, HandlerError> {
        if let Some(asked) = draft.text.strip_prefix("please ") {
            return drafts::decide(asked, &draft);
        }
        Ok(match draft.text.as_str() {
            "spin" => {
                deeds::spin();
                DraftDecision::Send
            }
            "drop" => DraftDecision::Drop("on request".into()),
            "unknown decision" => DraftDecision::Other(named("postpone")),
            "unknown change" => DraftDecision::Change(vec![DraftChange::Other(named("font"))]),
            "change all" => DraftDecision::Change(changes("+15559990000".into())),
            _ => DraftDecision::Send,
        })
    }
}

impl receipt_handler::Guest for Misbehaving {
    fn on_receipt(receipt: Receipt) -> Result<(), HandlerError> {
        told::receipt(&receipt)
    }
}

impl timer_handler::Guest for Misbehaving {
    /// Breaks down every time where its settings say so.
    fn on_timer(timer: Timer) -> Result<(), HandlerError> {
        match settings::get("timers").as_deref() {
            Some("trap") => core::arch::wasm32::unreachable(),
            _ => loops::on_timer(&timer),
        }
    }
}

fn changes(sender: Address) -> Vec<DraftChange> {
    let media = Media { url: "https://example.com/a.png".into(), content_type: "image/png".into(), size_bytes: 7 };
    vec![
        DraftChange::Text("first".into()),
        DraftChange::Media(vec![media]),
        DraftChange::Sender(sender),
        DraftChange::Route("backup".into()),
        DraftChange::NotBefore(42),
        DraftChange::Text("second".into()),
    ]
}

fn named(name: &str) -> Attribute {
    Attribute { name: name.into(), value: String::new() }
}

impl From<CallError> for HandlerError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Invalid(why) | CallError::Denied(why) | CallError::Other(why) => HandlerError::Reject(why),
        }
    }
}
