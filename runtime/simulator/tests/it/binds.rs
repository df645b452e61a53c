//! Binds and the session around them.

use crate::esme::{Esme, NACK, RECEIVER, TRANSCEIVER, TRANSMITTER, submit_body};
use crate::{simulator, waited};
use signalbox_simulator::WaitFor;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_bind_says_the_carrier_s_version_and_unbind_closes() {
    let carrier = simulator("").await;
    let mut esme = Esme::connect(carrier.smpp_addr()).await;
    let answer = esme.bind(TRANSCEIVER, "anyone", "anything", 0x34).await;
    assert_eq!((answer.command, answer.status, answer.sequence), (0x8000_0009, 0, 1));
    assert_eq!(answer.body, b"SIGNALBOX-SIM\0\x02\x10\0\x01\x34");
    assert_eq!(esme.bind(RECEIVER, "anyone", "", 0x34).await.status, 5, "already bound");
    let sequence = esme.send(0x15, &[]).await;
    let pong = esme.read().await;
    assert_eq!((pong.command, pong.sequence), (0x8000_0015, sequence));
    esme.send(6, &[]).await;
    assert_eq!(esme.read().await.command, 0x8000_0006);
    assert_eq!(esme.try_read().await, None);
    assert_eq!(carrier.stats().bound, 0);
    carrier.stop().await;
}

#[tokio::test]
async fn wrong_names_and_passwords_are_refused_with_their_own_status() {
    let carrier = simulator("[bind]\nsystem_id = \"us\"\npassword = \"word\"\n").await;
    let mut esme = Esme::connect(carrier.smpp_addr()).await;
    assert_eq!(esme.bind(TRANSMITTER, "them", "word", 0x34).await.status, 0x0F);
    assert_eq!(esme.bind(TRANSMITTER, "us", "world", 0x34).await.status, 0x0E);
    assert_eq!(esme.bind(TRANSMITTER, "us", "word", 0x34).await.status, 0);
    assert_eq!(carrier.stats().binds_refused, 2);
}

#[tokio::test]
async fn the_first_binds_are_refused_when_the_scenario_says_so() {
    let carrier = simulator("[bind]\nrefuse_first = 2\nrefuse_status = \"ESME_RALYBND\"\n").await;
    let mut esme = Esme::connect(carrier.smpp_addr()).await;
    for status in [5, 5, 0] {
        assert_eq!(esme.bind(TRANSMITTER, "us", "", 0x34).await.status, status);
    }
}

#[tokio::test]
async fn a_carrier_of_3_3_speaks_no_parameters_and_short_ids() {
    let carrier = simulator("[bind]\ninterface_version = \"3.3\"\n").await;
    let mut esme = Esme::connect(carrier.smpp_addr()).await;
    assert_eq!(esme.bind(TRANSCEIVER, "us", "", 0x34).await.body, b"SIGNALBOX-SIM\0");
    let id = esme.submitted("15559", "hello").await.message_id();
    assert!(id.len() <= 8, "{id}");
    let receipt = esme.delivery().await;
    assert_eq!(receipt.receipt_id(), id);
    assert!(receipt.tlvs.is_empty());
}

#[tokio::test]
async fn commands_out_of_place_and_unknown_ones_are_answered() {
    let carrier = simulator("").await;
    let mut esme = Esme::connect(carrier.smpp_addr()).await;
    assert_eq!(esme.submitted("1", "too early").await.status, 4);
    assert_eq!(esme.bind(RECEIVER, "us", "", 0x34).await.status, 0);
    assert_eq!(esme.submitted("1", "receivers don't").await.status, 4);
    let sequence = esme.send(0x0F0F, b"what").await;
    let nack = esme.read().await;
    assert_eq!((nack.command, nack.status, nack.sequence), (NACK, 3, sequence));
    assert_eq!(carrier.stats().submits, 0);
}

#[tokio::test]
async fn a_length_that_can_t_be_is_nacked_and_the_connection_closed() {
    let carrier = simulator("").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    esme.stream.write_all(&[0, 0, 0, 3, 1, 2, 3]).await.unwrap();
    let nack = esme.read().await;
    assert_eq!((nack.command, nack.status), (NACK, 2));
    assert_eq!(esme.try_read().await, None);
}

#[tokio::test]
async fn a_malformed_submit_is_refused_and_the_session_goes_on() {
    let carrier = simulator("").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    let whole = submit_body("15559", 0, 0, b"hello", &[]);
    esme.send(4, &whole[..whole.len() - 2]).await;
    assert_eq!(esme.read().await.status, 2);
    assert_eq!(esme.submitted("15559", "hello").await.status, 0);
}

#[tokio::test]
async fn the_carrier_asks_whether_its_peer_lives() {
    let carrier = simulator("[bind]\nenquire_link_every = \"5ms\"\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    for _ in 0..2 {
        let ask = esme.read().await;
        assert_eq!(ask.command, 0x15);
        esme.answer(&ask, 0).await;
    }
    drop(esme);
    assert!(waited(&carrier, WaitFor { binds: 1, ..WaitFor::default() }).await.links_answered >= 1);
}

#[tokio::test]
async fn a_carrier_that_hangs_up_closes_every_new_connection() {
    let carrier = simulator("[bind]\nhang_up = true\n").await;
    let mut esme = Esme::connect(carrier.smpp_addr()).await;
    assert_eq!(esme.try_read().await, None);
    assert_eq!(carrier.stats().disconnects, 1);
}
