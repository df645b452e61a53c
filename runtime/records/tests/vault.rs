//! Bodies under lock and key: who opens them, who doesn't, and what an erasure leaves.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

use std::sync::Arc;

use house::{House, at, tenant};
use signalbox_model::{Chance, Direction, Message, Partition, TenantId, Veil};
use signalbox_records::vault::{Epochs, Master, MasterError, Parts, Vault, Words, stage_sealed};
use signalbox_records::{Error, load_message};
use signalbox_store::memory::MemoryStore;
use signalbox_store::{Batch, Range, Store, Table, layout};

mod house;

const WORDS: &str = "the blue heron lands at noon";
const OURS: &str = "+15550100001";
const THEIRS: &str = "+15550199001";

fn master(byte: u8) -> Master {
    Master::from_bytes(&[byte; 32])
}

/// A vault, and the right to write where it does.
struct Safe {
    vault: Vault,
    epochs: Epochs,
}

impl std::ops::Deref for Safe {
    type Target = Vault;

    fn deref(&self) -> &Vault {
        &self.vault
    }
}

async fn try_open(
    store: &Arc<MemoryStore>,
    master: Option<Master>,
    old: Option<Master>,
) -> Result<Option<Safe>, MasterError> {
    let mut taken = Vec::new();
    for partition in (0..store.partitions()).map(Partition::new).chain([Partition::DIRECTORY]) {
        taken.push(store.acquire(partition).await.unwrap());
    }
    let last = taken.len() - 1;
    let epochs: Epochs = Arc::new(move |partition| taken[usize::from(partition.index()).min(last)]);
    let (store, chance) = (store.clone() as _, Chance::from_os());
    let parts = Parts { store, epochs: epochs.clone(), chance, master, old, people: 4 };
    let vault = Vault::open(parts, &[tenant("acme"), tenant("rival")]).await?;
    Ok(vault.map(|vault| Safe { vault, epochs }))
}

async fn open(store: &Arc<MemoryStore>) -> Safe {
    try_open(store, Some(master(1)), None).await.unwrap().unwrap()
}

fn message(house: &House, theirs: &str, ms: u64) -> Message {
    let mut message = house.message("acme", Direction::Outbound, OURS, theirs, ms);
    message.body.text = WORDS.to_owned();
    message.original = Some(message.body.clone());
    message
}

/// Seals a message and writes it.
async fn keep(safe: &Safe, store: &Arc<MemoryStore>, message: &Message) {
    let veil = safe.seal(message, at(100)).await.unwrap();
    let partition = message.id.partition();
    let mut batch = Batch::new(partition, (safe.epochs)(partition));
    stage_sealed(&mut batch, message, &veil);
    store.commit(batch).await.unwrap();
}

async fn read(vault: &Vault, store: &MemoryStore, message: &Message) -> Result<Message, Error> {
    let mut read = load_message(store, &message.tenant, message.id).await?.unwrap();
    assert!(!read.body.text.contains(WORDS), "without the vault nobody reads it");
    vault.unveil(&mut read).await?;
    Ok(read)
}

/// Does any row of the store hold this?
async fn holds(store: &MemoryStore, what: &str) -> bool {
    for partition in (0..store.partitions()).map(Partition::new).chain([Partition::DIRECTORY]) {
        for table in Table::ALL.into_iter().filter(|table| *table != Table::Inbox) {
            let rows = store.range(partition, Range::prefix(table, "", 1_000)).await.unwrap();
            let found = |bytes: &[u8]| bytes.windows(what.len()).any(|window| window == what.as_bytes());
            if rows.iter().any(|(key, value)| found(key) || found(value)) {
                return true;
            }
        }
    }
    false
}

#[tokio::test]
async fn what_is_sealed_is_in_no_row_and_is_read_as_it_was_after_a_restart() {
    let house = House::new().await;
    let message = message(&house, THEIRS, 1);
    let vault = open(&house.store).await;
    keep(&vault, &house.store, &message).await;
    assert!(!holds(&house.store, WORDS).await);
    assert_eq!(read(&vault, &house.store, &message).await.unwrap(), message);
    let store = house.store.crash_image();
    let vault = open(&store).await;
    assert_eq!(read(&vault, &store, &message).await.unwrap(), message);
    // The check itself can fail: an open message is found.
    let house = House::new().await;
    house.put(&message, 0).await;
    assert!(holds(&house.store, WORDS).await);
}

#[tokio::test]
async fn a_destroyed_key_opens_nothing_and_later_messages_have_another() {
    let house = House::new().await;
    let (before, other) = (message(&house, THEIRS, 1), message(&house, "+15550199002", 1));
    let vault = open(&house.store).await;
    keep(&vault, &house.store, &before).await;
    keep(&vault, &house.store, &other).await;
    let ours = vault.destroy(&tenant("acme"), &THEIRS.parse().unwrap(), at(5)).await.unwrap();
    assert_eq!(ours, [OURS.parse().unwrap()]);
    let after = message(&house, THEIRS, 9);
    keep(&vault, &house.store, &after).await;
    for (store, vault) in [(house.store.clone(), vault), {
        let store = house.store.crash_image();
        (store.clone(), open(&store).await)
    }] {
        let erased = read(&vault, &store, &before).await.unwrap();
        assert!(erased.is_erased() && erased.body.text == Message::ERASED && erased.original.is_none());
        assert_eq!(read(&vault, &store, &after).await.unwrap(), after);
        assert_eq!(read(&vault, &store, &other).await.unwrap(), other);
    }
}

#[tokio::test]
async fn a_message_from_before_an_erasure_that_is_written_once_more_stays_erased() {
    let house = House::new().await;
    let message = message(&house, THEIRS, 1);
    let vault = open(&house.store).await;
    keep(&vault, &house.store, &message).await;
    vault.destroy(&tenant("acme"), &THEIRS.parse().unwrap(), at(5)).await.unwrap();
    keep(&vault, &house.store, &message).await;
    assert!(read(&vault, &house.store, &message).await.unwrap().is_erased());
}

#[tokio::test]
async fn a_row_that_was_changed_or_moved_is_an_error_and_no_text() {
    let house = House::new().await;
    let vault = open(&house.store).await;
    let (one, two) = (message(&house, THEIRS, 1), message(&house, THEIRS, 2));
    keep(&vault, &house.store, &one).await;
    keep(&vault, &house.store, &two).await;
    let partition = one.id.partition();
    let key = |message: &Message| layout::message_key(&message.tenant, message.id);
    let row = house.store.get(partition, Table::Message, key(&one)).await.unwrap().unwrap();
    let mut refused = 0;
    for i in 0..row.len() {
        let mut changed = row.to_vec();
        changed[i] ^= 0x10;
        let mut batch = Batch::new(partition, (vault.epochs)(partition));
        batch.put(Table::Message, key(&one), changed);
        house.store.commit(batch).await.unwrap();
        let Ok(Some(mut read)) = load_message(&*house.store, &one.tenant, one.id).await else { continue };
        match vault.unveil(&mut read).await {
            Err(Error::Sealed { .. }) => refused += 1,
            // A byte of what isn't sealed, such as a tag.
            Ok(()) => assert!(read.body == one.body || read.is_erased(), "byte {i}"),
            Err(error) => panic!("byte {i}: {error}"),
        }
    }
    assert!(refused > WORDS.len(), "every byte of the sealed words counts: {refused}");
    // The words of one message under the name of another.
    let mut moved = load_message(&*house.store, &two.tenant, two.id).await.unwrap().unwrap();
    moved.id = one.id;
    assert!(matches!(vault.unveil(&mut moved).await, Err(Error::Sealed { .. })));
}

#[tokio::test]
async fn another_tenants_key_doesn_t_open_it() {
    let house = House::new().await;
    let vault = open(&house.store).await;
    let one = message(&house, THEIRS, 1);
    keep(&vault, &house.store, &one).await;
    let theirs = house.message("rival", Direction::Outbound, OURS, THEIRS, 2);
    keep(&vault, &house.store, &theirs).await;
    let mut stolen = load_message(&*house.store, &one.tenant, one.id).await.unwrap().unwrap();
    assert!(matches!(stolen.veil, Veil::Sealed(_)));
    stolen.tenant = tenant("rival");
    assert!(matches!(vault.unveil(&mut stolen).await, Err(Error::Sealed { .. })));
    stolen.tenant = tenant("nobody");
    assert!(matches!(vault.unveil(&mut stolen).await, Err(Error::Sealed { .. })));
}

#[tokio::test]
async fn a_missing_or_wrong_master_key_is_said_at_the_start() {
    let house = House::new().await;
    assert!(try_open(&house.store, None, None).await.unwrap().is_none(), "nothing is sealed yet");
    open(&house.store).await;
    let missing = try_open(&house.store, None, None).await.err().unwrap().to_string();
    assert!(missing.contains("[encryption] key"), "{missing}");
    let wrong = try_open(&house.store, Some(master(2)), None).await.err().unwrap().to_string();
    assert!(wrong.contains(&master(1).fingerprint()) && wrong.contains(&master(2).fingerprint()), "{wrong}");
}

#[tokio::test]
async fn a_new_master_key_takes_over_and_the_old_one_opens_nothing_more() {
    let house = House::new().await;
    let message = message(&house, THEIRS, 1);
    keep(&open(&house.store).await, &house.store, &message).await;
    let vault = try_open(&house.store, Some(master(2)), Some(master(1))).await.unwrap().unwrap();
    assert_eq!(read(&vault, &house.store, &message).await.unwrap(), message);
    let vault = try_open(&house.store, Some(master(2)), None).await.unwrap().unwrap();
    assert_eq!(read(&vault, &house.store, &message).await.unwrap(), message);
    assert!(try_open(&house.store, Some(master(1)), None).await.is_err());
}

#[tokio::test]
async fn a_crash_between_the_key_and_its_first_body_leaves_a_key_that_is_used() {
    let house = House::new().await;
    let message = message(&house, THEIRS, 1);
    let vault = open(&house.store).await;
    vault.seal(&message, at(1)).await.unwrap();
    let store = house.store.crash_image();
    let vault = open(&store).await;
    keep(&vault, &store, &message).await;
    assert_eq!(read(&vault, &store, &message).await.unwrap(), message);
    let keys = people_keys(&store).await;
    assert_eq!(keys, 1);
}

#[tokio::test]
async fn one_key_is_made_though_many_seal_at_once_and_memory_holds_few() {
    let house = House::new().await;
    let vault = open(&house.store).await;
    let messages: Vec<_> = (0..40).map(|i| message(&house, &format!("+155501990{:02}", i % 10), i)).collect();
    let sealing = messages.iter().map(|message| vault.seal(message, at(1)));
    let veils: Vec<_> = futures_util::future::join_all(sealing).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(people_keys(&house.store).await, 10);
    for (message, veil) in messages.iter().zip(veils) {
        let mut sealed = message.clone();
        sealed.veil = veil;
        vault.unveil(&mut sealed).await.unwrap();
        assert_eq!(sealed.body, message.body);
    }
}

#[tokio::test]
async fn no_number_of_a_person_s_is_in_the_keys_table() {
    let house = House::new().await;
    let vault = open(&house.store).await;
    vault.seal(&message(&house, THEIRS, 1), at(1)).await.unwrap();
    assert!(!holds(&house.store, &THEIRS[1..]).await);
    let person = |tenant: TenantId| vault.person(&tenant, &THEIRS.parse().unwrap()).unwrap();
    assert_ne!(person(tenant("acme")), person(tenant("rival")));
}

async fn people_keys(store: &MemoryStore) -> usize {
    let mut keys = 0;
    for partition in (0..store.partitions()).map(Partition::new) {
        keys += store.range(partition, Range::prefix(Table::PersonKey, "", 1_000)).await.unwrap().len();
    }
    keys
}

#[tokio::test]
async fn words_open_where_they_lie_and_nowhere_else_until_they_are_erased() {
    let store = MemoryStore::new(Default::default());
    let vault = open(&store).await;
    let (acme, theirs) = (tenant("acme"), THEIRS.parse().unwrap());
    let whose = (None, &theirs);
    let words = vault.seal_words(&acme, whose, b"here", WORDS.as_bytes(), (at(1), at(1))).await.unwrap();
    let Words::Sealed(sealed) = words else { panic!("nothing was erased") };
    assert!(!sealed.windows(5).any(|window| window == &WORDS.as_bytes()[..5]));
    assert!(!sealed.windows(5).any(|window| window == &THEIRS.as_bytes()[..5]));
    let opened = vault.open_words(Table::State, b"here", &sealed).await.unwrap();
    assert_eq!(opened.as_deref(), Some(WORDS.as_bytes()));
    assert!(vault.open_words(Table::State, b"there", &sealed).await.is_err());
    for n in 1..sealed.len() {
        let mut changed = sealed.clone();
        changed[n] ^= 1;
        assert!(vault.open_words(Table::State, b"here", &changed).await.is_err(), "byte {n}");
    }
    vault.destroy(&acme, &theirs, at(5)).await.unwrap();
    assert_eq!(vault.open_words(Table::State, b"here", &sealed).await.unwrap(), None);
    let late = vault.seal_words(&acme, whose, b"here", WORDS.as_bytes(), (at(4), at(6))).await.unwrap();
    assert_eq!(late, Words::Erased, "it was said before");
    let later = vault.seal_words(&acme, whose, b"here", WORDS.as_bytes(), (at(6), at(6))).await.unwrap();
    let Words::Sealed(later) = later else { panic!("it was said afterwards") };
    assert!(open(&store).await.open_words(Table::State, b"here", &later).await.unwrap().is_some());
    assert_eq!(vault.open_words(Table::State, b"here", &sealed).await.unwrap(), None);
}
