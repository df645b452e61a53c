//! A message as a case writes it.

use serde::Deserialize;
use signalbox_model::{
    Address, Body, Category, Chance, Conversation, Direction, Encoding, KeyId, Message, MessageId, Origin, Partition,
    TenantId, Timestamp,
};

use crate::content::Declared;
use crate::place::Known;
use crate::policies::About;
use crate::rules::Whose;

/// What is said of a message; what isn't is ordinary.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    tenant: Option<String>,
    campaign: Option<String>,
    from: Option<String>,
    to: Option<String>,
    text: Option<String>,
    media: Option<Vec<String>>,
    category: Option<String>,
    segments: Option<u8>,
    at: Option<String>,
    pub(super) brand: Option<String>,
    pub(super) portal: Option<String>,
    domains: Option<Vec<String>>,
    zone: Option<String>,
    zip: Option<String>,
}

/// When cases take place that don't say.
pub(super) const NOW: &str = "2026-11-23T18:00:00Z";

impl Draft {
    /// What is said here, and else there.
    pub(super) fn over(&self, base: &Self) -> Self {
        let own = self.clone();
        let base = base.clone();
        Self {
            tenant: own.tenant.or(base.tenant),
            campaign: own.campaign.or(base.campaign),
            from: own.from.or(base.from),
            to: own.to.or(base.to),
            text: own.text.or(base.text),
            media: own.media.or(base.media),
            category: own.category.or(base.category),
            segments: own.segments.or(base.segments),
            at: own.at.or(base.at),
            brand: own.brand.or(base.brand),
            portal: own.portal.or(base.portal),
            domains: own.domains.or(base.domains),
            zone: own.zone.or(base.zone),
            zip: own.zip.or(base.zip),
        }
    }

    /// What is wrong with it.
    pub(super) fn complaint(&self) -> Option<String> {
        let address = |name: &str, value: &Option<String>| {
            value.as_ref()?.parse::<Address>().err().map(|error| format!("`{name}` {error}"))
        };
        let category = self.category.as_ref().filter(|name| category(name).is_none());
        let at = self.at.as_ref().filter(|at| Timestamp::parse_rfc3339(at).is_none());
        let tenant = self.tenant.as_ref().filter(|name| name.parse::<TenantId>().is_err());
        address("from", &self.from)
            .or_else(|| address("to", &self.to))
            .or_else(|| category.map(|name| format!("`category` is never \"{name}\"")))
            .or_else(|| tenant.map(|name| format!("`tenant` can't be \"{name}\"")))
            .or_else(|| at.map(|at| format!("`at` is \"{at}\", which isn't a time such as {NOW}")))
    }

    pub(super) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or("Hello.")
    }

    /// The message and when it is looked at.
    pub(super) fn message(&self) -> (Message, Timestamp) {
        let read = |text: &Option<String>, ordinary: &str| {
            let address = text.as_deref().unwrap_or(ordinary).parse::<Address>();
            address.expect("addresses were read when the case was")
        };
        let at = self.at.as_deref().unwrap_or(NOW);
        let now = Timestamp::parse_rfc3339(at).expect("the time was read when the case was");
        let tenant: TenantId =
            self.tenant.as_deref().unwrap_or("acme").parse().expect("the tenant was read with the case");
        let (from, to) = (read(&self.from, "+13055550100"), read(&self.to, "+12125550123"));
        let text = self.text().to_owned();
        let chance = Chance::seeded(1);
        let conversation = Conversation { tenant: tenant.clone(), ours: from.clone(), theirs: to.clone() };
        let segments = text.chars().count().div_ceil(if text.len() > 160 { 153 } else { 160 });
        let message = Message {
            id: MessageId::new(now, Partition::new(0), &chance),
            conversation: conversation.id(),
            tenant,
            direction: Direction::Outbound,
            from,
            to,
            body: Body { text, media_urls: self.media.clone().unwrap_or_default() },
            original: None,
            category: self.category.as_deref().and_then(category).unwrap_or_default(),
            campaign: self.campaign.clone(),
            tags: Vec::new(),
            callback_url: None,
            accepted_at: now,
            send_at: None,
            expires_at: Timestamp::MAX,
            encoding: Encoding::Gsm7,
            segments: self.segments.unwrap_or(u8::try_from(segments.max(1)).unwrap_or(u8::MAX)),
            origin: Origin::Api { key: KeyId::new(now, Partition::new(0), &chance) },
            depth: 0,
            veil: Default::default(),
        };
        (message, now)
    }

    pub(super) fn about(&self) -> About<'_> {
        About {
            declared: Declared { brand: self.brand.as_deref(), domains: self.domains.as_deref() },
            place: Known { zone: self.zone.as_deref(), zip: self.zip.as_deref() },
        }
    }

    pub(super) fn whose(&self) -> Whose<'_> {
        Whose { tenant: Some(self.tenant.as_deref().unwrap_or("acme")), campaign: self.campaign.as_deref() }
    }
}

fn category(name: &str) -> Option<Category> {
    Category::ALL.into_iter().find(|category| category.as_str() == name)
}
