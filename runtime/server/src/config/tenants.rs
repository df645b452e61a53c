//! `[[tenants]]` with their numbers.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use signalbox_carriers::smpp;
use signalbox_guest::SHORTEST_MASKED;
use signalbox_guest::manifest::HostPattern;
use signalbox_model::directory::{
    HandlerCaps, InDoubtAction, InDoubtPlan, NumberPlan, RecordingMode, RecordingPlan, StopReach, Tenant,
};
use signalbox_model::{Address, KeyId, TenantId};

use super::secret::Surroundings;
use super::{Tenancy, retention, supervision};
use signalbox_forms::{Placed, Section, hint};

/// What is checked over all tenants.
struct Reading<'a> {
    carriers: Vec<&'a str>,
    surroundings: &'a Surroundings<'a>,
    /// There is a key under which bodies can be sealed.
    seals: bool,
    /// Rules of the pack `us`, or of the operator's own, look at what tenants are supervised for, and at patients' texts.
    ruled: bool,
    /// Whose each number is.
    numbers: HashMap<Address, String>,
    /// Whose each key is.
    keys: HashMap<KeyId, String>,
}

/// Reads the tenants; what is wrong was complained of.
pub fn read(
    sections: Vec<Section<'_, '_>>,
    carriers: &[smpp::Config],
    surroundings: &Surroundings<'_>,
    (seals, ruled): (bool, bool),
) -> Vec<Tenancy> {
    let carriers = carriers.iter().map(|carrier| carrier.name.as_str()).collect();
    let mut reading = Reading { carriers, surroundings, seals, ruled, numbers: HashMap::new(), keys: HashMap::new() };
    let mut tenants: Vec<Tenancy> = Vec::new();
    for section in sections {
        if let Some(tenancy) = tenancy(&section, &mut reading) {
            let id = &tenancy.tenant.id;
            if tenants.iter().any(|other| other.tenant.id == *id) {
                section.complain_at("name", format!("`{id}` is the name of another tenant, too"));
            }
            tenants.push(tenancy);
        }
        section.end();
    }
    tenants
}

fn tenancy(section: &Section<'_, '_>, reading: &mut Reading<'_>) -> Option<Tenancy> {
    let id: Option<Placed<TenantId>> = section.needed("name", Section::parsed);
    let name = id.as_ref().map_or_else(String::new, |id| id.value.to_string());
    // Every key is read, whatever is wrong with the others, so that all of it is told at once.
    let brand = section.needed("brand", not_empty);
    let help = section.needed("help", not_empty);
    let weight = section.number("weight", 1..=1_000).map_or(1, |weight| weight.value);
    let segments_per_second = per_second(section);
    let in_doubt = in_doubt(section.section("in_doubt"));
    let caps = caps(section.section("limits"));
    let reaches = [("sender", StopReach::Sender), ("category", StopReach::Category), ("all", StopReach::All)];
    let stop_reach = section.one_of("stop_reach", &reaches).map_or(StopReach::default(), |reach| reach.value);
    let recording = recording(section.section("recording"));
    let settings = section.named_texts("settings");
    portal(section, &settings);
    encryption(section, &settings, reading.seals);
    health(section, &settings, reading.ruled);
    let settings: BTreeMap<_, _> = settings.into_iter().map(|(name, text)| (name, text.value)).collect();
    let retention = retention::read(section.section("retention"), settings.get("sector").map(String::as_str));
    let supervision = section.section_if_there("supervision").map(|section| supervision::read(section, reading.ruled));
    let hosts = section.texts("hosts").unwrap_or_default();
    for host in &hosts {
        if let Err(error) = host.value.parse::<HostPattern>() {
            section.complain_of(host, error.to_string());
        }
    }
    let hosts = hosts.into_iter().map(|host| host.value).collect();
    let mut secrets = BTreeMap::new();
    for (name, text) in section.named_texts("secrets") {
        let Some(secret) = reading.surroundings.resolve(section, &text) else { continue };
        if secret.len() < SHORTEST_MASKED {
            section.complain_of(
                &text,
                format!("a secret has at least {SHORTEST_MASKED} bytes: shorter ones can't be masked in logs"),
            );
        }
        secrets.insert(name, secret);
    }
    let api_keys = section.texts("api_keys").unwrap_or_default();
    let api_keys = api_keys.iter().filter_map(|key| api_key(section, key, &name, reading)).collect();
    let numbers = section.sections("numbers").into_iter().filter_map(|number| plan(number, &name, reading)).collect();
    let tenant = Tenant {
        id: id?.value,
        brand: brand?,
        help: help?,
        weight: u16::try_from(weight).unwrap_or(1),
        segments_per_second,
        numbers,
        in_doubt,
        stop_reach,
        hosts,
        secrets,
        settings,
        recording,
        retention,
        supervision,
        caps,
    };
    Some(Tenancy { tenant, api_keys })
}

fn not_empty(section: &Section<'_, '_>, key: &'static str) -> Option<String> {
    let text = section.text(key)?;
    if text.value.trim().is_empty() {
        section.complain_of(&text, "is empty; recipients read it in the answers to HELP and STOP");
    }
    Some(text.value)
}

/// Settings by which messages are replaced with a link to the tenant's portal: a mistake in them would be found by patients.
fn portal(section: &Section<'_, '_>, settings: &BTreeMap<String, Placed<String>>) {
    if let Some(url) = settings.get("portal_url")
        && !url.value.starts_with("https://")
    {
        section.complain_of(url, "must begin with `https://`; `{token}` in it stands for what names the message");
    }
    if let Some(text) = settings.get("portal_text")
        && !text.value.contains("{link}")
    {
        section.complain_of(text, "must have `{link}` in it: the link to the portal");
    }
    if let Some(gone) = settings.get("carrier_baa") {
        section.complain_of(gone, "is said of each carrier now: `baa = true` in [[carriers]]");
    }
}

/// Without a rule that replaces texts, patients' texts would go as they are.
fn health(section: &Section<'_, '_>, settings: &BTreeMap<String, Placed<String>>, ruled: bool) {
    if let Some(sector) = settings.get("sector").filter(|sector| sector.value == "health" && !ruled) {
        section.complain_of(
            sector,
            "needs rules that read it: `packs = [\"us\"]` in [policy], or a `folder` with your own; without them texts to \
             patients would go as they are",
        );
    }
}

/// Who wrote `on` must not find out later that nothing was sealed.
fn encryption(section: &Section<'_, '_>, settings: &BTreeMap<String, Placed<String>>, seals: bool) {
    let Some(wanted) = settings.get("encryption") else { return };
    match wanted.value.as_str() {
        "off" => {}
        "on" if seals => {}
        "on" => section.complain_of(
            wanted,
            "needs a key to seal with: `key = \"file:master.key\"` in [encryption]; `signalbox keys make` makes one",
        ),
        _ => section.complain_of(wanted, "is `on` or `off`"),
    }
}

fn per_second(section: &Section<'_, '_>) -> u32 {
    let given = section.number("segments_per_second", 0..=u64::from(u32::MAX));
    given.and_then(|given| u32::try_from(given.value).ok()).unwrap_or_default()
}

fn in_doubt(section: Section<'_, '_>) -> InDoubtPlan {
    let actions = [("resend", InDoubtAction::Resend), ("hold", InDoubtAction::Hold)];
    let default = InDoubtPlan::default();
    let action = |key, default| section.one_of(key, &actions).map_or(default, |action| action.value);
    let plan = InDoubtPlan {
        transactional: action("transactional", default.transactional),
        marketing: action("marketing", default.marketing),
        otp: action("otp", default.otp),
        conversational: action("conversational", default.conversational),
    };
    section.end();
    plan
}

fn recording(section: Section<'_, '_>) -> RecordingPlan {
    const ONE_OF: u32 = 100;
    let modes = [
        ("off", RecordingMode::Off),
        ("failures", RecordingMode::Failures),
        ("sample", RecordingMode::Sample(ONE_OF)),
        ("all", RecordingMode::All),
    ];
    let mut plan = RecordingPlan::default();
    if let Some(mode) = section.one_of("mode", &modes) {
        plan.mode = mode.value;
    }
    if let Some(one_of) = section.number("one_of", 1..=1_000_000) {
        match &mut plan.mode {
            RecordingMode::Sample(n) => *n = u32::try_from(one_of.value).unwrap_or(ONE_OF),
            _ => section.complain_of(&one_of, "says how many events one is recorded of, with mode = \"sample\""),
        }
    }
    if let Some(keep) = section.duration("keep") {
        plan.keep = keep;
    }
    if let Some(max) = section.number("max", 1..=1_000_000) {
        plan.max = usize::try_from(max.value).unwrap_or(plan.max);
    }
    section.end();
    plan
}

/// More than this, and one event is a job for another machine.
const MOST_TIME: Duration = Duration::from_secs(60);
/// As many slots as there are instances have room for it: a thousand of these are a terabyte of address space.
const MOST_MEMORY: u64 = 1 << 30;
/// Written in one commit.
const MOST_STATE: u64 = 4 << 20;
/// Sends, timers, remarks, reads and writes of state, requests.
const MOST_EACH: u64 = 10_000;

/// The keys are those of a manifest's `[limits]`.
fn caps(section: Section<'_, '_>) -> HandlerCaps {
    let time = |key| {
        let time = section.duration(key)?;
        if time < Duration::from_millis(1) || time > MOST_TIME {
            section.complain_at(key, "must be from \"1ms\" to \"60s\"");
        }
        Some(time)
    };
    let size = |key, least: u64, most: u64| {
        let size = section.bytes(key)?;
        if size.value < least || size.value > most {
            section.complain_of(&size, format!("must be from {least} to {most} bytes"));
        }
        Some(size.value)
    };
    let count = |key| section.number(key, 0..=MOST_EACH).and_then(|number| u32::try_from(number.value).ok());
    let caps = HandlerCaps {
        cpu: time("cpu"),
        wall: time("wall"),
        draft_cpu: time("draft_cpu"),
        draft_wall: time("draft_wall"),
        // A page of WebAssembly's, and no handler starts with less.
        memory_bytes: size("memory", 64 << 10, MOST_MEMORY),
        sends: count("sends"),
        timers: count("timers"),
        notes: count("notes"),
        state_ops: count("state_ops"),
        state_bytes: size("state", 0, MOST_STATE),
        http_calls: count("http_calls"),
        http_time: time("http_time"),
    };
    section.end();
    caps
}

/// A key of the form that the API takes.
fn api_key(section: &Section<'_, '_>, key: &Placed<String>, tenant: &str, reading: &mut Reading<'_>) -> Option<String> {
    let text = reading.surroundings.resolve(section, key)?;
    let parts = text.strip_prefix("sb_").and_then(|rest| rest.split_once('_'));
    let parsed = parts.and_then(|(id, secret)| Some((format!("{}_{id}", KeyId::PREFIX).parse().ok()?, secret)));
    let Some((id, _)) = parsed.filter(|(_, secret)| secret.len() >= 43) else {
        let form =
            "is no API key: `sb_`, an id of 26 characters of 0-9 and a-v, `_`, a secret of at least 43 characters";
        section.complain_of(key, form);
        return None;
    };
    if let Some(other) = reading.keys.insert(id, tenant.to_owned()) {
        section.complain_of(key, format!("has an id that a key of tenant `{other}` has, too"));
    }
    Some(text)
}

fn plan(section: Section<'_, '_>, tenant: &str, reading: &mut Reading<'_>) -> Option<(Address, NumberPlan)> {
    let number: Option<Placed<Address>> = section.needed("number", Section::parsed);
    let segments_per_second = per_second(&section);
    let carriers = section.needed("carriers", Section::texts).unwrap_or_default();
    if carriers.is_empty() && section.has("carriers") {
        section.complain_at("carriers", "is empty; name at least one");
    }
    for carrier in carriers.iter().filter(|carrier| !reading.carriers.contains(&carrier.value.as_str())) {
        let hint = hint(&carrier.value, &reading.carriers);
        section.complain_of(carrier, format!("there is no carrier `{}`; {hint}", carrier.value));
    }
    if let Some(number) = &number
        && let Some(other) = reading.numbers.insert(number.value.clone(), tenant.to_owned())
    {
        section.complain_of(number, format!("{:?} is a number of tenant `{other}` already", number.value));
    }
    section.end();
    let carriers = carriers.into_iter().map(|carrier| carrier.value).collect();
    Some((number?.value, NumberPlan { carriers, segments_per_second }))
}
