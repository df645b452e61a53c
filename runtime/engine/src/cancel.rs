//! Cancel: a message is taken back while it is held or queued.

use std::sync::Arc;

use signalbox_model::{Cause, MessageId, Status, TenantId};

use crate::engine::Engine;
use crate::error::{CancelRefused, Error};
use crate::hot::Live;
use crate::step::Step;

/// Takes a message back. Its place in a queue stays until its turn comes, which finds it canceled and drops it.
pub(crate) async fn cancel(
    engine: &Engine,
    tenant: &TenantId,
    id: MessageId,
    by: &str,
) -> Result<Arc<signalbox_model::Message>, CancelRefused> {
    if id.partition().index() >= engine.store.partitions() {
        return Err(CancelRefused::NotFound);
    }
    let _one = engine.locks.lock(id).await;
    let Some(mut live): Option<Live> = engine.live(tenant, id).await? else { return Err(CancelRefused::NotFound) };
    let status = live.head.status;
    if !status.may_become(Status::Canceled) || status == Status::Sending {
        return Err(CancelRefused::TooLate(status));
    }
    let mut step = Step::new(engine, id.partition());
    step.advance(&mut live, Status::Canceled, Cause::Canceled { by: by.to_owned() }, None).map_err(Error::from)?;
    crate::settle::tell_handler(engine, &mut step, &live);
    step.commit().await?;
    engine.gives_place_back(&live.message);
    if status.is_ours() {
        engine.waiting.ends_before_its_event(id);
    }
    Ok(live.message)
}
