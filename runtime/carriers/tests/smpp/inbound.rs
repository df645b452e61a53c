//! What the simulated carrier brings.

use signalbox_carriers::smpp::{Config, MessageIdForm};
use signalbox_carriers::{Brought, Carrier, Outcome, Verdict};
use signalbox_model::ReceiptState;
use signalbox_simulator::{MobileOriginated, PartOrder, Splitting, WaitFor};
use signalbox_text::{Assembly, decode};

use crate::rig::{Rig, soon};
use crate::simulated::{config_of, simulator, waited};

async fn receipt(rig: &mut Rig) -> (String, ReceiptState) {
    match rig.brought(Verdict::Durable).await {
        Brought::Receipt { receipt, ours, theirs } => {
            assert_eq!(ours.unwrap().to_string(), "+14155550123");
            assert_eq!(theirs.unwrap().to_string(), "+14155550199");
            (receipt.carrier_id, receipt.state)
        }
        Brought::Part(part) => panic!("{part:?}"),
    }
}

#[tokio::test]
async fn receipts_are_understood_in_every_dialect() {
    for dialect in [
        "standard",
        "tlv",
        "text",
        "text-no-sub",
        "text-nonnumeric-err",
        "text-4digit-err",
        "text-no-err",
        "text-12digit-date",
        "text-14digit-date",
        "text-lowercase",
        "text-no-text",
        "text-short",
        "text-long-state",
        "payload",
    ] {
        let sim = simulator(&format!("[receipts]\ndelay = \"0ms\"\ndialect = \"{dialect}\"\n")).await;
        let mut rig = Rig::start(config_of(&sim));
        let Outcome::Taken { ids } = rig.send("hello id:9 stat:EXPIRED").await else { panic!("{dialect}") };
        assert_eq!(receipt(&mut rig).await, (ids[0].clone(), ReceiptState::Delivered), "{dialect}");
        waited(&sim, WaitFor { receipts_acked: 1, ..WaitFor::default() }).await;
    }
}

#[tokio::test]
async fn a_receipt_of_nothing_is_refused_and_counted() {
    let sim = simulator("[receipts]\ndelay = \"0ms\"\ndialect = \"none\"\n").await;
    let rig = Rig::start(config_of(&sim));
    rig.send("x").await;
    soon(async {
        while sim.stats().receipts_refused == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(rig.carrier.malformed(), 1);
}

#[tokio::test]
async fn ids_meet_whatever_form_the_receipt_has() {
    use MessageIdForm::{Decimal, Hex};
    for (form, answers, receipts) in [
        ("decimal", Decimal, Decimal),
        ("hex", Hex, Hex),
        ("hex-in-response", Hex, Decimal),
        ("hex-in-receipt", Decimal, Hex),
        ("hex-capitals-in-receipt", Hex, Hex),
        ("padded-in-receipt", Decimal, Decimal),
        ("padded-in-response", Decimal, Decimal),
        ("opaque", MessageIdForm::Opaque, MessageIdForm::Opaque),
    ] {
        let scenario = format!(
            "[receipts]\ndelay = \"0ms\"\ndialect = \"text\"\n[message_id]\nform = \"{form}\"\nfirst = 3735928559\n"
        );
        let sim = simulator(&scenario).await;
        let mut rig = Rig::start(Config { message_id: answers, receipt_message_id: Some(receipts), ..config_of(&sim) });
        let Outcome::Taken { ids } = rig.send("x").await else { panic!("{form}") };
        let (id, _) = receipt(&mut rig).await;
        assert_eq!(rig.carrier.canonical_id(&id), rig.carrier.canonical_id(&ids[0]), "{form}");
    }
}

#[tokio::test]
async fn inbound_texts_come_whole_however_they_travel() {
    let sim = simulator("").await;
    let mut rig = Rig::start(config_of(&sim));
    drop(rig.slot(1).await);
    let texts = ["hello [€]".to_owned(), "long ".repeat(80), "Привет 😀 ".repeat(20)];
    let mut acked = 0;
    for split in [Splitting::Udh8, Splitting::Udh16, Splitting::Sar, Splitting::Payload] {
        for text in &texts {
            let message = MobileOriginated {
                to: "+14155550123".into(),
                text: text.clone(),
                split,
                order: PartOrder::Reversed,
                ..MobileOriginated::default()
            };
            let sent = sim.send_from_phone("+14155550199", &message).unwrap();
            acked += sent.pdus as u64;
            assert_eq!(&assemble(&mut rig).await, text, "{split:?}");
        }
    }
    waited(&sim, WaitFor { mo_acked: acked, ..WaitFor::default() }).await;
}

async fn assemble(rig: &mut Rig) -> String {
    let mut assembly: Option<Assembly> = None;
    loop {
        let Brought::Part(part) = rig.brought(Verdict::Durable).await else { panic!("no part") };
        assert_eq!((part.from.to_string(), part.to.to_string()), ("+14155550199".into(), "+14155550123".into()));
        let Some(place) = part.place else {
            return decode(part.data_coding, &part.octets, part.default_alphabet).text;
        };
        let assembly = assembly.get_or_insert_with(|| Assembly::new(place.total));
        assembly.add(place, part.data_coding, &part.octets).unwrap();
        if assembly.is_complete() {
            return assembly.text(part.default_alphabet).text;
        }
    }
}
