//! What tenants registered, in memory: for each message, where its sender stands is one look.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use signalbox_model::conversation::stable_hash;
use signalbox_model::{Address, TenantId, Timestamp};

use super::form::Most;
use super::object::{Campaign, Flags, Kind, Object, Record};
use super::status::{
    BrandStatus, CampaignStatus, CarrierStatus, Entity, Network, NumberStatus, ShortCodeStatus, TollFreeStatus, UseCase,
};

/// What a tenant registered.
#[derive(Debug, Clone, Default)]
pub(super) struct Book {
    pub(super) records: BTreeMap<(Kind, String), Arc<Record>>,
    campaigns: HashMap<String, Arc<Standing>>,
    senders: HashMap<Address, Sender>,
}

/// Where a campaign stands, with all that a message of it is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The campaign's name.
    pub campaign: Arc<str>,
    /// The brand's status; unregistered if there is none of its name.
    pub brand: BrandStatus,
    /// What the brand is.
    pub entity: Option<Entity>,
    /// The brand's score.
    pub score: Option<u8>,
    /// What carriers count daily allowances by: the tax id's hash, or the brand's.
    pub allowance: [u8; 16],
    /// The campaign's own status; active only once the connectivity partners agreed.
    pub status: CampaignStatus,
    /// With each carrier, in the order of [`Network::ALL`].
    pub carriers: [CarrierStatus; 5],
    /// With the carrier with which it stands worst.
    pub strictest: CarrierStatus,
    /// Since when it waits.
    pub pending_since: Timestamp,
    /// What it is for.
    pub use_case: UseCase,
    /// What it declared.
    pub flags: Flags,
    /// Domains of its links.
    pub domains: Vec<String>,
    /// AT&T's class, if it was said.
    pub att_class: Option<String>,
}

/// What a sender is registered as.
#[derive(Debug, Clone, Default)]
struct Sender {
    campaign: Option<(Arc<str>, NumberStatus)>,
    toll_free: Option<TollFreeStatus>,
    short_code: Option<ShortCodeStatus>,
}

/// What is known of a message's sender.
#[derive(Debug, Clone, Default)]
pub struct Registered {
    /// The campaign that the message names, or else the one to which its sender belongs.
    pub campaign: Option<Arc<Standing>>,
    /// Where the sender stands in that campaign; none if it isn't in it.
    pub number: Option<NumberStatus>,
    /// Where the sender's verification stands.
    pub toll_free: Option<TollFreeStatus>,
    /// Where the sender stands as a short code.
    pub short_code: Option<ShortCodeStatus>,
}

impl Standing {
    /// With this carrier; with the worst where the carrier isn't known.
    pub fn with(&self, network: Option<Network>) -> CarrierStatus {
        network.map_or(self.strictest, |network| self.carriers[network as usize])
    }

    /// May messages of a number that belongs to it go?
    pub fn is_sendable(&self, number: Option<NumberStatus>, network: Option<Network>) -> bool {
        matches!(self.brand, BrandStatus::Verified | BrandStatus::Vetted)
            && self.status == CampaignStatus::Active
            && self.with(network) == CarrierStatus::Approved
            && number == Some(NumberStatus::Added)
    }
}

impl Book {
    pub(super) fn find(&self, campaign: Option<&str>, sender: &Address) -> Registered {
        let Some(sender) = self.senders.get(sender) else {
            let campaign = campaign.and_then(|name| self.campaigns.get(name)).cloned();
            return Registered { campaign, ..Registered::default() };
        };
        let own = sender.campaign.as_ref();
        let name = campaign.or(own.map(|(name, _)| &**name));
        let number = own.filter(|(own, _)| Some(&**own) == name).map(|(_, status)| *status);
        Registered {
            campaign: name.and_then(|name| self.campaigns.get(name)).cloned(),
            number,
            toll_free: sender.toll_free,
            short_code: sender.short_code,
        }
    }

    /// Is it a campaign, and does this sender belong to it?
    pub(super) fn campaign_of(&self, sender: &Address) -> Option<&Arc<str>> {
        self.senders.get(sender)?.campaign.as_ref().map(|(name, _)| name)
    }

    pub(super) fn get(&self, kind: Kind, id: &str) -> Option<&Arc<Record>> {
        self.records.get(&(kind, id.to_owned()))
    }

    fn brand(&self, name: &str) -> Option<&super::object::Brand> {
        match &self.get(Kind::Brand, name)?.object {
            Object::Brand(brand) => Some(brand),
            _ => None,
        }
    }

    pub(super) fn campaign(&self, name: &str) -> Option<&Campaign> {
        match &self.get(Kind::Campaign, name)?.object {
            Object::Campaign(campaign) => Some(campaign),
            _ => None,
        }
    }

    /// How many numbers are in a campaign, or on their way, besides `except`.
    pub(super) fn numbers_of(&self, name: &str, except: Option<&str>) -> usize {
        let numbers = self.records.range((Kind::Number, String::new())..(Kind::TollFree, String::new()));
        let counts = |(_, record): &(&(Kind, String), &Arc<Record>)| match &record.object {
            Object::Number(number) => {
                number.campaign == name
                    && except != Some(record.id.as_str())
                    && matches!(number.status, NumberStatus::Pending | NumberStatus::Added)
            }
            _ => false,
        };
        numbers.filter(counts).count()
    }

    /// Does it fit what else is registered? What doesn't: the field, and why.
    pub(super) fn fits(&self, id: &str, object: &Object, most: Most) -> Result<(), (&'static str, String)> {
        match object {
            Object::Campaign(campaign) => {
                if self.brand(&campaign.brand).is_none() {
                    return Err(("brand", "isn't a brand of yours; create it first".to_owned()));
                }
                let numbers = self.numbers_of(id, None);
                let most = most.numbers_without_pool;
                if !campaign.flags.number_pool && numbers > most {
                    let why = format!("has {numbers} numbers; without a number pool there are at most {most}");
                    return Err(("number_pool", why));
                }
                Ok(())
            }
            Object::Number(number) => {
                let Some(campaign) = self.campaign(&number.campaign) else {
                    return Err(("campaign", "isn't a campaign of yours; create it first".to_owned()));
                };
                let joins = matches!(number.status, NumberStatus::Pending | NumberStatus::Added);
                let most = most.numbers_without_pool;
                if joins && !campaign.flags.number_pool && self.numbers_of(&number.campaign, Some(id)) >= most {
                    let why = format!(
                        "has {most} numbers, the most without a number pool; register one for it, or take another \
                         campaign"
                    );
                    return Err(("campaign", why));
                }
                Ok(())
            }
            Object::Brand(_) | Object::TollFree(_) | Object::ShortCode(_) => Ok(()),
        }
    }

    /// Puts a record in; what is looked up by message is made anew with [`Book::settle`].
    pub(super) fn put(&mut self, record: Arc<Record>) {
        self.records.insert((record.object.kind(), record.id.clone()), record);
    }

    /// Makes what is looked up for messages.
    pub(super) fn settle(&mut self, tenant: &TenantId) {
        self.campaigns.clear();
        self.senders.clear();
        for record in self.records.values() {
            if let Object::Campaign(campaign) = &record.object {
                let standing = self.standing(tenant, &record.id, campaign);
                self.campaigns.insert(record.id.clone(), Arc::new(standing));
            }
        }
        for record in self.records.values() {
            let Ok(address) = record.id.parse::<Address>() else { continue };
            match &record.object {
                Object::Number(number) => {
                    let sender = self.senders.entry(address).or_default();
                    sender.campaign = Some((number.campaign.as_str().into(), number.status));
                }
                Object::TollFree(toll_free) => {
                    self.senders.entry(address).or_default().toll_free = Some(toll_free.status);
                }
                Object::ShortCode(code) => {
                    self.senders.entry(address).or_default().short_code = Some(code.status);
                }
                Object::Brand(_) | Object::Campaign(_) => {}
            }
        }
    }

    fn standing(&self, tenant: &TenantId, id: &str, campaign: &Campaign) -> Standing {
        let brand = self.brand(&campaign.brand);
        let status = match campaign.status {
            CampaignStatus::Active if !campaign.dca_complete => CampaignStatus::Pending,
            status => status,
        };
        let tax_id = brand.and_then(|brand| brand.tax_id.as_deref());
        let allowance = match tax_id {
            Some(tax_id) => stable_hash(&[b"allowance by tax id", tax_id.as_bytes()]),
            None => stable_hash(&[b"allowance by brand", tenant.as_str().as_bytes(), campaign.brand.as_bytes()]),
        };
        Standing {
            campaign: id.into(),
            brand: brand.map_or(BrandStatus::Unregistered, |brand| brand.status),
            entity: brand.map(|brand| brand.entity),
            score: brand.and_then(|brand| brand.score),
            allowance,
            status,
            carriers: campaign.carriers,
            strictest: campaign.strictest(),
            pending_since: campaign.pending_since,
            use_case: campaign.use_case,
            flags: campaign.flags,
            domains: campaign.domains.clone(),
            att_class: campaign.att_class.clone(),
        }
    }
}
