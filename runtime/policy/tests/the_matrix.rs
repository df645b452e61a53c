//! Places × times × categories × consent × registration under the us pack, held against a second implementation that knows
//! no rules, tables or time zone database: offsets, hours and conditions are written out here.

use signalbox_model::Category;
use signalbox_policy::cases;
use signalbox_policy::facts::{
    BrandStatus, CampaignStatus, CarrierStatus, ConsentLevel, Facts, NumberStatus, SenderType, ShortCodeStatus,
    TollFreeStatus,
};
use signalbox_policy::{Origin, Policies, Whose};

/// Hours from UTC in winter, and whether clocks change.
type Zones = &'static [(i64, bool)];

/// State, area code, and for each zone that the code may be in the hours from UTC in winter and whether clocks change. The
/// published table has Hawaii's clock among those of Alaska's code; what it has is kept.
const PLACES: &[(&str, u32, Zones)] = &[
    ("AL", 205, &[(-6, true)]),
    ("AK", 907, &[(-9, true), (-10, true), (-10, false)]),
    ("AZ", 602, &[(-7, false)]),
    ("AR", 501, &[(-6, true)]),
    ("CA", 213, &[(-8, true)]),
    ("CO", 303, &[(-7, true)]),
    ("CT", 203, &[(-5, true)]),
    ("DE", 302, &[(-5, true)]),
    ("DC", 202, &[(-5, true)]),
    ("FL", 305, &[(-5, true)]),
    ("FL", 850, &[(-5, true), (-6, true)]),
    ("GA", 404, &[(-5, true)]),
    ("HI", 808, &[(-10, false)]),
    ("IL", 312, &[(-6, true)]),
    ("IN", 317, &[(-5, true)]),
    ("IN", 219, &[(-5, true), (-6, true)]),
    ("IA", 515, &[(-6, true)]),
    ("KS", 316, &[(-6, true)]),
    ("KS", 785, &[(-6, true), (-7, true)]),
    ("KY", 502, &[(-5, true)]),
    ("KY", 270, &[(-5, true), (-6, true)]),
    ("LA", 504, &[(-6, true)]),
    ("ME", 207, &[(-5, true)]),
    ("MD", 410, &[(-5, true)]),
    ("MA", 617, &[(-5, true)]),
    ("MI", 313, &[(-5, true)]),
    ("MN", 612, &[(-6, true)]),
    ("MS", 601, &[(-6, true)]),
    ("MO", 314, &[(-6, true)]),
    ("MT", 406, &[(-7, true)]),
    ("NE", 402, &[(-6, true)]),
    ("NE", 308, &[(-6, true), (-7, true)]),
    ("NV", 702, &[(-8, true)]),
    ("NH", 603, &[(-5, true)]),
    ("NJ", 201, &[(-5, true)]),
    ("NM", 505, &[(-7, true)]),
    ("NY", 212, &[(-5, true)]),
    ("NC", 919, &[(-5, true)]),
    ("ND", 701, &[(-6, true), (-7, true)]),
    ("OH", 216, &[(-5, true)]),
    ("OK", 405, &[(-6, true)]),
    ("OR", 503, &[(-8, true)]),
    ("OR", 541, &[(-7, true), (-8, true)]),
    ("PA", 215, &[(-5, true)]),
    ("RI", 401, &[(-5, true)]),
    ("SC", 803, &[(-5, true)]),
    ("SD", 605, &[(-6, true), (-7, true)]),
    ("TN", 615, &[(-6, true)]),
    ("TN", 423, &[(-5, true), (-6, true)]),
    ("TX", 512, &[(-6, true)]),
    ("UT", 801, &[(-7, true)]),
    ("VT", 802, &[(-5, true)]),
    ("VA", 804, &[(-5, true)]),
    ("WA", 206, &[(-8, true)]),
    ("WV", 304, &[(-5, true)]),
    ("WI", 414, &[(-6, true)]),
    ("WY", 307, &[(-7, true)]),
];

/// Days of 2026 by their number in the year from 0, January 1 being a Thursday: an ordinary Monday, a Sunday, Thanksgiving,
/// Independence Day (a Saturday) and the Friday on which it is observed, the two on which clocks change.
const DAYS: &[i64] = &[326, 325, 329, 184, 183, 66, 304];
const HOLIDAYS: &[i64] = &[329, 184, 183];
/// Minutes of the UTC day that are looked at: on the hour, and the minute before.
const MINUTES: &[i64] = &[59, 120, 359, 720, 779, 780, 839, 840, 1_020, 1_080, 1_439];

/// Minutes since the year's begin on the clock on the wall.
fn local(utc: i64, offset: i64, changes: bool) -> i64 {
    let standard = utc + offset * 60;
    // Clocks go ahead on March 8 at 2:00 standard time and back on November 1 at 1:00 standard time.
    let summer = changes && (66 * 1_440 + 120..304 * 1_440 + 60).contains(&standard);
    standard + if summer { 60 } else { 0 }
}

fn open(state: &str, local: i64) -> bool {
    let (day, hour_minute) = (local.div_euclid(1_440), local.rem_euclid(1_440));
    let hours = |from: i64, to: i64| (from * 60..to * 60).contains(&hour_minute);
    // 0 is Sunday.
    let weekday = (day + 4).rem_euclid(7);
    match state {
        "AL" | "LA" => weekday != 0 && !HOLIDAYS.contains(&day) && hours(8, 20),
        "MS" => weekday != 0 && hours(8, 20),
        "FL" | "OK" | "MD" | "NJ" | "WA" | "MA" => hours(8, 20),
        "CT" | "NV" => hours(9, 20),
        "TX" => {
            if weekday == 0 {
                hours(12, 21)
            } else {
                hours(9, 21)
            }
        }
        "KY" => hours(10, 21),
        "MI" | "MN" | "NM" => hours(9, 21),
        "RI" => {
            if weekday == 0 || weekday == 6 {
                hours(10, 17)
            } else {
                hours(9, 18)
            }
        }
        _ => hours(8, 21),
    }
}

/// The verdict and the rules that fire, as a person would work them out.
fn expected(
    open: bool,
    category: Category,
    consent: ConsentLevel,
    campaign: CampaignStatus,
    pending_days: u32,
    wrote_hours: u32,
) -> (&'static str, Vec<&'static str>) {
    let (mut denies, mut holds) = (Vec::new(), Vec::new());
    match category {
        Category::Marketing => {
            if consent != ConsentLevel::ExpressWritten {
                denies.push("consent.not-written");
            }
            if !open {
                holds.push("place.quiet-hours");
            }
        }
        Category::Transactional | Category::Otp => {
            if matches!(consent, ConsentLevel::None | ConsentLevel::Relationship) {
                denies.push("consent.not-express");
            }
        }
        // An answer, for a day; afterwards it needs consent, and isn't for the night.
        Category::Conversational if wrote_hours <= 24 => {}
        Category::Conversational => {
            if matches!(consent, ConsentLevel::None | ConsentLevel::Relationship) {
                denies.push("consent.unasked");
            }
            if !open {
                holds.push("place.quiet-hours-unasked");
            }
        }
    }
    match campaign {
        CampaignStatus::Active => {}
        CampaignStatus::Unregistered => denies.push("registration.campaign-missing"),
        CampaignStatus::Pending if pending_days > 14 => denies.push("registration.campaign-pending-long"),
        CampaignStatus::Pending => holds.push("registration.campaign-pending"),
        CampaignStatus::Rejected | CampaignStatus::Suspended | CampaignStatus::Expired => {
            denies.push("registration.campaign-ended")
        }
    }
    let verdict = if !denies.is_empty() {
        "deny"
    } else if !holds.is_empty() {
        "hold"
    } else {
        "allow"
    };
    denies.extend(holds);
    denies.sort_unstable();
    (verdict, denies)
}

/// Everything else in order; the place and the time are the policies' own to work out.
fn facts(policies: &Policies, code: u32, utc: i64, category: Category) -> Facts {
    let (day, minute) = (utc.div_euclid(1_440), utc.rem_euclid(1_440));
    let begin = signalbox_model::Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").expect("a time");
    let at =
        begin + std::time::Duration::from_secs(u64::try_from((day * 1_440 + minute) * 60).expect("after the epoch"));
    let text = format!(
        r#"
        [base]
        opted_out = false
        sender_owned = true
        first_message = false
        carrier = "att"
        on_dnc = false
        reassigned = "no"
        lists_stale = false
        brand_status = "vetted"
        carrier_status = "approved"
        number_status = "added"
        use_case = "mixed"
        campaign_links = true
        campaign_phones = true
        campaign_age_gated = false
        campaign_lending = false
        recipient_of_age = false
        sent_24h = 0
        sent_subject_24h = 0
        sector = "none"
        supervision = "none"
        [[case]]
        name = "one"
        message = {{ to = "+1{code}5550123", category = "{}", text = "Hello from Acme.", at = "{at}", brand = "Acme" }}
        verdict = "allow"
        "#,
        category.as_str()
    );
    cases::parse("matrix.toml", &text).expect("a case").cases[0].facts(policies)
}

#[test]
fn two_implementations_agree_on_every_case() {
    let policies = Policies::open(&Origin { folder: None, packs: vec!["us".into()] }).unwrap();
    let campaigns = CampaignStatus::ALL.iter().flat_map(|status| {
        let days: &[u32] = if *status == CampaignStatus::Pending { &[3, 30] } else { &[0] };
        days.iter().map(move |days| (*status, *days))
    });
    let campaigns: Vec<_> = campaigns.collect();
    let (mut count, mut verdicts) = (0_u32, std::collections::BTreeMap::<&str, u32>::new());
    for &(state, code, zones) in PLACES {
        for (day, minute) in DAYS.iter().flat_map(|day| MINUTES.iter().map(move |minute| (day, minute))) {
            let utc = day * 1_440 + minute;
            let open = zones.iter().all(|(offset, changes)| open(state, local(utc, *offset, *changes)));
            for category in Category::ALL {
                // Only advertising and what answers nobody mind the hour: the others are looked at once a day.
                if matches!(category, Category::Transactional | Category::Otp) && *minute != MINUTES[0] {
                    continue;
                }
                let wrote: &[u32] = if category == Category::Conversational { &[24, 25, 10_000] } else { &[10_000] };
                let mut facts = facts(&policies, code, utc, category);
                for consent in ConsentLevel::ALL.iter().copied() {
                    let dialogues =
                        campaigns.iter().flat_map(|campaign| wrote.iter().map(move |wrote| (campaign, *wrote)));
                    for (&(campaign, pending_days), wrote) in dialogues {
                        facts.last_inbound_hours = Some(wrote);
                        (facts.consent, facts.campaign_status) = (Some(consent), Some(campaign));
                        facts.pending_days = Some(pending_days);
                        let decision = policies.decide(&facts, Whose::default());
                        let mut fired: Vec<_> = decision.reasons.iter().map(|reason| reason.rule.as_str()).collect();
                        fired.sort_unstable();
                        let found = (decision.verdict.as_str(), fired);
                        let wanted = expected(open, category, consent, campaign, pending_days, wrote);
                        assert_eq!(
                            (found.0, found.1.as_slice()),
                            (wanted.0, wanted.1.as_slice()),
                            "{state} {code} day {day} minute {minute} {category:?} {consent:?} {campaign:?}"
                        );
                        count += 1;
                        *verdicts.entry(wanted.0).or_default() += 1;
                    }
                }
            }
        }
    }
    println!("{count} cases: {verdicts:?}");
    assert!(count >= 10_000 && verdicts.len() == 3 && verdicts.values().all(|n| *n >= 500), "{count} {verdicts:?}");
}

/// Which of the rules on registration fire, for each kind of sender.
fn expected_of_sender(
    sender: SenderType,
    (brand, campaign, carrier): (BrandStatus, CampaignStatus, CarrierStatus),
    number: NumberStatus,
    (toll_free, short_code): (TollFreeStatus, Option<ShortCodeStatus>),
) -> Vec<&'static str> {
    let mut fired = Vec::new();
    match sender {
        SenderType::LongCode => {
            if !matches!(brand, BrandStatus::Verified | BrandStatus::Vetted) {
                fired.push("registration.brand-unverified");
            }
            match campaign {
                CampaignStatus::Active => {}
                CampaignStatus::Unregistered => fired.push("registration.campaign-missing"),
                CampaignStatus::Pending => fired.push("registration.campaign-pending"),
                CampaignStatus::Rejected | CampaignStatus::Suspended | CampaignStatus::Expired => {
                    fired.push("registration.campaign-ended");
                }
            }
            match carrier {
                CarrierStatus::Approved => {}
                CarrierStatus::Pending | CarrierStatus::Review => fired.push("registration.carrier-pending"),
                CarrierStatus::Rejected | CarrierStatus::Suspended => fired.push("registration.carrier-refused"),
            }
            match number {
                NumberStatus::Added => {}
                NumberStatus::Pending => fired.push("registration.number-pending"),
                NumberStatus::Unassigned | NumberStatus::Failed | NumberStatus::Deleted => {
                    fired.push("registration.number-apart");
                }
            }
        }
        SenderType::TollFree if toll_free != TollFreeStatus::Verified => fired.push("registration.toll-free"),
        SenderType::ShortCode => match short_code {
            Some(ShortCodeStatus::Active) => {}
            // Nobody registered it: it waits until somebody does.
            None => fired.extend(["registration.short-code-pending", "registration.short-code-suspended"]),
            Some(ShortCodeStatus::Pending) => fired.push("registration.short-code-pending"),
            Some(ShortCodeStatus::Suspended) => fired.push("registration.short-code-suspended"),
        },
        SenderType::TollFree | SenderType::Alphanumeric => {}
    }
    fired.sort_unstable();
    fired
}

#[test]
fn two_implementations_agree_on_every_sender() {
    let policies = Policies::open(&Origin { folder: None, packs: vec!["us".into()] }).unwrap();
    // Noon of an ordinary Monday in New York; a receipt to somebody who agreed.
    let mut facts = facts(&policies, 212, 326 * 1_440 + 1_020, Category::Transactional);
    (facts.consent, facts.pending_days) = (Some(ConsentLevel::Express), Some(3));
    let mut count = 0;
    let mut agree = |facts: &Facts, sender, registered, number, others| {
        let decision = policies.decide(facts, Whose::default());
        let mut fired: Vec<_> = decision.reasons.iter().map(|reason| reason.rule.as_str()).collect();
        fired.sort_unstable();
        let wanted = expected_of_sender(sender, registered, number, others);
        assert_eq!(fired, wanted, "{sender:?} {registered:?} {number:?} {others:?}");
        let ends = |rule: &&str| match *rule {
            "registration.short-code-suspended" => others.1 == Some(ShortCodeStatus::Suspended),
            rule => !rule.ends_with("-pending"),
        };
        let verdict = match (wanted.is_empty(), wanted.iter().any(ends)) {
            (true, _) => "allow",
            (_, true) => "deny",
            (_, false) => "hold",
        };
        assert_eq!(decision.verdict.as_str(), verdict, "{sender:?} {registered:?} {number:?} {others:?}");
        count += 1;
    };
    let short_codes = ShortCodeStatus::ALL.iter().copied().map(Some).chain([None]).collect::<Vec<_>>();
    for sender in [SenderType::LongCode, SenderType::TollFree, SenderType::ShortCode] {
        facts.sender_type = Some(sender);
        for (brand, campaign) in BrandStatus::ALL
            .iter()
            .flat_map(|brand| CampaignStatus::ALL.iter().map(move |campaign| (*brand, *campaign)))
        {
            (facts.brand_status, facts.campaign_status) = (Some(brand), Some(campaign));
            for (carrier, number) in CarrierStatus::ALL
                .iter()
                .flat_map(|carrier| NumberStatus::ALL.iter().map(move |number| (*carrier, *number)))
            {
                // What is said of campaigns is no matter to the other two, good or bad.
                let told = [
                    (CarrierStatus::Approved, NumberStatus::Added),
                    (CarrierStatus::Rejected, NumberStatus::Unassigned),
                ];
                if sender != SenderType::LongCode && !told.contains(&(carrier, number)) {
                    continue;
                }
                (facts.carrier_status, facts.number_status) = (Some(carrier), Some(number));
                for (toll_free, short_code) in
                    TollFreeStatus::ALL.iter().flat_map(|status| short_codes.iter().map(move |code| (*status, *code)))
                {
                    if sender == SenderType::LongCode
                        && short_code.is_some_and(|code| code != ShortCodeStatus::Suspended)
                    {
                        continue;
                    }
                    (facts.toll_free_status, facts.short_code_status) = (Some(toll_free), short_code);
                    agree(&facts, sender, (brand, campaign, carrier), number, (toll_free, short_code));
                }
            }
        }
    }
    println!("{count} senders");
    assert!(count >= 10_000);
}
