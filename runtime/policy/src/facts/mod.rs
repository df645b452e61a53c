//! What rules decide on: a fixed schema. A fact that isn't known is `None`, and rules say what they make of that.
//!
//! Facts are only ever added at the end: records keep them by their number.

mod flat;
mod set;
mod value;
mod words;

pub(crate) use flat::Flat;
pub use set::FactSet;
pub use value::{Kind, Known, Value};
pub use words::{
    BrandStatus, CampaignStatus, CarrierName, CarrierStatus, Channel, ConsentLevel, NumberStatus, OriginKind,
    Reassigned, Sector, SenderType, ShortCodeStatus, Supervision, TollFreeStatus, UseCase,
};

use signalbox_model::{Address, AddressKind, Category, Direction, Message, Timestamp};

macro_rules! facts {
    ($(#[doc = $doc:literal] $variant:ident $name:ident: $type:ty;)*) => {
        /// The name of a fact.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Fact {
            $(#[doc = $doc] $variant,)*
        }

        impl Fact {
            /// Every fact.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in rules.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($name),)* }
            }

            /// What it says.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc.trim_ascii(),)* }
            }

            /// Its type in rules.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => <$type as Known>::KIND,)* }
            }
        }

        /// What is known of a message. `None` is unknown, which is not the same as false.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Facts {
            /// The present; what a hold's end is counted from. Rules can't read it.
            pub now: Timestamp,
            /// When the recipient's window opens next, this message's share of the spread included; rules that hold
            /// until then count on it. Rules can't read it.
            pub window_opens: Option<Timestamp>,
            /// When the day that carriers count in begins anew. Rules can't read it.
            pub day_resets: Option<Timestamp>,
            /// Until when a supervisor is waited for. Rules can't read it.
            pub supervision_ends: Option<Timestamp>,
            /// When the oldest message that is counted falls out of the count. Rules can't read it.
            pub count_falls: Option<Timestamp>,
            $(#[doc = $doc] pub $name: Option<$type>,)*
        }

        impl Facts {
            /// What rules see.
            pub fn get(&self, fact: Fact) -> Value {
                match fact { $(Fact::$variant => self.$name.map_or(Value::Unknown, Known::value),)* }
            }

            /// All that is known, laid flat for rules.
            pub(crate) fn flat(&self) -> Flat {
                let mut flat = Flat::default();
                $(flat.put(Fact::$variant, self.$name);)*
                flat
            }

            /// Sets those of `known` that are truths: so where they were `found`.
            pub(crate) fn set_truths(&mut self, known: FactSet, found: FactSet) {
                $(if matches!(<$type as Known>::KIND, Kind::Bool) && known.has(Fact::$variant) {
                    self.$name = <$type as Known>::from_value(Value::Bool(found.has(Fact::$variant)));
                })*
            }

            /// Sets a fact by its name; false, and nothing changed, when the value isn't of its type.
            pub fn set(&mut self, fact: Fact, value: Value) -> bool {
                match fact {
                    $(Fact::$variant => {
                        let known = <$type as Known>::from_value(value);
                        if known.is_none() && value != Value::Unknown {
                            return false;
                        }
                        self.$name = known;
                    })*
                }
                true
            }
        }
    };
}

facts! {
    /// Which way the message goes.
    Direction direction: Direction;
    /// What it is for.
    Category category: Category;
    /// Who made it.
    Origin origin: OriginKind;
    /// Whether the recipient has asked this sender for silence.
    OptedOut opted_out: bool;
    /// What kind of address the sender is.
    SenderKind sender_kind: AddressKind;
    /// Whether the sender belongs to the tenant.
    SenderOwned sender_owned: bool;
    /// What kind of address the recipient is.
    RecipientKind recipient_kind: AddressKind;
    /// Whether the recipient is a number of the North American Numbering Plan (+1).
    RecipientNanp recipient_nanp: bool;
    /// Whether sender and recipient are the same.
    FromEqualsTo from_equals_to: bool;
    /// How many segments the text takes.
    Segments segments: u32;
    /// How many characters the text has.
    TextLength text_length: u32;
    /// Whether there is media.
    HasMedia has_media: bool;
    /// Whether it belongs to a campaign.
    HasCampaign has_campaign: bool;
    /// How many handlers' sends and soon timers led to it; 0 from the API.
    Depth depth: u32;
    /// What it travels as.
    Channel channel: Channel;
    /// What kind of sender it is to carriers.
    SenderType sender_type: SenderType;
    /// Whether nothing went from this sender to this recipient before.
    FirstMessage first_message: bool;
    /// Whose network the recipient is on.
    Carrier carrier: CarrierName;
    /// What the recipient agreed to.
    Consent consent: ConsentLevel;
    /// How many days ago that was.
    ConsentAgeDays consent_age_days: u32;
    /// Whether the recipient is on a do-not-call list.
    OnDnc on_dnc: bool;
    /// Whether the recipient is on a list of litigators.
    OnLitigator on_litigator: bool;
    /// Whether the number went to somebody else since the consent.
    Reassigned reassigned: Reassigned;
    /// Whether a suppression list that should be asked is too old.
    ListsStale lists_stale: bool;
    /// How far the brand's registration got.
    BrandStatus brand_status: BrandStatus;
    /// Where the campaign stands with the registry.
    CampaignStatus campaign_status: CampaignStatus;
    /// Where the campaign stands with the recipient's carrier, or with the strictest.
    CarrierStatus carrier_status: CarrierStatus;
    /// Whether the sender belongs to the campaign.
    NumberStatus number_status: NumberStatus;
    /// For how many days the campaign has been waiting for approval.
    PendingDays pending_days: u32;
    /// Where the toll-free sender's verification stands.
    TollFreeStatus toll_free_status: TollFreeStatus;
    /// Where the short code stands.
    ShortCodeStatus short_code_status: ShortCodeStatus;
    /// What the campaign is registered for.
    UseCase use_case: UseCase;
    /// Whether the campaign declared links.
    CampaignLinks campaign_links: bool;
    /// Whether the campaign declared telephone numbers.
    CampaignPhones campaign_phones: bool;
    /// Whether the campaign is age-gated.
    CampaignAgeGated campaign_age_gated: bool;
    /// Whether the campaign declared direct lending.
    CampaignLending campaign_lending: bool;
    /// Whether the recipient is known to be of age.
    RecipientOfAge recipient_of_age: bool;
    /// Whether the recipient's number belongs to the United States or a territory.
    RecipientUs recipient_us: bool;
    /// Whether solicitations may be sent now, everywhere the recipient may be.
    WindowOpen window_open: bool;
    /// Whether the recipient's place is in one zone and one state only.
    PlaceCertain place_certain: bool;
    /// The recipient's hour of the day, the earliest that it may be.
    LocalHourMin local_hour_min: u32;
    /// The recipient's hour of the day, the latest that it may be.
    LocalHourMax local_hour_max: u32;
    /// How many solicitations in 24 hours the recipient's state allows in all; 0 if it doesn't say.
    StateCap state_cap: u32;
    /// How many on one subject; 0 if it doesn't say.
    StateCapSubject state_cap_subject: u32;
    /// How many messages went to this recipient in 24 hours.
    Sent24h sent_24h: u32;
    /// How many on the same subject: the same campaign.
    SentSubject24h sent_subject_24h: u32;
    /// How many with the same template went to this recipient in 24 hours.
    Repeats24h repeats_24h: u32;
    /// From how many of the tenant's numbers the same template went in 24 hours.
    TemplateSenders24h template_senders_24h: u32;
    /// Whether the brand's or campaign's daily allowance is used up.
    DailyCapReached daily_cap_reached: bool;
    /// Whether there is a link in it.
    HasLink has_link: bool;
    /// Whether a link goes through a public shortener.
    HasShortener has_shortener: bool;
    /// Whether a link leads to a domain of bad repute.
    HasBadLink has_bad_link: bool;
    /// Whether all links are of the domains that the campaign declared.
    LinksDeclared links_declared: bool;
    /// Whether there is a telephone number in it.
    HasPhone has_phone: bool;
    /// Whether words mix letters with others that only look like them.
    HasLookalikes has_lookalikes: bool;
    /// Whether it names the brand.
    HasBrand has_brand: bool;
    /// Whether it says how to opt out.
    HasOptOutHint has_opt_out_hint: bool;
    /// Whether it offers loans of the kind that carriers refuse.
    SaysLoans says_loans: bool;
    /// Whether it collects debts or offers relief from them.
    SaysDebt says_debt: bool;
    /// Whether it generates leads or advertises for affiliates.
    SaysLeads says_leads: bool;
    /// Whether it promises easy money.
    SaysGetRich says_get_rich: bool;
    /// Whether it advertises cryptocurrency.
    SaysCrypto says_crypto: bool;
    /// Whether it advertises gambling.
    SaysGambling says_gambling: bool;
    /// Whether it advertises cannabis, CBD or kratom.
    SaysCannabis says_cannabis: bool;
    /// Whether it advertises prescription drugs.
    SaysDrugs says_drugs: bool;
    /// Whether it advertises firearms or ammunition.
    SaysFirearms says_firearms: bool;
    /// Whether it advertises vaping.
    SaysVaping says_vaping: bool;
    /// Whether it advertises alcohol.
    SaysAlcohol says_alcohol: bool;
    /// Whether it advertises tobacco.
    SaysTobacco says_tobacco: bool;
    /// Whether it reads like phishing.
    SaysPhishing says_phishing: bool;
    /// Whether it is adult content.
    SaysAdult says_adult: bool;
    /// Whether it is hateful.
    SaysHate says_hate: bool;
    /// Which sector's law the tenant is under.
    Sector sector: Sector;
    /// Whether the patient's wish for plain messages is on record.
    PlainPreferred plain_preferred: bool;
    /// Whether the text is nothing but a pointer to the portal.
    PortalOnly portal_only: bool;
    /// Whether every carrier on the route signed a business associate agreement.
    CarrierBaa carrier_baa: bool;
    /// Whether the campaign is registered with a number pool.
    CampaignNumberPool campaign_number_pool: bool;
    /// Whether the recipient is on a suppression list of the tenant's or the operator's own.
    OnOwnList on_own_list: bool;
    /// Where the message stands with the tenant's supervisors.
    Supervision supervision: Supervision;
    /// How many hours ago, begun ones counted, the recipient last wrote to this sender; 10000 if that is longer ago, or never was.
    LastInboundHours last_inbound_hours: u32;
    /// For how many hours after somebody wrote an answer is an answer.
    ConversationHours conversation_hours: u32;
}

impl Fact {
    /// The fact of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fact| fact.name() == name)
    }

    /// The value as a rule would write it.
    pub fn show(self, value: Value) -> String {
        match (value, self.kind()) {
            (Value::Bool(truth), _) => truth.to_string(),
            (Value::Int(number), _) => number.to_string(),
            (Value::Word(position), Kind::Word(words)) => {
                words.get(usize::from(position)).copied().unwrap_or("unknown").to_owned()
            }
            _ => "unknown".to_owned(),
        }
    }
}

impl Facts {
    /// What the message itself says. Consent and the sender's owner aren't in it: they stay unknown.
    pub fn of(message: &Message, now: Timestamp) -> Self {
        let to_nanp = matches!(&message.to, Address::E164(number) if number.is_nanp());
        Self {
            now,
            direction: Some(message.direction),
            category: Some(message.category),
            origin: Some(OriginKind::from(&message.origin)),
            sender_kind: Some(message.from.kind()),
            recipient_kind: Some(message.to.kind()),
            recipient_nanp: Some(to_nanp),
            from_equals_to: Some(message.from == message.to),
            segments: Some(message.segments.into()),
            text_length: Some(u32::try_from(message.body.text.chars().count()).unwrap_or(u32::MAX)),
            has_media: Some(!message.body.media_urls.is_empty()),
            has_campaign: Some(message.campaign.is_some()),
            depth: Some(message.depth.into()),
            channel: Some(if message.body.media_urls.is_empty() { Channel::Sms } else { Channel::Mms }),
            sender_type: match message.from.kind() {
                AddressKind::ShortCode => Some(SenderType::ShortCode),
                AddressKind::Alphanumeric => Some(SenderType::Alphanumeric),
                // Which +1 numbers are toll-free is in a table.
                AddressKind::E164 => None,
            },
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_begins_unknown_and_can_be_set_and_read() {
        for &fact in Fact::ALL {
            let mut facts = Facts::default();
            assert_eq!(facts.get(fact), Value::Unknown);
            let (right, wrong) = match fact.kind() {
                Kind::Bool => (Value::Bool(true), Value::Int(1)),
                Kind::Int => (Value::Int(1), Value::Int(-1)),
                Kind::Word(words) => (Value::Word(words.len() as u8 - 1), Value::Word(words.len() as u8)),
            };
            assert_eq!(facts.flat().get(fact), None);
            assert!(facts.set(fact, right) && !facts.set(fact, wrong));
            assert_eq!(facts.get(fact), right, "{}", fact.name());
            assert_eq!(Value::from_stored(facts.flat().get(fact), fact.kind()), right, "{}", fact.name());
            assert_eq!(Fact::named(fact.name()), Some(fact));
        }
    }

    fn message() -> Message {
        let chance = signalbox_model::Chance::seeded(1);
        let now = Timestamp::from_millis(1_000);
        Message {
            id: signalbox_model::MessageId::new(now, signalbox_model::Partition::new(0), &chance),
            conversation: signalbox_model::ConversationId::from_bytes([0; 16]),
            tenant: "acme".parse().unwrap(),
            direction: Direction::Outbound,
            from: "72345".parse().unwrap(),
            to: "+14155550123".parse().unwrap(),
            body: signalbox_model::Body { text: "né".into(), media_urls: vec![] },
            original: None,
            category: Category::Otp,
            campaign: Some("C1".into()),
            tags: vec![],
            callback_url: None,
            accepted_at: now,
            send_at: None,
            expires_at: Timestamp::MAX,
            encoding: signalbox_model::Encoding::Gsm7,
            segments: 1,
            origin: signalbox_model::Origin::Keyword,
            depth: 2,
            veil: Default::default(),
        }
    }

    #[test]
    fn a_message_says_everything_but_consent_and_owner() {
        let facts = Facts::of(&message(), Timestamp::EPOCH);
        let known = Fact::ALL.iter().filter(|fact| facts.get(**fact) != Value::Unknown);
        let shown: Vec<_> = known.map(|fact| fact.show(facts.get(*fact))).collect();
        assert_eq!(shown.join(" "), "outbound otp keyword short_code e164 true false 1 2 false true 2 sms short_code");
    }
}
