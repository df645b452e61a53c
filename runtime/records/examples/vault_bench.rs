//! What sealing and opening a body costs: `cargo run --example vault_bench -p signalbox-records`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use signalbox_model::{
    Body, Category, Chance, Conversation, Direction, Encoding, Message, MessageId, Origin, Partition, Timestamp,
};
use signalbox_records::vault::{Master, Parts, Vault};
use signalbox_store::memory::{Config, MemoryStore};
use signalbox_store::{Epoch, Store};

const ROUNDS: u32 = 20_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let store = MemoryStore::new(Config::default());
    let mut epochs = Vec::new();
    for partition in (0..store.partitions()).map(Partition::new).chain([Partition::DIRECTORY]) {
        epochs.push(store.acquire(partition).await.unwrap());
    }
    let of = move |partition: Partition| -> Epoch { epochs[usize::from(partition.index()).min(epochs.len() - 1)] };
    let tenant: signalbox_model::TenantId = "acme".parse().unwrap();
    let parts = Parts {
        store: store.clone(),
        epochs: Arc::new(of),
        chance: Chance::from_os(),
        master: Some(Master::from_bytes(&[1; 32])),
        old: None,
        people: 1_000,
    };
    let vault = Vault::open(parts, std::slice::from_ref(&tenant)).await.unwrap().unwrap();
    let (ours, theirs) = ("+15550100001".parse().unwrap(), "+15550199001".parse().unwrap());
    let conversation = Conversation { tenant: tenant.clone(), ours, theirs };
    let message = Message {
        id: MessageId::new(Timestamp::EPOCH, Partition::new(0), &Chance::seeded(1)),
        conversation: conversation.id(),
        tenant,
        direction: Direction::Outbound,
        from: conversation.ours.clone(),
        to: conversation.theirs.clone(),
        body: Body { text: "x".repeat(160), media_urls: Vec::new() },
        original: None,
        category: Category::default(),
        campaign: None,
        tags: Vec::new(),
        callback_url: None,
        accepted_at: Timestamp::EPOCH,
        send_at: None,
        expires_at: Timestamp::MAX,
        encoding: Encoding::Gsm7,
        segments: 1,
        origin: Origin::Keyword,
        depth: 0,
        veil: Default::default(),
    };
    let (mut seal, mut open) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let veil = vault.seal(&message, Timestamp::EPOCH).await.unwrap();
        seal += begun.elapsed();
        let mut sealed = message.clone();
        sealed.veil = veil;
        let begun = Instant::now();
        vault.unveil(&mut sealed).await.unwrap();
        open += begun.elapsed();
    }
    let us = |all: Duration| all.as_secs_f64() * 1e6 / f64::from(ROUNDS);
    println!("{{\"seal_us\": {:.2}, \"open_us\": {:.2}, \"text_chars\": 160}}", us(seal), us(open));
}
