//! What a person allows, and how one word after another changes it.
//!
//! The last consent that was given, and for each reach the last revocation: each the latest by the time at which it was
//! said. So changes lead to the same state in whatever order they come, and a list of old consents can't undo a later
//! STOP. Of one instant, the revocation counts.

use serde::{Deserialize, Serialize};
use signalbox_model::conversation::stable_hash;
use signalbox_model::{
    Address, Category, Conversation, ConversationId, KeyId, MessageId, Partition, TenantId, Timestamp,
};

/// What a person can be asked for: the sender that they wrote to, or the campaign to which senders belong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Program {
    /// One of the tenant's senders.
    Sender(Address),
    /// One of the tenant's campaigns, whichever of its numbers sends.
    Campaign(String),
}

/// Where the consent of (tenant, program, person) lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConsentId(pub(crate) [u8; 16]);

/// A person, within a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PersonId(pub(crate) [u8; 16]);

impl ConsentId {
    /// Of these three.
    pub fn new(tenant: &TenantId, program: &Program, person: &Address) -> Self {
        match program {
            Program::Sender(ours) => {
                let (ours, theirs) = (ours.clone(), person.clone());
                Self::of_sender(Conversation { tenant: tenant.clone(), ours, theirs }.id())
            }
            Program::Campaign(campaign) => Self::of_campaign(tenant, campaign, person),
        }
    }

    /// A sender's is its conversation's id, so that both live in the same partition and a STOP and what it does are one
    /// commit.
    pub(crate) fn of_sender(conversation: ConversationId) -> Self {
        Self(*conversation.as_bytes())
    }

    pub(crate) fn of_campaign(tenant: &TenantId, campaign: &str, person: &Address) -> Self {
        let (tenant, campaign) = (tenant.as_str().as_bytes(), campaign.as_bytes());
        Self(person.with_text(|person| stable_hash(&[b"campaign consent", tenant, campaign, person.as_bytes()])))
    }

    /// Where it lives.
    pub fn partition(&self, count: u16) -> Partition {
        Partition::of_hash(&self.0, count)
    }
}

impl PersonId {
    /// Of these two.
    pub fn new(tenant: &TenantId, person: &Address) -> Self {
        let tenant = tenant.as_str().as_bytes();
        Self(person.with_text(|person| stable_hash(&[b"consent person", tenant, person.as_bytes()])))
    }
}

/// How much a person allows. Later ones include earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Nothing is on record, or it was taken back.
    None,
    /// Prior express consent: the person asked for messages or gave the number for them.
    Express,
    /// Prior express written consent: signed, and clear about advertisement (47 CFR 64.1200(f)(9)).
    ExpressWritten,
}

impl Level {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Express => "express",
            Self::ExpressWritten => "express_written",
        }
    }

    /// A level that can be given, by its name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Express, Self::ExpressWritten].into_iter().find(|level| level.as_str() == name)
    }
}

/// How far a revocation reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reach {
    /// The program: this sender, or this campaign.
    Program,
    /// Every sender of a campaign.
    Campaign(String),
    /// One category, from every sender of the tenant.
    Category(Category),
    /// Everything from the tenant.
    All,
}

/// By whose word something changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// The person's own, in a message.
    Keyword {
        /// The keyword, or the phrase in the words of the lists.
        word: String,
        /// The inbound message.
        message: MessageId,
    },
    /// The tenant's, over the API.
    Api {
        /// With this key.
        key: KeyId,
    },
    /// A list that was brought along.
    Import {
        /// Which, in the tenant's words.
        name: String,
        /// With this key.
        key: KeyId,
    },
    /// A carrier's: it says that the number isn't this person's any more.
    Carrier {
        /// Which.
        carrier: String,
    },
}

/// A consent that was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// How much.
    pub level: Level,
    /// When the person gave it.
    pub at: Timestamp,
    /// How it was obtained, in the tenant's words: `web form`, `paper`, `keyword`.
    pub method: String,
    /// Where the proof is: a document's number, a URL.
    pub proof: Option<String>,
    /// By whose word it is on record.
    pub by: By,
}

/// A consent that was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// How far it reaches.
    pub reach: Reach,
    /// By whose word.
    pub by: By,
}

/// One change: a line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Given.
    Granted(Grant),
    /// Taken back.
    Revoked(Revocation),
}

impl Change {
    /// When it was said.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Granted(grant) => grant.at,
            Self::Revoked(revocation) => revocation.at,
        }
    }

    /// By whose word.
    pub fn by(&self) -> &By {
        match self {
            Self::Granted(grant) => &grant.by,
            Self::Revoked(revocation) => &revocation.by,
        }
    }
}

/// What (tenant, program, person) come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The last consent given.
    pub granted: Option<Grant>,
    /// The last revocation of each reach, newest last.
    pub revoked: Vec<Revocation>,
}

impl Standing {
    /// With one more change. In whatever order changes come, they lead to the same.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Granted(grant) => {
                let newer = |known: &Grant| (known.at, known.level) < (grant.at, grant.level);
                if self.granted.as_ref().is_none_or(newer) {
                    self.granted = Some(grant.clone());
                }
            }
            Change::Revoked(revocation) => keep_newest(&mut self.revoked, revocation),
        }
    }

    /// With the changes that are behind another standing.
    pub fn merge(&mut self, other: &Self) {
        other.granted.iter().for_each(|grant| self.apply(&Change::Granted(grant.clone())));
        other.revoked.iter().for_each(|revocation| keep_newest(&mut self.revoked, revocation));
    }

    /// When the last consent was given, if one was.
    pub fn granted_at(&self) -> Option<Timestamp> {
        self.granted.as_ref().map(|grant| grant.at)
    }

    /// The revocation that stands in the way of `category`, if one does; the newest of several.
    pub fn revocation(&self, category: Category) -> Option<&Revocation> {
        self.standing_revocations().filter(|revocation| revocation.reach.covers(category)).last()
    }

    /// The revocations that no later consent lifts, newest last.
    pub fn standing_revocations(&self) -> impl Iterator<Item = &Revocation> {
        let granted = self.granted_at();
        self.revoked.iter().filter(move |revocation| granted.is_none_or(|granted| granted <= revocation.at))
    }

    /// How much is allowed for `category`.
    pub fn level(&self, category: Category) -> Level {
        match &self.granted {
            Some(grant) if self.revocation(category).is_none() => grant.level,
            _ => Level::None,
        }
    }
}

/// Keeps the newest revocation of each reach, newest last.
pub(crate) fn keep_newest(revoked: &mut Vec<Revocation>, revocation: &Revocation) {
    match revoked.iter().position(|known| known.reach == revocation.reach) {
        Some(known) if revoked[known].at >= revocation.at => return,
        Some(known) => drop(revoked.remove(known)),
        None => {}
    }
    let place = revoked.partition_point(|known| known.at <= revocation.at);
    revoked.insert(place, revocation.clone());
}

impl Reach {
    /// Is `category` among what it reaches, within its program?
    pub fn covers(&self, category: Category) -> bool {
        match self {
            Self::Program | Self::Campaign(_) | Self::All => true,
            Self::Category(one) => *one == category,
        }
    }

    /// Does it reach past the program to which it was said: to this category and campaign?
    pub fn covers_elsewhere(&self, category: Category, campaign: Option<&str>) -> bool {
        match self {
            Self::Program => false,
            Self::Campaign(one) => campaign == Some(one),
            Self::Category(one) => *one == category,
            Self::All => true,
        }
    }

    /// Does it cover every category of its program?
    pub fn is_whole(&self) -> bool {
        !matches!(self, Self::Category(_))
    }

    /// The category, where it reaches one.
    pub fn category(&self) -> Option<Category> {
        match self {
            Self::Category(category) => Some(*category),
            Self::Program | Self::Campaign(_) | Self::All => None,
        }
    }

    /// The name in the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Campaign(_) => "campaign",
            Self::Category(_) => "category",
            Self::All => "all",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api() -> By {
        By::Api { key: KeyId::from_bytes([2; 16]) }
    }

    fn grant(level: Level, ms: u64) -> Change {
        let at = Timestamp::from_millis(ms);
        Change::Granted(Grant { level, at, method: "web form".to_owned(), proof: None, by: api() })
    }

    fn revoke(reach: Reach, ms: u64) -> Change {
        Change::Revoked(Revocation { at: Timestamp::from_millis(ms), reach, by: api() })
    }

    fn standing(changes: &[Change]) -> Standing {
        let mut standing = Standing::default();
        changes.iter().for_each(|change| standing.apply(change));
        standing
    }

    #[test]
    fn the_last_word_counts_in_whatever_order_words_come() {
        let words = [grant(Level::Express, 1), revoke(Reach::Program, 2), grant(Level::ExpressWritten, 3)];
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for order in orders {
            let standing = standing(&order.map(|n| words[n].clone()));
            assert_eq!(standing.level(Category::Marketing), Level::ExpressWritten, "{order:?}");
        }
    }

    #[test]
    fn an_old_consent_undoes_no_later_stop_and_a_tie_is_a_stop() {
        for (given, revoked) in [(1, 2), (2, 2)] {
            let standing = standing(&[revoke(Reach::Program, revoked), grant(Level::ExpressWritten, given)]);
            assert!(standing.revocation(Category::Otp).is_some() && standing.level(Category::Otp) == Level::None);
        }
        assert!(standing(&[revoke(Reach::Program, 1), grant(Level::Express, 2)]).revocation(Category::Otp).is_none());
    }

    #[test]
    fn a_category_can_be_revoked_alone() {
        let standing = standing(&[grant(Level::ExpressWritten, 1), revoke(Reach::Category(Category::Marketing), 2)]);
        assert_eq!(standing.level(Category::Marketing), Level::None);
        assert_eq!(standing.level(Category::Transactional), Level::ExpressWritten);
    }

    #[test]
    fn a_narrower_revocation_doesnt_replace_a_wider_one() {
        let (marketing, otp) = (Reach::Category(Category::Marketing), Reach::Category(Category::Otp));
        let both = standing(&[revoke(marketing.clone(), 1), revoke(otp.clone(), 2)]);
        assert!(both.revocation(Category::Marketing).is_some() && both.revocation(Category::Otp).is_some());
        let wide = standing(&[revoke(otp, 3), revoke(Reach::Program, 2), revoke(marketing, 1)]);
        assert!(wide.revocation(Category::Conversational).is_some());
        assert_eq!(wide.revoked.iter().map(|r| r.at.as_millis()).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn a_senders_consent_lives_with_its_conversation() {
        let (tenant, person): (TenantId, Address) = ("acme".parse().unwrap(), "+15550199001".parse().unwrap());
        let ours: Address = "+15550100001".parse().unwrap();
        let sender = ConsentId::new(&tenant, &Program::Sender(ours.clone()), &person);
        let conversation = Conversation { tenant: tenant.clone(), ours, theirs: person.clone() };
        assert_eq!(sender.partition(64), conversation.id().partition(64));
        let campaign = |id: &str| ConsentId::new(&tenant, &Program::Campaign(id.to_owned()), &person);
        assert!(campaign("C1") != campaign("C2") && campaign("C1") != sender);
    }
}
