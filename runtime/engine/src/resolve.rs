//! Resolve: somebody decides on a message that is in doubt. Whether its carrier has it can't be found out here; who asked the
//! carrier, or its recipient, can say it, and who would rather have it twice than never sends it again.

use signalbox_model::{Cause, ErrorClass, Event, MessageId, Status, TenantId};

use crate::engine::Engine;
use crate::error::{Error, ResolveRefused};
use crate::step::Step;

/// What becomes of a message that is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It is sent again; its recipient may get it twice.
    Resend,
    /// Its recipient has it.
    Delivered,
    /// Its recipient hasn't got it, and it isn't sent again.
    Failed,
}

impl Resolution {
    /// What the record says of it.
    const fn how(self) -> &'static str {
        match self {
            Self::Resend => "sent again: its sender decided so",
            Self::Delivered => "delivered: its sender says so",
            Self::Failed => "given up: its sender decided so",
        }
    }
}

/// Resolves a message of `tenant`. One that is sent again gets an event of its own, as a new one does.
pub(crate) async fn resolve(
    engine: &Engine,
    tenant: &TenantId,
    id: MessageId,
    resolution: Resolution,
) -> Result<(), ResolveRefused> {
    if id.partition().index() >= engine.store.partitions() {
        return Err(ResolveRefused::NotFound);
    }
    let _one = engine.locks.lock(id).await;
    let Some(mut live) = engine.live(tenant, id).await? else { return Err(ResolveRefused::NotFound) };
    if live.head.status != Status::InDoubt {
        return Err(ResolveRefused::Certain(live.head.status));
    }
    let (to, class) = match resolution {
        Resolution::Resend if !live.head.has_room() => return Err(ResolveRefused::Full),
        Resolution::Resend => (Status::Queued, None),
        Resolution::Delivered => (Status::Delivered, None),
        Resolution::Failed => (Status::Failed, Some(ErrorClass::InDoubt)),
    };
    let mut step = Step::new(engine, id.partition());
    step.advance(&mut live, to, Cause::Resolved { how: resolution.how().to_owned() }, class).map_err(Error::from)?;
    if to == Status::Queued {
        let conversation = live.message.conversation_id();
        step.event(id.partition(), Event::Outbound { tenant: tenant.clone(), message: id, conversation });
    } else {
        crate::settle::tell_handler(engine, &mut step, &live);
    }
    step.commit().await?;
    Ok(())
}
