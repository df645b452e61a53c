//! What a person said last counts, and everything that was ever said is kept.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

use std::sync::Arc;

use signalbox_model::{ConversationId, KeyId, MessageId, Partition, Timestamp};
use signalbox_registry::{By, Consent, consent, ledger, stage_opt_in, stage_opt_out};
use signalbox_store::memory::{Config, MemoryStore};
use signalbox_store::{Batch, Store};

const ID: ConversationId = ConversationId::from_bytes([7; 16]);
const OTHER: ConversationId = ConversationId::from_bytes([8; 16]);

fn stop() -> By {
    By::Keyword { word: "STOP".into(), message: MessageId::from_bytes([1; 16]) }
}

fn api() -> By {
    By::Api { key: KeyId::from_bytes([2; 16]) }
}

type Change = fn(&mut Batch, &ConversationId, By, Timestamp) -> Consent;

async fn said(store: &Arc<MemoryStore>, changes: &[(Change, By, u64)]) {
    let partition = ID.partition(store.partitions());
    let epoch = store.acquire(partition).await.unwrap();
    for (change, by, ms) in changes {
        let mut batch = Batch::new(partition, epoch);
        change(&mut batch, &ID, by.clone(), Timestamp::from_millis(*ms));
        store.commit(batch).await.unwrap();
    }
}

#[tokio::test]
async fn who_never_said_anything_has_no_consent_on_record() {
    let store = MemoryStore::new(Config::default());
    assert_eq!(consent(&*store, &ID).await.unwrap(), None);
    assert_eq!(ledger(&*store, &ID, 10).await.unwrap(), []);
}

#[tokio::test]
async fn the_last_word_counts_and_every_word_is_kept() {
    let store = MemoryStore::new(Config::default());
    said(&store, &[(stage_opt_out, stop(), 1), (stage_opt_in, api(), 2), (stage_opt_out, stop(), 3)]).await;
    let now = consent(&*store, &ID).await.unwrap().unwrap();
    assert_eq!((now.opted_out, now.since, now.word()), (true, Timestamp::from_millis(3), Some("STOP")));
    let words = ledger(&*store, &ID, 10).await.unwrap();
    assert_eq!(words.iter().map(|w| w.opted_out).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(words[0], now);
    assert_eq!(words[1].by, api());
    assert_eq!(ledger(&*store, &ID, 2).await.unwrap(), words[..2]);
}

#[tokio::test]
async fn two_words_of_one_instant_are_both_kept() {
    let store = MemoryStore::new(Config::default());
    said(&store, &[(stage_opt_out, stop(), 1), (stage_opt_in, stop(), 1)]).await;
    assert_eq!(ledger(&*store, &ID, 10).await.unwrap().len(), 2);
    assert!(!consent(&*store, &ID).await.unwrap().unwrap().opted_out);
}

#[tokio::test]
async fn one_conversations_word_says_nothing_of_another() {
    let store = MemoryStore::new(Config { partitions: 1, ..Config::default() });
    said(&store, &[(stage_opt_out, By::Import { list: "2025".into() }, 1)]).await;
    assert_eq!(OTHER.partition(1), Partition::new(0));
    assert_eq!(consent(&*store, &OTHER).await.unwrap(), None);
    assert_eq!(ledger(&*store, &OTHER, 10).await.unwrap(), []);
}
