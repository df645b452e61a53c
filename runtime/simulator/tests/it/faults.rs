//! Broken connections and bytes.

use crate::esme::{Esme, TRANSCEIVER, TRANSMITTER};
use crate::{simulator, waited};
use signalbox_simulator::{Break, Garbage, Sessions, WaitFor};

#[tokio::test]
async fn the_connection_breaks_every_so_many_messages_with_the_last_one_taken_but_unanswered() {
    let carrier = simulator("[faults]\ndisconnect_every = 3\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    for text in ["a", "b"] {
        assert_eq!(esme.submitted("1", text).await.status, 0);
    }
    esme.submit("1", "c").await;
    assert_eq!(esme.try_read().await, None);
    let stats = carrier.stats();
    assert_eq!((stats.accepted, stats.unanswered, stats.disconnects), (3, 1, 1));
}

#[tokio::test]
async fn a_cut_response_ends_amid_the_pdu() {
    let carrier = simulator("[faults]\ncut_pdu_every = 1\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    esme.submit("1", "a").await;
    let (octets, end) = esme.rest().await;
    let promised = u32::from_be_bytes(octets[..4].try_into().unwrap()) as usize;
    assert!(octets.len() < promised, "{} of {promised}", octets.len());
    end.unwrap();
}

#[tokio::test]
async fn garbage_comes_after_the_response_or_on_demand() {
    let carrier = simulator("[faults]\ngarbage_every = 1\ngarbage = \"tiny-length\"\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    assert_eq!(esme.submitted("1", "a").await.status, 0);
    carrier.disconnect(&Sessions::default(), Break::Close);
    assert_eq!(esme.rest().await.0, [0, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1]);

    for (garbage, head) in [
        (Garbage::HugeLength, &[0x7F, 0xFF, 0xFF, 0xFF][..]),
        (Garbage::UnknownCommand, &[0, 0, 0, 21, 0, 0, 0x0F, 0x0F]),
        (Garbage::CutTlv, &[0, 0, 0]),
        (Garbage::StrayResponse, &[0, 0, 0, 18, 0x80, 0, 0, 4]),
        (Garbage::Noise, &[]),
    ] {
        let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
        assert_eq!(carrier.send_garbage(&Sessions::default(), garbage), 1);
        carrier.disconnect(&Sessions::default(), Break::Close);
        let octets = esme.rest().await.0;
        assert!(octets.len() >= 16 && octets.starts_with(head), "{garbage:?}: {octets:?}");
        waited(&carrier, WaitFor::default()).await;
    }
    assert_eq!(carrier.stats().garbage, 6);
}

#[tokio::test]
async fn orders_break_connections_in_each_way_and_only_those_chosen() {
    let carrier = simulator("").await;
    let mut bystander = Esme::connect(carrier.smpp_addr()).await;
    bystander.bind(TRANSCEIVER, "bystander", "", 0x34).await;
    let chosen = Sessions { system_id: Some("esme".to_owned()), ..Sessions::default() };
    for how in [Break::Close, Break::Reset, Break::MidPdu, Break::Unbind] {
        let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
        assert_eq!(carrier.disconnect(&chosen, how), 1);
        let (octets, end) = esme.rest().await;
        match how {
            Break::Close => assert!(octets.is_empty() && end.is_ok()),
            Break::Reset => assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset),
            Break::MidPdu => assert_eq!(octets, [0, 0, 0, 16, 0, 0, 0]),
            Break::Unbind => assert_eq!(octets, [0, 0, 0, 16, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1]),
        }
    }
    bystander.send(0x15, &[]).await;
    assert_eq!(bystander.read().await.command, 0x8000_0015);
}
