//! What a message in the queue before its carrier waits for, and until about when, as its tenant sees it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use signalbox_carriers::{Carrier, Health, Outcome, Slot, Submission};
use signalbox_engine::Registrar;
use signalbox_engine::registry::registration::{Form, Kind, Row};
use signalbox_model::Timestamp;
use signalbox_policy::{Origin, Policies};
use signalbox_store::memory::{self, MemoryStore};

use crate::house::{House, name, tenant};

const NEW_YORK: &str = "+12125550100";
const PERSON: &str = "+12125550123";

/// A carrier that takes everything at once.
struct Ready(Arc<str>);

struct Place;

impl Slot for Place {
    fn submit(self: Box<Self>, submission: Submission) -> BoxFuture<'static, Outcome> {
        let ids = (0..submission.segments).map(|part| format!("{}-{part}", submission.reference)).collect();
        std::future::ready(Outcome::Taken { ids }).boxed()
    }
}

impl Carrier for Ready {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn try_slot(&self, _parts: u8) -> Option<Box<dyn Slot>> {
        Some(Box::new(Place))
    }

    fn ready(&self, _parts: u8) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn health(&self) -> Health {
        Health { binds_up: 1, binds: 1, ..Health::default() }
    }

    fn is_up(&self) -> bool {
        true
    }

    fn has_baa(&self) -> bool {
        false
    }

    fn canonical_id(&self, raw: &str) -> String {
        raw.to_owned()
    }

    fn close(&self, _bound: Duration) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

async fn house() -> House {
    let policies = Policies::open(&Origin { folder: None, packs: vec!["us".to_owned()] }).unwrap();
    let mut tenant = tenant("acme", NEW_YORK);
    tenant.numbers.values_mut().for_each(|plan| plan.carriers = vec!["ready".to_owned()]);
    let store = MemoryStore::new(memory::Config::default());
    let carriers: Vec<Arc<dyn Carrier>> = vec![Arc::new(Ready("ready".into()))];
    House::under(policies, Default::default(), Default::default(), store, tenant, carriers).await
}

async fn register(house: &House, kind: Kind, id: &str, fields: &[(&str, &str)]) {
    let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), vec![(*text).to_owned()])).collect();
    let rows = vec![Row { line: 0, id: id.to_owned(), form: Form(fields) }];
    house.handle.register(&name("acme"), Registrar::Operator, kind, rows).await.unwrap();
}

#[tokio::test]
async fn a_message_says_which_rate_it_waits_for_and_until_about_when() {
    let house = house().await;
    let brand = [("name", "Acme"), ("entity", "private_profit"), ("status", "verified"), ("score", "80")];
    register(&house, Kind::Brand, "acme", &brand).await;
    // Low-volume mixed: 75 segments a minute, one at a time.
    let campaign = [
        ("brand", "acme"),
        ("use_case", "low_volume"),
        ("sub_use_cases", "2fa"),
        ("status", "active"),
        ("dca_complete", "true"),
        ("carrier_status", "approved"),
    ];
    register(&house, Kind::Campaign, "alerts", &campaign).await;
    register(&house, Kind::Number, NEW_YORK, &[("campaign", "alerts"), ("status", "added")]).await;
    let consent = json!({ "sender": NEW_YORK, "consent": "express", "method": "web" });
    let put = house.ask("PUT", "/v1/consents/%2B12125550123", Some(&consent)).await;
    assert_eq!(put.status, 200, "{:?}", put.json());

    let mut ids = Vec::new();
    for n in 0..30 {
        let text = format!("Acme: notice {n}");
        let message = json!({ "from": NEW_YORK, "to": PERSON, "text": text, "category": "otp" });
        let sent = house.ask("POST", "/v1/messages", Some(&message)).await;
        assert_eq!(sent.status, 202, "{:?}", sent.json());
        ids.push(sent.json()["id"].as_str().unwrap().to_owned());
    }
    let queued = async {
        loop {
            let shown = house.ask("GET", &format!("/v1/messages/{}", ids[29]), None).await.json();
            if shown["waits"].is_object() {
                return shown;
            }
            assert!(!["rejected", "held", "sent"].contains(&shown["status"].as_str().unwrap()), "{shown}");
            tokio::task::yield_now().await;
        }
    };
    let shown = tokio::time::timeout(Duration::from_secs(20), queued).await.expect("it comes to stand in the queue");
    assert_eq!(shown["waits"]["why"], "AT&T's rate of the campaign's class");
    let about = Timestamp::parse_rfc3339(shown["waits"]["estimated_at"].as_str().unwrap()).unwrap();
    let wait = about.since(house.handle.now());
    assert!(wait > Duration::from_secs(15) && wait < Duration::from_secs(26), "{wait:?}");
    let timeline = house.ask("GET", &format!("/v1/messages/{}/timeline", ids[29]), None).await.json();
    assert_eq!(timeline["message"]["waits"]["why"], shown["waits"]["why"]);
    // One that went waits for nothing.
    let first = house.ask("GET", &format!("/v1/messages/{}", ids[0]), None).await.json();
    assert_eq!((first["status"].as_str(), first.get("waits")), (Some("sent"), None::<&Value>), "{first}");
}
