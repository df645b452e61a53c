//! The audit log over HTTP, and who is shown a body.

use serde_json::{Value, json};
use signalbox_model::Partition;
use signalbox_records::audit::export::FrameLine;
use signalbox_records::audit::{Keys, Verifier, export::MarkLine, unhex};
use signalbox_store::memory::{self, MemoryStore};

use crate::house::{House, OURS, THEIRS};

async fn house(sector: &str) -> House {
    House::audited(sector, MemoryStore::new(memory::Config::default())).await
}

async fn send(house: &House, text: &str) -> String {
    let answer = house.ask("POST", "/v1/messages", Some(&json!({ "from": OURS, "to": THEIRS, "text": text }))).await;
    assert_eq!(answer.status, 202, "{:?}", answer.json());
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Every frame of the tenant's log, verified on the way.
async fn frames(house: &House, number: Option<&str>) -> Vec<Value> {
    let signed = house.ask("POST", "/v1/audit/checkpoints", None).await.json();
    let mark: MarkLine = serde_json::from_value(signed["checkpoints"][0].clone()).unwrap();
    let mut verifier = Verifier::new("acme".parse().unwrap(), Keys::from_bytes(&[5; 64]).public());
    verifier.kept(&mark.mark().unwrap()).unwrap();
    let partitions = house.ask("GET", "/v1/audit", None).await.json()["partitions"].as_u64().unwrap();
    let mut all = Vec::new();
    let number = number.map(|number| format!("&number={}", number.replace('+', "%2B"))).unwrap_or_default();
    for partition in 0..partitions {
        let path = format!("/v1/audit/frames?partition={partition}&compare=true{number}");
        let page = house.ask("GET", &path, None).await.json();
        for (frame, standings) in
            page["frames"].as_array().unwrap().iter().zip(page["standings"].as_array().into_iter().flatten())
        {
            let line: FrameLine = serde_json::from_value(frame.clone()).unwrap();
            let link = unhex(&line.link).unwrap().try_into().unwrap();
            let partition = Partition::new(line.partition);
            match &line.body {
                Some(body) => drop(verifier.frame(partition, line.n, &link, &unhex(body).unwrap()).unwrap()),
                None => {
                    let digest = unhex(&line.digest.unwrap()).unwrap().try_into().unwrap();
                    verifier.hidden(partition, line.n, &link, &digest).unwrap();
                }
            }
            assert!(
                standings.as_array().unwrap().iter().all(|standing| standing.is_null() || standing == "same"),
                "{page}"
            );
            all.push(frame.clone());
        }
    }
    verifier.finish(None).unwrap();
    all
}

fn reads(frames: &[Value]) -> Vec<Value> {
    let items = frames.iter().flat_map(|frame| frame["shown"]["items"].as_array().cloned().unwrap_or_default());
    items.filter_map(|item| item.get("read").cloned()).collect()
}

#[tokio::test]
async fn what_is_sent_is_logged_and_agrees_with_the_records() {
    let house = house("none").await;
    let id = send(&house, "hello").await;
    let frames = frames(&house, None).await;
    let text = serde_json::to_string(&frames).unwrap();
    assert!(text.contains(&id) && text.contains("\"accepted\""));
    assert!(!text.contains("hello") && !text.contains(THEIRS), "neither texts nor numbers are in the log");
}

#[tokio::test]
async fn decisions_are_shown_with_the_frames_that_tell_of_them() {
    let house = house("none").await;
    let id = send(&house, "hello").await;
    let partition = id.parse::<signalbox_model::MessageId>().unwrap().partition().index();
    let ask = async |more: &str| {
        house.ask("GET", &format!("/v1/audit/frames?partition={partition}&decisions=true{more}"), None).await.json()
    };
    let page = ask("").await;
    let decided: Vec<&Value> = page["frames"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|frame| frame["decided"].as_array().into_iter().flatten())
        .collect();
    assert!(!decided.is_empty(), "{page}");
    assert!(decided.iter().all(|one| one["message"] == json!(id) && one["verdict"] == "allow"), "{page}");
    let version = decided[0]["policies"].as_str().unwrap();
    let set = house.ask("GET", &format!("/v1/policies/{version}"), None).await.json();
    assert!(set["rules"].as_array().unwrap().iter().any(|rule| rule["rule"] == "consent.opted-out"), "{set}");
    assert_eq!((&set["tenant"], set["tables"][0]["file"].is_string()), (&json!("acme"), true));
    house.ask("GET", "/v1/policies/0000000000000000-0000000000000000", None).await.problem("policy.unknown");
    let text = page.to_string();
    assert!(!text.contains("hello") && !text.contains(THEIRS), "neither texts nor numbers");
    let others = ask("&number=%2B15550199777").await;
    assert!(others["frames"].as_array().unwrap().iter().all(|frame| frame.get("decided").is_none()), "{others}");
}

#[tokio::test]
async fn what_decisions_stand_on_is_logged_when_it_changes() {
    let house = house("none").await;
    let consent = json!({ "sender": OURS, "consent": "express", "method": "web" });
    assert_eq!(
        house.ask("PUT", &format!("/v1/consents/{}", THEIRS.replace('+', "%2B")), Some(&consent)).await.status,
        200
    );
    let bearer = format!("Bearer {}", house.key);
    let csv = [("Authorization", bearer.as_str()), ("Content-Type", "text/csv")];
    let list = "/v1/suppression/internal?kind=own&source=shop&fetched_at=2026-11-30T00:00:00Z";
    let put = house.client().await.ask("PUT", list, &csv, b"number\n+15550199002\n").await;
    assert_eq!(put.status, 200, "{:?}", put.json());
    assert_eq!(house.ask("DELETE", "/v1/suppression/internal", None).await.status, 204);
    let all = frames(&house, None).await;
    let items = all.iter().flat_map(|frame| frame["shown"]["items"].as_array().cloned().unwrap_or_default());
    let changes: Vec<Value> = items.filter_map(|item| item.get("changed").cloned()).collect();
    let told = |what: &str| changes.iter().filter(|change| change["what"] == what).collect::<Vec<_>>();
    assert_eq!(told("policy").len(), 1, "{changes:?}");
    assert_eq!((told("consent")[0]["to"].as_str(), told("consent")[0]["person"].is_string()), (Some("express"), true));
    let lists = told("suppression");
    assert!(
        lists[0]["to"].as_str().unwrap().starts_with("own list of 1 numbers") && lists[1]["to"] == "removed",
        "{lists:?}"
    );
    assert!(lists.iter().all(|change| change["by"].as_str().unwrap().starts_with("key_")));
    assert!(!serde_json::to_string(&changes).unwrap().contains("+1555"), "no numbers");
}

#[tokio::test]
async fn whoever_reads_a_body_is_logged_first() {
    let house = house("none").await;
    let id = send(&house, "hello").await;
    for path in [format!("/v1/messages/{id}"), format!("/v1/messages/{id}/timeline"), "/v1/messages".to_owned()] {
        assert!(house.ask("GET", &path, None).await.json().to_string().contains("hello"));
    }
    let reads = reads(&frames(&house, None).await);
    let how: Vec<_> = reads.iter().map(|read| read["how"].as_str().unwrap()).collect();
    assert_eq!(how, ["message", "timeline", "list"]);
    assert!(
        reads.iter().all(|read| read["messages"] == json!([id]) && read["by"].as_str().unwrap().starts_with("key_"))
    );
}

#[tokio::test]
async fn a_patient_s_text_is_shown_to_nobody_who_doesn_t_say_why() {
    let house = house("health").await;
    let id = send(&house, "your result is here").await;
    for path in [format!("/v1/messages/{id}"), format!("/v1/messages/{id}/timeline"), "/v1/messages".to_owned()] {
        let shown = house.ask("GET", &path, None).await.json().to_string();
        assert!(shown.contains("[redacted]") && !shown.contains("result"), "{shown}");
    }
    assert!(reads(&frames(&house, None).await).is_empty());
    let reason = [("Signalbox-Reveal", "complaint 17")];
    let shown = house.ask_with(&house.key, &reason, "GET", &format!("/v1/messages/{id}"), None).await.json();
    assert_eq!(shown["text"], "your result is here");
    let reads = reads(&frames(&house, None).await);
    assert_eq!(reads[0]["reason"], "complaint 17");
}

#[tokio::test]
async fn without_a_log_nothing_redacted_is_shown() {
    let store = MemoryStore::new(memory::Config::default());
    let mut tenant = crate::house::tenant("acme", OURS);
    tenant.settings.insert("sector".to_owned(), "health".to_owned());
    let house = House::of(Default::default(), Default::default(), store, tenant).await;
    let id = send(&house, "your result is here").await;
    let reason = [("Signalbox-Reveal", "curious")];
    let refused = house.ask_with(&house.key, &reason, "GET", &format!("/v1/messages/{id}"), None).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (400, Some("header.invalid")));
}

#[tokio::test]
async fn a_log_can_be_shown_of_one_person_alone() {
    let house = house("none").await;
    send(&house, "hello").await;
    let all = frames(&house, None).await;
    let shown = |frames: &[Value]| frames.iter().filter(|frame| frame["shown"]["items"].is_array()).count();
    let theirs = frames(&house, Some(THEIRS)).await;
    // The frame that tells which policies were taken into use is about nobody.
    assert_eq!((theirs.len(), shown(&theirs)), (all.len(), all.len() - 1));
    let others = frames(&house, Some("+15550199777")).await;
    assert!(
        others.len() == theirs.len()
            && others.iter().all(|frame| frame.get("shown").is_none() && frame["digest"].is_string())
    );
}

#[tokio::test]
async fn a_stranger_sees_their_own_log_only() {
    let house = house("none").await;
    send(&house, "hello").await;
    let partitions = house.ask("GET", "/v1/audit", None).await.json()["partitions"].as_u64().unwrap();
    for partition in 0..partitions {
        let path = format!("/v1/audit/frames?partition={partition}");
        let page = house.ask_with(&house.stranger, &[], "GET", &path, None).await.json();
        for frame in page["frames"].as_array().unwrap() {
            assert_eq!(frame["shown"]["items"][0]["changed"]["what"], "policy", "{frame}");
        }
    }
}

#[tokio::test]
async fn holding_a_candidate_against_patients_texts_needs_a_reason() {
    let house = house("health").await;
    let client = || async {
        let bearer = format!("Bearer {}", house.key);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/wasm")];
        house.client().await.ask("POST", "/v1/handlers/desk/gate", &headers, b"\0asm").await
    };
    let refused = client().await;
    assert_eq!(
        (refused.status, refused.json()["errors"][0]["code"].as_str()),
        (400, Some("reveal.missing")),
        "{:?}",
        refused.json()
    );
}

#[tokio::test]
async fn a_portal_is_told_what_its_link_leads_to_and_the_log_says_so() {
    let store = MemoryStore::new(memory::Config::default());
    let mut tenant = crate::house::tenant("acme", OURS);
    tenant.settings.insert("sector".to_owned(), "health".to_owned());
    tenant.settings.insert("portal_url".to_owned(), "https://mercy.example/{token}".to_owned());
    let mut limits = signalbox_engine::Config::default();
    limits.audit.keys = Some(signalbox_records::audit::Keys::from_bytes(&[5; 64]));
    limits.audit.everybody = true;
    let house = House::of(Default::default(), limits, store, tenant).await;
    let id = send(&house, "your result is here").await;
    let pointer = house.handle.portal_pointer(&"acme".parse().unwrap(), id.parse().unwrap()).unwrap();
    let (_, token) = pointer.rsplit_once('/').unwrap();
    let shown = house.ask("GET", &format!("/v1/portal/{token}"), None).await;
    assert_eq!((shown.status, &shown.json()["text"]), (200, &json!("your result is here")), "{shown:?}");
    assert_eq!(shown.json()["to"], THEIRS);
    let reads = reads(&frames(&house, None).await);
    assert_eq!((&reads[0]["how"], &reads[0]["messages"]), (&json!("portal"), &json!([id])));
    for (key, token) in [(&house.stranger, token), (&house.key, &token[1..])] {
        let refused = house.ask_with(key, &[], "GET", &format!("/v1/portal/{token}"), None).await;
        assert_eq!(refused.status, 404);
    }
}
