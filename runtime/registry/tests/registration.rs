//! The registry's events may come late, twice, and over a restart.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

use std::sync::Arc;

use signalbox_model::{Partition, TenantId, Timestamp};
use signalbox_registry::registration::{
    CarrierStatus, Event, Form, Kind, Most, Object, Outcome, Registration, Row, Who,
};
use signalbox_store::memory::{Config, MemoryStore};
use signalbox_store::{Epoch, Store};

const MOST: Most = Most { numbers_without_pool: 49, samples: 5, sub_use_cases: 5 };

struct Told {
    registration: Arc<Registration>,
    epoch: Epoch,
}

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_780_000_000_000 + seconds * 1_000)
}

impl Told {
    async fn open(store: &Arc<MemoryStore>) -> Self {
        let epoch = store.acquire(Partition::DIRECTORY).await.unwrap();
        Self { registration: Registration::open(store.clone()).await.unwrap(), epoch }
    }

    async fn put(&self, kind: Kind, id: &str, fields: &[(&str, &str)]) {
        let form = fields.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect();
        let rows = vec![Row { line: 0, id: id.to_owned(), form: Form(form) }];
        let place = (Who::Operator, at(0), self.epoch);
        self.registration.put(&tenant(), kind, rows, place, MOST, |_| true).await.unwrap();
    }

    async fn tell(&self, id: &str, operation: &str, network: &str, seconds: u64) -> Outcome {
        let body = format!(
            r#"{{"eventType":"MNO_CAMPAIGN_OPERATION_{operation}","campaignId":"CABC123","mnoName":"{network}"}}"#
        );
        let event = Event::read(body.as_bytes(), at(seconds)).unwrap().called(id);
        self.registration.take_in(&event, at(seconds), self.epoch).await.unwrap()
    }

    fn carriers(&self) -> [CarrierStatus; 5] {
        match &self.registration.get(&tenant(), Kind::Campaign, "promo").unwrap().object {
            Object::Campaign(campaign) => campaign.carriers,
            other => panic!("{other:?}"),
        }
    }
}

async fn set_up(store: &Arc<MemoryStore>) -> Told {
    let told = Told::open(store).await;
    told.put(Kind::Brand, "acme", &[("name", "Acme"), ("entity", "private_profit")]).await;
    told.put(Kind::Campaign, "promo", &[("brand", "acme"), ("use_case", "2fa"), ("tcr_id", "CABC123")]).await;
    told
}

#[tokio::test]
async fn a_late_approval_doesnt_lift_a_suspension() {
    let told = set_up(&MemoryStore::new(Config::default())).await;
    told.tell("1", "SUSPENDED", "AT&T", 1).await;
    let late = told.tell("2", "APPROVED", "AT&T", 2).await;
    assert_eq!(late, Outcome::Kept("suspended can't become approved".to_owned()));
    assert!(matches!(told.tell("3", "REVIEW", "AT&T", 3).await, Outcome::Kept(_)));
    assert_eq!(told.carriers()[0], CarrierStatus::Suspended);
    told.tell("4", "UNSUSPENDED", "AT&T", 4).await;
    told.tell("5", "APPROVED", "AT&T", 5).await;
    assert_eq!(told.carriers()[0], CarrierStatus::Approved);
    // Of a carrier that didn't suspend, all goes on.
    assert!(matches!(told.tell("6", "REVIEW", "Verizon", 6).await, Outcome::Changed(_)));
}

#[tokio::test]
async fn what_was_told_before_a_restart_is_known_after_it() {
    let store = MemoryStore::new(Config::default());
    let told = set_up(&store).await;
    told.tell("first", "APPROVED", "AT&T", 1).await;
    told.tell("second", "REVIEW", "AT&T", 2).await;
    let told = Told::open(&store.crash_image()).await;
    assert!(matches!(told.tell("first", "APPROVED", "AT&T", 9).await, Outcome::Kept(_)));
    assert_eq!(told.carriers()[0], CarrierStatus::Review);
    assert!(matches!(told.tell("third", "APPROVED", "AT&T", 10).await, Outcome::Changed(_)));
}
