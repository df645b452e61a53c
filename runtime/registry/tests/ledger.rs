//! What a person said last counts, everything that was ever said is kept, and a file is taken whole or not at all.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use signalbox_model::{Address, Category, KeyId, MessageId, Partition, TenantId, Timestamp};
use signalbox_registry::{
    By, Change, ConsentId, Grant, ImportRefused, Ledger, Level, LineError, Party, Permission, Program, Question, Reach,
    Revocation, import,
};
use signalbox_store::memory::{Config, MemoryStore};
use signalbox_store::{Batch, Epoch, Store};

const KEY: KeyId = KeyId::from_bytes([2; 16]);
const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

struct House {
    store: Arc<MemoryStore>,
    ledger: Arc<Ledger>,
    tenant: TenantId,
    epochs: Vec<Epoch>,
}

fn number(text: &str) -> Address {
    text.parse().unwrap()
}

fn one() -> Address {
    number("+15550100001")
}

fn two() -> Address {
    number("+15550100002")
}

fn person() -> Address {
    number("+15550199001")
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn stop(reach: Reach, ms: u64) -> Change {
    let by = By::Keyword { word: "STOP".into(), message: MessageId::from_bytes([1; 16]) };
    Change::Revoked(Revocation { at: at(ms), reach, by })
}

fn given(level: Level, ms: u64) -> Change {
    let by = By::Api { key: KEY };
    Change::Granted(Grant { level, at: at(ms), method: "web form".into(), proof: Some("form 7".into()), by })
}

impl House {
    async fn new() -> Self {
        Self::on(MemoryStore::new(Config::default())).await
    }

    async fn on(store: Arc<MemoryStore>) -> Self {
        let mut epochs = Vec::new();
        for partition in (0..store.partitions()).map(Partition::new).chain([Partition::DIRECTORY]) {
            epochs.push(store.acquire(partition).await.unwrap());
        }
        let ledger = Ledger::open(store.clone()).await.unwrap();
        Self { store, ledger, tenant: "acme".parse().unwrap(), epochs }
    }

    /// The process dies; what is durable is what the next one starts on.
    async fn crash(self) -> Self {
        Self::on(self.store.crash_image()).await
    }

    fn epoch(&self, partition: Partition) -> Epoch {
        self.epochs[usize::from(partition.index()).min(self.epochs.len() - 1)]
    }

    async fn say(&self, program: Program, change: Change) {
        let party = Party { program, person: person() };
        let id = ConsentId::new(&self.tenant, &party.program, &party.person);
        let partition = id.partition(self.store.partitions());
        let mut batch = Batch::new(partition, self.epoch(partition));
        let staged = self.ledger.stage(&mut batch, &self.tenant, party, change, NOW).await.unwrap();
        self.store.commit(batch).await.unwrap();
        staged.is_durable();
    }

    async fn ask_for(&self, sender: &Address, campaign: Option<&str>, category: Category) -> Permission {
        let person = person();
        let question = Question::new(&self.tenant, sender, campaign, &person, category);
        self.ledger.permission(question).await.unwrap()
    }

    async fn ask(&self, sender: &Address) -> Permission {
        self.ask_for(sender, None, Category::Marketing).await
    }

    fn parse(&self, csv: &str) -> Result<import::Parsed, Vec<LineError>> {
        let owns =
            |program: &Program| matches!(program, Program::Sender(sender) if *sender == one() || *sender == two());
        import::parse(csv.as_bytes(), "old", KEY, NOW, owns)
    }

    async fn import(&self, csv: &str) -> Result<import::Import, ImportRefused> {
        let parsed = self.parse(csv).map_err(ImportRefused::Lines)?;
        let done = AtomicU64::new(0);
        let made = self.ledger.import(&self.tenant, &parsed, NOW, |p| self.epoch(p), &done).await;
        if let Ok(made) = &made {
            assert!([0, made.changes].contains(&done.load(Ordering::Relaxed)));
        }
        made
    }
}

#[tokio::test]
async fn who_never_said_anything_has_no_consent_on_record() {
    let house = House::new().await;
    let nothing = Permission { level: Level::None, revoked: None, granted_at: None };
    assert_eq!(house.ask(&one()).await, nothing);
}

#[tokio::test]
async fn the_last_word_counts_every_word_is_kept_and_a_crash_changes_nothing() {
    let mut house = House::new().await;
    house.say(Program::Sender(one()), given(Level::ExpressWritten, 1)).await;
    assert_eq!(house.ask(&one()).await.level, Level::ExpressWritten);
    house.say(Program::Sender(one()), stop(Reach::Program, 2)).await;
    for _ in 0..2 {
        let permission = house.ask(&one()).await;
        assert_eq!((permission.level, permission.revoked.unwrap().at), (Level::None, at(2)));
        assert_eq!(house.ask(&two()).await.revoked, None);
        house = house.crash().await;
    }
    house.say(Program::Sender(one()), given(Level::Express, 3)).await;
    assert_eq!(house.ask(&one()).await.level, Level::Express);
    let id = ConsentId::new(&house.tenant, &Program::Sender(one()), &person());
    let lines = house.ledger.lines(&house.tenant, id, 10).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.change.at().as_millis()).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(house.ledger.lines(&house.tenant, id, 2).await.unwrap(), lines[..2]);
    assert_eq!(house.ledger.lines(&"other".parse().unwrap(), id, 2).await.unwrap(), []);
}

#[tokio::test]
async fn a_stop_for_everything_holds_for_every_sender_until_that_sender_is_let_in_again() {
    let house = House::new().await;
    house.say(Program::Sender(one()), stop(Reach::All, 5)).await;
    let house = house.crash().await;
    for sender in [one(), two()] {
        assert!(house.ask(&sender).await.revoked.is_some());
    }
    house.say(Program::Sender(two()), given(Level::Express, 6)).await;
    assert!(house.ask(&one()).await.revoked.is_some() && house.ask(&two()).await.revoked.is_none());
}

#[tokio::test]
async fn a_stop_can_be_for_a_category_or_a_campaign() {
    let house = House::new().await;
    house.say(Program::Sender(one()), stop(Reach::Category(Category::Marketing), 5)).await;
    house.say(Program::Sender(one()), stop(Reach::Campaign("C1".into()), 6)).await;
    let revoked = async |sender, campaign, category| house.ask_for(&sender, campaign, category).await.revoked.is_some();
    assert!(revoked(two(), None, Category::Marketing).await);
    assert!(!revoked(two(), None, Category::Otp).await);
    assert!(revoked(two(), Some("C1"), Category::Otp).await);
    assert!(!revoked(two(), Some("C2"), Category::Otp).await);
}

#[tokio::test]
async fn a_consent_to_a_campaign_holds_for_its_senders() {
    let house = House::new().await;
    house.say(Program::Campaign("C1".into()), given(Level::ExpressWritten, 5)).await;
    assert_eq!(house.ask_for(&one(), Some("C1"), Category::Marketing).await.level, Level::ExpressWritten);
    assert_eq!(house.ask(&one()).await.level, Level::None);
    house.say(Program::Sender(one()), stop(Reach::Program, 6)).await;
    assert!(house.ask_for(&one(), Some("C1"), Category::Marketing).await.revoked.is_some());
}

#[tokio::test]
async fn a_revocation_holds_from_the_moment_it_is_staged_and_a_failed_commit_takes_it_back() {
    let house = House::new().await;
    let party = Party { program: Program::Sender(one()), person: person() };
    let id = ConsentId::new(&house.tenant, &party.program, &party.person);
    let mut batch = Batch::new(id.partition(house.store.partitions()), Epoch(0));
    let staged = house.ledger.stage(&mut batch, &house.tenant, party, stop(Reach::All, 5), NOW).await.unwrap();
    assert!(house.ask(&one()).await.revoked.is_some() && house.ask(&two()).await.revoked.is_some());
    assert!(house.store.commit(batch).await.is_err(), "the epoch is stale");
    drop(staged);
    assert!(house.ask(&one()).await.revoked.is_none() && house.ask(&two()).await.revoked.is_none());
}

const FILE: &str = "number,sender,consent,at,method,proof,reach\n\
    +15550199001,+15550100001,express_written,2001-05-04T15:00:00Z,paper,p. 17,\n\
    +15550199002,+15550100001,revoked,2001-05-05T15:00:00Z,,,all\n\
    +15550199001,+15550100001,express,2001-05-03T15:00:00Z,\"shop, on Main St\",,\n";

#[tokio::test]
async fn a_file_is_imported_once_and_its_consents_are_as_old_as_they_are() {
    let house = House::new().await;
    house.say(Program::Sender(two()), given(Level::Express, 1)).await;
    let made = house.import(FILE).await.unwrap();
    assert_eq!((made.changes, made.revocations, made.completed_at), (3, 1, Some(NOW)));
    assert_eq!(house.import(FILE).await.unwrap(), made);
    let mut house = house;
    for _ in 0..2 {
        let permission = house.ask(&one()).await;
        assert_eq!(permission.level, Level::ExpressWritten);
        let other = number("+15550199002");
        let two = two();
        let question = Question::new(&house.tenant, &two, None, &other, Category::Otp);
        assert!(house.ledger.permission(question).await.unwrap().revoked.is_some());
        house = house.crash().await;
    }
    let (all, next) = house.ledger.list(&house.tenant, None, 100).await.unwrap();
    assert_eq!((all.len(), next), (3, None));
    let mut paged = Vec::new();
    let mut place = None;
    loop {
        let (page, next) = house.ledger.list(&house.tenant, place, 1).await.unwrap();
        assert!(page.len() <= 1);
        paged.extend(page);
        place = next;
        if place.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
    // A later word folds the import in.
    house.say(Program::Sender(one()), stop(Reach::Program, 999_000_000_000)).await;
    assert!(house.ask(&one()).await.revoked.is_some());
    assert_eq!(house.ledger.list(&house.tenant, None, 100).await.unwrap().0.len(), 3);
    let id = ConsentId::new(&house.tenant, &Program::Sender(one()), &person());
    assert_eq!(house.ledger.lines(&house.tenant, id, 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_import_that_was_cut_short_is_not_seen_and_can_be_gone_on_with() {
    let lines = (0..3_000).map(|n| format!("+1555{n:07},+15550100001,revoked,2001-05-05T15:00:00Z\n"));
    let file = format!("number,sender,consent,at\n{}", lines.collect::<String>());
    let mut house = House::new().await;
    let parsed = house.parse(&file).unwrap();
    {
        let done = AtomicU64::new(0);
        // After some commits, another process has taken the partitions over.
        let epoch = |p| if done.load(Ordering::Relaxed) < 1_000 { house.epoch(p) } else { Epoch(0) };
        let import = house.ledger.import(&house.tenant, &parsed, NOW, epoch, &done).await;
        assert!(matches!(import, Err(ImportRefused::Registry(_))) && done.load(Ordering::Relaxed) >= 1_000);
    }
    house = house.crash().await;
    assert_eq!(house.ledger.list(&house.tenant, None, 10_000).await.unwrap().0, []);
    let begun = house.ledger.read_import(&house.tenant, "old").await.unwrap().unwrap();
    assert_eq!((begun.changes, begun.completed_at), (3_000, None));
    let other =
        house.import("number,sender,consent,at\n+15550199001,+15550100001,revoked,2001-05-05T15:00:00Z\n").await;
    assert!(matches!(other, Err(ImportRefused::NameTaken)));
    house.import(&file).await.unwrap();
    assert_eq!(house.ledger.list(&house.tenant, None, 10_000).await.unwrap().0.len(), 3_000);
}

#[tokio::test]
async fn every_wrong_line_is_told_and_nothing_is_written() {
    let house = House::new().await;
    let wrong = |csv: &str| house.parse(csv).unwrap_err();
    let file = "number,sender,consent,at,method\n\
        +15550199001,+15550100001,express,2001-05-04T15:00:00Z,paper\n\
        5550199001,+15550100001,express,2001-05-04T15:00:00Z,paper\n\
        +15550199001,+15550100009,maybe,yesterday,paper\n\
        +15550199001,+15550100001,express,2031-05-04T15:00:00Z,\n\
        +15550199001,+15550100001\n";
    let found: Vec<_> = wrong(file).into_iter().map(|error| (error.line, error.column)).collect();
    let expected = [(3, "number"), (4, "sender"), (4, "at"), (4, "consent"), (5, "at"), (5, "method"), (6, "")];
    assert_eq!(found, expected.map(|(line, column)| (line, column.to_owned())));
    assert!(wrong("number,sender,consnt,at\n").iter().any(|error| error.column == "consnt" && error.line == 1));
    assert!(wrong("number,sender,consent,at\n")[0].reason.contains("no lines"));
    assert_eq!(
        wrong(&format!("number,sender,consent,at\n{}", "x,y,z,w\n".repeat(1_000))).len(),
        import::MAX_COMPLAINTS
    );
    assert!(matches!(house.import(file).await, Err(ImportRefused::Lines(_))));
    assert_eq!(house.ledger.list(&house.tenant, None, 10).await.unwrap().0, []);
    assert_eq!(house.ledger.read_import(&house.tenant, "old").await.unwrap(), None);
    let debug = format!("{:?}", wrong(file));
    assert!(!debug.contains("5550199001"), "{debug}");
}

#[tokio::test]
async fn whoever_made_sure_before_an_import_revoked_has_to_make_sure_again() {
    let house = House::new().await;
    house.say(Program::Sender(one()), given(Level::Express, 1)).await;
    let other = number("+15550199002");
    let (person, sender) = (person(), one());
    let about = |person| Question::new(&house.tenant, &sender, None, person, Category::Otp);
    for person in [&person, &other] {
        assert_eq!(house.ledger.permission(about(person)).await.unwrap().revoked, None);
    }
    let seen = house.ledger.revocations();
    house.import("number,sender,consent,at\n+15550199001,+15550100001,revoked,2001-05-05T15:00:00Z\n").await.unwrap();
    assert_ne!(house.ledger.revocations(), seen, "nobody would look again");
    assert!(house.ledger.is_revoked(about(&person)));
    // Nor is it taken for sure of others, until somebody has looked.
    assert!(house.ledger.is_revoked(about(&other)));
    house.ledger.permission(about(&other)).await.unwrap();
    assert!(!house.ledger.is_revoked(about(&other)));
    assert!(house.ledger.permission(about(&person)).await.unwrap().revoked.is_some());
    let seen = house.ledger.revocations();
    let more = "number,sender,consent,at,method\n+15550199002,+15550100001,express,2001-05-05T15:00:00Z,form\n";
    let parsed = import::parse(more.as_bytes(), "more", KEY, NOW, |_| true).unwrap();
    house.ledger.import(&house.tenant, &parsed, NOW, |p| house.epoch(p), &AtomicU64::new(0)).await.unwrap();
    assert_eq!(house.ledger.revocations(), seen, "consents send nobody back");
}
