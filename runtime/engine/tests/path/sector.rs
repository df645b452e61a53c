//! Tenants whose sector has a law of its own.

use std::collections::BTreeMap;
use std::path::Path;

use signalbox_carriers::Outcome;
use std::time::Duration;

use signalbox_engine::{Contact, Refused, SupervisionRefused};
use signalbox_model::directory::{Lapse, SupervisionPlan};
use signalbox_model::{ErrorClass, Status};
use signalbox_policy::{Origin, Policies};
use signalbox_records::audit::Item;

use crate::house::{House, Scripted, THEIRS};

/// The floor and what the pack says of sectors.
fn rules() -> Policies {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sector-alone");
    std::fs::create_dir_all(folder.join("us")).unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/us/sector.toml");
    std::fs::copy(from, folder.join("us/sector.toml")).unwrap();
    Policies::open(&Origin { folder: Some(folder), packs: vec!["us".to_owned()] }).unwrap()
}

fn carrier(name: &str, has_baa: bool) -> std::sync::Arc<Scripted> {
    let carrier = Scripted::named(name);
    carrier.always(Outcome::Taken { ids: vec![] });
    if has_baa {
        carrier.signs();
    }
    carrier
}

const HOSPITAL: [(&str, &str); 3] = [
    ("sector", "health"),
    ("portal_url", "https://mercy.example/m/{token}"),
    ("portal_text", "Mercy has a message for you: {link}"),
];

#[tokio::test]
async fn what_a_patient_is_written_becomes_a_link_of_its_own() {
    let house = House::set(&HOSPITAL, rules(), vec![carrier("covered", true)]).await;
    let tenant = house.caller.tenant.clone();
    let mut tokens = Vec::new();
    for text in ["Your biopsy results are in.", "Your appointment is on Monday."] {
        let id = house.send(&House::request(text)).await;
        let record = house.until(id, Status::Sent).await;
        assert_eq!(record.message.original.map(|body| body.text).as_deref(), Some(text));
        let sent = house.carrier.seen().pop().unwrap().text;
        let token = sent.strip_prefix("Mercy has a message for you: https://mercy.example/m/").expect("it is a link");
        let message = house.handle.portal_message(&tenant, token).await.unwrap().expect("the link leads to it");
        assert_eq!(message.id, id);
        tokens.push(token.to_owned());
    }
    assert_ne!(tokens[0], tokens[1]);
    // One of another tenant's, one that was changed and what is none lead nowhere.
    let mut changed = tokens[0].clone().into_bytes();
    let last = changed.len() - 1;
    changed[last] = if changed[last] == b'0' { b'8' } else { b'0' };
    let crossed = format!("{}{}", &tokens[0][..26], &tokens[1][26..]);
    for wrong in [String::from_utf8(changed).unwrap(), crossed, "x".to_owned(), String::new()] {
        assert!(house.handle.portal_message(&tenant, &wrong).await.unwrap().is_none(), "{wrong}");
    }
    assert!(house.handle.portal_message(&"other".parse().unwrap(), &tokens[0]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_patient_who_prefers_plain_messages_gets_them() {
    let house = House::set(&HOSPITAL, rules(), vec![carrier("covered", true)]).await;
    let attributes = BTreeMap::from([("plain_messages".to_owned(), "true".to_owned())]);
    let contact = Contact { attributes, ..Contact::default() };
    house.handle.put_contact(&house.caller.tenant, &THEIRS.parse().unwrap(), &contact).await.unwrap();
    let id = house.send(&House::request("Your results are in.")).await;
    house.until(id, Status::Sent).await;
    assert_eq!(house.carrier.seen()[0].text, "Your results are in.");
}

#[tokio::test]
async fn a_patient_s_message_goes_by_no_carrier_without_an_agreement() {
    let (uncovered, covered) = (carrier("uncovered", false), carrier("covered", true));
    let house = House::set(&HOSPITAL, rules(), vec![uncovered.clone(), covered.clone()]).await;
    let id = house.send(&House::request("Your results are in.")).await;
    house.until(id, Status::Sent).await;
    assert_eq!((uncovered.seen_count(), covered.seen_count()), (0, 1));

    // By rule where the pack is on, and by route where it isn't.
    let house = House::set(&HOSPITAL, rules(), vec![carrier("uncovered", false)]).await;
    match house.handle.accept(&house.caller, &House::request("Your results are in."), None).await {
        Err(Refused::Policy(rejected)) => {
            assert!(rejected.decision.reasons.iter().any(|reason| reason.rule == "sector.health-carrier"));
        }
        other => panic!("{:?}", other.map(|accepted| accepted.id)),
    }
    let house = House::set(&HOSPITAL, Policies::built_in(), vec![carrier("uncovered", false)]).await;
    let id = house.send(&House::request("Your results are in.")).await;
    let record = house.until(id, Status::Failed).await;
    assert_eq!(record.head.class, Some(ErrorClass::RouteNone));
    assert_eq!(house.carrier.seen_count(), 0);
    // Any other tenant isn't asked for one.
    let house = House::set(&[], rules(), vec![carrier("uncovered", false)]).await;
    let id = house.send(&House::request("hello")).await;
    house.until(id, Status::Sent).await;
}

fn plan(then: Lapse) -> SupervisionPlan {
    let within = Duration::from_secs(3_600);
    SupervisionPlan { words: vec!["Guaranteed returns".to_owned()], sample_percent: 0, within, then }
}

async fn broker(then: Lapse) -> House {
    House::supervised(Some(plan(then)), &[("sector", "finance")], rules(), vec![carrier("wire", false)]).await
}

const PROMISE: &str = "We have GUARANTEED  returns for you!";

#[tokio::test]
async fn a_message_with_a_word_of_the_lexicon_waits_until_a_supervisor_lets_it_go() {
    let house = broker(Lapse::Reject).await;
    let (caller, tenant) = (house.caller.clone(), house.caller.tenant.clone());
    let plain = house.send(&House::request("Your statement is ready.")).await;
    house.until(plain, Status::Sent).await;
    let promise = house.send(&House::request(PROMISE)).await;
    let other = house.send(&House::request(PROMISE)).await;
    for id in [promise, other] {
        assert_eq!(house.until(id, Status::Held).await.head.class, Some(ErrorClass::Supervision));
    }
    let waiting = house.handle.supervised(&tenant, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|one| one.message.id).collect::<Vec<_>>().len(), 2);
    let refused = house.handle.supervise(&caller, promise, true, " ").await;
    assert!(matches!(refused, Err(SupervisionRefused::Why)));
    let refused = house.handle.supervise(&caller, plain, true, "fine").await;
    assert!(matches!(refused, Err(SupervisionRefused::Unknown)));

    house.handle.supervise(&caller, promise, true, "it is a bond").await.unwrap();
    house.until(promise, Status::Sent).await;
    let rejected = house.handle.supervise(&caller, other, false, "no such thing").await.unwrap();
    assert_eq!((rejected.head.status, rejected.head.class), (Status::Rejected, Some(ErrorClass::Supervision)));
    assert!(house.handle.supervised(&tenant, 10).await.unwrap().is_empty());
    let again = house.handle.supervise(&caller, other, true, "or rather").await;
    assert!(matches!(again, Err(SupervisionRefused::Unknown)));
    assert_eq!(house.carrier.seen_count(), 2);

    let (_, items) = house.verified_log().await;
    let decided = items.iter().filter_map(|item| match item {
        Item::Supervised { message, approved, why, .. } => Some((*message, *approved, why.as_str())),
        _ => None,
    });
    let mut decided: Vec<_> = decided.collect();
    decided.sort();
    let mut expected = vec![(promise, true, "it is a bond"), (other, false, "no such thing")];
    expected.sort();
    assert_eq!(decided, expected);
}

#[tokio::test]
async fn at_the_end_of_their_time_a_message_is_rejected_or_goes_as_its_tenant_says() {
    for (then, status) in [(Lapse::Reject, Status::Rejected), (Lapse::Send, Status::Sent)] {
        let house = broker(then).await;
        let id = house.send(&House::request(PROMISE)).await;
        house.until(id, Status::Held).await;
        house.clock.advance(Duration::from_secs(3_601));
        house.until(id, status).await;
        assert!(house.handle.supervised(&house.caller.tenant, 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_sample_of_all_messages_is_all_of_them_and_without_a_plan_it_is_none() {
    let all = SupervisionPlan { words: Vec::new(), sample_percent: 100, ..plan(Lapse::Reject) };
    let house = House::supervised(Some(all), &[], rules(), vec![carrier("wire", false)]).await;
    let id = house.send(&House::request("hello")).await;
    house.until(id, Status::Held).await;
    let house = House::set(&[("sector", "finance")], rules(), vec![carrier("wire", false)]).await;
    let id = house.send(&House::request(PROMISE)).await;
    house.until(id, Status::Sent).await;
}
