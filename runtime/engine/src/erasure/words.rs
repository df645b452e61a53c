//! Messages of whom is erased: the record stays, its words go.

use signalbox_model::{Conversation, MessageId, TenantId, Veil};
use signalbox_store::{Range, Table, layout};

use super::AT_ONCE;
use crate::engine::{Engine, read_error};
use crate::error::Error;
use crate::step::Step;

/// Counts what became unreadable, and takes words that were never sealed out of their rows.
pub(super) async fn take(engine: &Engine, conversation: &Conversation, before: u32) -> Result<u64, Error> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = signalbox_records::history::all(&*engine.store, conversation.id(), after, AT_ONCE).await;
        let (ids, next) = page.map_err(read_error)?;
        for id in ids {
            count += u64::from(take_out(engine, &conversation.tenant, id, before).await?);
        }
        match next {
            Some(next) => after = Some(next),
            None => return Ok(count),
        }
    }
}

/// Could the message be read before?
async fn take_out(engine: &Engine, tenant: &TenantId, id: MessageId, before: u32) -> Result<bool, Error> {
    let _one = engine.locks.lock(id).await;
    let message = signalbox_records::load_message(&*engine.store, tenant, id).await.map_err(read_error)?;
    // What was kept long enough is gone, and its pointer goes after it.
    let Some(mut message) = message else { return Ok(false) };
    let mut step = Step::new(engine, id.partition());
    // What webhooks' receivers answered may repeat the words.
    let answers = Range::prefix(Table::Delivery, layout::message_prefix(tenant, id), AT_ONCE);
    for (key, _) in engine.store.range(id.partition(), answers).await? {
        step.batch.delete(Table::Delivery, key);
    }
    let was_read = match &message.veil {
        Veil::Erased => false,
        Veil::Sealed(sealed) => {
            let sealed = sealed.generation;
            engine.unveil(&mut message).await?;
            sealed > before && message.is_erased()
        }
        Veil::Open => {
            message.erase();
            step.rewrite(&message);
            true
        }
    };
    step.commit().await?;
    engine.hot.forget(id);
    Ok(was_read)
}
