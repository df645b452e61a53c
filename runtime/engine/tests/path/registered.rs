use std::path::Path;
use std::time::Duration;

use signalbox_carriers::Outcome;
use signalbox_engine::registry::registration::{Event, Form, Kind, Outcome as Took, Row};
use signalbox_engine::{ConsentChange, ConsentSaid, ProgramSettings, Refused, Registrar, Request};
use signalbox_model::{Category, Cause, MessageId, Status, Timestamp};
use signalbox_policy::Policies;
use signalbox_registry::{Level, Program};

use crate::house::{House, NEW_YORK, OURS, SHORT, THEIRS, noon};

pub const PERSON: &str = "+12125550123";

fn row(id: &str, fields: &[(&str, &str)]) -> Row {
    let split = |text: &str| text.split('|').map(str::to_owned).collect();
    Row {
        line: 0,
        id: id.to_owned(),
        form: Form(fields.iter().map(|(name, text)| ((*name).to_owned(), split(text))).collect()),
    }
}

async fn register(house: &House, kind: Kind, id: &str, fields: &[(&str, &str)]) {
    let rows = vec![row(id, fields)];
    let done = house.handle.register(&house.caller.tenant, Registrar::Operator, kind, rows).await;
    done.unwrap_or_else(|error| panic!("{id}: {error:?}"));
}

/// A brand, a campaign and a number in it, as far as a test wants them.
pub async fn set_up(house: &House, campaign: &[(&str, &str)]) {
    house.carrier.always(Outcome::Taken { ids: vec![] });
    register(
        house,
        Kind::Brand,
        "acme",
        &[
            ("name", "Acme"),
            ("entity", "private_profit"),
            ("status", "verified"),
            ("tax_id", "12-3456789"),
            ("score", "80"),
        ],
    )
    .await;
    let declared = [("brand", "acme"), ("use_case", "account_notification"), ("tcr_id", "CABC123")];
    register(house, Kind::Campaign, "alerts", &[&declared[..], campaign].concat()).await;
    register(house, Kind::Number, NEW_YORK, &[("campaign", "alerts"), ("status", "added")]).await;
    consent(house, NEW_YORK).await;
}

async fn consent(house: &House, sender: &str) {
    let granted = ConsentSaid::Granted { level: Level::Express, method: "web".into(), proof: None };
    let program = Program::Sender(sender.parse().unwrap());
    let change = ConsentChange { program, person: PERSON.parse().unwrap(), said: granted, at: None };
    house.handle.put_consent(&house.caller.tenant, house.caller.key, change).await.unwrap();
}

pub fn request(text: &str) -> Request {
    Request {
        from: NEW_YORK.to_owned(),
        to: PERSON.to_owned(),
        text: text.to_owned(),
        // What is repeated to one person in the other categories is held for that.
        category: Category::Conversational,
        ..Request::default()
    }
}

pub async fn tell(house: &House, event: &str, more: &str) -> Took {
    let body = format!(r#"{{"eventType":"{event}","campaignId":"CABC123"{more}}}"#);
    let event = Event::read(body.as_bytes(), house.handle.now()).unwrap();
    house.handle.registry_event(&event).await.unwrap()
}

/// The rules that hold a message.
pub async fn held_by(house: &House, id: MessageId) -> Vec<String> {
    let record = house.until(id, Status::Held).await;
    let Some(Cause::Held { decision: Some(decision), .. }) = record.entries.last().map(|entry| &entry.cause) else {
        panic!("{:#?}", record.entries)
    };
    decision.reasons.iter().filter(|reason| reason.severity == "hold").map(|reason| reason.rule.clone()).collect()
}

async fn refused_by(house: &House, request: &Request) -> Vec<String> {
    match house.handle.accept(&house.caller, request, None).await {
        Err(Refused::Policy(rejected)) => {
            let denies = rejected.decision.reasons.iter().filter(|reason| reason.severity == "deny");
            denies.map(|reason| reason.rule.clone()).collect()
        }
        other => panic!("it wasn't refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_registered_sender_sends_and_one_that_isnt_doesnt() {
    let house = House::in_the_us().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    consent(&house, NEW_YORK).await;
    let rules = refused_by(&house, &request("Acme: your order is ready")).await;
    let expected = ["registration.brand-unverified", "registration.campaign-missing", "registration.number-apart"];
    assert!(expected.iter().all(|rule| rules.iter().any(|fired| fired == rule)), "{rules:?}");
    let active = [("status", "active"), ("dca_complete", "true"), ("carrier_status", "approved")];
    set_up(&house, &active).await;
    let id = house.send(&request("Acme: your order is ready")).await;
    house.until(id, Status::Sent).await;
    // The campaign that a message names has to be the sender's.
    register(&house, Kind::Campaign, "other", &[&[("brand", "acme"), ("use_case", "marketing")], &active[..]].concat())
        .await;
    let foreign = Request { campaign: Some("other".into()), ..request("Acme: hello") };
    assert_eq!(refused_by(&house, &foreign).await, ["registration.number-apart"]);
    let named = Request { campaign: Some("alerts".into()), ..request("Acme: hello") };
    let id = house.send(&named).await;
    house.until(id, Status::Sent).await;
    let house = house.crash_in_the_us().await;
    let id = house.send(&request("Acme: once more")).await;
    house.until(id, Status::Sent).await;
}

#[tokio::test]
async fn what_waits_for_a_campaign_goes_when_the_registry_says_so_and_not_later() {
    let house = House::in_the_us().await;
    set_up(&house, &[]).await;
    let id = house.send(&request("Acme: your order is ready")).await;
    assert_eq!(held_by(&house, id).await, ["registration.campaign-pending", "registration.carrier-pending"]);
    assert!(matches!(tell(&house, "CAMPAIGN_DCA_COMPLETE", "").await, Took::Changed(_)));
    let held = || async { held_by(&house, id).await == ["registration.carrier-pending"] };
    while !held().await {
        tokio::task::yield_now().await;
    }
    // The clock stands still: nothing but the event brings it back. One carrier of five isn't enough while it isn't
    // known whose network the person is on.
    tell(&house, "MNO_CAMPAIGN_OPERATION_APPROVED", r#","mnoName":"AT&T""#).await;
    assert_eq!(held_by(&house, id).await, ["registration.carrier-pending"]);
    tell(&house, "MNO_CAMPAIGN_OPERATION_APPROVED", "").await;
    let record = house.until(id, Status::Sent).await;
    assert_eq!(record.head.at, record.message.accepted_at, "it waited for its hold to end");
    // The same again, and what came before it, changes nothing.
    assert!(matches!(tell(&house, "MNO_CAMPAIGN_OPERATION_APPROVED", "").await, Took::Kept(_)));
    let old = r#","eventTime":"2026-01-01T00:00:00Z""#;
    assert!(matches!(tell(&house, "MNO_CAMPAIGN_OPERATION_REJECTED", old).await, Took::Kept(_)));
    assert!(matches!(tell(&house, "CAMPAIGN_ADD", "").await, Took::Kept(_)));
    assert!(matches!(tell(&house, "SOMETHING_NEW", "").await, Took::Kept(_)));
    let id = house.send(&request("Acme: another one")).await;
    house.until(id, Status::Sent).await;
    let lines = house.handle.registration_lines(&house.caller.tenant, Kind::Campaign, "alerts", 50).await.unwrap();
    assert!(lines.len() >= 6, "{lines:#?}");
}

#[tokio::test]
async fn a_suspension_denies_and_its_end_leads_back_to_pending() {
    let house = House::in_the_us().await;
    set_up(&house, &[("status", "active"), ("dca_complete", "true"), ("carrier_status", "approved")]).await;
    house.clock.advance(Duration::from_secs(1));
    tell(&house, "MNO_CAMPAIGN_OPERATION_SUSPENDED", r#","mnoName":"T-Mobile""#).await;
    assert_eq!(refused_by(&house, &request("Acme: hello")).await, ["registration.carrier-refused"]);
    // Another carrier's customers still get it.
    let contact = signalbox_engine::Contact {
        attributes: [("carrier".to_owned(), "Verizon Wireless".to_owned())].into(),
        ..Default::default()
    };
    house.handle.put_contact(&house.caller.tenant, &PERSON.parse().unwrap(), &contact).await.unwrap();
    let id = house.send(&request("Acme: hello")).await;
    house.until(id, Status::Sent).await;
    house.handle.put_contact(&house.caller.tenant, &PERSON.parse().unwrap(), &Default::default()).await.unwrap();
    house.clock.advance(Duration::from_secs(1));
    tell(&house, "MNO_CAMPAIGN_OPERATION_UNSUSPENDED", r#","mnoName":"T-Mobile""#).await;
    let id = house.send(&request("Acme: hello again")).await;
    assert_eq!(held_by(&house, id).await, ["registration.carrier-pending"]);
    house.clock.advance(Duration::from_secs(1));
    // Held, then refused for good: its timeline says why.
    tell(&house, "MNO_CAMPAIGN_OPERATION_REJECTED", r#","mnoName":"T-Mobile""#).await;
    let record = house.until(id, Status::Rejected).await;
    let Some(Cause::Rejected { decision: Some(decision), .. }) = record.entries.last().map(|entry| &entry.cause) else {
        panic!("{:#?}", record.entries)
    };
    assert!(decision.reasons.iter().any(|reason| reason.rule == "registration.carrier-refused"));
}

#[tokio::test]
async fn a_short_code_that_is_active_sends() {
    let house = House::in_the_us().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    consent(&house, SHORT).await;
    register(&house, Kind::ShortCode, SHORT, &[("program", "Acme alerts")]).await;
    let id = house.send(&Request { from: SHORT.to_owned(), ..request("Acme: hello") }).await;
    assert_eq!(held_by(&house, id).await, ["registration.short-code-pending"]);
    register(&house, Kind::ShortCode, SHORT, &[("status", "active")]).await;
    // A short code's hold isn't of a campaign: it is called all the same.
    house.until(id, Status::Sent).await;
}

#[tokio::test]
async fn a_file_is_taken_whole_or_not_at_all() {
    let house = House::in_the_us().await;
    set_up(&house, &[]).await;
    let tenant = &house.caller.tenant;
    let rows = vec![
        row("good", &[("brand", "acme"), ("use_case", "2fa")]),
        row("bad", &[("brand", "nobody"), ("use_case", "2fa")]),
    ];
    let own = Registrar::Tenant(house.caller.key);
    assert!(house.handle.register(tenant, own, Kind::Campaign, rows).await.is_err());
    assert!(house.handle.registered(tenant, Kind::Campaign, "good").is_none());
    let foreign = vec![row("+12125550199", &[("campaign", "alerts")])];
    assert!(house.handle.register(tenant, own, Kind::Number, foreign).await.is_err());
}

#[tokio::test]
async fn a_day_that_is_used_up_holds_until_midnight_pacific_and_is_known_after_a_restart() {
    let house = House::in_the_us().await;
    set_up(&house, &[("status", "active"), ("dca_complete", "true"), ("carrier_status", "approved")]).await;
    let tmobile = signalbox_engine::Contact {
        attributes: [("carrier".to_owned(), "T-Mobile".to_owned())].into(),
        ..Default::default()
    };
    house.handle.put_contact(&house.caller.tenant, &PERSON.parse().unwrap(), &tmobile).await.unwrap();
    // A sole proprietor has a thousand segments a day; ten each leave room for one hundred messages.
    register(&house, Kind::Brand, "acme", &[("entity", "sole_proprietor")]).await;
    let long = format!("Acme: {}", "a long story ".repeat(115));
    let first = house.send(&request(&long)).await;
    let segments = u32::from(house.until(first, Status::Sent).await.message.segments);
    assert_eq!(segments, 10);
    for _ in 1..100 {
        let id = house.send(&request(&long)).await;
        house.until(id, Status::Sent).await;
    }
    let id = house.send(&request("Acme: one more")).await;
    assert_eq!(held_by(&house, id).await, ["registration.daily-cap"]);
    let until = house.record(id).await.head.held_until.unwrap();
    let midnight = Timestamp::parse_rfc3339("2026-06-02T07:00:00Z").unwrap();
    assert!(until >= midnight && until < midnight + Duration::from_secs(1_800), "{until:?}");
    // Somebody on another network isn't held for it.
    let other = "+12125550177";
    let verizon = signalbox_engine::Contact {
        attributes: [("carrier".to_owned(), "Verizon".to_owned())].into(),
        ..Default::default()
    };
    house.handle.put_contact(&house.caller.tenant, &other.parse().unwrap(), &verizon).await.unwrap();
    let granted = ConsentSaid::Granted { level: Level::Express, method: "web".into(), proof: None };
    let program = Program::Sender(NEW_YORK.parse().unwrap());
    let change = ConsentChange { program, person: other.parse().unwrap(), said: granted, at: None };
    house.handle.put_consent(&house.caller.tenant, house.caller.key, change).await.unwrap();
    let elsewhere = house.send(&Request { to: other.to_owned(), ..request("Acme: hello") }).await;
    house.until(elsewhere, Status::Sent).await;
    // A drain writes down what was counted.
    let (store, carrier, clock) = (house.store.clone(), house.carrier.clone(), house.clock.clone());
    house.stop().await.unwrap();
    let house = House::in_the_us_on(store.crash_image(), carrier, clock).await;
    let another = house.send(&request("Acme: and one more")).await;
    assert_eq!(held_by(&house, another).await, ["registration.daily-cap"]);
    // Each waits for a time of its own after midnight; what isn't an answer then waits for the morning.
    house.clock.advance(Duration::from_secs(19 * 3_600 - 1));
    assert_eq!(house.record(id).await.head.status, Status::Held);
    house.clock.advance(Duration::from_secs(1_801));
    let until_morning = async {
        while held_by(&house, id).await != ["place.quiet-hours-unasked"] {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), until_morning).await.expect("it is looked at again");
    house.clock.advance(Duration::from_secs(5 * 3_600));
    house.until(id, Status::Sent).await;
    house.until(another, Status::Sent).await;
}

#[tokio::test]
async fn a_class_without_room_makes_messages_wait_and_they_say_why() {
    let house = House::in_the_us().await;
    // Low-volume mixed: 75 segments a minute, one at a time.
    let active = [("status", "active"), ("dca_complete", "true"), ("carrier_status", "approved")];
    set_up(&house, &[&active[..], &[("use_case", "low_volume"), ("sub_use_cases", "2fa")]].concat()).await;
    let requests: Vec<_> = (0..30).map(|n| request(&format!("Acme: notice {n}"))).collect();
    let accepted = house.handle.accept_batch(&house.caller, &requests, None).await.unwrap();
    let ids: Vec<_> = accepted.into_iter().map(|accepted| accepted.unwrap().id).collect();
    house.until(ids[0], Status::Sent).await;
    let last = ids[29];
    house.until(last, Status::Queued).await;
    let waits = house.handle.waits_for(last).expect("it waits");
    assert_eq!(waits.why, "AT&T's rate of the campaign's class");
    let wait = waits.estimated_at.since(house.handle.now());
    assert!(wait > Duration::from_secs(15) && wait < Duration::from_secs(26), "{wait:?}");
    assert!(house.carrier.seen().len() < 10);
    // Whoever isn't registered, or writes to somebody outside the numbering plan, waits for nothing.
    assert!(house.handle.waits_for(ids[0]).is_none());
}

/// A rule of the campaign `alerts`, and one that counts by subject; nothing else.
fn a_campaigns_rules() -> Policies {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("a-campaigns-rules");
    std::fs::create_dir_all(folder.join("campaigns")).unwrap();
    let rule = |id: &str, when: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\ncite = \"a test\"\nseverity = \"deny\"\nclass = \"unknown\"\nwhen = \"{when}\"\n\
             on_unknown = \"pass\"\nexplain = \"{{sent_subject_24h}}\"\nfix = \"none\"\n\
             applies = {{ directions = [\"outbound\"], origins = [\"api\"] }}\n"
        )
    };
    let file = [rule("alerts.short", "segments > 1"), rule("alerts.twice", "sent_subject_24h >= 2")].concat();
    std::fs::write(folder.join("campaigns/alerts.toml"), file).unwrap();
    Policies::load(&folder).unwrap()
}

#[tokio::test]
async fn a_message_that_names_no_campaign_is_of_its_senders() {
    let house = House::under(a_campaigns_rules(), noon()).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    register(&house, Kind::Brand, "acme", &[("name", "Acme"), ("entity", "private_profit")]).await;
    register(&house, Kind::Campaign, "alerts", &[("brand", "acme"), ("use_case", "2fa")]).await;
    register(&house, Kind::Number, OURS, &[("campaign", "alerts"), ("status", "added")]).await;
    let tenant = house.caller.tenant.clone();
    // The campaign's rules are no matter of naming it.
    assert_eq!(refused_by(&house, &House::request(&"long ".repeat(80))).await, ["alerts.short"]);
    // Nor is what counts as one subject.
    let named = Request { campaign: Some("alerts".into()), ..House::request("one") };
    for request in [named, House::request("two")] {
        let id = house.send(&request).await;
        house.until(id, Status::Sent).await;
    }
    assert_eq!(refused_by(&house, &House::request("three")).await, ["alerts.twice"]);
    // A campaign's own words and help hold for the numbers that belong to it.
    let settings =
        ProgramSettings { help: Some("alerts.example".into()), stop: vec!["GENUG DAVON".into()], ..Default::default() };
    house.handle.put_program(&tenant, "alerts", settings).await.unwrap();
    house.text("HELP").await;
    let answer = loop {
        match house.carrier.seen().pop() {
            Some(last) if last.text.contains("Reply STOP") => break last.text,
            _ => tokio::task::yield_now().await,
        }
    };
    assert!(answer.contains("alerts.example"), "{answer}");
    house.text("Genug davon!").await;
    assert_eq!(refused_by(&house, &House::request("four")).await[0], "consent.opted-out");
    house.text("START").await;
    // What somebody takes back of a campaign its numbers don't send.
    house.clock.advance(Duration::from_secs(86_401));
    let id = house.send(&House::request("five")).await;
    house.until(id, Status::Sent).await;
    let said = ConsentSaid::Revoked { reach: signalbox_registry::Reach::Program };
    let program = Program::Campaign("alerts".into());
    let change = ConsentChange { program, person: THEIRS.parse().unwrap(), said, at: None };
    house.handle.put_consent(&tenant, house.caller.key, change).await.unwrap();
    assert_eq!(refused_by(&house, &House::request("six")).await[0], "consent.opted-out");
}

#[tokio::test]
async fn what_is_held_for_something_else_takes_nothing_of_the_day() {
    let house = House::in_the_us().await;
    set_up(&house, &[("status", "active"), ("dca_complete", "true"), ("carrier_status", "approved")]).await;
    register(&house, Kind::Brand, "acme", &[("entity", "sole_proprietor")]).await;
    let long = format!("Acme: {}", "a long story ".repeat(115));
    // Checked, and held for their campaign: a hundred of ten segments would fill the day.
    register(&house, Kind::Campaign, "alerts", &[("status", "pending")]).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(house.send(&request(&long)).await);
    }
    for id in &held {
        house.until(*id, Status::Held).await;
    }
    register(&house, Kind::Campaign, "alerts", &[("status", "active")]).await;
    for id in &held {
        house.until(*id, Status::Sent).await;
    }
    let over = house.send(&request("Acme: one more")).await;
    assert_eq!(held_by(&house, over).await, ["registration.daily-cap"]);
}
