//! What is registered: brands, campaigns, the numbers of campaigns, toll-free numbers and short codes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use signalbox_model::{TenantId, Timestamp};

use super::status::{
    BrandStatus, CampaignStatus, CarrierStatus, Entity, Network, NumberStatus, ShortCodeStatus, TollFreeStatus, UseCase,
};

/// A kind of what is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Brands, by name.
    Brand,
    /// Campaigns, by name.
    Campaign,
    /// Long codes and the campaign that they belong to, by number.
    Number,
    /// Toll-free numbers, by number.
    TollFree,
    /// Short codes, by code.
    ShortCode,
}

impl Kind {
    /// Every kind; brands before the campaigns that name them, campaigns before their numbers.
    pub const ALL: [Self; 5] = [Self::Brand, Self::Campaign, Self::Number, Self::TollFree, Self::ShortCode];

    /// The word in paths.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Brand => "brands",
            Self::Campaign => "campaigns",
            Self::Number => "numbers",
            Self::TollFree => "toll-free",
            Self::ShortCode => "short-codes",
        }
    }

    /// By its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A brand: who sends, as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brand {
    /// Its name to recipients.
    pub name: String,
    /// What it is.
    pub entity: Entity,
    /// Its tax id; carriers count daily allowances by it.
    pub tax_id: Option<String>,
    /// How far its registration got.
    pub status: BrandStatus,
    /// What its vetting came to, 0 to 100.
    pub score: Option<u8>,
    /// The registry's id, `B……`.
    pub tcr_id: Option<String>,
}

/// What a campaign declared to do; carriers hold its messages against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flags {
    /// Links.
    pub embedded_link: bool,
    /// Telephone numbers.
    pub embedded_phone: bool,
    /// For grown-ups alone.
    pub age_gated: bool,
    /// Loans of its own.
    pub direct_lending: bool,
    /// Advertisement for others.
    pub affiliate_marketing: bool,
    /// More than 49 numbers.
    pub number_pool: bool,
    /// Recipients opt in.
    pub subscriber_optin: bool,
    /// Recipients can opt out.
    pub subscriber_optout: bool,
    /// Recipients are answered to HELP.
    pub subscriber_help: bool,
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// The brand's name here.
    pub brand: String,
    /// What it is for.
    pub use_case: UseCase,
    /// What mixed ones are for.
    pub sub_use_cases: Vec<UseCase>,
    /// In words.
    pub description: String,
    /// Examples of its messages, up to five.
    pub samples: Vec<String>,
    /// How recipients come to it.
    pub message_flow: String,
    /// What HELP is answered with.
    pub help_message: String,
    /// What it does.
    pub flags: Flags,
    /// Domains of its links, in lower case.
    pub domains: Vec<String>,
    /// Where it stands with the registry.
    pub status: CampaignStatus,
    /// Did the connectivity partners agree?
    pub dca_complete: bool,
    /// Where it stands with each carrier, in the order of [`Network::ALL`].
    pub carriers: [CarrierStatus; 5],
    /// Since when it waits.
    pub pending_since: Timestamp,
    /// AT&T's class, if it isn't the one that the use case and the brand's score lead to.
    pub att_class: Option<String>,
    /// The registry's id, `C……`.
    pub tcr_id: Option<String>,
}

/// A long code in its campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// The campaign's name here.
    pub campaign: String,
    /// Whether it is in.
    pub status: NumberStatus,
}

/// A toll-free number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TollFree {
    /// Who sends.
    pub business: String,
    /// What is sent, in words.
    pub description: String,
    /// Where its verification stands.
    pub status: TollFreeStatus,
}

/// A short code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortCode {
    /// What is sent, in words.
    pub program: String,
    /// Where it stands.
    pub status: ShortCodeStatus,
}

/// One of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Object {
    /// A brand.
    Brand(Brand),
    /// A campaign.
    Campaign(Box<Campaign>),
    /// A long code.
    Number(Number),
    /// A toll-free number.
    TollFree(TollFree),
    /// A short code.
    ShortCode(ShortCode),
}

/// What is registered, with how it came to be so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose.
    pub tenant: TenantId,
    /// Its name or number.
    pub id: String,
    /// What.
    pub object: Object,
    /// When it was put on record.
    pub made_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Up to when the registry's events of each kind are taken in: what is older changes nothing any more.
    pub marks: BTreeMap<String, Timestamp>,
    /// Lines of its history.
    pub lines: u32,
}

/// By whose word something changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// The tenant's, with this key.
    Tenant(signalbox_model::KeyId),
    /// The operator's.
    Operator,
    /// The registry's, in this event.
    Registry {
        /// Its type.
        event: String,
        /// When it says that it happened.
        at: Timestamp,
    },
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Which.
    pub field: String,
    /// What it was; nothing for something new.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

/// A line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// By whose word.
    pub who: Who,
    /// What; nothing if the event changed nothing.
    pub changes: Vec<FieldChange>,
    /// Why it changed nothing.
    pub note: Option<String>,
}

impl Object {
    /// What it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Brand(_) => Kind::Brand,
            Self::Campaign(_) => Kind::Campaign,
            Self::Number(_) => Kind::Number,
            Self::TollFree(_) => Kind::TollFree,
            Self::ShortCode(_) => Kind::ShortCode,
        }
    }

    /// Its status in one word.
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Brand(brand) => brand.status.as_str(),
            Self::Campaign(campaign) => campaign.status.as_str(),
            Self::Number(number) => number.status.as_str(),
            Self::TollFree(toll_free) => toll_free.status.as_str(),
            Self::ShortCode(short_code) => short_code.status.as_str(),
        }
    }

    /// Every field with its value in words. A tax id is cut to its end.
    pub fn fields(&self) -> Vec<(&'static str, Shown)> {
        let text = |text: &str| Shown::Text(text.to_owned());
        let maybe = |text: &Option<String>| text.clone().map_or(Shown::None, Shown::Text);
        match self {
            Self::Brand(brand) => vec![
                ("name", text(&brand.name)),
                ("entity", text(brand.entity.as_str())),
                ("tax_id", brand.tax_id.as_deref().map_or(Shown::None, |id| Shown::Text(cut(id)))),
                ("status", text(brand.status.as_str())),
                ("score", brand.score.map_or(Shown::None, |score| Shown::Number(score.into()))),
                ("tcr_id", maybe(&brand.tcr_id)),
            ],
            Self::Campaign(campaign) => campaign.fields(),
            Self::Number(number) => {
                vec![("campaign", text(&number.campaign)), ("status", text(number.status.as_str()))]
            }
            Self::TollFree(toll_free) => vec![
                ("business", text(&toll_free.business)),
                ("description", text(&toll_free.description)),
                ("status", text(toll_free.status.as_str())),
            ],
            Self::ShortCode(short_code) => {
                vec![("program", text(&short_code.program)), ("status", text(short_code.status.as_str()))]
            }
        }
    }
}

/// A field's value, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// There is none.
    None,
    /// A text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
    /// A number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
}

impl Shown {
    /// In one line.
    pub fn words(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Text(text) => Some(text.clone()),
            Self::Texts(texts) => Some(texts.join(" | ")),
            Self::Number(number) => Some(number.to_string()),
            Self::Flag(flag) => Some(flag.to_string()),
        }
    }
}

/// The end of what isn't everybody's to see.
fn cut(secret: &str) -> String {
    let end: String = secret.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    format!("…{end}")
}

impl Campaign {
    /// Where it stands with a carrier.
    pub const fn carrier(&self, network: Network) -> CarrierStatus {
        self.carriers[network as usize]
    }

    /// With whom it stands worst.
    pub fn strictest(&self) -> CarrierStatus {
        self.carriers.into_iter().max_by_key(|status| status.strictness()).unwrap_or(CarrierStatus::Pending)
    }

    /// Did anybody agree to what it declares?
    pub fn is_agreed(&self) -> bool {
        self.status == CampaignStatus::Active || self.carriers.contains(&CarrierStatus::Approved)
    }

    fn fields(&self) -> Vec<(&'static str, Shown)> {
        let text = |text: &str| Shown::Text(text.to_owned());
        let maybe = |text: &Option<String>| text.clone().map_or(Shown::None, Shown::Text);
        let mut fields = vec![
            ("brand", text(&self.brand)),
            ("use_case", text(self.use_case.as_str())),
            ("sub_use_cases", Shown::Texts(self.sub_use_cases.iter().map(|one| one.as_str().to_owned()).collect())),
            ("description", text(&self.description)),
            ("samples", Shown::Texts(self.samples.clone())),
            ("message_flow", text(&self.message_flow)),
            ("help_message", text(&self.help_message)),
        ];
        fields.extend(self.flags.all().map(|(name, flag)| (name, Shown::Flag(flag))));
        fields.extend([
            ("domains", Shown::Texts(self.domains.clone())),
            ("status", text(self.status.as_str())),
            ("dca_complete", Shown::Flag(self.dca_complete)),
        ]);
        fields
            .extend(CARRIER_FIELDS.into_iter().zip(self.carriers).map(|(name, status)| (name, text(status.as_str()))));
        fields.extend([("att_class", maybe(&self.att_class)), ("tcr_id", maybe(&self.tcr_id))]);
        fields
    }
}

/// A campaign's fields with its carriers' statuses, in the order of [`Network::ALL`].
pub const CARRIER_FIELDS: [&str; 5] =
    ["att_status", "tmobile_status", "verizon_status", "uscellular_status", "other_status"];

impl Flags {
    /// Every flag with its name.
    pub fn all(self) -> [(&'static str, bool); 9] {
        [
            ("embedded_link", self.embedded_link),
            ("embedded_phone", self.embedded_phone),
            ("age_gated", self.age_gated),
            ("direct_lending", self.direct_lending),
            ("affiliate_marketing", self.affiliate_marketing),
            ("number_pool", self.number_pool),
            ("subscriber_optin", self.subscriber_optin),
            ("subscriber_optout", self.subscriber_optout),
            ("subscriber_help", self.subscriber_help),
        ]
    }

    /// The flag of that name.
    pub fn named(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "embedded_link" => &mut self.embedded_link,
            "embedded_phone" => &mut self.embedded_phone,
            "age_gated" => &mut self.age_gated,
            "direct_lending" => &mut self.direct_lending,
            "affiliate_marketing" => &mut self.affiliate_marketing,
            "number_pool" => &mut self.number_pool,
            "subscriber_optin" => &mut self.subscriber_optin,
            "subscriber_optout" => &mut self.subscriber_optout,
            "subscriber_help" => &mut self.subscriber_help,
            _ => return None,
        })
    }
}

/// What differs between two forms of something.
pub fn difference(before: Option<&Object>, after: &Object) -> Vec<FieldChange> {
    let old: BTreeMap<_, _> = before.map(Object::fields).unwrap_or_default().into_iter().collect();
    let changed = after.fields().into_iter().filter_map(|(field, value)| {
        let was = old.get(field).and_then(Shown::words).filter(|words| !words.is_empty());
        let is = value.words().filter(|words| !words.is_empty());
        (was != is).then(|| FieldChange { field: field.to_owned(), before: was, after: is })
    });
    changed.collect()
}
