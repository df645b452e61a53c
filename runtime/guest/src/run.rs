//! A fresh instance, the right function of it, and the way of an event's fields into the guest and of its answer back.

use crate::bindings::exports::signalbox::messaging::draft_handler::{DraftChange, DraftDecision as WitDecision};
use crate::bindings::signalbox::messaging::types::{self as wit, AttributeParam, HandlerError, MediaParam};
use crate::call::Call;
use crate::event::{Attribute, Event, InboundMessage, MediaRef, OutboundDraft, Receipt, Timer};
use crate::invocation::Invocation;
use crate::outcome::{Answer, DraftChanges, DraftDecision, FailureKind};
use crate::upload::Handler;
use wasmtime::component::Instance;
use wasmtime::{AsContextMut, Store};

/// Why a call that came to its end has no effect: the kind, and the handler's own words.
pub(crate) type Declined = (FailureKind, String);

/// What a guest returned, in the host's terms.
pub(crate) type Returned = Result<Answer, Declined>;

/// Calls the handler on a fresh instance. An error of the outer kind is a trap, or the host's.
pub(crate) async fn run(
    store: &mut Store<Call>,
    handler: &Handler,
    invocation: &Invocation<'_>,
) -> wasmtime::Result<Returned> {
    let instance = handler.pre.instantiate_async(&mut *store).await?;
    let exports = &handler.exports;
    match &invocation.event {
        Event::Message(message) => {
            let Some(export) = &exports.message else { return Ok(Err(not_exported(invocation))) };
            let guest = export.load(&mut *store, &instance)?;
            let (media, attributes) = (media(message.media), attributes(message.attributes));
            let message = inbound(invocation, message, &media, &attributes);
            Ok(done(guest.call_on_message(store, message).await?))
        }
        Event::Draft(draft) => {
            let Some(export) = &exports.draft else { return Ok(Err(not_exported(invocation))) };
            let guest = export.load(&mut *store, &instance)?;
            let (media, attributes) = (media(draft.media), attributes(draft.attributes));
            let draft = outbound(invocation, draft, &media, &attributes);
            Ok(guest.call_on_draft(store, draft).await?.map_err(declined).and_then(decision))
        }
        Event::Receipt(receipt) => {
            let Some(export) = &exports.receipt else { return Ok(Err(not_exported(invocation))) };
            let guest = export.load(&mut *store, &instance)?;
            let attributes = attributes(receipt.attributes);
            Ok(done(guest.call_on_receipt(store, status(invocation, receipt, &attributes)).await?))
        }
        Event::Timer(timer) => {
            let Some(export) = &exports.timer else { return Ok(Err(not_exported(invocation))) };
            let guest = export.load(&mut *store, &instance)?;
            let attributes = attributes(timer.attributes);
            Ok(done(guest.call_on_timer(store, due(invocation, timer, &attributes)).await?))
        }
    }
}

/// Looks every exported function up on an instance, and so checks its type.
pub(crate) fn check_exports(
    mut store: impl AsContextMut<Data = Call>,
    handler: &Handler,
    instance: &Instance,
) -> wasmtime::Result<()> {
    let exports = &handler.exports;
    if let Some(export) = &exports.message {
        export.load(&mut store, instance)?;
    }
    if let Some(export) = &exports.draft {
        export.load(&mut store, instance)?;
    }
    if let Some(export) = &exports.receipt {
        export.load(&mut store, instance)?;
    }
    if let Some(export) = &exports.timer {
        export.load(&mut store, instance)?;
    }
    Ok(())
}

fn not_exported(invocation: &Invocation<'_>) -> Declined {
    let interface = invocation.event.kind().interface();
    (FailureKind::NotExported, format!("the component doesn't export {interface}"))
}

fn inbound<'a>(
    invocation: &Invocation<'a>,
    message: &InboundMessage<'a>,
    media: &'a [MediaParam<'a>],
    attributes: &'a [AttributeParam<'a>],
) -> wit::InboundMessage<'a> {
    wit::InboundMessage {
        event_id: invocation.event_id,
        attempt: invocation.attempt,
        id: message.id,
        channel: message.channel,
        sender: message.sender,
        recipient: message.recipient,
        text: message.text,
        media,
        received_at: message.received_at,
        attributes,
    }
}

fn outbound<'a>(
    invocation: &Invocation<'a>,
    draft: &OutboundDraft<'a>,
    media: &'a [MediaParam<'a>],
    attributes: &'a [AttributeParam<'a>],
) -> wit::OutboundDraft<'a> {
    wit::OutboundDraft {
        event_id: invocation.event_id,
        attempt: invocation.attempt,
        id: draft.id,
        channel: draft.channel,
        origin: draft.origin,
        category: draft.category,
        sender: draft.sender,
        recipient: draft.recipient,
        text: draft.text,
        media,
        accepted_at: draft.accepted_at,
        attributes,
    }
}

fn status<'a>(
    invocation: &Invocation<'a>,
    receipt: &Receipt<'a>,
    attributes: &'a [AttributeParam<'a>],
) -> wit::Receipt<'a> {
    wit::Receipt {
        event_id: invocation.event_id,
        attempt: invocation.attempt,
        message: receipt.message,
        channel: receipt.channel,
        sender: receipt.sender,
        recipient: receipt.recipient,
        status: receipt.status,
        final_: receipt.is_final,
        error_class: receipt.error_class,
        carrier_code: receipt.carrier_code,
        changed_at: receipt.changed_at,
        attributes,
    }
}

fn due<'a>(invocation: &Invocation<'a>, timer: &Timer<'a>, attributes: &'a [AttributeParam<'a>]) -> wit::Timer<'a> {
    wit::Timer {
        event_id: invocation.event_id,
        attempt: invocation.attempt,
        name: timer.name,
        conversation: wit::ConversationKey { number: timer.conversation.number, contact: timer.conversation.contact },
        payload: timer.payload,
        due_at: timer.due_at,
        attributes,
    }
}

fn attributes<'a>(attributes: &[Attribute<'a>]) -> Vec<AttributeParam<'a>> {
    attributes.iter().map(|a| AttributeParam { name: a.name, value: a.value }).collect()
}

fn media<'a>(media: &[MediaRef<'a>]) -> Vec<MediaParam<'a>> {
    media.iter().map(|m| MediaParam { url: m.url, content_type: m.content_type, size_bytes: m.size_bytes }).collect()
}

fn done(returned: Result<(), HandlerError>) -> Returned {
    returned.map(|()| Answer::Done).map_err(declined)
}

fn declined(error: HandlerError) -> Declined {
    match error {
        HandlerError::Retry(after_ms) => (FailureKind::Retry(after_ms), "the handler asks for another attempt".into()),
        HandlerError::Reject(reason) => (FailureKind::Reject, format!("the handler rejects the event: {reason}")),
        HandlerError::Other(reason) => (FailureKind::Other, format!("the handler failed: {reason}")),
    }
}

fn decision(decision: WitDecision) -> Returned {
    Ok(Answer::Draft(match decision {
        WitDecision::Send => DraftDecision::Send,
        WitDecision::Change(changes) => DraftDecision::Change(Box::new(changes_of(changes)?)),
        WitDecision::Drop(reason) => DraftDecision::Drop(reason),
        WitDecision::Other(other) => return Err(unknown("draft decision", &other.name)),
    }))
}

fn changes_of(list: Vec<DraftChange>) -> Result<DraftChanges, Declined> {
    let mut changes = DraftChanges::default();
    for change in list {
        match change {
            DraftChange::Text(text) => changes.text = Some(text),
            DraftChange::Media(media) => changes.media = Some(media.into_iter().map(Into::into).collect()),
            DraftChange::Sender(sender) => changes.sender = Some(sender),
            DraftChange::Route(route) => changes.route = Some(route),
            DraftChange::NotBefore(at) => changes.not_before = Some(at),
            DraftChange::Other(other) => return Err(unknown("change to a draft", &other.name)),
        }
    }
    Ok(changes)
}

fn unknown(what: &str, name: &str) -> Declined {
    let name = &name[..name.floor_char_boundary(40)];
    (
        FailureKind::Contract,
        format!("this host knows no {what} called `{name}`: see `wit/handlers.wit` for what it knows"),
    )
}
