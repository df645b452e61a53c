//! A handler's effects, put into the step of its event: all of them land with it, or none does.

use std::sync::Arc;
use std::time::Duration;

use signalbox_guest::{self as guest, Effects, OutgoingMessage};
use signalbox_model::event::{Change, Condition, Queued, StateChange};
use signalbox_model::{
    Address, Body, Category, Cause, Conversation, ConversationId, Direction, ErrorClass, Event, Message, MessageId,
    Origin, Status, TenantId, Timestamp,
};
use signalbox_store::{Table, layout};
use signalbox_text as text;

use crate::assign::Taker;
use crate::check::{Checkup, check};
use crate::content::{self, Written};
use crate::counted::Place;
use crate::engine::{Engine, read_error};
use crate::error::Error;
use crate::handlers::{StateRow, scope};
use crate::step::Step;
use crate::timers::Moment;
use crate::{accept, cascade, settle, timers};

/// Why effects can't be carried out: the handler asked for something that can't be, and its tenant reads this.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    /// An effect is wrong.
    #[error("{0}")]
    Effect(String),
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

/// Puts `effects` into `step`.
pub(crate) async fn stage(
    engine: &Engine,
    step: &mut Step<'_>,
    taker: &Taker,
    conversation: &Conversation,
    queued: &Queued,
    depth: u8,
    effects: Effects,
) -> Result<(), Unfit> {
    for send in effects.sends {
        stage_send(engine, step, taker, conversation, queued, depth, send).await?;
    }
    for id in effects.cancels {
        stage_cancel(engine, step, &conversation.tenant, &id).await?;
    }
    stage_state(engine, step, conversation, effects.state).await?;
    for timer in effects.timers {
        match timer.set {
            Some(set) => {
                let at = Timestamp::from_micros(set.at);
                let due = Moment { at, depth: cascade::of_timer(engine, depth, queued.at, at).map_err(Unfit::Effect)? };
                timers::stage_set(engine, step, conversation, &timer.name, due, set.payload).await?;
            }
            None => timers::stage_cancel(step, conversation, &timer.name),
        }
    }
    Ok(())
}

/// Whether effects can be carried out, as far as that is for [`stage`] to say. Nothing is done.
pub(crate) async fn fit(
    engine: &Engine,
    conversation: &Conversation,
    queued: &Queued,
    depth: u8,
    effects: &Effects,
) -> Result<(), Unfit> {
    for send in &effects.sends {
        outgoing(engine, engine.clock.now(), &conversation.tenant, queued, depth, send.clone())?;
    }
    for set in effects.timers.iter().filter_map(|timer| timer.set.as_ref()) {
        cascade::of_timer(engine, depth, queued.at, Timestamp::from_micros(set.at)).map_err(Unfit::Effect)?;
    }
    for id in &effects.cancels {
        withdrawn(engine, &conversation.tenant, id).await?;
    }
    Ok(())
}

/// A handler's send becomes a message like any other: checked, recorded, queued in its own conversation.
async fn stage_send(
    engine: &Engine,
    step: &mut Step<'_>,
    taker: &Taker,
    conversation: &Conversation,
    queued: &Queued,
    depth: u8,
    send: OutgoingMessage,
) -> Result<(), Unfit> {
    let message = Arc::new(outgoing(engine, step.at, &conversation.tenant, queued, depth, send)?);
    taker.handler.tally.message(step.at, message.segments);
    let id = message.conversation_id();
    if step.home(&id) == step.partition() {
        return Ok(adopt(engine, step, message).await?);
    }
    let message = Box::new(Message::clone(&message));
    step.event(step.home(&id), Event::Adopt { message });
    Ok(())
}

/// Writes a handler's message in the partition of its conversation. One that is there already stays as it is.
pub(crate) async fn adopt(engine: &Engine, step: &mut Step<'_>, message: Arc<Message>) -> Result<(), Error> {
    let id = message.id;
    if signalbox_records::is_known(&*engine.store, &message.tenant, id).await.map_err(read_error)? {
        return Ok(());
    }
    let refused = match check(engine, &message, Place::Look).await? {
        Checkup::Deny(decision) => {
            let class = decision.class();
            let why = decision.reasons.first().map(|reason| reason.explain.clone()).unwrap_or_default();
            (Cause::Rejected { decision: Some(decision), handler: None, why }, class)
        }
        checkup => {
            let most = engine.config.handler_messages_per_minute;
            match engine.chatter.count(message.conversation_id(), step.at, most) {
                Ok(()) => {
                    accept::stage_outbound(step, message, checkup.into_decision());
                    return Ok(());
                }
                Err(until) => (too_chatty(most, until), Some(ErrorClass::LimitRate)),
            }
        }
    };
    let (cause, class) = refused;
    step.begin(message, Status::Rejected, cause, class);
    let live = step.live(id).expect("the message was begun in this step");
    settle::tell_handler(engine, step, &live);
    Ok(())
}

fn too_chatty(most: u32, until: Timestamp) -> Cause {
    let why = format!(
        "handlers have put {most} messages into this conversation within a minute, and that is the most \
         (limits.handler_messages_per_minute): two machines may be answering each other; there may be another from {} on",
        until.to_rfc3339()
    );
    Cause::Rejected { decision: None, handler: None, why }
}

fn outgoing(
    engine: &Engine,
    now: Timestamp,
    tenant: &TenantId,
    queued: &Queued,
    depth: u8,
    send: OutgoingMessage,
) -> Result<Message, Unfit> {
    let unfit = |what: String| Unfit::Effect(what);
    let from: Address = send.sender.parse().map_err(|error| unfit(format!("the sender of a message {error}")))?;
    let to: Address = send.recipient.parse().map_err(|error| unfit(format!("the recipient of a message {error}")))?;
    let id: MessageId = send.id.parse().expect("the host derived the id itself");
    let options = send.options;
    let tags: Vec<_> = options.tags.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let media_urls: Vec<_> = send.media.into_iter().map(|media| media.url).collect();
    let written = Written {
        text: &send.text,
        smart: text::Smart::On,
        media_urls: &media_urls,
        campaign: options.campaign.as_deref(),
        tags: &tags,
    };
    let prepared = content::prepare_handlers(engine, &written)
        .map_err(|error| unfit(format!("a message can't be sent: {error}")))?;
    let category = match options.category.as_deref() {
        None => Category::Conversational,
        Some(name) => Category::ALL
            .into_iter()
            .find(|category| category.as_str() == name)
            .ok_or_else(|| unfit(format!("`{name}` is not a category of messages")))?,
    };
    let send_at = options.not_before.map(Timestamp::from_micros).filter(|at| *at > now);
    let start = send_at.unwrap_or(now);
    if start > now + engine.config.max_schedule {
        return Err(unfit("a message is to be sent too far ahead".to_owned()));
    }
    let validity = options.valid_for_ms.map_or(engine.config.default_validity, Duration::from_millis);
    let conversation = Conversation { tenant: tenant.clone(), ours: from.clone(), theirs: to.clone() }.id();
    let origin = match queued.event {
        Event::Timer { .. } => Origin::Timer { event: queued.id },
        _ => Origin::Handler { event: queued.id },
    };
    let depth = cascade::of_send(engine, depth).map_err(unfit)?;
    let (encoding, segments) = (prepared.encoding, prepared.segments);
    Ok(Message {
        id,
        conversation,
        tenant: tenant.clone(),
        direction: Direction::Outbound,
        from,
        to,
        body: Body { text: prepared.text.into_owned(), media_urls },
        original: None,
        category,
        campaign: options.campaign,
        tags,
        callback_url: None,
        accepted_at: now,
        send_at,
        expires_at: start + validity.min(engine.config.max_schedule),
        encoding,
        segments,
        origin,
        depth,
        veil: Default::default(),
    })
}

/// A handler takes back a message: its own conversation sees to it in its turn.
async fn stage_cancel(engine: &Engine, step: &mut Step<'_>, tenant: &TenantId, id: &str) -> Result<(), Unfit> {
    let (message, conversation) = withdrawn(engine, tenant, id).await?;
    step.event(message.partition(), Event::Cancel { tenant: tenant.clone(), message, conversation });
    Ok(())
}

/// The message that a handler takes back, and its conversation. One that isn't there may be on its way to its partition, or
/// have been kept long enough: it is looked for there, in a line of its own.
async fn withdrawn(engine: &Engine, tenant: &TenantId, id: &str) -> Result<(MessageId, ConversationId), Unfit> {
    let id: MessageId =
        id.parse().map_err(|error| Unfit::Effect(format!("cancel: `{id}` is no message id: {error}")))?;
    if id.partition().index() >= engine.store.partitions() {
        return Err(Unfit::Effect(format!("cancel: there is no message {id}")));
    }
    let live = engine.live(tenant, id).await?;
    let nowhere = ConversationId::from_bytes(*id.as_bytes());
    Ok((id, live.map_or(nowhere, |live| live.message.conversation_id())))
}

/// State of the conversation is written in the same commit. The contact's and the tenant's is sent home in the same
/// commit: exactly once, in order, and a moment later.
async fn stage_state(
    engine: &Engine,
    step: &mut Step<'_>,
    conversation: &Conversation,
    writes: Vec<guest::StateWrite>,
) -> Result<(), Error> {
    let mut afar: Vec<(guest::Scope, Vec<StateChange>)> = Vec::new();
    for write in writes {
        if write.scope == guest::Scope::Conversation {
            let (place, _) = scope(engine, conversation, write.scope);
            let key = layout::state_key(place, &write.key);
            match write.value {
                Some(value) => {
                    let row = StateRow { value, expires_at: write.expires_at, version: 0 };
                    let row = match engine.seal_in(conversation, (Table::State, &key), &row.value).await? {
                        Some(value) => layout::encode_as(layout::SEALED, &StateRow { value, ..row }),
                        None => layout::encode(&row),
                    };
                    step.batch.put(Table::State, key, row);
                }
                None => drop(step.batch.delete(Table::State, key)),
            }
            continue;
        }
        let (of, change) = (write.scope, change(engine, conversation, write).await?);
        match afar.iter_mut().find(|(there, _)| *there == of) {
            Some((_, changes)) => changes.push(change),
            None => afar.push((of, vec![change])),
        }
    }
    for (of, changes) in afar {
        remember(engine, step, conversation, of, changes, None);
    }
    Ok(())
}

/// A write to state that isn't the conversation's own, as its home carries it out. What is the contact's is sealed; what is
/// the tenant's belongs to no person, and isn't.
pub(crate) async fn change(
    engine: &Engine,
    conversation: &Conversation,
    write: guest::StateWrite,
) -> Result<StateChange, Error> {
    let (place, _) = scope(engine, conversation, write.scope);
    let key = layout::state_key(place, &write.key).to_vec();
    let change = match (write.added, write.value) {
        (Some(by), _) => Change::Add(by),
        (None, Some(value)) if write.scope == guest::Scope::Contact => {
            let sealed = engine.seal_in(conversation, (Table::State, &key), &value).await?;
            sealed.map_or(Change::Set(value), Change::SetSealed)
        }
        (None, Some(value)) => Change::Set(value),
        (None, None) => Change::Forget,
    };
    Ok(StateChange { key, change, expires_at: write.expires_at })
}

/// Sends changes to the home of their scope.
pub(crate) fn remember(
    engine: &Engine,
    step: &mut Step<'_>,
    conversation: &Conversation,
    of: guest::Scope,
    changes: Vec<StateChange>,
    condition: Option<Condition>,
) {
    let (place, partition) = scope(engine, conversation, of);
    let home = match place {
        layout::Scope::Conversation(id) => id,
        layout::Scope::Contact(hash) | layout::Scope::Tenant(hash) => ConversationId::from_bytes(hash),
    };
    step.event(partition, Event::Remember { tenant: conversation.tenant.clone(), home, changes, condition });
}
