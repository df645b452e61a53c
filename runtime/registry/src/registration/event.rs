//! What The Campaign Registry tells: one JSON object an event. Events come twice and out of order, so each says of which
//! kind it is, and nothing that is older than what was taken in of that kind changes anything.

use std::collections::BTreeMap;

use serde::Deserialize;
use signalbox_model::Timestamp;

use super::object::{Brand, Campaign};
use super::status::{BrandStatus, CampaignStatus, CarrierStatus, Life, Network, Operation};

/// An event, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What whoever relays it calls it: the same each time that it is told. None if it isn't said.
    pub id: Option<String>,
    /// Its type, such as `CAMPAIGN_DCA_COMPLETE`.
    pub event: String,
    /// When it happened.
    pub at: Timestamp,
    /// The brand's id with the registry.
    pub brand_id: Option<String>,
    /// The brand's name at whoever registered it: `tenant/name`.
    pub brand_reference: Option<String>,
    /// The campaign's id with the registry.
    pub campaign_id: Option<String>,
    /// The campaign's name at whoever registered it: `tenant/name`.
    pub campaign_reference: Option<String>,
    /// How sure the registry is of the brand.
    pub identity: Option<BrandStatus>,
    /// The brand's score.
    pub score: Option<u8>,
    /// The carrier, where one is named that we tell apart; [`Network::Other`] for another.
    pub network: Option<Network>,
}

/// Why a body isn't an event. Repeats nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It isn't a JSON object.
    #[error("the body isn't a JSON object with text fields")]
    NotJson,
    /// There is no type.
    #[error("`eventType` is missing")]
    NoType,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    event_type: Option<String>,
    brand_id: Option<String>,
    brand_reference_id: Option<String>,
    brand_identity_status: Option<String>,
    campaign_id: Option<String>,
    campaign_reference_id: Option<String>,
    description: Option<String>,
    mno_name: Option<String>,
    mno: Option<String>,
    score: Option<serde_json::Value>,
    vetting_score: Option<serde_json::Value>,
    event_time: Option<String>,
    timestamp: Option<String>,
}

/// Bytes of a field that is kept; the registry's own are far shorter.
const MAX_BYTES: usize = 256;

impl Event {
    /// Reads a body. It happened when it says so (`eventTime`, `timestamp`), or else when it was sent.
    pub fn read(bytes: &[u8], sent_at: Timestamp) -> Result<Self, Unread> {
        let body: Body = serde_json::from_slice(bytes).map_err(|_| Unread::NotJson)?;
        let short = |text: Option<String>| text.filter(|text| !text.is_empty() && text.len() <= MAX_BYTES);
        let event = short(body.event_type).ok_or(Unread::NoType)?;
        let time = body.event_time.or(body.timestamp).and_then(|text| Timestamp::parse_rfc3339(&text));
        let score = body.score.or(body.vetting_score).and_then(|score| match score {
            serde_json::Value::Number(number) => number.as_u64(),
            serde_json::Value::String(text) => text.parse().ok(),
            _ => None,
        });
        let named = body.mno_name.or(body.mno).map(|name| Network::named(&name).unwrap_or(Network::Other));
        Ok(Self {
            id: None,
            at: time.map_or(sent_at, |time| time.min(sent_at)),
            network: named.or_else(|| body.description.as_deref().and_then(mentioned)),
            identity: body.brand_identity_status.as_deref().and_then(BrandStatus::of_identity),
            score: score.and_then(|score| u8::try_from(score).ok()).filter(|score| *score <= 100),
            brand_id: short(body.brand_id),
            brand_reference: short(body.brand_reference_id),
            campaign_id: short(body.campaign_id),
            campaign_reference: short(body.campaign_reference_id),
            event,
        })
    }

    /// With the name by which it is told again.
    #[must_use]
    pub fn called(self, id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..self }
    }

    /// Is it about a campaign, rather than about a brand?
    pub(super) fn is_about_campaign(&self) -> bool {
        self.event.starts_with("CAMPAIGN_") || self.event.starts_with("MNO_")
    }

    fn operation(&self) -> Option<Operation> {
        Some(match self.event.strip_prefix("MNO_CAMPAIGN_OPERATION_")? {
            "APPROVED" => Operation::Approved,
            "REJECTED" => Operation::Rejected,
            "REVIEW" => Operation::Review,
            "SUSPENDED" => Operation::Suspended,
            "UNSUSPENDED" => Operation::Unsuspended,
            _ => return None,
        })
    }
}

/// A carrier that a description speaks of.
fn mentioned(description: &str) -> Option<Network> {
    let text = description.to_ascii_lowercase();
    let names = [
        ("at&t", Network::Att),
        ("t-mobile", Network::Tmobile),
        ("tmobile", Network::Tmobile),
        ("verizon", Network::Verizon),
        ("us cellular", Network::Uscellular),
        ("u.s. cellular", Network::Uscellular),
    ];
    names.into_iter().find(|(name, _)| text.contains(name)).map(|(_, network)| network)
}

/// Up to when events of each kind were taken in.
pub(super) type Marks = BTreeMap<String, Timestamp>;

/// Is an event of this kind news? One of the same instant is if it is `stricter` than what stands.
fn is_news(marks: &mut Marks, kind: &str, at: Timestamp, stricter: bool) -> bool {
    let news = match marks.get(kind) {
        Some(mark) => at > *mark || (at == *mark && stricter),
        None => true,
    };
    if news {
        marks.insert(kind.to_owned(), at);
    }
    news
}

const OLD: &str = "older than what was taken in, or the same again";

/// What an event makes of a brand; why it makes nothing of it.
pub(super) fn apply_to_brand(event: &Event, brand: &mut Brand, marks: &mut Marks) -> Result<(), String> {
    let to_status = match event.event.as_str() {
        "BRAND_ADD" | "BRAND_UPDATE" | "BRAND_REVET" | "BRAND_IDENTITY_STATUS_UPDATE" | "BRAND_APPEAL_COMPLETE" => {
            event.identity
        }
        "BRAND_DELETE" => Some(BrandStatus::Unregistered),
        _ => None,
    };
    if let Some(id) = &event.brand_id {
        brand.tcr_id.get_or_insert_with(|| id.clone());
    }
    let to_score = match event.event.as_str() {
        "BRAND_SCORE_UPDATE" | "EVP_REPORT_SCORE" | "EVP_REPORT_UPDATE" | "EVP_REPORT_IMPORT" => event.score.map(Some),
        "EVP_REPORT_UNSCORE" | "EVP_REPORT_EXPIRE" => Some(None),
        _ => None,
    };
    if to_status.is_none() && to_score.is_none() {
        return Err("kept; it says nothing of status or score".to_owned());
    }
    if let Some(status) = to_status {
        let next = brand.status.become_next(status).map_err(|illegal| illegal.to_string())?;
        if !is_news(marks, "identity", event.at, next < brand.status) {
            return Err(OLD.to_owned());
        }
        brand.status = next;
    }
    if let Some(score) = to_score {
        if !is_news(marks, "score", event.at, score < brand.score) {
            return Err(OLD.to_owned());
        }
        brand.score = score;
    }
    Ok(())
}

/// What an event makes of a campaign; why it makes nothing of it.
pub(super) fn apply_to_campaign(event: &Event, campaign: &mut Campaign, marks: &mut Marks) -> Result<(), String> {
    if let Some(id) = &event.campaign_id {
        campaign.tcr_id.get_or_insert_with(|| id.clone());
    }
    if let Some(operation) = event.operation() {
        return operate(event, operation, campaign, marks);
    }
    let next = match event.event.as_str() {
        // An event that says no time is as old as it looks: one of these that comes again must not undo what came since.
        "CAMPAIGN_ADD" if marks.contains_key("campaign") => return Err(OLD.to_owned()),
        "CAMPAIGN_RESUBMISSION" if campaign.status == CampaignStatus::Active => {
            return Err("the campaign is active: nothing of it was submitted again".to_owned());
        }
        "CAMPAIGN_ADD" | "CAMPAIGN_RESUBMISSION" => CampaignStatus::Pending,
        "CAMPAIGN_DCA_COMPLETE" => CampaignStatus::Active,
        "CAMPAIGN_EXPIRED" => CampaignStatus::Expired,
        _ => return Err("kept; it says nothing of a status".to_owned()),
    };
    let next = campaign.status.become_next(next).map_err(|illegal| illegal.to_string())?;
    if !is_news(marks, "campaign", event.at, next > campaign.status) {
        return Err(OLD.to_owned());
    }
    if next == CampaignStatus::Pending && campaign.status != next {
        campaign.pending_since = event.at;
    }
    campaign.dca_complete = match next {
        CampaignStatus::Active => true,
        CampaignStatus::Pending => false,
        _ => campaign.dca_complete,
    };
    campaign.status = next;
    Ok(())
}

/// An event that names no carrier is about all of them; but a refusal is lifted by the carrier's own name alone.
fn operate(event: &Event, operation: Operation, campaign: &mut Campaign, marks: &mut Marks) -> Result<(), String> {
    let next = CarrierStatus::after(operation);
    let (mut any, mut why) = (false, OLD.to_owned());
    for (network, status) in Network::ALL.iter().zip(&mut campaign.carriers) {
        let named = event.network == Some(*network);
        let meant = match event.network {
            Some(_) => named,
            None if operation == Operation::Approved => status.strictness() <= CarrierStatus::Review.strictness(),
            None if operation == Operation::Unsuspended => *status == CarrierStatus::Suspended,
            None => true,
        };
        if !meant {
            continue;
        }
        // What was suspended isn't good again before the suspension is taken back, however late an approval comes.
        if let Err(illegal) = status.become_next(next) {
            why = illegal.to_string();
            continue;
        }
        let kind = format!("carrier {}", network.as_str());
        if is_news(marks, &kind, event.at, next.strictness() > status.strictness()) {
            *status = next;
            any = true;
        }
    }
    if any { Ok(()) } else { Err(why) }
}
