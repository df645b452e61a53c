//! What is told of brands, campaigns and numbers, read field by field: the same from JSON, from a line of CSV, and from
//! a table of TOML.

use std::collections::BTreeMap;

use signalbox_model::{Address, AddressKind, Timestamp};

use super::object::{Brand, CARRIER_FIELDS, Campaign, Flags, Kind, Number, Object, ShortCode, TollFree};
use super::status::{
    BrandStatus, CampaignStatus, CarrierStatus, Entity, Life, NumberStatus, ShortCodeStatus, TollFreeStatus, UseCase,
};

/// Characters of a name.
const MAX_NAME: usize = 64;
/// Bytes of a text: what the registry takes for a sample or a description, with room.
const MAX_TEXT_BYTES: usize = 4_096;
/// Domains of a campaign.
const MAX_DOMAINS: usize = 100;

/// The fields that were given, each with its values in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(pub BTreeMap<String, Vec<String>>);

/// A field that can't be used, and why. Says no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Which.
    pub field: String,
    /// What is wrong and how to mend it.
    pub reason: String,
}

/// Whose word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// A tenant's: it declares, and can't say what carriers think of it.
    Tenant,
    /// The operator's.
    Operator,
}

/// Fields that say what the registry and carriers think; only the operator's word on them counts.
const STATUS_FIELDS: [&str; 11] = [
    "status",
    "score",
    "tcr_id",
    "dca_complete",
    "att_class",
    CARRIER_FIELDS[0],
    CARRIER_FIELDS[1],
    CARRIER_FIELDS[2],
    CARRIER_FIELDS[3],
    CARRIER_FIELDS[4],
    "carrier_status",
];

impl Kind {
    /// The fields of one of it, and whether each may hold several values.
    pub const fn form(self) -> &'static [(&'static str, bool)] {
        match self {
            Self::Brand => &[
                ("name", false),
                ("entity", false),
                ("tax_id", false),
                ("status", false),
                ("score", false),
                ("tcr_id", false),
            ],
            Self::Campaign => &[
                ("brand", false),
                ("use_case", false),
                ("sub_use_cases", true),
                ("description", false),
                ("samples", true),
                ("message_flow", false),
                ("help_message", false),
                ("embedded_link", false),
                ("embedded_phone", false),
                ("age_gated", false),
                ("direct_lending", false),
                ("affiliate_marketing", false),
                ("number_pool", false),
                ("subscriber_optin", false),
                ("subscriber_optout", false),
                ("subscriber_help", false),
                ("domains", true),
                ("status", false),
                ("dca_complete", false),
                ("carrier_status", false),
                (CARRIER_FIELDS[0], false),
                (CARRIER_FIELDS[1], false),
                (CARRIER_FIELDS[2], false),
                (CARRIER_FIELDS[3], false),
                (CARRIER_FIELDS[4], false),
                ("att_class", false),
                ("tcr_id", false),
            ],
            Self::Number => &[("campaign", false), ("status", false)],
            Self::TollFree => &[("business", false), ("description", false), ("status", false)],
            Self::ShortCode => &[("program", false), ("status", false)],
        }
    }
}

/// The most that the registry takes; it is the operator's tables that say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Numbers of a campaign without a number pool.
    pub numbers_without_pool: usize,
    /// Samples of a campaign.
    pub samples: usize,
    /// Sub-use cases of a campaign.
    pub sub_use_cases: usize,
}

/// Reads fields one by one; what is wrong is gathered.
struct Reading {
    most: Most,
    form: Form,
    wrong: Vec<Wrong>,
}

impl Reading {
    fn complain(&mut self, field: &str, reason: impl Into<String>) {
        self.wrong.push(Wrong { field: field.to_owned(), reason: reason.into() });
    }

    fn text(&mut self, field: &str) -> Option<String> {
        let values = self.form.0.remove(field)?;
        let text = values.into_iter().next().unwrap_or_default().trim().to_owned();
        if text.len() > MAX_TEXT_BYTES {
            self.complain(field, format!("has more than {MAX_TEXT_BYTES} bytes"));
        }
        (!text.is_empty()).then_some(text)
    }

    fn texts(&mut self, field: &str, most: usize) -> Option<Vec<String>> {
        let values = self.form.0.remove(field)?;
        let texts: Vec<String> =
            values.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect();
        if texts.len() > most {
            self.complain(field, format!("has {} entries; at most {most} are taken", texts.len()));
        }
        if texts.iter().any(|text| text.len() > MAX_TEXT_BYTES) {
            self.complain(field, format!("has an entry of more than {MAX_TEXT_BYTES} bytes"));
        }
        Some(texts)
    }

    fn needed(&mut self, field: &str, kept: Option<String>) -> String {
        let given = self.form.0.contains_key(field);
        match self.text(field).or(kept.filter(|_| !given)) {
            Some(text) => text,
            None => {
                self.complain(field, "is missing");
                String::new()
            }
        }
    }

    fn word<T>(&mut self, field: &str, words: &[&str], parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(field)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.complain(field, format!("is one of {}", words.join(", ")));
        }
        parsed
    }

    fn flag(&mut self, field: &str) -> Option<bool> {
        self.word(field, &["true", "false"], |text| match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "1" => Some(true),
            "false" | "no" | "n" | "0" => Some(false),
            _ => None,
        })
    }

    /// A status that may follow the one there is, or begin one that there wasn't.
    fn status<T: Life>(
        &mut self,
        field: &str,
        words: &[&str],
        parse: impl Fn(&str) -> Option<T>,
        known: Option<T>,
    ) -> Option<T> {
        let next = self.word(field, words, parse)?;
        let Some(known) = known else { return Some(next) };
        match known.become_next(next) {
            Ok(next) => Some(next),
            Err(illegal) => {
                self.complain(field, illegal.to_string());
                None
            }
        }
    }

    fn tcr_id(&mut self, letter: char, kept: Option<String>) -> Option<String> {
        let Some(id) = self.text("tcr_id") else { return kept };
        let rest = id.strip_prefix(letter).unwrap_or_default();
        if rest.len() != 6 || !rest.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) {
            self.complain("tcr_id", format!("is `{letter}` and six capital letters or digits"));
        }
        Some(id)
    }
}

/// What is to be on record under `id`: what was declared laid over what there was. All that is wrong is told.
pub fn declare(
    (kind, id): (Kind, &str),
    form: Form,
    before: Option<&Object>,
    authority: Authority,
    now: Timestamp,
    most: Most,
) -> Result<Object, Vec<Wrong>> {
    let mut reading = Reading { most, form, wrong: Vec::new() };
    check_id(&mut reading, kind, id);
    let known: Vec<&str> = kind.form().iter().map(|(name, _)| *name).collect();
    let given: Vec<String> = reading.form.0.keys().cloned().collect();
    for field in given {
        if !known.contains(&field.as_str()) {
            reading.complain(&field, format!("isn't known; there are {}", known.join(", ")));
        } else if authority == Authority::Tenant && STATUS_FIELDS.contains(&field.as_str()) {
            reading.complain(&field, "comes from the registry or from the operator; leave it out");
        }
    }
    let object = match (kind, before) {
        (Kind::Brand, Some(Object::Brand(known))) => Object::Brand(brand(&mut reading, Some(known))),
        (Kind::Brand, _) => Object::Brand(brand(&mut reading, None)),
        (Kind::Campaign, Some(Object::Campaign(known))) => {
            Object::Campaign(Box::new(campaign(&mut reading, Some(known), now)))
        }
        (Kind::Campaign, _) => Object::Campaign(Box::new(campaign(&mut reading, None, now))),
        (Kind::Number, Some(Object::Number(known))) => Object::Number(number(&mut reading, Some(known))),
        (Kind::Number, _) => Object::Number(number(&mut reading, None)),
        (Kind::TollFree, Some(Object::TollFree(known))) => Object::TollFree(toll_free(&mut reading, Some(known))),
        (Kind::TollFree, _) => Object::TollFree(toll_free(&mut reading, None)),
        (Kind::ShortCode, Some(Object::ShortCode(known))) => Object::ShortCode(short_code(&mut reading, Some(known))),
        (Kind::ShortCode, _) => Object::ShortCode(short_code(&mut reading, None)),
    };
    if authority == Authority::Tenant
        && let Some(field) = before.and_then(|before| touches_agreed(before, &object))
    {
        reading.complain(field, "was agreed to as it is; register another, or ask the operator");
    }
    if reading.wrong.is_empty() { Ok(object) } else { Err(reading.wrong) }
}

fn check_id(reading: &mut Reading, kind: Kind, id: &str) {
    let address = id.parse::<Address>().ok().map(|address| address.kind());
    match kind {
        Kind::Brand | Kind::Campaign => {
            let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if id.is_empty() || id.len() > MAX_NAME || !id.chars().all(legal) {
                reading.complain("id", format!("is 1 to {MAX_NAME} letters, digits, '-', '_' and '.'"));
            }
        }
        Kind::Number | Kind::TollFree if address != Some(AddressKind::E164) => {
            reading.complain("id", "is a number in E.164 form: + and digits");
        }
        Kind::ShortCode if address != Some(AddressKind::ShortCode) => {
            reading.complain("id", "is a short code: 3 to 8 digits");
        }
        Kind::Number | Kind::TollFree | Kind::ShortCode => {}
    }
}

/// The first field in which a tenant would change what somebody agreed to.
fn touches_agreed(before: &Object, after: &Object) -> Option<&'static str> {
    let fields: &[&str] = match before {
        Object::Brand(brand) if matches!(brand.status, BrandStatus::Verified | BrandStatus::Vetted) => {
            &["name", "entity", "tax_id"]
        }
        Object::Campaign(campaign) if campaign.is_agreed() => &[
            "brand",
            "use_case",
            "sub_use_cases",
            "embedded_link",
            "embedded_phone",
            "age_gated",
            "direct_lending",
            "affiliate_marketing",
            "number_pool",
            "domains",
        ],
        _ => return None,
    };
    let after = after.fields();
    let changed = before.fields().into_iter().zip(after).filter(|(old, new)| old.1 != new.1).map(|(old, _)| old.0);
    changed.into_iter().find(|field| fields.contains(field))
}

fn brand(reading: &mut Reading, known: Option<&Brand>) -> Brand {
    let name = reading.needed("name", known.map(|known| known.name.clone()));
    let entity = reading.word("entity", Entity::WORDS, Entity::parse).or(known.map(|known| known.entity));
    let entity = entity.unwrap_or_else(|| {
        reading.complain("entity", format!("is one of {}", Entity::WORDS.join(", ")));
        Entity::PrivateProfit
    });
    let tax_id = reading.text("tax_id").or(known.and_then(|known| known.tax_id.clone()));
    // One tax id is one, with and without its dashes.
    let tax_id = tax_id.map(|id| id.chars().filter(char::is_ascii_alphanumeric).collect());
    let was = known.map(|known| known.status);
    let status = reading.status("status", BrandStatus::WORDS, BrandStatus::parse, was);
    let score = reading.text("score").map(|score| score.parse::<u8>().ok().filter(|score| *score <= 100));
    if score == Some(None) {
        reading.complain("score", "is a whole number from 0 to 100");
    }
    Brand {
        name,
        entity,
        tax_id,
        status: status.or(was).unwrap_or(BrandStatus::SelfDeclared),
        score: score.flatten().or(known.and_then(|known| known.score)),
        tcr_id: reading.tcr_id('B', known.and_then(|known| known.tcr_id.clone())),
    }
}

fn campaign(reading: &mut Reading, known: Option<&Campaign>, now: Timestamp) -> Campaign {
    let kept = |text: fn(&Campaign) -> &String| known.map(text).cloned();
    let brand = reading.needed("brand", kept(|known| &known.brand));
    let use_case = reading.word("use_case", UseCase::WORDS, UseCase::parse).or(known.map(|known| known.use_case));
    let use_case = use_case.unwrap_or_else(|| {
        if !reading.wrong.iter().any(|wrong| wrong.field == "use_case") {
            reading.complain("use_case", "is missing");
        }
        UseCase::Mixed
    });
    let mut flags = known.map(|known| known.flags).unwrap_or_default();
    for (name, _) in Flags::default().all() {
        if let (Some(said), Some(flag)) = (reading.flag(name), flags.named(name)) {
            *flag = said;
        }
    }
    let was = known.map(|known| known.status);
    let status = reading.status("status", CampaignStatus::WORDS, CampaignStatus::parse, was);
    let status = status.or(was).unwrap_or(CampaignStatus::Pending);
    let mut carriers = known.map_or([CarrierStatus::Pending; 5], |known| known.carriers);
    let all = reading.word("carrier_status", CarrierStatus::WORDS, CarrierStatus::parse);
    for (field, carrier) in CARRIER_FIELDS.into_iter().zip(&mut carriers) {
        let was = known.map(|_| *carrier);
        let own = reading.status(field, CarrierStatus::WORDS, CarrierStatus::parse, was);
        *carrier = own.or(all).unwrap_or(*carrier);
    }
    let said = reading.flag("dca_complete");
    let pending = status == CampaignStatus::Pending;
    let begins = pending && was.is_some_and(|was| was != CampaignStatus::Pending);
    let domains = reading.texts("domains", MAX_DOMAINS);
    let domains = domains.map(|domains| domains.iter().map(|domain| domain.to_ascii_lowercase()).collect());
    Campaign {
        brand,
        use_case,
        sub_use_cases: sub_use_cases(reading).or(known.map(|known| known.sub_use_cases.clone())).unwrap_or_default(),
        description: reading.text("description").or(kept(|known| &known.description)).unwrap_or_default(),
        samples: reading
            .texts("samples", reading.most.samples)
            .or(known.map(|known| known.samples.clone()))
            .unwrap_or_default(),
        message_flow: reading.text("message_flow").or(kept(|known| &known.message_flow)).unwrap_or_default(),
        help_message: reading.text("help_message").or(kept(|known| &known.help_message)).unwrap_or_default(),
        flags,
        domains: domains.or(known.map(|known| known.domains.clone())).unwrap_or_default(),
        status,
        dca_complete: said.or(known.map(|known| known.dca_complete)).unwrap_or(false),
        carriers,
        pending_since: known.filter(|_| !begins).map_or(now, |known| known.pending_since),
        att_class: reading.text("att_class").or(known.and_then(|known| known.att_class.clone())),
        tcr_id: reading.tcr_id('C', known.and_then(|known| known.tcr_id.clone())),
    }
}

fn sub_use_cases(reading: &mut Reading) -> Option<Vec<UseCase>> {
    let words = reading.texts("sub_use_cases", reading.most.sub_use_cases)?;
    let read: Vec<UseCase> = words.iter().filter_map(|word| UseCase::parse(word)).collect();
    if read.len() != words.len() {
        reading.complain("sub_use_cases", format!("are some of {}", UseCase::WORDS.join(", ")));
    }
    Some(read)
}

fn number(reading: &mut Reading, known: Option<&Number>) -> Number {
    let campaign = reading.needed("campaign", known.map(|known| known.campaign.clone()));
    // In another campaign it begins anew.
    let was = known.filter(|known| known.campaign == campaign).map(|known| known.status);
    let again = |status: NumberStatus| match status {
        NumberStatus::Failed | NumberStatus::Deleted => NumberStatus::Pending,
        status => status,
    };
    let status = reading.status("status", NumberStatus::WORDS, NumberStatus::parse, was);
    Number { campaign, status: status.or(was.map(again)).unwrap_or(NumberStatus::Pending) }
}

fn toll_free(reading: &mut Reading, known: Option<&TollFree>) -> TollFree {
    let was = known.map(|known| known.status);
    let status = reading.status("status", TollFreeStatus::WORDS, TollFreeStatus::parse, was);
    TollFree {
        business: reading.needed("business", known.map(|known| known.business.clone())),
        description: reading.text("description").or(known.map(|known| known.description.clone())).unwrap_or_default(),
        status: status.or(was).unwrap_or(TollFreeStatus::Submitted),
    }
}

fn short_code(reading: &mut Reading, known: Option<&ShortCode>) -> ShortCode {
    let was = known.map(|known| known.status);
    let status = reading.status("status", ShortCodeStatus::WORDS, ShortCodeStatus::parse, was);
    ShortCode {
        program: reading.needed("program", known.map(|known| known.program.clone())),
        status: status.or(was).unwrap_or(ShortCodeStatus::Pending),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Form {
        let split = |text: &str| text.split('|').map(str::to_owned).collect();
        Form(fields.iter().map(|(name, text)| ((*name).to_owned(), split(text))).collect())
    }

    fn read(
        kind: Kind,
        id: &str,
        fields: &[(&str, &str)],
        before: Option<&Object>,
        authority: Authority,
    ) -> Result<Object, String> {
        let told = |wrong: Vec<Wrong>| {
            wrong.into_iter().map(|wrong| format!("{}: {}", wrong.field, wrong.reason)).collect::<Vec<_>>().join("; ")
        };
        let most = Most { numbers_without_pool: 49, samples: 5, sub_use_cases: 5 };
        declare((kind, id), form(fields), before, authority, Timestamp::EPOCH, most).map_err(told)
    }

    const CAMPAIGN: &[(&str, &str)] =
        &[("brand", "acme"), ("use_case", "MIXED"), ("sub_use_cases", "marketing|customer_care"), ("samples", "a|b")];

    #[test]
    fn a_tenant_declares_and_the_operator_says_where_it_stands() {
        let refused = read(Kind::Campaign, "c", &[CAMPAIGN, &[("status", "active")]].concat(), None, Authority::Tenant);
        assert!(refused.unwrap_err().contains("status: comes from the registry"));
        let declared = read(Kind::Campaign, "c", CAMPAIGN, None, Authority::Tenant).unwrap();
        assert_eq!(declared.status(), "pending");
        let said =
            [("status", "active"), ("dca_complete", "yes"), ("carrier_status", "approved"), ("att_status", "review")];
        let Object::Campaign(active) = read(Kind::Campaign, "c", &said, Some(&declared), Authority::Operator).unwrap()
        else {
            panic!()
        };
        assert!(active.dca_complete && active.strictest() == CarrierStatus::Review);
        assert_eq!((active.samples.len(), active.sub_use_cases.len()), (2, 2));
        let before = Object::Campaign(active);
        let changed = read(Kind::Campaign, "c", &[("embedded_link", "true")], Some(&before), Authority::Tenant);
        assert!(changed.unwrap_err().contains("embedded_link: was agreed to"));
        assert!(read(Kind::Campaign, "c", CAMPAIGN, Some(&before), Authority::Tenant).is_ok());
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let fields = [("entity", "club"), ("score", "101"), ("tcr_id", "C123456"), ("colour", "red")];
        let told = read(Kind::Brand, "a b", &fields, None, Authority::Operator).unwrap_err();
        for part in
            ["id: ", "colour: isn't known", "name: is missing", "entity: is one of", "score: ", "tcr_id: is `B`"]
        {
            assert!(told.contains(part), "{part} isn't in: {told}");
        }
        assert!(
            read(Kind::Number, "72345", &[("campaign", "c")], None, Authority::Tenant).unwrap_err().contains("E.164")
        );
        assert!(read(Kind::ShortCode, "+14155550100", &[("program", "p")], None, Authority::Tenant).is_err());
    }

    #[test]
    fn an_illegal_status_is_refused_in_words() {
        let suspended = Object::ShortCode(ShortCode { program: "p".into(), status: ShortCodeStatus::Suspended });
        let told = read(Kind::ShortCode, "72345", &[("status", "active")], Some(&suspended), Authority::Operator);
        assert_eq!(told.unwrap_err(), "status: suspended can't become active");
    }

    #[test]
    fn a_number_begins_anew_in_another_campaign() {
        let added = Object::Number(Number { campaign: "a".into(), status: NumberStatus::Added });
        let moved = read(Kind::Number, "+14155550100", &[("campaign", "b")], Some(&added), Authority::Tenant).unwrap();
        assert_eq!(moved.status(), "pending");
        let same = read(Kind::Number, "+14155550100", &[("campaign", "a")], Some(&added), Authority::Tenant).unwrap();
        assert_eq!(same, added);
    }
}
