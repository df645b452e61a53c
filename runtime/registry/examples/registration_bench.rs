//! What one look at a sender's registration costs, with a thousand campaigns registered.

#![allow(clippy::print_stdout, reason = "its figures are its purpose")]

use std::hint::black_box;
use std::time::Instant;

use signalbox_model::{Address, Partition, TenantId, Timestamp};
use signalbox_registry::registration::{Form, Kind, Most, Registration, Row, Who};
use signalbox_store::Store;
use signalbox_store::memory::{Config, MemoryStore};

const CAMPAIGNS: usize = 1_000;
const LOOKS: u32 = 1_000_000;

fn row(id: String, fields: &[(&str, String)]) -> Row {
    Row {
        line: 0,
        id,
        form: Form(fields.iter().map(|(name, text)| ((*name).to_owned(), vec![text.clone()])).collect()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let store = MemoryStore::new(Config::default());
    let epoch = store.acquire(Partition::DIRECTORY).await.expect("nobody else has it");
    let registration = Registration::open(store).await.expect("an empty store opens");
    let tenant: TenantId = "acme".parse().expect("it is a name");
    let brand = vec![row("acme".into(), &[("name", "Acme".into()), ("entity", "private_profit".into())])];
    let campaigns = (0..CAMPAIGNS)
        .map(|n| row(format!("campaign-{n}"), &[("brand", "acme".into()), ("use_case", "marketing".into())]))
        .collect();
    let numbers =
        (0..CAMPAIGNS).map(|n| row(format!("+1212555{n:04}"), &[("campaign", format!("campaign-{n}"))])).collect();
    for (kind, rows) in [(Kind::Brand, brand), (Kind::Campaign, campaigns), (Kind::Number, numbers)] {
        let place = (Who::Operator, Timestamp::EPOCH, epoch);
        let most = Most { numbers_without_pool: 49, samples: 5, sub_use_cases: 5 };
        registration.put(&tenant, kind, rows, place, most, |_| true).await.expect("they are in order");
    }
    let senders: Vec<Address> =
        (0..CAMPAIGNS).map(|n| format!("+1212555{n:04}").parse().expect("it is a number")).collect();
    let begin = Instant::now();
    for n in 0..LOOKS {
        let sender = &senders[n as usize * 7 % CAMPAIGNS];
        black_box(registration.find(black_box(&tenant), None, sender));
    }
    let of_number = begin.elapsed() / LOOKS;
    let begin = Instant::now();
    for n in 0..LOOKS {
        let sender = &senders[n as usize * 7 % CAMPAIGNS];
        black_box(registration.find(black_box(&tenant), Some("campaign-77"), sender));
    }
    println!(
        "{{\"look_by_number_ns\":{},\"look_by_campaign_ns\":{}}}",
        of_number.as_nanos(),
        (begin.elapsed() / LOOKS).as_nanos()
    );
}
