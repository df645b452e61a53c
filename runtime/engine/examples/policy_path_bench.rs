//! What deciding costs on the path: the whole default set with the `us` pack, content, place, consent, suppression lists,
//! registration and counters, each looked up as `check` does. One JSON object a line, for `cargo xtask bench`.

#![allow(clippy::print_stdout, reason = "a benchmark says its figures")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt;
use signalbox_engine::registry::registration::{Form, Kind, Row};
use signalbox_engine::registry::{Covers, Level, ListKind, NewList, Program};
use signalbox_engine::{Caller, ConsentChange, ConsentSaid, Handle, Lookup, Nowhere, Parts, Registrar, Service};
use signalbox_guest as guest;
use signalbox_model::directory::{NumberPlan, Tenant};
use signalbox_model::{
    Address, Body, Category, Chance, Clock, Conversation, Direction, Encoding, KeyId, ManualClock, Message, MessageId,
    Origin as By, Partition, Timestamp, Verdict,
};
use signalbox_policy::{Facts, Origin, Policies};
use signalbox_store::memory::{self, MemoryStore};
use signalbox_store::{Batch, Store, Table};

const OURS: &str = "+13055550100";
const THEIRS: &str = "+18505550123";
/// Numbers on each list: what a lookup goes through is seen only in a list of some size.
const LISTED: u64 = 200_000;
/// Runs that are thrown away, and runs that count.
const WARM: usize = 2_000;
const RUNS: usize = 20_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let clock = ManualClock::at(Timestamp::parse_rfc3339("2026-11-23T18:00:00Z").expect("a time"));
    let message = Arc::new(message(clock.now()));
    let handle = open(&clock, &message).await;
    set_up(&handle, &clock).await;

    let decide = || {
        let decided = handle.decide(black_box(&message)).now_or_never();
        decided.expect("everything is in memory").expect("it can be decided")
    };
    let decision = decide();
    assert_eq!(decision.verdict, Verdict::Allow, "the message passes: {:?}", decision.reasons);
    let unknown: Vec<u8> = decision.trace.facts.iter().filter(|fact| fact.1.is_none()).map(|fact| fact.0).collect();
    if std::env::args().any(|argument| argument == "--once") {
        // For an instruction count: so many checks and nothing else.
        (0..1_000).for_each(|_| drop(black_box(decide())));
        return;
    }
    let note = format!(
        "{} rules with place, content of a 120-character text, contact, ledger, {} lists of {LISTED}, registration and counters, looked up as on the path; {} facts unknown",
        handle.policies().rules.rules().len(),
        ListKind::ALL.len(),
        unknown.len(),
    );
    say("policy_full_p50_us", p50(|| drop(black_box(decide()))) / 1e3, "<= 10", &note);
    let lookups = [
        ("policy_consent_us", Lookup::Consent, "of the full figure: the ledger"),
        ("policy_lists_us", Lookup::Lists, "of the full figure: suppression lists"),
        ("policy_registration_us", Lookup::Registration, "of the full figure: brand, campaign, number"),
        ("policy_counts_us", Lookup::Counts, "of the full figure: a place among what is counted, taken and given back"),
    ];
    for (name, lookup, note) in lookups {
        let mut facts = Facts::of(&message, clock.now());
        let mut look = || {
            let looked = handle.look_up(lookup, black_box(&message), &mut facts).now_or_never();
            looked.expect("it is in memory").expect("it can be looked up");
        };
        say(name, p50(&mut look) / 1e3, "", note);
    }
}

fn say(name: &str, value: f64, expected: &str, note: &str) {
    println!(r#"{{"name":"{name}","value":{value:.4},"unit":"us","expected":"{expected}","note":"{note}"}}"#);
}

/// The median of one run in nanoseconds.
fn p50(mut run: impl FnMut()) -> f64 {
    let mut round = || {
        let begin = Instant::now();
        run();
        begin.elapsed().as_nanos() as f64
    };
    for _ in 0..WARM {
        round();
    }
    let mut times: Vec<f64> = (0..RUNS).map(|_| round()).collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

async fn open(clock: &ManualClock, message: &Message) -> Handle {
    let store = MemoryStore::new(memory::Config::default());
    // Something went to this person before.
    let home = message.conversation_id().partition(store.partitions());
    let mut batch = Batch::new(home, store.acquire(home).await.expect("a fresh store"));
    let earlier = MessageId::new(Timestamp::from_millis(1), home, &Chance::seeded(2));
    let key = Bytes::copy_from_slice(message.conversation_id().as_bytes());
    batch.put(Table::FirstSent, key, Bytes::copy_from_slice(earlier.as_bytes()));
    store.commit(batch).await.expect("a fresh store");
    let policies = Policies::open(&Origin { folder: None, packs: vec!["us".into()] }).expect("the built-in policies");
    let (_, intake) = tokio::sync::mpsc::channel(1);
    let parts = Parts {
        config: signalbox_engine::Config::default(),
        store,
        clock: Arc::new(clock.clone()),
        chance: Chance::seeded(7),
        policies: policies.into(),
        host: Arc::new(guest::Host::new(guest::Config { instances: 1, ..Default::default() }).expect("a host")),
        tenants: vec![tenant()],
        carriers: Vec::new(),
        intake,
        outbound: Arc::new(Nowhere),
        webhooks: Default::default(),
    };
    Service::open(parts).await.expect("the path opens").handle()
}

fn tenant() -> Tenant {
    let plan = NumberPlan { carriers: Vec::new(), segments_per_second: 0 };
    Tenant {
        id: "acme".parse().expect("a tenant"),
        brand: "Acme Home".to_owned(),
        help: "help.acme.example".to_owned(),
        weight: 1,
        segments_per_second: 0,
        numbers: BTreeMap::from([(OURS.parse().expect("a number"), plan)]),
        in_doubt: Default::default(),
        stop_reach: Default::default(),
        recording: Default::default(),
        retention: Default::default(),
        supervision: None,
        secrets: BTreeMap::new(),
        hosts: Vec::new(),
        settings: BTreeMap::new(),
        caps: Default::default(),
    }
}

/// A consent, lists, a brand with a campaign and a number.
async fn set_up(handle: &Handle, clock: &ManualClock) {
    let tenant: signalbox_model::TenantId = "acme".parse().expect("a tenant");
    let key = KeyId::new(clock.now(), Partition::DIRECTORY, &Chance::seeded(1));
    let caller = Caller { tenant: tenant.clone(), key };
    let person: Address = THEIRS.parse().expect("a number");
    let said = ConsentSaid::Granted { level: Level::ExpressWritten, method: "web".into(), proof: None };
    for program in [Program::Sender(OURS.parse().expect("a number")), Program::Campaign("garden".into())] {
        let change = ConsentChange { program, person: person.clone(), said: said.clone(), at: None };
        handle.put_consent(&tenant, caller.key, change).await.expect("a consent");
    }
    for kind in ListKind::ALL {
        let answers = kind == ListKind::Reassigned;
        let line = |n: u64| if answers { format!("+1305{:07},2026-11-23,no\n", n) } else { format!("+1305{n:07}\n") };
        let mut file = if answers { "number,date,answer\n".to_owned() } else { "number\n".to_owned() };
        file.extend((2_000_000..2_000_000 + LISTED).map(line));
        if answers {
            file += &format!("{THEIRS},2026-11-23,no\n");
        }
        let (name, source) = (kind.as_str().to_owned(), "a benchmark".to_owned());
        let new = NewList {
            name,
            kind,
            for_all: false,
            source,
            fetched_at: clock.now(),
            expires_at: None,
            covers: Covers::All,
        };
        handle.import_suppression(&tenant, caller.key, new, file.into()).await.expect("a list");
    }
    let brand = [("name", "Acme Home"), ("entity", "private_profit"), ("status", "verified"), ("score", "80")];
    let campaign = [
        ("brand", "acme"),
        ("use_case", "marketing"),
        ("status", "active"),
        ("dca_complete", "true"),
        ("carrier_status", "approved"),
        ("embedded_link", "true"),
        ("domains", "acme.example"),
    ];
    let number = [("campaign", "garden"), ("status", "added")];
    for (kind, id, fields) in
        [(Kind::Brand, "acme", &brand[..]), (Kind::Campaign, "garden", &campaign), (Kind::Number, OURS, &number)]
    {
        let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), vec![(*text).to_owned()])).collect();
        let rows = vec![Row { line: 0, id: id.to_owned(), form: Form(fields) }];
        handle.register(&tenant, Registrar::Operator, kind, rows).await.expect("a registration");
    }
}

fn message(now: Timestamp) -> Message {
    let chance = Chance::seeded(1);
    let (from, to): (Address, Address) = (OURS.parse().expect("a number"), THEIRS.parse().expect("a number"));
    let tenant: signalbox_model::TenantId = "acme".parse().expect("a tenant");
    let conversation = Conversation { tenant: tenant.clone(), ours: from.clone(), theirs: to.clone() };
    let text = "Acme Home: 20% off garden tools this week at https://shop.acme.example/garden, in store and online. Reply STOP to opt out.";
    Message {
        id: MessageId::new(now, Partition::new(0), &chance),
        conversation: conversation.id(),
        tenant,
        direction: Direction::Outbound,
        from,
        to,
        body: Body { text: text.to_owned(), media_urls: Vec::new() },
        original: None,
        category: Category::Marketing,
        campaign: Some("garden".to_owned()),
        tags: Vec::new(),
        callback_url: None,
        accepted_at: now,
        send_at: None,
        expires_at: Timestamp::MAX,
        encoding: Encoding::Gsm7,
        segments: 1,
        origin: By::Api { key: KeyId::new(now, Partition::new(0), &chance) },
        depth: 0,
        veil: Default::default(),
    }
}
