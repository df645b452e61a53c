//! Registration on the path: what rules are told of a message's sender, and what happens to held messages when a
//! campaign's status changes.

use std::sync::Arc;

use signalbox_model::{Address, ErrorClass, KeyId, Message, MessageId, Partition, Status, TenantId};
use signalbox_policy::Facts;
use signalbox_policy::facts::{self, Fact, FactSet};
use signalbox_registry::registration::{
    self as registry, CampaignStatus, CarrierStatus, Changed, Event, Kind, Line, Most, Network, Outcome, Record,
    Refused, Registered, Row, Who,
};
use signalbox_store::InboxSeq;

use crate::audit;
use crate::consent::registry_error;
use crate::engine::Engine;
use crate::error::Error;
use crate::handle::Handle;
use crate::timers::Due;

/// What is looked up only where a rule reads one of these.
pub(crate) const FACTS: FactSet = FactSet::of(&[
    Fact::BrandStatus,
    Fact::CampaignStatus,
    Fact::CarrierStatus,
    Fact::NumberStatus,
    Fact::PendingDays,
    Fact::TollFreeStatus,
    Fact::ShortCodeStatus,
    Fact::UseCase,
    Fact::CampaignLinks,
    Fact::CampaignPhones,
    Fact::CampaignAgeGated,
    Fact::CampaignLending,
    Fact::CampaignNumberPool,
    Fact::DailyCapReached,
    Fact::LinksDeclared,
]);

/// The contact's attribute in which a tenant, or a lookup, keeps the carrier of a person's number.
pub(crate) const CARRIER: &str = "carrier";

/// The campaign of a message: the one that it names, or else the one to which its sender belongs. All that depends on a
/// campaign goes by this, so that leaving the name out leads past nothing.
#[derive(Debug, Clone)]
pub(crate) enum Campaign<'a> {
    Named(&'a str),
    Senders(Arc<str>),
}

impl Campaign<'_> {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Senders(name) => name,
        }
    }
}

/// Which campaign a message is of. Where nobody registered anything that is a look at a flag.
pub(crate) fn campaign<'a>(engine: &Engine, message: &'a Message) -> Option<Campaign<'a>> {
    match &message.campaign {
        Some(name) => Some(Campaign::Named(name)),
        None => engine.registration.campaign_of(&message.tenant, message.ours()).map(Campaign::Senders),
    }
}

/// What is registered of a message's sender and campaign.
pub(crate) fn find(engine: &Engine, message: &Message) -> Registered {
    engine.registration.find(&message.tenant, message.campaign.as_deref(), message.ours())
}

/// Tells rules what is registered. Of what isn't, it is known that it isn't.
pub(crate) fn fill(facts: &mut Facts, registered: &Registered) {
    let network = facts.carrier.map(|carrier| Network::ALL[carrier as usize]);
    facts.toll_free_status = Some(
        registered
            .toll_free
            .map_or(facts::TollFreeStatus::Unverified, |status| facts::TollFreeStatus::ALL[status as usize]),
    );
    facts.short_code_status = registered.short_code.map(|status| facts::ShortCodeStatus::ALL[status as usize]);
    facts.number_status = Some(registered.number.map_or(facts::NumberStatus::Unassigned, |status| match status {
        registry::NumberStatus::Pending => facts::NumberStatus::Pending,
        registry::NumberStatus::Added => facts::NumberStatus::Added,
        registry::NumberStatus::Failed => facts::NumberStatus::Failed,
        registry::NumberStatus::Deleted => facts::NumberStatus::Deleted,
    }));
    let Some(campaign) = &registered.campaign else {
        facts.brand_status = Some(facts::BrandStatus::Unregistered);
        facts.campaign_status = Some(facts::CampaignStatus::Unregistered);
        return;
    };
    facts.has_campaign = Some(true);
    facts.brand_status = Some(facts::BrandStatus::ALL[campaign.brand as usize]);
    facts.campaign_status = Some(match campaign.status {
        CampaignStatus::Pending => facts::CampaignStatus::Pending,
        CampaignStatus::Active => facts::CampaignStatus::Active,
        CampaignStatus::Rejected => facts::CampaignStatus::Rejected,
        CampaignStatus::Suspended => facts::CampaignStatus::Suspended,
        CampaignStatus::Expired => facts::CampaignStatus::Expired,
    });
    let with_carrier: CarrierStatus = campaign.with(network);
    facts.carrier_status = Some(facts::CarrierStatus::ALL[with_carrier as usize]);
    let days = facts.now.since(campaign.pending_since).as_secs() / 86_400;
    facts.pending_days = Some(u32::try_from(days).unwrap_or(u32::MAX));
    facts.use_case = Some(facts::UseCase::ALL[campaign.use_case as usize]);
    facts.campaign_links = Some(campaign.flags.embedded_link);
    facts.campaign_phones = Some(campaign.flags.embedded_phone);
    facts.campaign_age_gated = Some(campaign.flags.age_gated);
    facts.campaign_lending = Some(campaign.flags.direct_lending);
    facts.campaign_number_pool = Some(campaign.flags.number_pool);
}

/// Whose network a person is on, as their contact says.
pub(crate) fn carrier_of(said: &str) -> Option<facts::CarrierName> {
    Network::named(said).map(|network| facts::CarrierName::ALL[network as usize])
}

/// Does a message that is held with this class wait for a registration, or for an allowance that comes with one?
fn waits_for_registration(class: Option<ErrorClass>) -> bool {
    matches!(
        class,
        Some(
            ErrorClass::SenderUnregistered
                | ErrorClass::SenderCampaignInactive
                | ErrorClass::SenderTfUnverified
                | ErrorClass::LimitDaily
        )
    )
}

/// A message is held since the registration stood as it did at `seen`. If it stands otherwise by now, whoever changed it
/// may not have found the message yet: then it is looked at again at once.
pub(crate) fn is_held(engine: &Engine, (tenant, message, seq): (TenantId, MessageId, InboxSeq), seen: Seen) {
    let Seen { until, class, changes } = seen;
    let ticket = engine.wheel.set(until, Due::Held { tenant: tenant.clone(), message, seq });
    let changed = changes.is_some_and(|seen| seen != engine.registration.changes());
    if changed && waits_for_registration(class) && engine.wheel.call_off(ticket) {
        engine.wheel.set(engine.clock.now(), Due::Called { tenant, message, seq });
    }
}

/// What was known when a message was held.
pub(crate) struct Seen {
    pub(crate) until: signalbox_model::Timestamp,
    pub(crate) class: Option<ErrorClass>,
    /// How often registrations had changed, if that was looked at.
    pub(crate) changes: Option<u64>,
}

/// Looks again at the messages that are held for what has changed. A scan of all that waits: it is done once for each
/// change of a registration, which are few.
pub(crate) async fn call(engine: &Arc<Engine>, changed: &Changed) -> Result<(), Error> {
    let held = engine.wheel.find(|due| match due {
        Due::Held { tenant, message, seq } if *tenant == changed.tenant => Some((*message, *seq)),
        _ => None,
    });
    for (ticket, (message, seq)) in held {
        let Some(live) = engine.live(&changed.tenant, message).await? else { continue };
        if live.head.status != Status::Held || !waits_for_registration(live.head.class) {
            continue;
        }
        let campaign = campaign(engine, &live.message);
        let meant = match (&changed.campaigns, campaign) {
            (Some(campaigns), Some(campaign)) => campaigns.iter().any(|changed| changed == campaign.name()),
            (None, _) => true,
            (Some(_), None) => false,
        };
        if meant && engine.wheel.call_off(ticket) {
            engine.wheel.set(engine.clock.now(), Due::Called { tenant: changed.tenant.clone(), message, seq });
        }
    }
    Ok(())
}

/// Who changes a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registrar {
    /// A tenant, with this key.
    Tenant(KeyId),
    /// The operator.
    Operator,
}

impl Handle {
    /// Registers one or many of a kind: all of them, or none. Messages that are held for them are looked at again.
    pub async fn register(
        &self,
        tenant: &TenantId,
        registrar: Registrar,
        kind: Kind,
        rows: Vec<Row>,
    ) -> Result<Vec<Arc<Record>>, Refused> {
        let engine = &self.0;
        let who = match registrar {
            Registrar::Tenant(key) => Who::Tenant(key),
            Registrar::Operator => Who::Operator,
        };
        let owns = |number: &Address| engine.directory.owns(tenant, number);
        let place = (who, engine.clock.now(), engine.epoch(Partition::DIRECTORY));
        let policy = engine.policy.load_full();
        let campaigns = &policy.tables.campaigns;
        let most = Most {
            numbers_without_pool: campaigns.numbers_without_pool,
            samples: campaigns.samples_most,
            sub_use_cases: campaigns.sub_use_cases_most,
        };
        let (records, changed) = engine.registration.put(tenant, kind, rows, place, most, owns).await?;
        self.call(&changed).await;
        // The id of a number is the number itself, which isn't for the log.
        let name = match &*records {
            [one] if matches!(kind, Kind::Brand | Kind::Campaign) => &*one.id,
            _ => "",
        };
        let (by, to) = (crate::holds::placer(registrar).to_string(), format!("{} put on record", records.len()));
        audit::changed(engine, tenant, audit::Changed { by, what: kind.as_str(), name, to }).await;
        Ok(records)
    }

    /// Takes in an event of The Campaign Registry.
    pub async fn registry_event(&self, event: &Event) -> Result<Outcome, Error> {
        let engine = &self.0;
        let epoch = engine.epoch(Partition::DIRECTORY);
        let outcome = engine.registration.take_in(event, engine.clock.now(), epoch).await.map_err(registry_error)?;
        if let Outcome::Changed(changed) = &outcome {
            self.call(changed).await;
        }
        Ok(outcome)
    }

    /// The change is durable, whatever becomes of this: who isn't called now comes at the end of their hold.
    async fn call(&self, changed: &Changed) {
        if let Err(error) = call(&self.0, changed).await {
            self.0.step_failed("looking again at messages that a registration held", &error);
        }
    }

    /// Something that a tenant registered.
    pub fn registered(&self, tenant: &TenantId, kind: Kind, id: &str) -> Option<Arc<Record>> {
        self.0.registration.get(tenant, kind, id)
    }

    /// All that a tenant registered of a kind.
    pub fn all_registered(&self, tenant: &TenantId, kind: Kind) -> Vec<Arc<Record>> {
        self.0.registration.list(tenant, kind)
    }

    /// How something registered came to be so, the last first.
    pub async fn registration_lines(
        &self,
        tenant: &TenantId,
        kind: Kind,
        id: &str,
        most: usize,
    ) -> Result<Vec<Line>, Error> {
        self.0.registration.history(tenant, kind, id, most).await.map_err(registry_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_registry::registration::{BrandStatus, CarrierStatus, ShortCodeStatus, TollFreeStatus, UseCase};

    #[test]
    fn the_registrys_words_are_those_of_the_rules_in_their_order() {
        let words = |all: &[&'static str]| all.to_vec();
        assert_eq!(BrandStatus::WORDS, words(&facts::BrandStatus::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>()));
        assert_eq!(
            CarrierStatus::WORDS,
            words(&facts::CarrierStatus::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>())
        );
        assert_eq!(
            TollFreeStatus::WORDS,
            words(&facts::TollFreeStatus::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>())
        );
        assert_eq!(
            ShortCodeStatus::WORDS,
            words(&facts::ShortCodeStatus::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>())
        );
        assert_eq!(UseCase::WORDS, words(&facts::UseCase::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>()));
        assert_eq!(Network::WORDS, words(&facts::CarrierName::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>()));
    }
}
