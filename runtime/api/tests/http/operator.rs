//! What operators and their machines ask.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use signalbox_store::memory::{self, MemoryStore};

use signalbox_api::Config;

use crate::house::{House, OURS, THEIRS};

#[tokio::test]
async fn readiness_follows_recovery() {
    let house = House::open().await;
    let ready = async {
        while house.ask("GET", "/readyz", None).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ready).await.expect("it becomes ready");
    let status = house.client().await.ask("GET", "/status", &[], b"").await;
    let body = status.json();
    assert_eq!(
        (&body["ready"], &body["draining"], &body["durability"]),
        (&json!(true), &json!(false), &json!("memory"))
    );
    assert_eq!(house.client().await.ask("GET", "/healthz", &[], b"").await.json(), json!({"alive": true}));
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_is_told_to_everybody_who_asks() {
    let store = MemoryStore::new(memory::Config::default());
    store.set_free_bytes(100 << 20);
    let house = House::with(Config::default(), store).await;
    let body = json!({"from": OURS, "to": THEIRS, "text": "hi"});
    for (path, body) in [("/v1/messages", body.clone()), ("/v1/messages/batch", json!({"messages": [body]}))] {
        let answer = house.ask("POST", path, Some(&body)).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("30")));
        let problem = answer.problem("store.full");
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(problem["retryable"], true);
        assert!(detail.contains("100 MiB") && detail.contains("makes room"), "{detail}");
    }
    let list = "/v1/suppression/internal?kind=own&source=shop&fetched_at=2026-11-30T00:00:00Z";
    let imports = [("PUT", list), ("PUT", "/v1/consent-imports/old-list"), ("POST", "/v1/registry-imports/brands")];
    for (method, path) in imports {
        let bearer = format!("Bearer {}", house.key);
        let csv = [("Authorization", bearer.as_str()), ("Content-Type", "text/csv")];
        let answer = house.client().await.ask(method, path, &csv, b"number\n").await;
        assert_eq!(answer.status, 503, "{path}: {answer:?}");
        answer.problem("store.full");
    }
    let ready = house.ask("GET", "/readyz", None).await.problem("not_ready");
    assert!(ready["detail"].as_str().unwrap().contains("min_free"), "{ready}");
    let status = house.ask("GET", "/status", None).await.json();
    let room = json!({"free_bytes": 100 << 20, "min_free_bytes": 512 << 20, "full": true});
    assert_eq!((&status["ready"], &status["store"]), (&json!(false), &room));
    let metrics = String::from_utf8(house.ask("GET", "/metrics", None).await.body).unwrap();
    for line in ["signalbox_store_full 1", "signalbox_store_free_bytes 104857600"] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn metrics_count_by_route_and_show_no_number() {
    let house = House::open().await;
    let body = json!({"from": OURS, "to": THEIRS, "text": "hi"});
    house.ask("POST", "/v1/messages", Some(&body)).await;
    house.ask("GET", "/v1/messages/x", None).await;
    house.ask("GET", "/nowhere", None).await;
    let answer = house.client().await.ask("GET", "/metrics", &[], b"").await;
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = String::from_utf8(answer.body).unwrap();
    for line in [
        "signalbox_http_requests_total{method=\"POST\",route=\"/v1/messages\",status=\"202\"} 1",
        "signalbox_http_requests_total{method=\"GET\",route=\"/v1/messages/{id}\",status=\"404\"} 1",
        "signalbox_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "signalbox_http_request_seconds_count{route=\"/v1/messages\"} 1",
        "signalbox_messages_accepted_total 1",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("5550"), "{text}");
}

#[tokio::test]
async fn the_description_is_served_as_it_is_made() {
    let house = House::open().await;
    let answer = house.client().await.ask("GET", "/openapi.json", &[], b"").await;
    assert_eq!(answer.status, 200);
    let api = answer.json();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    // A client may walk what is described: each path answers, if only with a problem that is described.
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path.replace(['{', '}'], "");
            let answer = house.client().await.ask(&method.to_uppercase(), &path, &[], b"").await;
            let described = &operation["responses"][answer.status.to_string()];
            assert!(described.is_object(), "{method} {path} answers {}", answer.status);
        }
    }
}

#[tokio::test]
async fn a_set_of_policies_that_is_refused_is_shown_until_it_is_mended() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policies-that-break");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let house = House::ruled_by(&folder, MemoryStore::new(memory::Config::default())).await;
    let policies = || async { house.client().await.ask("GET", "/status", &[], b"").await.json()["policy"].clone() };
    let metric = |name: &'static str| {
        let house = &house;
        async move {
            let answer = house.client().await.ask("GET", "/metrics", &[], b"").await;
            let text = String::from_utf8(answer.body).unwrap();
            let line = text.lines().find(|line| line.starts_with(&format!("signalbox_{name} "))).map(str::to_owned);
            line.unwrap_or_else(|| panic!("{name} isn't in\n{text}")).rsplit(' ').next().unwrap().to_owned()
        }
    };
    let good = policies().await;
    assert_eq!((&good["refused"], good.get("failure")), (&json!(0), None), "{good}");
    assert_eq!((metric("policies_stale").await, metric("policies_refused_total").await), ("0".into(), "0".into()));
    std::fs::write(folder.join("mine.toml"), "[[rule]]\nid = 3").unwrap();
    house.handle.read_policies().unwrap_err();
    let broken = policies().await;
    assert_eq!((&broken["rules"], &broken["refused"]), (&good["rules"], &json!(1)), "the last good set stays");
    assert!(broken["failure"]["error"].as_str().unwrap().starts_with("mine.toml:2:6: "), "{broken}");
    assert!(broken["failure"]["at"].as_str().unwrap().starts_with("2026-12-01T12:00:00"), "{broken}");
    assert_eq!((metric("policies_stale").await, metric("policies_refused_total").await), ("1".into(), "1".into()));
    // Words that are obeyed are part of it: mended, with another list, the tables' hash is another.
    std::fs::write(folder.join("mine.toml"), "").unwrap();
    std::fs::write(folder.join("keywords.toml"), format!("{}\n", signalbox_policy::BUILT_IN_KEYWORDS)).unwrap();
    let read = house.handle.read_policies().unwrap();
    house.handle.take_policies(read).await;
    let mended = policies().await;
    assert_eq!((mended.get("failure"), &mended["refused"]), (None, &json!(1)), "{mended}");
    assert_ne!((&mended["rules"], &mended["tables"]), (&good["rules"], &good["tables"]));
    assert_ne!(mended["tables"], good["tables"]);
    assert_eq!(metric("policies_stale").await, "0");
}
