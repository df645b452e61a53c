//! Reads a script.

use std::collections::BTreeMap;
use std::path::Path;

use signalbox_forms::{Error, Reader, Section, hint};
use signalbox_guest::Scope;
use signalbox_model::{Category, ReceiptState, Timestamp};
use toml::de::DeTable;

use super::{
    Calls, Consent, Conversation, Due, Script, Sending, Setup, Step, Stub, StubAnswer, StubFailure, Texts, UrlPattern,
    Wanted, What,
};

/// A step has one of these keys; it says what the step is.
const KINDS: [&str; 11] =
    ["in", "expect", "send", "receipt", "advance", "timer", "state", "note", "log", "http", "parked"];

pub(super) fn script(path: &Path, text: &str) -> Result<Script, Error> {
    let reader = Reader::new(text);
    let conversations = match DeTable::parse(text) {
        Ok(table) => file(&Section::file(&reader, table.get_ref())),
        Err(error) => {
            reader.complain(error.span().map_or(0, |span| span.start), "", error.message());
            Vec::new()
        }
    };
    let complaints = reader.into_complaints();
    if complaints.is_empty() {
        return Ok(Script { path: path.to_owned(), conversations });
    }
    Err(Error::Refused { path: path.to_owned(), complaints })
}

fn file(file: &Section<'_, '_>) -> Vec<Conversation> {
    let section = file.section("setup");
    let common = setup(&section, Setup::default());
    section.end();
    let stubs = stubs(file);
    let conversations: Vec<_> =
        file.sections("conversation").iter().filter_map(|section| conversation(section, &common, &stubs)).collect();
    if !file.has("conversation") {
        file.complain("the file has no conversation; write [[conversation]] with a `name` and `steps`");
    }
    file.end();
    conversations
}

fn conversation(section: &Section<'_, '_>, common: &Setup, common_stubs: &[Stub]) -> Option<Conversation> {
    let name = section.needed_text("name");
    let setup = setup(section, common.clone());
    let mut stubs = stubs(section);
    stubs.extend_from_slice(common_stubs);
    let steps = section.needed("steps", |section, key| Some(section.sections(key)));
    let steps = steps.iter().flatten().filter_map(step).collect();
    section.end();
    Some(Conversation { name: name?.value, line: section.line(), setup, stubs, steps })
}

/// Reads what is said of the setup; a key that is given takes the place of what was said before.
fn setup(section: &Section<'_, '_>, before: Setup) -> Setup {
    let texts = |key| {
        let given = section.named_scalars(key);
        given.into_iter().map(|(name, placed)| (name, placed.value.to_string())).collect::<BTreeMap<_, _>>()
    };
    let over = |before: BTreeMap<String, String>, key| {
        let given = texts(key);
        if section.has(key) { given } else { before }
    };
    let time_zone = section.text("time_zone").map(|zone| {
        if !signalbox_engine::is_time_zone(&zone.value) {
            section.complain_of(&zone, format!("`{}` is no IANA time zone; write such as America/Chicago", zone.value));
        }
        zone.value
    });
    let consents = [("granted", Consent::Granted), ("none", Consent::None), ("opted-out", Consent::OptedOut)];
    let carriers = section.texts("carriers").map(|names| names.into_iter().map(|name| name.value).collect::<Vec<_>>());
    if carriers.as_ref().is_some_and(Vec::is_empty) {
        section.complain_at("carriers", "is empty; a number needs a carrier");
    }
    Setup {
        now: time(section, "now").unwrap_or(before.now),
        number: section.parsed("number").map_or(before.number, |number| number.value),
        contact: section.parsed("contact").map_or(before.contact, |contact| contact.value),
        time_zone: time_zone.or(before.time_zone),
        attributes: over(before.attributes, "attributes"),
        consent: section.one_of("consent", &consents).map_or(before.consent, |consent| consent.value),
        settings: over(before.settings, "settings"),
        secrets: over(before.secrets, "secrets"),
        carriers: carriers.filter(|names| !names.is_empty()).unwrap_or(before.carriers),
    }
}

fn time(section: &Section<'_, '_>, key: &'static str) -> Option<Timestamp> {
    let text = section.text(key)?;
    let time = Timestamp::parse_rfc3339(&text.value);
    if time.is_none() {
        section.complain_of(&text, format!("`{}` is not RFC 3339, such as 2026-06-01T12:00:00Z", text.value));
    }
    time
}

fn stubs(section: &Section<'_, '_>) -> Vec<Stub> {
    section.sections("http").iter().filter_map(stub).collect()
}

fn stub(section: &Section<'_, '_>) -> Option<Stub> {
    let url = section.needed_text("url");
    let failures = [("refused", StubFailure::Refused), ("timeout", StubFailure::Timeout), ("dns", StubFailure::Dns)];
    let fail = section.one_of("fail", &failures).map(|failure| failure.value);
    let headers = section.named_texts("headers");
    let answer = StubAnswer {
        status: section.number("status", 100..=599).and_then(|n| u16::try_from(n.value).ok()).unwrap_or(200),
        headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.value)).collect(),
        body: section.text("body").map(|body| body.value).unwrap_or_default(),
    };
    if fail.is_some() && ["status", "body", "headers"].into_iter().any(|key| section.has(key)) {
        section.complain_at("fail", "leaves nothing to be answered; give either it or `status`, `body` and `headers`");
    }
    let stub = Stub {
        method: section.text("method").map(|method| method.value.to_ascii_uppercase()),
        url: UrlPattern(url?.value),
        times: section.number("times", 1..=1_000_000).map(|times| times.value),
        delay: section.duration("delay").unwrap_or_default(),
        answer: fail.map_or(Ok(answer), Err),
    };
    section.end();
    Some(stub)
}

fn step(section: &Section<'_, '_>) -> Option<Step> {
    let kinds: Vec<_> = KINDS.into_iter().filter(|kind| section.has(kind)).collect();
    let what = match kinds[..] {
        [kind] => what(section, kind),
        [] => {
            let first = section.keys().next().unwrap_or_default();
            section.complain(format!(
                "says nothing that a step can be: one of {}; {}",
                KINDS.join(", "),
                hint(first, &KINDS)
            ));
            return None;
        }
        _ => {
            section.complain(format!("is several steps in one ({}); write one after the other", kinds.join(", ")));
            return None;
        }
    };
    section.end();
    Some(Step { line: section.line(), what: what? })
}

fn what(section: &Section<'_, '_>, kind: &str) -> Option<What> {
    match kind {
        "in" => Some(What::In { text: section.text("in")?.value }),
        "send" => Some(What::Send(Box::new(sending(section)?))),
        "receipt" => receipt(section),
        "advance" => Some(What::Advance(section.duration("advance")?)),
        "expect" => expect(section),
        "timer" => Some(What::Timer { name: section.text("timer")?.value, due: due(section) }),
        "state" => state(section),
        "note" => Some(What::Note { name: section.text("note")?.value, wanted: Wanted::read(section) }),
        "log" => Some(What::Log(section.text("log")?.value)),
        "http" => calls(section),
        _ => Some(What::Parked(section.flag("parked")?)),
    }
}

fn sending(section: &Section<'_, '_>) -> Option<Sending> {
    let categories = Category::ALL.map(|category| (category.as_str(), category));
    let texts = |key| section.texts(key).into_iter().flatten().map(|text| text.value).collect();
    Some(Sending {
        text: section.text("send")?.value,
        category: section.one_of("category", &categories).map(|category| category.value).unwrap_or_default(),
        campaign: section.text("campaign").map(|campaign| campaign.value),
        tags: texts("tags"),
        media: texts("media"),
        after: section.duration("after"),
    })
}

fn receipt(section: &Section<'_, '_>) -> Option<What> {
    let states = [
        ("delivered", ReceiptState::Delivered),
        ("undelivered", ReceiptState::Undeliverable),
        ("expired", ReceiptState::Expired),
        ("rejected", ReceiptState::Rejected),
    ];
    let state = section.one_of("receipt", &states)?.value;
    Some(What::Receipt { state, code: section.text("code").map(|code| code.value) })
}

/// What can be expected.
#[derive(Clone, Copy)]
enum Expected {
    Reply,
    Nothing,
    Rejected,
    Held,
}

fn expect(section: &Section<'_, '_>) -> Option<What> {
    let names = [
        ("reply", Expected::Reply),
        ("nothing", Expected::Nothing),
        ("rejected", Expected::Rejected),
        ("held", Expected::Held),
    ];
    let to = |section: &Section<'_, '_>| section.parsed("to").map(|to| to.value);
    Some(match section.one_of("expect", &names)?.value {
        Expected::Reply => What::Reply {
            to: to(section),
            carrier: section.text("carrier").map(|carrier| carrier.value),
            texts: Texts::read(section),
        },
        Expected::Nothing => What::Nothing { to: to(section) },
        Expected::Rejected => What::Rejected(Texts::read(section)),
        Expected::Held => What::Held,
    })
}

fn due(section: &Section<'_, '_>) -> Due {
    let (after, at, absent) = (section.duration("due"), time(section, "at"), section.flag("absent"));
    match (after, at, absent) {
        (None, None, Some(true)) => Due::Never,
        (Some(after), None, None | Some(false)) => Due::In(after),
        (None, Some(at), None | Some(false)) => Due::At(at),
        (None, None, None | Some(false)) => Due::Whenever,
        _ => {
            section.complain("gives two of `due`, `at` and `absent`; one is enough");
            Due::Whenever
        }
    }
}

fn state(section: &Section<'_, '_>) -> Option<What> {
    let scopes = [("conversation", Scope::Conversation), ("contact", Scope::Contact), ("tenant", Scope::Tenant)];
    let scope = section.one_of("scope", &scopes).map_or(Scope::Conversation, |scope| scope.value);
    Some(What::State { scope, key: section.text("state")?.value, wanted: Wanted::read(section) })
}

fn calls(section: &Section<'_, '_>) -> Option<What> {
    let call = section.text("http")?;
    let Some((method, url)) = call.value.split_once(' ') else {
        section.complain_of(&call, "is no call; write the method and the URL: \"POST https://api.example.com/v1\"");
        return None;
    };
    let headers = section.named_texts("header");
    Some(What::Http(Box::new(Calls {
        method: method.to_ascii_uppercase(),
        url: UrlPattern(url.trim().to_owned()),
        times: section.number("times", 0..=1_000_000).map(|times| times.value),
        body_contains: section.text_or_texts("body_contains").into_iter().map(|text| text.value).collect(),
        headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.value)).collect(),
    })))
}
