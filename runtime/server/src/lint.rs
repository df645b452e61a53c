//! `signalbox campaign lint`: what a carrier would refuse of a campaign, before anybody asks one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};
use signalbox_engine::registry::registration::{
    Authority, Campaign, Form, Kind, Most, Object, Row, UseCase, Wrong, declare, read_csv, read_toml,
};
use signalbox_model::Clock;
use signalbox_policy::content::Declared;
use signalbox_policy::data::Campaigns;
use signalbox_policy::facts::Fact;
use signalbox_policy::{Origin, Policies};

use crate::args::Lint;
use crate::exit::{self, Error};
use crate::machine::SystemClock;
use crate::{block_on, client, out};

/// Something that a carrier would refuse, or ask about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// The campaign.
    campaign: String,
    /// What kind of thing it is; stable.
    code: &'static str,
    /// `refuse` or `warn`.
    severity: &'static str,
    /// The field, or which sample.
    r#where: String,
    /// What is wrong.
    what: String,
    /// How to mend it.
    fix: String,
}

/// Runs the command. 1 where a carrier would refuse something.
pub fn run(args: &Lint) -> Result<ExitCode, Error> {
    let policies = Policies::open(&Origin { folder: args.policies.clone(), packs: Vec::new() })?;
    let most = most(&policies.tables.campaigns);
    let path = Path::new(&args.what);
    let (rows, brands) = if path.is_file() { of_file(path)? } else { of_server(args)? };
    let mut findings = Vec::new();
    for Row { line, id, form } in rows {
        let campaign = match declare((Kind::Campaign, &id), form, None, Authority::Operator, SystemClock.now(), most) {
            Ok(Object::Campaign(campaign)) => campaign,
            Ok(_) => continue,
            Err(faults) => {
                findings.extend(faults.into_iter().map(|Wrong { field, reason }| Finding {
                    campaign: id.clone(),
                    code: "campaign.field",
                    severity: "refuse",
                    r#where: if line == 0 { field.clone() } else { format!("line {line}, {field}") },
                    what: format!("`{field}` {reason}"),
                    fix: "Mend the field.".to_owned(),
                }));
                continue;
            }
        };
        let brand = args.brand.as_deref().or(brands.get(&campaign.brand).map(String::as_str));
        findings.extend(lint(&id, &campaign, brand, &policies));
    }
    Ok(show(&findings, args.whom.server.json))
}

/// The most that the registry takes.
fn most(table: &Campaigns) -> Most {
    Most {
        numbers_without_pool: table.numbers_without_pool,
        samples: table.samples_most,
        sub_use_cases: table.sub_use_cases_most,
    }
}

fn show(findings: &[Finding], json: bool) -> ExitCode {
    let refused = findings.iter().any(|finding| finding.severity == "refuse");
    if json {
        out::line(json!({ "ok": !refused, "findings": findings }));
    } else {
        for finding in findings {
            let Finding { campaign, code, severity, r#where, what, fix } = finding;
            out::line(format_args!("{severity}: {campaign}, {where}: {what} ({code})\n    {fix}"));
        }
        let refusals = findings.iter().filter(|finding| finding.severity == "refuse").count();
        out::line(format_args!("{refusals} that a carrier would refuse, {} to look at", findings.len() - refusals));
    }
    ExitCode::from(if refused { exit::FAILED } else { 0 })
}

fn read_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { file: path.display().to_string(), source })
}

fn wrong(file: &str, reason: &impl ToString) -> Error {
    Error::Read { file: file.to_owned(), source: std::io::Error::other(reason.to_string()) }
}

/// The campaigns of a file, and the names of its brands.
fn of_file(path: &Path) -> Result<(Vec<Row>, BTreeMap<String, String>), Error> {
    let text = read_text(path)?;
    let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let rows = if is_csv { read_csv(Kind::Campaign, text.as_bytes()) } else { read_toml(Kind::Campaign, &text) };
    let rows = rows.map_err(|errors| {
        let lines = errors.iter().map(|e| format!("line {}: {} {}", e.line, e.column, e.reason).replace("  ", " "));
        wrong(&path.display().to_string(), &lines.collect::<Vec<_>>().join("\n"))
    })?;
    let brands = if is_csv { Vec::new() } else { read_toml(Kind::Brand, &text).unwrap_or_default() };
    let name = |row: Row| Some((row.id, row.form.0.get("name")?.first()?.clone()));
    Ok((rows, brands.into_iter().filter_map(name).collect()))
}

/// A campaign that is registered, and the name of its brand.
fn of_server(args: &Lint) -> Result<(Vec<Row>, BTreeMap<String, String>), Error> {
    let (campaign, brand) = block_on(Some(1), async { Ok(client::campaign_of(&args.whom, &args.what).await?) })?;
    let mut form = BTreeMap::new();
    for (name, value) in campaign["fields"].as_object().into_iter().flatten() {
        let values = match value {
            Value::Null => continue,
            Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(text) => vec![text.clone()],
            other => vec![other.to_string()],
        };
        form.insert(name.clone(), values);
    }
    let names =
        brand.and_then(|brand| Some((brand["id"].as_str()?.to_owned(), brand["fields"]["name"].as_str()?.to_owned())));
    Ok((vec![Row { line: 0, id: args.what.clone(), form: Form(form) }], names.into_iter().collect()))
}

/// Gathers what is found of one campaign.
struct Findings<'a> {
    campaign: &'a str,
    all: Vec<Finding>,
}

impl Findings<'_> {
    fn add(&mut self, severity: &'static str, code: &'static str, place: &str, what: impl Into<String>, fix: &str) {
        let (r#where, what, fix) = (place.to_owned(), what.into(), fix.to_owned());
        self.all.push(Finding { campaign: self.campaign.to_owned(), code, severity, r#where, what, fix });
    }
}

fn lint(id: &str, campaign: &Campaign, brand: Option<&str>, policies: &Policies) -> Vec<Finding> {
    let table = &policies.tables.campaigns;
    let mut found = Findings { campaign: id, all: Vec::new() };
    if brand.is_none() {
        let fix = "Add it to the file as [[brands]], or give --brand NAME.";
        found.add(
            "warn",
            "brand.unknown",
            "brand",
            "the brand's name isn't known: samples aren't held against it",
            fix,
        );
    }
    counts(&mut found, campaign, table);
    samples(&mut found, campaign, brand, policies);
    use_case(&mut found, campaign, table);
    words(&mut found, campaign, brand, policies, table);
    found.all
}

fn counts(found: &mut Findings<'_>, campaign: &Campaign, table: &Campaigns) {
    let least = if campaign.use_case == UseCase::LowVolume { table.samples_low_volume } else { table.samples };
    if campaign.samples.len() < least {
        let what = format!("there are {} samples; {least} are needed", campaign.samples.len());
        found.add("refuse", "samples.few", "samples", what, "Add samples as they will be sent.");
    }
    let range = match campaign.use_case {
        UseCase::Mixed => Some(table.mixed_sub_use_cases),
        UseCase::LowVolume => Some(table.low_volume_sub_use_cases),
        _ => None,
    };
    let count = campaign.sub_use_cases.len();
    if let Some([least, most]) = range.filter(|[least, most]| !(*least..=*most).contains(&count)) {
        let what = format!("there are {count} sub-use cases; {} has {least} to {most}", campaign.use_case.as_str());
        found.add("refuse", "sub_use_cases.count", "sub_use_cases", what, "Name what it is for, no more and no less.");
    }
}

fn samples(found: &mut Findings<'_>, campaign: &Campaign, brand: Option<&str>, policies: &Policies) {
    let declared = Declared { brand, domains: Some(&campaign.domains) };
    let (mut hint, mut named, mut linked) = (false, false, false);
    for (n, sample) in campaign.samples.iter().enumerate() {
        let place = format!("sample {}", n + 1);
        let findings = policies.tables.scan(sample, declared);
        let says = |fact| findings.get(fact) == Some(true);
        hint |= says(Fact::HasOptOutHint);
        named |= says(Fact::HasBrand);
        linked |= says(Fact::HasLink);
        if says(Fact::HasShortener) {
            let what = "a link goes through a public shortener";
            found.add("refuse", "link.shortened", &place, what, "Link to a domain of your own.");
        }
        if says(Fact::HasLink) && !campaign.flags.embedded_link {
            let fix = "Declare embedded_link, or leave the link out.";
            found.add("refuse", "link.undeclared", &place, "it has a link and the campaign declares none", fix);
        } else if says(Fact::HasLink) && !campaign.domains.is_empty() && !says(Fact::LinksDeclared) {
            let fix = "Add the domain to `domains`, or link to one that is there.";
            found.add("warn", "link.domain", &place, "a link leads to a domain that isn't declared", fix);
        }
        if says(Fact::HasPhone) && !campaign.flags.embedded_phone {
            let fix = "Declare embedded_phone, or leave the number out.";
            found.add(
                "refuse",
                "phone.undeclared",
                &place,
                "it has a telephone number and the campaign declares none",
                fix,
            );
        }
        if brand.is_some() && !says(Fact::HasBrand) {
            found.add("warn", "brand.missing", &place, "it doesn't name the brand", "Begin it with the brand's name.");
        }
        if (says(Fact::SaysAlcohol) || says(Fact::SaysTobacco)) && !campaign.flags.age_gated {
            let fix = "Declare age_gated, and ask recipients for their birthday.";
            found.add(
                "refuse",
                "age_gated.undeclared",
                &place,
                "it is for grown-ups and the campaign isn't age-gated",
                fix,
            );
        }
        if says(Fact::SaysLoans) && !campaign.flags.direct_lending {
            let fix = "Declare direct_lending if you lend yourself; others' loans aren't carried.";
            found.add("refuse", "content.loans", &place, "it offers loans", fix);
        }
        for (_, what) in policies.tables.campaigns.prohibited().filter(|(fact, _)| says(*fact)) {
            let fix = "Carriers don't carry it: take it out.";
            found.add("refuse", "content.prohibited", &place, format!("it reads like {what}"), fix);
        }
    }
    if campaign.samples.is_empty() {
        return;
    }
    if !hint && campaign.use_case != UseCase::TwoFactor {
        let fix = "End at least one with: Reply STOP to opt out.";
        found.add("refuse", "opt_out.missing", "samples", "no sample says how to opt out", fix);
    }
    if brand.is_some() && !named {
        found.add(
            "refuse",
            "brand.missing",
            "samples",
            "no sample names the brand",
            "Begin them with the brand's name.",
        );
    }
    if campaign.flags.embedded_link && !linked {
        let fix = "Show one in a sample, or take embedded_link back.";
        found.add("warn", "link.unshown", "samples", "links are declared and no sample has one", fix);
    }
}

fn use_case(found: &mut Findings<'_>, campaign: &Campaign, table: &Campaigns) {
    let word = campaign.use_case.as_str();
    let samples: Vec<String> = campaign.samples.iter().map(|sample| sample.to_lowercase()).collect();
    let has = |text: &String, words: &[String]| words.iter().any(|word| text.contains(word.as_str()));
    let may_advertise = table.may_advertise.iter().any(|one| one == word);
    for (n, _) in samples.iter().enumerate().filter(|(_, sample)| !may_advertise && has(sample, &table.advertising)) {
        let what = format!("it advertises, and the campaign is for {word}");
        let fix = "Register a marketing campaign for it, or take it out.";
        found.add("refuse", "use_case.mismatch", &format!("sample {}", n + 1), what, fix);
    }
    if let Some(words) = table.says.get(word).filter(|_| !samples.is_empty())
        && !samples.iter().any(|sample| has(sample, words))
    {
        let what = format!("no sample reads like {word}");
        found.add(
            "refuse",
            "use_case.mismatch",
            "samples",
            what,
            "Show what is really sent, or take the use case that fits.",
        );
    }
    if campaign.use_case == UseCase::Marketing
        && !samples.is_empty()
        && !samples.iter().any(|s| has(s, &table.advertising))
    {
        let fix = "Show an offer as it will be sent.";
        found.add(
            "warn",
            "use_case.mismatch",
            "samples",
            "no sample advertises, and the campaign is for marketing",
            fix,
        );
    }
}

fn words(found: &mut Findings<'_>, campaign: &Campaign, brand: Option<&str>, policies: &Policies, table: &Campaigns) {
    let flow = campaign.message_flow.to_lowercase();
    let describes = table.opt_in.iter().any(|word| flow.contains(word.as_str()));
    if flow.chars().count() < table.message_flow_chars || !describes {
        let what = "it doesn't say how people opt in";
        let fix = "Say where and with what words they agree, step by step, with the link to the form if there is one.";
        found.add("refuse", "opt_in.missing", "message_flow", what, fix);
    }
    let help = campaign.help_message.as_str();
    let findings = policies.tables.scan(help, Declared { brand, domains: Some(&campaign.domains) });
    let says = |fact| findings.get(fact) == Some(true);
    if help.is_empty() {
        let fix = "Write: BRAND: for help call … or visit …. Reply STOP to opt out.";
        found.add("refuse", "help.missing", "help_message", "there is none", fix);
    } else {
        if !says(Fact::HasPhone) && !says(Fact::HasLink) && !help.contains('@') {
            let fix = "Add a telephone number, an address or a page.";
            found.add("refuse", "help.contact", "help_message", "it names nobody to turn to", fix);
        }
        if brand.is_some() && !says(Fact::HasBrand) {
            found.add(
                "warn",
                "help.brand",
                "help_message",
                "it doesn't name the brand",
                "Begin it with the brand's name.",
            );
        }
    }
    for (flag, name) in
        [(campaign.flags.subscriber_optout, "subscriber_optout"), (campaign.flags.subscriber_help, "subscriber_help")]
    {
        if !flag {
            let what = "recipients of every campaign can opt out and get help, and this one doesn't declare it";
            found.add("refuse", "flag.missing", name, what, "Declare it.");
        }
    }
    if campaign.flags.affiliate_marketing {
        let fix = "Advertise for yourself alone.";
        found.add(
            "refuse",
            "content.affiliate",
            "affiliate_marketing",
            "carriers don't carry affiliate marketing",
            fix,
        );
    }
    if campaign.description.chars().count() < table.message_flow_chars {
        let fix = "Say who sends what to whom, and why.";
        found.add("warn", "description.short", "description", "it says little of what the campaign is for", fix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[brands]]
id = "acme"
name = "Acme"
entity = "private_profit"

[[campaigns]]
id = "alerts"
brand = "acme"
use_case = "delivery_notification"
description = "Tells customers of the Acme shop when what they ordered is on its way to them."
samples = ["Acme: your order 1234 ships today. Reply STOP to opt out.", "Acme: your package has arrived: https://acme.example/t/1"]
message_flow = "Customers tick a box at checkout on acme.example and agree to texts about their orders."
help_message = "Acme: for help write to help@acme.example. Reply STOP to opt out."
embedded_link = true
subscriber_optin = true
subscriber_optout = true
subscriber_help = true
domains = ["acme.example"]
"#;

    fn codes(text: &str) -> Vec<&'static str> {
        let policies = Policies::built_in();
        let most = most(&policies.tables.campaigns);
        let mut rows = read_toml(Kind::Campaign, text).unwrap();
        let Row { id, form, .. } = rows.remove(0);
        let object = declare((Kind::Campaign, &id), form, None, Authority::Operator, SystemClock.now(), most);
        let Ok(Object::Campaign(campaign)) = object else { panic!("{object:?}") };
        lint(&id, &campaign, Some("Acme"), &policies).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_campaign_in_order_has_nothing_to_mend() {
        assert_eq!(codes(GOOD), [""; 0]);
    }

    #[test]
    fn each_thing_that_a_carrier_would_refuse_is_told() {
        let table = [
            (" Reply STOP to opt out.\", \"", "\", \"", "opt_out.missing"),
            ("https://acme.example/t/1", "https://bit.ly/3xyz", "link.shortened"),
            ("embedded_link = true", "embedded_link = false", "link.undeclared"),
            ("your package has arrived", "your package has arrived, call (305) 555-0123", "phone.undeclared"),
            ("Acme: your order 1234", "Your order 1234", "brand.missing"),
            (
                "tick a box at checkout on acme.example and agree to texts about",
                "buy things at our lovely old shop downtown and then get",
                "opt_in.missing",
            ),
            ("for help write to help@acme.example", "ask somebody for help", "help.contact"),
            ("\"delivery_notification\"", "\"mixed\"", "sub_use_cases.count"),
            ("your package has arrived", "20% off your next package", "use_case.mismatch"),
            ("\"delivery_notification\"", "\"2fa\"", "use_case.mismatch"),
            (
                "your package has arrived",
                "your package of craft beer has arrived, buy beer today",
                "age_gated.undeclared",
            ),
            ("your package has arrived", "double your money with your package", "content.prohibited"),
            ("subscriber_help = true", "affiliate_marketing = true", "content.affiliate"),
            ("subscriber_optout = true", "", "flag.missing"),
            ("acme.example\"]", "other.example\"]", "link.domain"),
        ];
        for (from, to, code) in table {
            assert!(GOOD.contains(from), "{from}");
            let found = codes(&GOOD.replacen(from, to, 1));
            assert!(found.contains(&code), "{from} -> {to}: {found:?}");
        }
        let one = codes(&GOOD.replacen(", \"Acme: your package has arrived: https://acme.example/t/1\"", "", 1));
        assert!(one.contains(&"samples.few"), "{one:?}");
    }
}
