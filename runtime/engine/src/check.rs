//! Check: nothing leaves unchecked. Only [`check`] makes a [`Checked`], and only a [`Checked`] becomes a submission.

use std::sync::Arc;
use std::time::Duration;

use signalbox_carriers::Submission;
use signalbox_model::{Decision, ErrorClass, Message, Reason, Timestamp, Verdict};
use signalbox_policy::content::Declared;
use signalbox_policy::content::rewrite::{Inserts, rewrite};
use signalbox_policy::facts::{ConsentLevel, Fact, Facts};
use signalbox_policy::place::Known;
use signalbox_policy::{About, Policies, Whose};
use signalbox_registry::Level;
use signalbox_registry::registration::{Network, Registered, Standing};
use signalbox_text::{Smart, prepare_within};

use crate::consent;
use crate::contacts::{self, Contact};
use crate::counted::{self, Place};
use crate::declared;
use crate::dialogue;
use crate::directory::Account;
use crate::engine::Engine;
use crate::error::Error;
use crate::hot::Live;
use crate::registered::{self, Campaign};
use crate::step::Step;
use crate::supervision;
use crate::suppressed;
use crate::throughput;

/// A message that policy let pass a moment ago.
pub(crate) struct Checked {
    message: Arc<Message>,
    revocations: u64,
    /// Whose network the recipient is on, if that is known.
    network: Option<Network>,
}

/// What policy says of a message.
pub(crate) enum Checkup {
    /// Go, and why it may.
    Pass(Checked, Decision),
    /// Go once it is changed.
    Rewrite {
        /// What it becomes.
        changed: Arc<Message>,
        /// Why.
        decision: Decision,
    },
    /// Wait, then check again.
    Hold {
        /// Until then.
        until: Timestamp,
        /// Why.
        decision: Decision,
        /// How often registrations had changed when it was looked at, if a rule reads of them.
        changes: Option<u64>,
    },
    /// Never.
    Deny(Decision),
}

/// Asks policy about a message with the facts as they are now. One that goes if it may takes its place among what is
/// counted; whoever asks for it gives the place back if it doesn't.
pub(crate) async fn check(engine: &Engine, message: &Arc<Message>, place: Place) -> Result<Checkup, Error> {
    let policy = engine.policy.load_full();
    if !message.is_open() {
        return Ok(Checkup::Deny(erased(policy.rules.hash())));
    }
    let account = engine.directory.account(&message.tenant);
    let campaign = registered::campaign(engine, message);
    let campaign = campaign.as_ref().map(Campaign::name);
    let inquiry = Inquiry { engine, policy: &policy, message, place, account: account.as_deref(), campaign };
    let Gathered { facts, revocations, changes, network } = inquiry.gather().await?;
    let whose = Whose { tenant: Some(message.tenant.as_str()), campaign };
    let decision = policy.decide(&facts, whose);
    Ok(match decision.verdict {
        Verdict::Allow | Verdict::Warn => {
            Checkup::Pass(Checked { message: message.clone(), revocations, network }, decision)
        }
        Verdict::Rewrite => rewritten(engine, &policy, account.as_deref(), message, decision),
        Verdict::Hold { until } => Checkup::Hold { until, decision, changes },
        Verdict::Deny => Checkup::Deny(decision),
    })
}

/// What facts are gathered about.
struct Inquiry<'a> {
    engine: &'a Engine,
    policy: &'a Policies,
    message: &'a Arc<Message>,
    place: Place,
    account: Option<&'a Account>,
    campaign: Option<&'a str>,
}

/// Facts, and what of them is asked for once more before the message goes.
struct Gathered {
    facts: Facts,
    /// How many people had revoked when it was looked at.
    revocations: u64,
    /// How often registrations had changed when they were looked at, if a rule reads of them.
    changes: Option<u64>,
    network: Option<Network>,
}

impl Inquiry<'_> {
    /// Each only where a rule in force reads it.
    async fn gather(&self) -> Result<Gathered, Error> {
        let Self { engine, policy, message, place, campaign, .. } = *self;
        let reads = policy.rules.reads();
        let of_contact = policy.asks_for_place() || reads.meets(declared::OF_CONTACT);
        let contact = if of_contact { contacts::read(engine, &message.tenant, message.theirs()).await? } else { None };
        // Counted before it is looked at: whoever holds the message finds out whether it has changed since.
        let changes = reads.meets(registered::FACTS).then(|| engine.registration.changes());
        let sender = changes.map(|_| registered::find(engine, message));
        let campaign_of = sender.as_ref().and_then(|sender| sender.campaign.as_deref());
        let mut facts = self.of_text(contact.as_ref(), campaign_of);
        facts.has_campaign = Some(campaign.is_some());
        facts.sender_owned = Some(engine.directory.owns(&message.tenant, message.ours()));
        let revocations = engine.consent.revocations();
        let granted_at = self.permission(&mut facts).await?;
        suppressed::fill(engine, policy, message, granted_at, &mut facts);
        counted::fill(engine, policy, (message, campaign), place, &mut facts).await?;
        dialogue::fill(engine, policy, message, &mut facts).await?;
        declared::of_contact(&mut facts, contact.as_ref());
        if let Some(account) = self.account {
            declared::of_tenant(engine, &mut facts, policy, account, message);
            supervision::fill(engine, policy, account, message, &mut facts).await?;
        }
        let network = sender.and_then(|sender| self.registration(contact.as_ref(), &sender, &mut facts));
        Ok(Gathered { facts, revocations, changes, network })
    }

    /// What the message says itself, held against what was declared of its campaign and its person.
    fn of_text(&self, contact: Option<&Contact>, campaign: Option<&Standing>) -> Facts {
        let Self { engine, policy, message, .. } = *self;
        // Who declares links and no domains left it open whose they are. What carriers were told goes before what only this
        // host was.
        let declared = campaign.filter(|campaign| !campaign.domains.is_empty() || !campaign.flags.embedded_link);
        let program = engine.programs.of(&message.tenant, self.campaign, message.ours());
        let own = program.as_ref().and_then(|program| program.info.settings.domains.as_deref());
        let about = About {
            declared: Declared {
                brand: self.account.map(|account| account.tenant.brand.as_str()),
                domains: declared.map(|campaign| campaign.domains.as_slice()).or(own),
            },
            place: Known {
                zone: contact.and_then(|contact| contact.time_zone.as_deref()),
                zip: contact.and_then(|contact| contact.attributes.get("zip")).map(String::as_str),
            },
        };
        policy.facts(message, about, engine.clock.now())
    }

    /// Whether the person wants it; since when.
    async fn permission(&self, facts: &mut Facts) -> Result<Option<Timestamp>, Error> {
        let permission = consent::permission(self.engine, self.message, self.campaign).await?;
        facts.opted_out = Some(permission.revoked.is_some());
        facts.consent = Some(match permission.level {
            Level::None => ConsentLevel::None,
            Level::Express => ConsentLevel::Express,
            Level::ExpressWritten => ConsentLevel::ExpressWritten,
        });
        let age = permission.granted_at.map(|at| facts.now.since(at).as_secs() / 86_400);
        facts.consent_age_days = age.map(|days| u32::try_from(days).unwrap_or(u32::MAX));
        Ok(permission.granted_at)
    }

    /// What carriers were told of its sender; whose network its recipient is on.
    fn registration(&self, contact: Option<&Contact>, sender: &Registered, facts: &mut Facts) -> Option<Network> {
        let Self { engine, policy, message, place, .. } = *self;
        let said = contact.and_then(|contact| contact.attributes.get(registered::CARRIER));
        facts.carrier = said.and_then(|said| registered::carrier_of(said));
        registered::fill(facts, sender);
        let network = facts.carrier.map(|carrier| Network::ALL[carrier as usize]);
        if let Some(campaign) = sender.campaign.as_ref().filter(|_| policy.rules.reads().has(Fact::DailyCapReached)) {
            let table = &policy.tables.throughput;
            let reached = throughput::is_cap_reached(engine, table, (message, place), campaign, network);
            facts.daily_cap_reached = Some(reached);
        }
        network
    }
}

/// What is said of a message whose words were erased while it waited: there is nothing left to send.
fn erased(rules: u64) -> Decision {
    let reason = Reason {
        rule: "platform.body_erased".to_owned(),
        severity: Verdict::Deny.as_str().to_owned(),
        cite: "the tenant's own order".to_owned(),
        explain: "its body was erased while it waited".to_owned(),
        fix: "send it anew".to_owned(),
        class: ErrorClass::ContentBlockedPlatform,
    };
    Decision { verdict: Verdict::Deny, reasons: vec![reason], rules, trace: Default::default() }
}

/// Asks policy, and makes the changes that it asks for: in the step, and in what the message is from now on.
pub(crate) async fn check_and_change(engine: &Engine, step: &mut Step<'_>, live: &mut Live) -> Result<Checkup, Error> {
    let checkup = checked_and_changed(engine, step, live).await?;
    if let Checkup::Hold { decision, .. } = &checkup {
        supervision::note(engine, step, live, decision).await?;
    }
    if !matches!(checkup, Checkup::Pass(..)) {
        engine.gives_place_back(&live.message);
    }
    Ok(checkup)
}

async fn checked_and_changed(engine: &Engine, step: &mut Step<'_>, live: &mut Live) -> Result<Checkup, Error> {
    let (changed, first) = match check(engine, &live.message, Place::Take).await? {
        Checkup::Rewrite { changed, decision } => (changed, decision),
        other => return Ok(other),
    };
    step.rewrite(&changed);
    live.message = changed;
    Ok(match check(engine, &live.message, Place::Take).await? {
        // The record says what was changed and why, not only that all is well now.
        Checkup::Pass(checked, _) => Checkup::Pass(checked, first),
        // What still asks for a change will ask for ever.
        Checkup::Rewrite { decision, .. } => Checkup::Deny(decision),
        other => other,
    })
}

/// The message with the changes that the decision asks for. Where one can't be made the message doesn't go.
fn rewritten(
    engine: &Engine,
    policy: &Policies,
    account: Option<&Account>,
    message: &Arc<Message>,
    decision: Decision,
) -> Checkup {
    let pointer = account.and_then(|account| declared::pointer(account, message.id));
    let brand = account.map(|account| account.tenant.brand.as_str());
    let inserts = Inserts { brand, pointer: pointer.as_deref() };
    let made = rewrite(&message.body.text, &policy.rules.changes(&decision), inserts);
    let prepared = made.as_ref().and_then(|made| prepare_within(made, Smart::On, engine.config.max_segments).ok());
    let Some(prepared) = prepared else { return Checkup::Deny(decision) };
    let mut changed = Message::clone(message);
    (changed.encoding, changed.segments) = (prepared.encoding, prepared.segments);
    let text = prepared.text.into_owned();
    changed.original.get_or_insert_with(|| message.body.clone());
    changed.body.text = text;
    Checkup::Rewrite { changed: Arc::new(changed), decision }
}

impl Checkup {
    /// The decision alone.
    pub(crate) fn into_decision(self) -> Decision {
        match self {
            Self::Pass(_, decision)
            | Self::Rewrite { decision, .. }
            | Self::Hold { decision, .. }
            | Self::Deny(decision) => decision,
        }
    }
}

impl Checked {
    /// Did its recipient revoke since?
    pub(crate) fn is_revoked(&self, engine: &Engine) -> bool {
        consent::revoked_since(engine, &self.message, self.revocations)
    }

    /// Whose network its recipient is on, if that is known.
    pub(crate) fn network(&self) -> Option<Network> {
        self.network
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
