//! From an event to a delivery: who gets it, signed with what; or why nobody does.

use std::sync::Arc;

use signalbox_model::Timestamp;

use crate::desk::Desk;
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

/// The signer used last: a desk's events have one secret, until it is changed.
#[derive(Default)]
pub(crate) struct Signers(Option<(String, Arc<Signer>)>);

impl Signers {
    fn get(&mut self, secret: String) -> Result<Arc<Signer>, BadSecret> {
        match &self.0 {
            Some((known, signer)) if *known == secret => Ok(Arc::clone(signer)),
            _ => {
                let signer = Arc::new(Signer::parse(&secret)?);
                self.0 = Some((secret, Arc::clone(&signer)));
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
        let (url, secret) = self.address(&row.item)?;
        let target = Target::parse(&url, self.context.config.reach);
        let target = target.map_err(|why| Refusal::Park(format!("the URL {why}")))?;
        let signer = self.signers.get(secret).map_err(|why| Refusal::Park(format!("the secret {why}")))?;
        Ok(Job { item: row.item.clone(), target, signer })
    }

    /// URL and secret as they are now.
    fn address(&self, item: &Item) -> Result<(String, String), Refusal> {
        match &item.endpoint {
            Endpoint::Webhook { name } => {
                let webhook = self.context.lookup.webhook(&item.tenant, name);
                let webhook = webhook.ok_or(Refusal::Drop("the webhook was removed"))?;
                if self.gone.get(name) == Some(&webhook.made_at) {
                    return Err(Refusal::Park("the endpoint answered 410; set the webhook up again".to_owned()));
                }
                Ok((webhook.url, webhook.secret))
            }
            Endpoint::Callback { url } => {
                let secret = self.context.lookup.callback_secret(&item.tenant);
                let unsigned = || Refusal::Park("the tenant has no secret to sign callbacks with".to_owned());
                Ok((url.clone(), secret.ok_or_else(unsigned)?))
            }
        }
    }
}
