//! What a check is made of, one by one, for whoever measures it: `examples/policy_path_bench.rs`.

use std::sync::Arc;

use signalbox_model::{Decision, Message};
use signalbox_policy::Facts;

use crate::check::check;
use crate::counted::{self, Place};
use crate::error::Error;
use crate::handle::Handle;
use crate::registered::Campaign;
use crate::{consent, registered, suppressed};

/// What rules ask for beside the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// What the recipient allows.
    Consent,
    /// Suppression lists.
    Lists,
    /// Brand, campaign and number.
    Registration,
    /// A place among what is counted, taken and given back.
    Counts,
}

impl Handle {
    /// Decides on a message as the path does, with all lookups, and gives its place among what is counted back. The message
    /// needn't be on record.
    #[doc(hidden)]
    pub async fn decide(&self, message: &Arc<Message>) -> Result<Decision, Error> {
        let checkup = check(&self.0, message, Place::Take).await;
        self.0.gives_place_back(message);
        checkup.map(crate::check::Checkup::into_decision)
    }

    /// One of the lookups alone.
    #[doc(hidden)]
    pub async fn look_up(&self, what: Lookup, message: &Message, facts: &mut Facts) -> Result<(), Error> {
        let engine = &*self.0;
        let campaign = registered::campaign(engine, message);
        let campaign = campaign.as_ref().map(Campaign::name);
        match what {
            Lookup::Consent => {
                facts.opted_out = Some(consent::permission(engine, message, campaign).await?.revoked.is_some())
            }
            Lookup::Lists => suppressed::fill(engine, &engine.policy.load(), message, Some(message.accepted_at), facts),
            Lookup::Registration => registered::fill(facts, &registered::find(engine, message)),
            Lookup::Counts => {
                counted::fill(engine, &engine.policy.load(), (message, campaign), Place::Take, facts).await?;
                engine.gives_place_back(message);
            }
        }
        Ok(())
    }
}
