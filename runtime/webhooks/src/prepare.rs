//! From an event to a delivery: who gets it, signed with what; or why nobody does.

use std::sync::Arc;

use signalbox_model::Timestamp;
use signalbox_model::directory::Webhook;

use crate::desk::Desk;
use crate::guard::Reach;
use crate::item::{Endpoint, Item, Row};
use crate::signature::{BadSecret, Signer};
use crate::target::Target;
use crate::worker::Job;

/// Why an event isn't delivered.
pub(crate) enum Refusal {
    /// It is given up, and can be replayed.
    Park(String),
    /// Nobody wants it.
    Drop(&'static str),
}

/// Where a delivery goes, and with what it is signed.
pub(crate) struct Destination {
    pub target: Target,
    pub signer: Arc<Signer>,
}

/// The destination and the signer used last: a desk's events have one webhook and one secret, until it is changed.
#[derive(Default)]
pub(crate) struct Destinations {
    webhook: Option<(Arc<Webhook>, Arc<Destination>)>,
    signer: Option<(String, Arc<Signer>)>,
}

impl Destinations {
    fn of_webhook(&self, webhook: &Arc<Webhook>) -> Option<Arc<Destination>> {
        self.webhook.as_ref().filter(|(known, _)| Arc::ptr_eq(known, webhook)).map(|(_, to)| to.clone())
    }

    fn make(&mut self, url: &str, secret: &str, reach: Reach) -> Result<Arc<Destination>, Refusal> {
        let target = Target::parse(url, reach).map_err(|why| Refusal::Park(format!("the URL {why}")))?;
        let signer = self.signer(secret).map_err(|why| Refusal::Park(format!("the secret {why}")))?;
        Ok(Arc::new(Destination { target, signer }))
    }

    fn signer(&mut self, secret: &str) -> Result<Arc<Signer>, BadSecret> {
        match &self.signer {
            Some((known, signer)) if known == secret => Ok(Arc::clone(signer)),
            _ => {
                let signer = Arc::new(Signer::parse(secret)?);
                self.signer = Some((secret.to_owned(), Arc::clone(&signer)));
                Ok(signer)
            }
        }
    }
}

impl Desk {
    pub(crate) fn prepare(&mut self, row: &Row, now: Timestamp) -> Result<Job, Refusal> {
        if now.since(row.since) > self.context.config.max_age {
            return Err(Refusal::Park("too old: its endpoint was unreachable for too long".to_owned()));
        }
        Ok(Job { item: Arc::clone(&row.item), to: self.destination(&row.item)? })
    }

    /// URL and secret as they are now.
    fn destination(&mut self, item: &Item) -> Result<Arc<Destination>, Refusal> {
        let reach = self.context.config.reach;
        match &item.endpoint {
            Endpoint::Webhook { name } => {
                let webhook = self.context.lookup.webhook(&item.tenant, name);
                let webhook = webhook.ok_or(Refusal::Drop("the webhook was removed"))?;
                if self.gone.get(name) == Some(&webhook.made_at) {
                    return Err(Refusal::Park("the endpoint answered 410; set the webhook up again".to_owned()));
                }
                if let Some(to) = self.destinations.of_webhook(&webhook) {
                    return Ok(to);
                }
                let to = self.destinations.make(&webhook.url, &webhook.secret, reach)?;
                self.destinations.webhook = Some((webhook, Arc::clone(&to)));
                Ok(to)
            }
            Endpoint::Callback { url } => {
                let secret = self.context.lookup.callback_secret(&item.tenant);
                let unsigned = || Refusal::Park("the tenant has no secret to sign callbacks with".to_owned());
                self.destinations.make(url, &secret.ok_or_else(unsigned)?, reach)
            }
        }
    }
}
