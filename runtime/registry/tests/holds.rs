//! Legal holds: what they cover, that they outlive a restart, and how they end.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

use std::sync::Arc;

use signalbox_model::{Address, Chance, HoldId, KeyId, Partition, TenantId, Timestamp};
use signalbox_registry::holds::{Hold, HoldRefused, Holds, MAX_WHY_CHARS, On, Placer, Release};
use signalbox_store::Store;
use signalbox_store::memory::{self, MemoryStore};

const THEIRS: &str = "+15550199001";

struct House {
    store: Arc<MemoryStore>,
    holds: Holds,
    chance: Chance,
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn number(text: &str) -> Address {
    text.parse().unwrap()
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + second * 1_000)
}

impl House {
    async fn on(store: Arc<MemoryStore>) -> Self {
        let epoch = store.acquire(Partition::DIRECTORY).await.unwrap();
        let holds = Holds::open(store.clone(), epoch).await.unwrap();
        Self { store, holds, chance: Chance::seeded(3) }
    }

    async fn new() -> Self {
        Self::on(MemoryStore::new(memory::Config::default())).await
    }

    fn hold(&self, on: On) -> Hold {
        let id = HoldId::new(at(0), Partition::DIRECTORY, &self.chance);
        let why = "Doe v. Acme".to_owned();
        Hold { id, tenant: acme(), on, why, placed_by: Placer::Operator, placed_at: at(0), released: None }
    }

    async fn place(&self, on: On) -> HoldId {
        self.holds.place(self.hold(on)).await.unwrap().id
    }

    fn holds_conversation(&self, ours: &str, theirs: &str) -> bool {
        self.holds.book().on_conversation(&acme(), &number(ours), &number(theirs)).is_some()
    }
}

fn release(by: Placer) -> Release {
    Release { by, at: at(9), why: "settled".to_owned() }
}

#[tokio::test]
async fn a_hold_covers_what_it_names_and_nothing_else() {
    let house = House::new().await;
    let (ours, theirs) = (number("+15550100001"), number(THEIRS));
    assert!(house.holds.book().is_empty());
    house.place(On::Conversation { ours, theirs }).await;
    assert!(house.holds_conversation("+15550100001", THEIRS));
    assert!(!house.holds_conversation("+15550100002", THEIRS));
    assert!(house.holds.is_held(&acme(), &number(THEIRS)), "something of the person is held");
    assert!(!house.holds.is_held(&acme(), &number("+15550199002")));
    assert!(!house.holds.is_held(&"rival".parse().unwrap(), &number(THEIRS)));
    house.place(On::Contact(number("+15550199002"))).await;
    assert!(house.holds_conversation("+15550100002", "+15550199002"));
    assert!(!house.holds_conversation("+15550100002", "+15550199003"));
    house.place(On::Tenant).await;
    assert!(house.holds_conversation("+15550100002", "+15550199003"));
    assert!(house.holds.book().on_tenant(&acme()).is_some());
    assert!(!house.holds.is_held(&"rival".parse().unwrap(), &number(THEIRS)));
}

#[tokio::test]
async fn of_two_holds_the_other_stands_when_one_is_released() {
    let house = House::new().await;
    let one = house.place(On::Contact(number(THEIRS))).await;
    let other = house.place(On::Contact(number(THEIRS))).await;
    for id in [one, other] {
        assert!(house.holds.is_held(&acme(), &number(THEIRS)));
        house.holds.release(&acme(), id, release(Placer::Operator)).await.unwrap();
    }
    assert!(!house.holds.is_held(&acme(), &number(THEIRS)) && house.holds.book().is_empty());
    let again = house.holds.release(&acme(), one, release(Placer::Operator)).await;
    assert!(matches!(again, Err(HoldRefused::Released(when)) if when == at(9)), "{again:?}");
}

#[tokio::test]
async fn a_restart_finds_what_stands_and_what_stood() {
    let house = House::new().await;
    house.place(On::Contact(number(THEIRS))).await;
    let ended = house.place(On::Tenant).await;
    house.holds.release(&acme(), ended, release(Placer::Operator)).await.unwrap();
    let house = House::on(house.store.crash_image()).await;
    assert!(house.holds.is_held(&acme(), &number(THEIRS)));
    assert!(!house.holds.is_held(&acme(), &number("+15550199002")));
    let stood = house.holds.released(&acme(), 10).await.unwrap();
    assert_eq!(stood.iter().map(|hold| hold.id).collect::<Vec<_>>(), [ended]);
    assert_eq!(stood[0].released, Some(release(Placer::Operator)));
}

#[tokio::test]
async fn a_hold_that_did_not_become_durable_does_not_stand() {
    let house = House::new().await;
    // Somebody else took the directory over.
    house.store.acquire(Partition::DIRECTORY).await.unwrap();
    assert!(house.holds.place(house.hold(On::Tenant)).await.is_err());
    assert!(house.holds.book().is_empty());
}

#[tokio::test]
async fn who_places_says_why_and_the_operators_holds_are_the_operators() {
    let house = House::new().await;
    for why in ["", "  ", "a\nb", &"x".repeat(MAX_WHY_CHARS + 1)] {
        let refused = house.holds.place(Hold { why: why.to_owned(), ..house.hold(On::Tenant) }).await;
        assert!(matches!(refused, Err(HoldRefused::Why)), "{why:?}");
    }
    let tenant = Placer::Tenant(KeyId::new(at(0), Partition::DIRECTORY, &house.chance));
    let operators = house.place(On::Tenant).await;
    let refused = house.holds.release(&acme(), operators, release(tenant)).await;
    assert!(matches!(refused, Err(HoldRefused::Operators)));
    let own = house.holds.place(Hold { placed_by: tenant, ..house.hold(On::Tenant) }).await.unwrap().id;
    assert!(house.holds.release(&acme(), own, release(tenant)).await.is_ok());
    let strange = house.holds.release(&"rival".parse().unwrap(), operators, release(Placer::Operator)).await;
    assert!(matches!(strange, Err(HoldRefused::Unknown)));
}

#[tokio::test]
async fn nothing_is_placed_while_somebody_relies_on_what_stands() {
    let house = House::new().await;
    let unmoved = house.holds.unmoved().await;
    assert!(unmoved.on_person(&acme(), &number(THEIRS)).is_none());
    let mut placing = Box::pin(house.holds.place(house.hold(On::Contact(number(THEIRS)))));
    assert!(futures_poll(&mut placing).await.is_none(), "the hold waits");
    drop(unmoved);
    placing.await.unwrap();
    assert!(house.holds.is_held(&acme(), &number(THEIRS)));
}

/// One look at a future.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        let polled = std::pin::Pin::new(&mut *future).poll(cx);
        std::task::Poll::Ready(match polled {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
