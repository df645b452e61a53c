//! Check: nothing leaves unchecked. Only [`check`] makes a [`Checked`], and only a [`Checked`] becomes a submission.

use std::sync::Arc;
use std::time::Duration;

use signalbox_carriers::Submission;
use signalbox_model::{Decision, Message, Timestamp, Verdict};
use signalbox_policy::Facts;

use crate::engine::Engine;
use crate::error::Error;

/// A message that policy let pass a moment ago.
pub(crate) struct Checked {
    message: Arc<Message>,
    decision: Decision,
}

/// What policy says of a message.
pub(crate) enum Checkup {
    /// Go.
    Pass(Checked),
    /// Wait, then check again.
    Hold {
        /// Until then.
        until: Timestamp,
        /// Why.
        decision: Decision,
    },
    /// Never.
    Deny(Decision),
}

/// Asks policy about a message with the facts as they are now.
pub(crate) async fn check(engine: &Engine, message: &Arc<Message>) -> Result<Checkup, Error> {
    let mut facts = Facts::of(message, engine.clock.now());
    facts.sender_owned = Some(engine.directory.plan(&message.tenant, message.ours()).is_some());
    let consent = signalbox_registry::consent(&*engine.store, &message.conversation_id()).await;
    facts.opted_out = Some(consent.map_err(registry_error)?.is_some_and(|consent| consent.opted_out));
    let decision = engine.policy.load().rules.decide(&facts);
    Ok(match decision.verdict {
        Verdict::Allow | Verdict::Warn | Verdict::Rewrite => {
            Checkup::Pass(Checked { message: message.clone(), decision })
        }
        Verdict::Hold { until } => Checkup::Hold { until, decision },
        Verdict::Deny => Checkup::Deny(decision),
    })
}

/// The registry's errors, as the path's.
pub(crate) fn registry_error(error: signalbox_registry::Error) -> Error {
    match error {
        signalbox_registry::Error::Store(error) => Error::Store(error),
        signalbox_registry::Error::Unreadable(error) => Error::Unreadable(error),
    }
}

impl Checkup {
    /// The decision alone.
    pub(crate) fn into_decision(self) -> Decision {
        match self {
            Self::Pass(checked) => checked.decision,
            Self::Hold { decision, .. } | Self::Deny(decision) => decision,
        }
    }
}

impl Checked {
    /// Why it may go.
    pub(crate) fn decision(&self) -> &Decision {
        &self.decision
    }

    /// What a carrier is given. `validity` is how much longer it may try.
    pub(crate) fn submission(&self, validity: Duration) -> Submission {
        let message = &self.message;
        let id = message.id.as_bytes();
        Submission {
            from: message.from.clone(),
            to: message.to.clone(),
            text: message.body.text.clone(),
            encoding: message.encoding,
            segments: message.segments,
            // Chance from the id: two messages of one conversation rarely share it, and a re-send does.
            reference: u16::from_be_bytes([id[12], id[13]]),
            validity,
        }
    }
}
