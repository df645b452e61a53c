//! Receipts: to whom, when, in which words, how often.

use crate::esme::{DELIVER, Esme, RECEIVER, SUBMIT_RESP, TRANSCEIVER, TRANSMITTER, parse_deliver};
use crate::{simulator, waited};
use signalbox_simulator::{Delivered, Entry, Handle, WaitFor};

fn receipts(carrier: &Handle) -> Vec<Delivered> {
    let lines = carrier.ledger(0, 10_000).lines.into_iter();
    lines.filter_map(|line| if let Entry::Receipt(sent) = line.entry { Some(sent) } else { None }).collect()
}

#[tokio::test]
async fn a_receipt_comes_to_the_receiver_of_the_same_name_and_its_ack_is_booked() {
    let carrier = simulator("").await;
    let mut sender = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    let mut other = Esme::connect(carrier.smpp_addr()).await;
    other.bind(RECEIVER, "somebody else", "", 0x34).await;
    let mut receiver = Esme::bound(carrier.smpp_addr(), RECEIVER).await;
    let id = sender.submitted("15559", "hello").await.message_id();
    let receipt = receiver.delivery().await;
    assert_eq!((receipt.source.as_str(), receipt.dest.as_str()), ("15559", "15550001"));
    assert_eq!((receipt.esm_class, receipt.receipt_id()), (4, id.clone()));
    assert!(receipt.text().contains(" stat:DELIVRD err:000 Text:hello"), "{}", receipt.text());
    assert_eq!(receipt.tlv(0x001E), Some(format!("{id}\0").as_bytes()));
    assert_eq!(receipt.tlv(0x0427), Some(&[2][..]));
    waited(&carrier, WaitFor { receipts_acked: 1, ..WaitFor::default() }).await;
    let booked = &receipts(&carrier)[0];
    assert_eq!((booked.message_id.as_deref(), booked.acked, booked.attempt), (Some(id.as_str()), Some(0), 1));
}

#[tokio::test]
async fn outcomes_follow_the_destination_and_carry_their_error() {
    let scenario = "
        [[outcomes]]
        to = \"+1666*\"
        state = \"undelivered\"
        error = 33
    ";
    let carrier = simulator(scenario).await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    esme.submitted("16661", "no").await;
    let receipt = esme.delivery().await;
    assert!(receipt.text().contains("dlvrd:000") && receipt.text().contains("stat:UNDELIV err:033"));
    assert_eq!((receipt.tlv(0x0427), receipt.tlv(0x0423)), (Some(&[5][..]), Some(&[3, 0, 33][..])));
    assert!(carrier.messages("16661").messages.is_empty(), "it never reached the phone");
}

#[tokio::test]
async fn an_early_receipt_overtakes_its_response() {
    let carrier = simulator("[receipts]\nearly_rate = 1\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    esme.submit("15559", "hello").await;
    let (first, second) = (esme.read().await, esme.read().await);
    assert_eq!((first.command, second.command), (DELIVER, SUBMIT_RESP));
    assert_eq!(parse_deliver(&first.body).receipt_id(), second.message_id());
}

#[tokio::test]
async fn duplicates_come_twice_and_lost_ones_never() {
    let carrier = simulator("[receipts]\nduplicate_rate = 1\ndelay = \"1ms\"\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    let id = esme.submitted("15559", "twice").await.message_id();
    assert_eq!([esme.delivery().await.receipt_id(), esme.delivery().await.receipt_id()], [id.clone(), id]);

    let carrier = simulator("[receipts]\nlost_rate = 1\ndelay = \"1ms\"\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    esme.submitted("15559", "never").await;
    let stats = carrier.stats();
    assert_eq!((stats.receipts_due, stats.receipts_lost, stats.pending), (1, 1, 0));
}

#[tokio::test]
async fn ids_are_written_as_the_scenario_says() {
    for (form, response, text) in [
        ("hex-in-response", "abc", "2748"),
        ("hex-in-receipt", "2748", "abc"),
        ("padded-in-receipt", "2748", "00000000000000002748"),
    ] {
        let carrier = simulator(&format!("[message_id]\nfirst = 2748\nform = \"{form}\"\n")).await;
        let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
        assert_eq!(esme.submitted("15559", "x").await.message_id(), response);
        let receipt = esme.delivery().await;
        assert_eq!(receipt.receipt_id(), text);
        assert_eq!(receipt.tlv(0x001E), Some(format!("{response}\0").as_bytes()));
    }
}

#[tokio::test]
async fn a_receipt_of_nothing_has_neither_text_nor_parameters() {
    let carrier = simulator("[receipts]\ndialect = \"none\"\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    esme.submitted("15559", "x").await;
    let receipt = esme.delivery().await;
    assert_eq!((receipt.esm_class, receipt.message.len(), receipt.tlvs.len()), (4, 0, 0));
}

#[tokio::test]
async fn what_a_broken_connection_left_unacknowledged_comes_to_the_next_one() {
    let carrier = simulator("").await;
    let mut first = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    let id = first.submitted("15559", "hello").await.message_id();
    first.delivery_unanswered().await;
    drop(first);
    let mut second = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    assert_eq!(second.delivery().await.receipt_id(), id);
    let stats = waited(&carrier, WaitFor { receipts_acked: 1, ..WaitFor::default() }).await;
    assert_eq!((stats.redelivered, stats.receipts_sent, stats.pending), (1, 2, 0));
}

#[tokio::test]
async fn receipts_wait_for_a_receiver_to_bind() {
    let carrier = simulator("[receipts]\ndelay = \"0ms\"\n").await;
    let mut sender = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    let id = sender.submitted("15559", "hello").await.message_id();
    assert_eq!(carrier.stats().pending, 1);
    let mut receiver = Esme::bound(carrier.smpp_addr(), RECEIVER).await;
    assert_eq!(receiver.delivery().await.receipt_id(), id);
}

#[tokio::test]
async fn passing_refusals_and_timeouts_bring_it_again_and_final_ones_don_t() {
    let scenario = "
        [receipts]
        delay = \"0ms\"
        [deliver]
        retry_after = \"1ms\"
        response_timeout = \"40ms\"
        attempts = 3
    ";
    let carrier = simulator(scenario).await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    esme.submit("15559", "hello").await;
    let refused = esme.delivery_unanswered().await;
    esme.answer(&refused, 0x64).await;
    let ignored = esme.delivery_unanswered().await;
    let third = esme.delivery_unanswered().await;
    assert_eq!(refused.body, ignored.body);
    assert_eq!(ignored.body, third.body);
    esme.answer(&third, 0x66).await;
    esme.send(0x15, &[]).await;
    while esme.read().await.command != 0x8000_0015 {}
    let stats = carrier.stats();
    assert_eq!((stats.receipts_sent, stats.receipts_refused, stats.redelivered, stats.pending), (3, 2, 2, 0));
    let acks: Vec<_> = receipts(&carrier).iter().map(|sent| (sent.attempt, sent.acked)).collect();
    assert_eq!(acks, [(1, Some(0x64)), (2, None), (3, Some(0x66))]);
}

#[tokio::test]
async fn no_more_than_the_window_is_unanswered() {
    let carrier = simulator("[receipts]\ndelay = \"0ms\"\n[deliver]\nwindow_pdus = 2\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    for text in ["a", "b", "c"] {
        esme.submit("15559", text).await;
    }
    waited(&carrier, WaitFor { submits: 3, ..WaitFor::default() }).await;
    assert_eq!((carrier.stats().receipts_sent, carrier.stats().pending), (2, 1));
    for _ in 0..3 {
        esme.delivery().await;
    }
    waited(&carrier, WaitFor { receipts_acked: 3, ..WaitFor::default() }).await;
}
