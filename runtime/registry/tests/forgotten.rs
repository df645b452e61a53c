//! Who is forgotten is sent nothing that they had forbidden, and their number is in no row.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

use std::sync::Arc;

use signalbox_model::conversation::stable_hash;
use signalbox_model::{Address, Category, KeyId, MessageId, Partition, TenantId, Timestamp};
use signalbox_registry::{
    By, Change, ConsentId, Grant, Ledger, Level, Party, Permission, Program, Question, Reach, Revocation,
};
use signalbox_store::layout::Table;
use signalbox_store::memory::{Config, Crash, MemoryStore, Moment};
use signalbox_store::{Batch, Epoch, Error, Range, Store};

const ONE: &str = "+15550100001";
const TWO: &str = "+15550100002";
const PERSON: &str = "+15550199001";
const SOMEBODY_ELSE: &str = "+15550199002";

struct House {
    store: Arc<MemoryStore>,
    ledger: Arc<Ledger>,
    tenant: TenantId,
    epochs: Vec<Epoch>,
}

fn number(text: &str) -> Address {
    text.parse().unwrap()
}

fn sender(text: &str) -> Program {
    Program::Sender(number(text))
}

fn stop(reach: Reach, ms: u64) -> Change {
    let by = By::Keyword { word: "STOP".into(), message: MessageId::from_bytes([1; 16]) };
    Change::Revoked(Revocation { at: Timestamp::from_millis(ms), reach, by })
}

fn given(ms: u64) -> Change {
    let (at, by) = (Timestamp::from_millis(ms), By::Api { key: KeyId::from_bytes([2; 16]) });
    Change::Granted(Grant { level: Level::ExpressWritten, at, method: "web form".into(), proof: None, by })
}

impl House {
    async fn new() -> Self {
        Self::on(MemoryStore::new(Config::default()), true).await.unwrap()
    }

    async fn on(store: Arc<MemoryStore>, has_key: bool) -> Result<Self, Error> {
        let mut epochs = Vec::new();
        for partition in (0..store.partitions()).map(Partition::new).chain([Partition::DIRECTORY]) {
            epochs.push(store.acquire(partition).await?);
        }
        let ledger = Ledger::open(store.clone()).await.unwrap();
        if has_key {
            let hide = |_: &TenantId, person: &Address| Some(stable_hash(&[b"secret", person.to_string().as_bytes()]));
            ledger.hide_with(Box::new(hide));
        }
        Ok(Self { store, ledger, tenant: "acme".parse().unwrap(), epochs })
    }

    async fn crash(self) -> Self {
        Self::on(self.store.crash_image(), true).await.unwrap()
    }

    fn epoch(&self, partition: Partition) -> Epoch {
        self.epochs[usize::from(partition.index()).min(self.epochs.len() - 1)]
    }

    async fn say(&self, person: &str, program: Program, change: Change) {
        let party = Party { program, person: number(person) };
        let partition = ConsentId::new(&self.tenant, &party.program, &party.person).partition(self.store.partitions());
        let mut batch = Batch::new(partition, self.epoch(partition));
        let at = change.at();
        let staged = self.ledger.stage(&mut batch, &self.tenant, party, change, at).await.unwrap();
        self.store.commit(batch).await.unwrap();
        staged.is_durable();
    }

    async fn ask(&self, person: &str, sender: &str, category: Category) -> Permission {
        let (sender, person) = (&number(sender), &number(person));
        let question = Question::new(&self.tenant, sender, None, person, category);
        let permission = self.ledger.permission(question).await.unwrap();
        assert_eq!(self.ledger.is_revoked(question), permission.revoked.is_some(), "memory says the same");
        permission
    }

    async fn is_out(&self, person: &str, sender: &str, category: Category) -> bool {
        self.ask(person, sender, category).await.revoked.is_some()
    }

    async fn forget(&self, person: &str) -> Option<Vec<Address>> {
        self.ledger.forget(&self.tenant, &number(person), |partition| self.epoch(partition)).await.unwrap()
    }

    /// In which tables does this stand?
    async fn tables_with(&self, what: &str) -> Vec<Table> {
        let mut found = Vec::new();
        for partition in (0..self.store.partitions()).map(Partition::new) {
            for table in Table::ALL {
                let rows = self.store.range(partition, Range::prefix(table, "", 10_000)).await.unwrap();
                if rows.iter().any(|(_, row)| row.windows(what.len()).any(|window| window == what.as_bytes())) {
                    found.push(table);
                }
            }
        }
        found
    }
}

#[tokio::test]
async fn who_is_forgotten_stays_out_and_their_number_is_in_no_row() {
    let house = House::new().await;
    house.say(PERSON, sender(ONE), given(1)).await;
    house.say(PERSON, sender(ONE), stop(Reach::Program, 2)).await;
    house.say(PERSON, sender(TWO), given(1)).await;
    house.say(SOMEBODY_ELSE, sender(ONE), stop(Reach::Program, 2)).await;
    assert!(!house.tables_with(PERSON).await.is_empty());
    let mut senders = house.forget(PERSON).await.unwrap();
    senders.sort();
    assert_eq!(senders, [number(ONE), number(TWO)]);
    assert_eq!(house.forget(PERSON).await, Some(vec![]), "a second time finds nothing to do");
    let mut house = house;
    for _ in 0..2 {
        assert_eq!(house.tables_with(PERSON).await, []);
        assert!(house.is_out(PERSON, ONE, Category::Marketing).await);
        let other = house.ask(PERSON, TWO, Category::Marketing).await;
        assert_eq!((other.level, other.revoked), (Level::None, None), "what they agreed to is gone");
        assert!(house.is_out(SOMEBODY_ELSE, ONE, Category::Marketing).await);
        assert!(!house.tables_with(SOMEBODY_ELSE).await.is_empty(), "others are left as they are");
        house = house.crash().await;
    }
}

#[tokio::test]
async fn what_was_revoked_of_everything_or_a_category_holds_for_every_sender() {
    let house = House::new().await;
    house.say(PERSON, sender(ONE), stop(Reach::Category(Category::Marketing), 1)).await;
    house.say(SOMEBODY_ELSE, sender(ONE), stop(Reach::All, 1)).await;
    // A consent to one sender lifted it there alone; with the consent that goes, too.
    house.say(SOMEBODY_ELSE, sender(ONE), given(2)).await;
    assert!(!house.is_out(SOMEBODY_ELSE, ONE, Category::Otp).await);
    house.forget(PERSON).await.unwrap();
    house.forget(SOMEBODY_ELSE).await.unwrap();
    let house = house.crash().await;
    for from in [ONE, TWO] {
        assert!(house.is_out(PERSON, from, Category::Marketing).await);
        assert!(!house.is_out(PERSON, from, Category::Otp).await);
        assert!(house.is_out(SOMEBODY_ELSE, from, Category::Otp).await);
    }
}

#[tokio::test]
async fn whoever_comes_back_and_agrees_is_written_to_and_a_second_stop_is_kept_when_forgotten_again() {
    let house = House::new().await;
    house.say(PERSON, sender(ONE), stop(Reach::Program, 1)).await;
    house.forget(PERSON).await.unwrap();
    house.say(PERSON, sender(ONE), given(2)).await;
    let permission = house.ask(PERSON, ONE, Category::Marketing).await;
    assert_eq!((permission.level, permission.revoked), (Level::ExpressWritten, None));
    house.say(PERSON, sender(ONE), stop(Reach::Program, 3)).await;
    house.forget(PERSON).await.unwrap();
    let house = house.crash().await;
    let revoked = house.ask(PERSON, ONE, Category::Marketing).await.revoked.unwrap();
    assert_eq!(revoked.at, Timestamp::from_millis(3));
}

#[tokio::test]
async fn without_a_key_the_ledger_stays_as_it_is() {
    let house = House::on(MemoryStore::new(Config::default()), false).await.unwrap();
    house.say(PERSON, sender(ONE), stop(Reach::Program, 1)).await;
    assert_eq!(house.forget(PERSON).await, None);
    assert!(house.is_out(PERSON, ONE, Category::Marketing).await);
}

#[tokio::test]
async fn whenever_a_crash_comes_they_are_out_and_the_next_time_finishes() {
    let before = House::new().await;
    before.say(PERSON, sender(ONE), stop(Reach::All, 2)).await;
    before.say(PERSON, sender(TWO), stop(Reach::Program, 2)).await;
    let (mut crashed, mut finished) = (0, 0);
    for moment in [Moment::BeforeDurable, Moment::AfterDurable] {
        for boundary in 0.. {
            let store = before.store.image_that_crashes(Crash { boundary, moment });
            // It died before it was up.
            let Ok(dying) = House::on(store, true).await else { continue };
            let person = number(PERSON);
            let done = dying.ledger.forget(&dying.tenant, &person, |partition| dying.epoch(partition)).await.is_ok();
            let house = dying.crash().await;
            assert!(house.is_out(PERSON, ONE, Category::Otp).await, "{boundary} {moment:?}");
            house.forget(PERSON).await.unwrap();
            assert_eq!(house.tables_with(PERSON).await, [], "{boundary} {moment:?}");
            assert!(house.is_out(PERSON, ONE, Category::Otp).await && house.is_out(PERSON, TWO, Category::Otp).await);
            if done {
                finished += 1;
                break;
            }
            crashed += 1;
        }
    }
    assert!(crashed > 4 && finished == 2, "{crashed}");
}
