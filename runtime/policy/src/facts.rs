//! What rules decide on: a fixed schema. A fact that isn't known is `None`, and rules say what they make of that.

use signalbox_model::{Address, AddressKind, Category, Direction, Message, Origin, Timestamp};

/// A fact's type, as rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A fact's value, as rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Nobody said.
    Unknown,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// The position of a word in its [`Kind::Word`].
    Word(u8),
}

/// A Rust type that a fact can have.
pub trait Known: Copy {
    /// What rules see it as.
    const KIND: Kind;
    /// The value that rules see.
    fn value(self) -> Value;
    /// The other way; `None` when it isn't one.
    fn from_value(value: Value) -> Option<Self>;
}

impl Known for bool {
    const KIND: Kind = Kind::Bool;

    fn value(self) -> Value {
        Value::Bool(self)
    }

    fn from_value(value: Value) -> Option<Self> {
        if let Value::Bool(truth) = value { Some(truth) } else { None }
    }
}

impl Known for u32 {
    const KIND: Kind = Kind::Int;

    fn value(self) -> Value {
        Value::Int(self.into())
    }

    fn from_value(value: Value) -> Option<Self> {
        if let Value::Int(number) = value { number.try_into().ok() } else { None }
    }
}

/// Who made the message; [`Origin`] without its particulars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OriginKind {
    /// The HTTP API.
    Api,
    /// A tenant's handler.
    Handler,
    /// The host's own answer to STOP, HELP or START.
    Keyword,
    /// A carrier.
    Carrier,
}

impl From<&Origin> for OriginKind {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::Api { .. } => Self::Api,
            Origin::Handler { .. } => Self::Handler,
            Origin::Keyword => Self::Keyword,
            Origin::Carrier { .. } => Self::Carrier,
        }
    }
}

macro_rules! words {
    ($type:ty: $($value:path = $word:literal),*) => {
        impl Known for $type {
            const KIND: Kind = Kind::Word(&[$($word),*]);

            fn value(self) -> Value {
                let all = [$($value),*];
                Value::Word(all.iter().position(|v| *v == self).map_or(u8::MAX, |i| i as u8))
            }

            fn from_value(value: Value) -> Option<Self> {
                let Value::Word(position) = value else { return None };
                [$($value),*].get(usize::from(position)).copied()
            }
        }
    };
}

words!(Direction: Direction::Outbound = "outbound", Direction::Inbound = "inbound");
words!(Category:
    Category::Transactional = "transactional",
    Category::Marketing = "marketing",
    Category::Otp = "otp",
    Category::Conversational = "conversational");
words!(OriginKind:
    OriginKind::Api = "api",
    OriginKind::Handler = "handler",
    OriginKind::Keyword = "keyword",
    OriginKind::Carrier = "carrier");
words!(AddressKind:
    AddressKind::E164 = "e164",
    AddressKind::ShortCode = "short_code",
    AddressKind::Alphanumeric = "alphanumeric");

macro_rules! facts {
    ($(#[doc = $doc:literal] $variant:ident $name:ident: $type:ty;)*) => {
        /// The name of a fact.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
            $(#[doc = $doc] pub $name: Option<$type>,)*
        }

        impl Facts {
            /// What rules see.
            pub fn get(&self, fact: Fact) -> Value {
                match fact { $(Fact::$variant => self.$name.map_or(Value::Unknown, Known::value),)* }
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
    /// How many handlers' sends led to it; 0 from the API.
    Depth depth: u32;
}

impl Fact {
    /// The fact of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fact| fact.name() == name)
    }

    /// The value as a rule would write it.
    pub(crate) fn show(self, value: Value) -> String {
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
            opted_out: None,
            sender_owned: None,
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
            assert!(facts.set(fact, right) && !facts.set(fact, wrong));
            assert_eq!(facts.get(fact), right, "{}", fact.name());
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
            origin: Origin::Keyword,
            depth: 2,
        }
    }

    #[test]
    fn a_message_says_everything_but_consent_and_owner() {
        let facts = Facts::of(&message(), Timestamp::EPOCH);
        let shown: Vec<_> = Fact::ALL.iter().map(|fact| fact.show(facts.get(*fact))).collect();
        let expected = "outbound otp keyword unknown short_code unknown e164 true false 1 2 false true 2";
        assert_eq!(shown.join(" "), expected);
    }
}
