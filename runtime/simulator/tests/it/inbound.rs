//! Messages that phones send.

use crate::esme::{Deliver, Esme, RECEIVER};
use crate::{simulator, waited};
use signalbox_simulator::{Encoding, Entry, MobileOriginated, PartOrder, Splitting, WaitFor};

fn message(text: &str) -> MobileOriginated {
    MobileOriginated { to: "+15550001".to_owned(), text: text.to_owned(), ..MobileOriginated::default() }
}

#[tokio::test]
async fn a_short_text_arrives_in_the_alphabet_that_fits() {
    let carrier = simulator("").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), RECEIVER).await;
    for (text, encoding, data_coding, octets) in [
        ("a€[", Encoding::Auto, 0, &[0x61, 0x1B, 0x65, 0x1B, 0x3C][..]),
        ("ł", Encoding::Auto, 8, &[0x01, 0x42]),
        ("é", Encoding::Latin1, 3, &[0xE9]),
        ("@", Encoding::Ucs2, 8, &[0, 0x40]),
    ] {
        carrier.send_from_phone("+15559", &MobileOriginated { encoding, ..message(text) }).unwrap();
        let deliver = esme.delivery().await;
        assert_eq!((deliver.data_coding, deliver.message.as_slice()), (data_coding, octets), "{text}");
        assert_eq!((deliver.source.as_str(), deliver.dest.as_str()), ("15559", "15550001"));
    }
    let stats = waited(&carrier, WaitFor { mo_acked: 4, ..WaitFor::default() }).await;
    assert_eq!(stats.mo_sent, 4);
}

#[tokio::test]
async fn long_texts_travel_in_each_of_the_four_ways() {
    let carrier = simulator("").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), RECEIVER).await;
    let text = "x".repeat(200);
    let long = |split| MobileOriginated { split, reference: Some(0x0102), ..message(&text) };
    let mut delivered = async |split, count| {
        let sent = carrier.send_from_phone("+15559", &long(split)).unwrap();
        assert_eq!(sent.pdus, count);
        let mut parts: Vec<Deliver> = Vec::new();
        for _ in 0..count {
            parts.push(esme.delivery().await);
        }
        parts
    };
    let parts = delivered(Splitting::Udh8, 2).await;
    assert_eq!((parts[1].esm_class, &parts[1].message[..6]), (0x40, &[5, 0, 3, 2, 2, 2][..]));
    let parts = delivered(Splitting::Udh16, 2).await;
    assert_eq!(&parts[0].message[..7], &[6, 8, 4, 1, 2, 2, 1]);
    let parts = delivered(Splitting::Sar, 2).await;
    assert_eq!(
        (parts[1].esm_class, parts[1].tlv(0x020C), parts[1].tlv(0x020F)),
        (0, Some(&[1, 2][..]), Some(&[2][..]))
    );
    let parts = delivered(Splitting::Payload, 1).await;
    assert_eq!((parts[0].message.len(), parts[0].tlv(0x0424).map(<[u8]>::len)), (0, Some(200)));
}

#[tokio::test]
async fn parts_come_out_of_order_twice_or_not_at_all() {
    let carrier = simulator("").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), RECEIVER).await;
    let order = PartOrder::Reversed;
    let text = "y".repeat(600);
    let story = MobileOriginated { order, duplicated: vec![3], missing: vec![2], ..message(&text) };
    let sent = carrier.send_from_phone("+15559", &story).unwrap();
    assert_eq!((sent.parts, sent.pdus), (4, 4));
    let mut places = Vec::new();
    for _ in 0..4 {
        places.push(esme.delivery().await.message[5]);
    }
    assert_eq!(places, [4, 3, 3, 1]);
    let lines = carrier.ledger(0, 100).lines.into_iter();
    let booked: Vec<_> = lines
        .filter_map(|line| if let Entry::Mo(mo) = line.entry { mo.part.map(|part| (mo.mo, part.2)) } else { None })
        .collect();
    assert_eq!(booked, [(Some(sent.mo), 4), (Some(sent.mo), 3), (Some(sent.mo), 3), (Some(sent.mo), 1)]);
}

#[tokio::test]
async fn a_phone_s_message_waits_for_its_account_to_bind() {
    let carrier = simulator("").await;
    let refused = carrier.send_from_phone("+15559", &message("hello")).unwrap_err();
    assert!(refused.to_string().contains("system_id"), "{refused}");
    let early = MobileOriginated { system_id: Some("esme".to_owned()), ..message("hello") };
    carrier.send_from_phone("+15559", &early).unwrap();
    let mut esme = Esme::bound(carrier.smpp_addr(), RECEIVER).await;
    assert_eq!(esme.delivery().await.text(), "hello");
}
