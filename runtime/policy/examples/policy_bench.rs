//! What deciding costs when the facts are at hand: one JSON object a line, for `cargo xtask bench`. With the lookups, it is the
//! engine's `policy_path_bench`.

#![allow(clippy::print_stdout, reason = "a benchmark says its figures")]

use std::hint::black_box;
use std::time::Instant;

use signalbox_model::{
    Address, Body, Category, Chance, Conversation, Direction, Encoding, KeyId, Message, MessageId, Origin as By,
    Partition, Timestamp,
};
use signalbox_policy::content::Declared;
use signalbox_policy::facts::{
    BrandStatus, CampaignStatus, CarrierName, CarrierStatus, ConsentLevel, NumberStatus, Reassigned, Sector,
    Supervision, UseCase,
};
use signalbox_policy::rules::Subject;
use signalbox_policy::{About, Facts, Origin, Policies, RuleSet, Whose};

/// Runs that are thrown away, and runs that count.
const WARM: usize = 2_000;
const RUNS: usize = 20_000;
/// What is faster than the clock's step is measured in batches.
const BATCH: u32 = 32;

fn main() {
    let policies =
        Policies::open(&Origin { folder: None, packs: vec!["us".into()] }).expect("the built-in policies load");
    let (message, now) = message();
    let domains = ["acme.example".to_owned()];
    let about = About { declared: Declared { brand: Some("Acme Home"), domains: Some(&domains) }, ..About::default() };
    let whose = Whose::of(&message);

    let full = p50(1, || {
        let mut facts = policies.facts(black_box(&message), about, now);
        fill(&mut facts);
        policies.decide(&facts, whose)
    });
    let rules = policies.rules.rules().len();
    say(
        "policy_pure_p50_us",
        full / 1e3,
        "us",
        "",
        &format!(
            "{rules} rules, place, window and content of a 120-character text; what is looked up elsewhere is given"
        ),
    );

    let facts = {
        let mut facts = policies.facts(&message, about, now);
        fill(&mut facts);
        facts
    };
    let decision = policies.decide(&facts, whose);
    assert!(decision.reasons.is_empty(), "the message passes: {:?}", decision.reasons);

    let twenty = twenty();
    let decided = p50(BATCH, || twenty.decide(black_box(&facts)));
    say(
        "policy_20rules_p50_us",
        decided / 1e3,
        "us",
        "<= 1",
        "20 rules without content, with the trace for the record",
    );
    let alone = p50(BATCH, || twenty.verdict(black_box(&facts), Whose::default()));
    say("policy_20rules_verdict_us", alone / 1e3, "us", "", "the verdict alone");
    let gathered = p50(1, || policies.facts(black_box(&message), about, now));
    say("policy_facts_us", gathered / 1e3, "us", "", "of the pure figure: place, window and content");
    let scanned = p50(1, || policies.tables.scan(black_box(&message.body.text), about.declared));
    say("policy_content_us", scanned / 1e3, "us", "", "of that: content");
    let subject = Subject::of(&facts);
    for rule in policies.rules.rules() {
        let cost = p50(BATCH, || rule.judge(black_box(&subject)));
        say(&format!("policy_rule:{}", rule.id()), cost, "ns", "", "one rule's condition");
    }
}

fn say(name: &str, value: f64, unit: &str, expected: &str, note: &str) {
    println!(r#"{{"name":"{name}","value":{value:.4},"unit":"{unit}","expected":"{expected}","note":"{note}"}}"#);
}

/// The median of one run in nanoseconds.
fn p50<T>(batch: u32, mut run: impl FnMut() -> T) -> f64 {
    let mut round = || {
        let begin = Instant::now();
        for _ in 0..batch {
            black_box(run());
        }
        begin.elapsed().as_nanos() as f64 / f64::from(batch)
    };
    for _ in 0..WARM {
        round();
    }
    let mut times: Vec<f64> = (0..RUNS).map(|_| round()).collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// Rules of the kinds that sets are made of, none of which asks for the text.
fn twenty() -> RuleSet {
    let conditions = [
        "opted_out",
        "recipient_us && consent in ['none', 'relationship']",
        "recipient_us && !window_open",
        "campaign_status == 'pending' && pending_days <= 14",
        "state_cap > 0 && sent_24h >= state_cap",
    ];
    let rule = |n: usize| {
        let when = conditions[n % conditions.len()];
        format!(
            "[[rule]]\nid = \"r{n}\"\ncite = \"c\"\nclass = \"unknown\"\nseverity = \"deny\"\non_unknown = \"deny\"\napplies = {{ directions = [\"outbound\"] }}\nwhen = \"{when}\"\nexplain = \"e\"\nfix = \"f\"\n"
        )
    };
    let text: String = (0..20).map(rule).collect();
    RuleSet::parse(&[("twenty.toml", &text)]).expect("twenty rules load")
}

fn fill(facts: &mut Facts) {
    facts.opted_out = Some(false);
    facts.sender_owned = Some(true);
    facts.first_message = Some(false);
    facts.carrier = Some(CarrierName::Verizon);
    facts.consent = Some(ConsentLevel::ExpressWritten);
    facts.consent_age_days = Some(30);
    facts.on_dnc = Some(false);
    facts.on_litigator = Some(false);
    facts.reassigned = Some(Reassigned::No);
    facts.lists_stale = Some(false);
    facts.brand_status = Some(BrandStatus::Verified);
    facts.campaign_status = Some(CampaignStatus::Active);
    facts.carrier_status = Some(CarrierStatus::Approved);
    facts.number_status = Some(NumberStatus::Added);
    facts.pending_days = Some(0);
    facts.use_case = Some(UseCase::Marketing);
    facts.campaign_links = Some(true);
    facts.campaign_phones = Some(true);
    facts.sent_24h = Some(1);
    facts.sent_subject_24h = Some(1);
    facts.repeats_24h = Some(0);
    facts.template_senders_24h = Some(1);
    facts.daily_cap_reached = Some(false);
    facts.campaign_number_pool = Some(false);
    facts.sector = Some(Sector::None);
    facts.supervision = Some(Supervision::None);
}

fn message() -> (Message, Timestamp) {
    let now = Timestamp::parse_rfc3339("2026-11-23T18:00:00Z").expect("a time");
    let chance = Chance::seeded(1);
    let address = |text: &str| text.parse::<Address>().expect("an address");
    let (from, to) = (address("+13055550100"), address("+18505550123"));
    let tenant: signalbox_model::TenantId = "acme".parse().expect("a tenant");
    let conversation = Conversation { tenant: tenant.clone(), ours: from.clone(), theirs: to.clone() };
    let text = "Acme Home: 20% off garden tools this week at https://shop.acme.example/garden, in store and online. Reply STOP to opt out.";
    let message = Message {
        id: MessageId::new(now, Partition::new(0), &chance),
        conversation: conversation.id(),
        tenant,
        direction: Direction::Outbound,
        from,
        to,
        body: Body { text: text.to_owned(), media_urls: Vec::new() },
        original: None,
        category: Category::Marketing,
        campaign: Some("C1".to_owned()),
        tags: Vec::new(),
        callback_url: None,
        accepted_at: now,
        send_at: None,
        expires_at: Timestamp::MAX,
        encoding: Encoding::Gsm7,
        segments: 1,
        origin: By::Api { key: KeyId::new(now, Partition::new(0), &chance) },
        depth: 0,
        veil: Default::default(),
    };
    (message, now)
}
