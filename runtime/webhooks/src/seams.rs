//! What the service asks of the house: who the endpoints are, what there is to tell, by what right it writes.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use signalbox_model::directory::Webhook;
use signalbox_model::{MessageId, Partition, TenantId};
use signalbox_store::Epoch;

use crate::payload::Told;

/// What tenants set up. Answers from memory.
pub trait Lookup: Send + Sync + 'static {
    /// The webhook with this name.
    fn webhook(&self, tenant: &TenantId, name: &str) -> Option<Arc<Webhook>>;

    /// The secret, `whsec_…`, that signs what goes to a message's own callback URL. Without one nothing goes there:
    /// a delivery that can't be verified teaches its receiver not to.
    fn callback_secret(&self, tenant: &TenantId) -> Option<String>;

    /// The endpoint answered 410: it wants nothing any more. Called once for each version of the webhook; what waits
    /// for it is parked, until the tenant sets it up again.
    fn gone(&self, tenant: &TenantId, name: &str);
}

/// What there is to tell: a message as it stood after line `n` of its timeline.
pub trait Source: Send + Sync + 'static {
    /// `None` when there is no such message or line (any more).
    fn told<'a>(
        &'a self,
        tenant: &'a TenantId,
        message: MessageId,
        n: u16,
    ) -> BoxFuture<'a, Result<Option<Told>, SourceError>>;
}

/// Why nothing can be told at the moment. Isn't the endpoint's fault, so it costs no attempt.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the record can't be read: {0}")]
pub struct SourceError(pub String);

/// The right by which a partition is written now; `None` when it isn't ours.
pub type Epochs = Arc<dyn Fn(Partition) -> Option<Epoch> + Send + Sync>;
