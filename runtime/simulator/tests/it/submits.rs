//! What a submit is answered, and what reaches the phone.

use crate::esme::{Esme, TRANSCEIVER, TRANSMITTER, submit_body};
use crate::{simulator, waited};
use signalbox_simulator::{Entry, Scenario, Submitted, WaitFor};
use std::time::Duration;

fn submits(carrier: &signalbox_simulator::Handle) -> Vec<Submitted> {
    let lines = carrier.ledger(0, 10_000).lines.into_iter();
    lines.filter_map(|line| if let Entry::Submit(submit) = line.entry { Some(submit) } else { None }).collect()
}

#[tokio::test]
async fn a_submit_gets_an_id_a_line_in_the_ledger_and_reaches_its_phone() {
    let carrier = simulator("[message_id]\nfirst = 1000\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    let response = esme.submitted("15559", "hello").await;
    assert_eq!((response.status, response.body.as_slice()), (0, &b"1000\0"[..]));
    let line = submits(&carrier).remove(0);
    assert_eq!((line.source.as_str(), line.dest.as_str(), line.text.as_str()), ("+15550001", "+15559", "hello"));
    assert_eq!(line.text_sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!((line.message_id.as_deref(), line.status, line.sequence_number), (Some("1000"), 0, response.sequence));
    assert!(line.accepted && line.answered);
    let inbox = carrier.messages("+15559");
    assert_eq!((inbox.messages[0].from.as_str(), inbox.messages[0].text.as_str()), ("+15550001", "hello"));
    assert_eq!(inbox.messages[0].parts[0].octets, "68656c6c6f");
}

#[tokio::test]
async fn parts_are_joined_at_the_phone_by_header_or_by_parameters() {
    let carrier = simulator("").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    for (sequence, text) in [(2, "world"), (1, "hello ")] {
        let message = [&[5, 0, 3, 77, 2, sequence], text.as_bytes()].concat();
        esme.send(4, &submit_body("15559", 0x40, 0, &message, &[])).await;
        assert_eq!(esme.read().await.status, 0);
    }
    for (sequence, text) in [(1_u8, "by "), (2, "sar")] {
        let tlvs = [&[2, 0x0C, 0, 2, 0, 77, 2, 0x0E, 0, 1, 2, 2, 0x0F, 0, 1][..], &[sequence]].concat();
        esme.send(4, &submit_body("15559", 0, 0, text.as_bytes(), &tlvs)).await;
        assert_eq!(esme.read().await.status, 0);
    }
    let payload = [&[0x04, 0x24, 0, 4][..], &[0xD8, 0x3D, 0xDE, 0x00]].concat();
    esme.send(4, &submit_body("15559", 0, 8, b"", &payload)).await;
    assert_eq!(esme.read().await.status, 0);
    let texts: Vec<_> = carrier.messages("15559").messages.into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["hello world", "by sar", "😀"]);
    assert_eq!(submits(&carrier)[0].part, Some((77, 2, 2)));
}

#[tokio::test]
async fn a_refusal_by_destination_has_its_status_and_no_body() {
    let carrier = simulator("[[refuse]]\nto = \"+4420*\"\nstatus = \"ESME_RINVDSTADR\"\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    let refused = esme.submitted("44201", "no").await;
    assert_eq!((refused.status, refused.body.len()), (0x0B, 0));
    assert_eq!(esme.submitted("44301", "yes").await.status, 0);
    assert!(carrier.messages("44201").messages.is_empty());
    let stats = carrier.stats();
    assert_eq!((stats.submits, stats.accepted, stats.refused), (2, 1, 1));
}

#[tokio::test]
async fn throttling_and_a_full_queue_last_for_their_spell() {
    let carrier = simulator("[throttle]\nrate = 1\nlasts = \"60s\"\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    assert_eq!(esme.submitted("1", "a").await.status, 0x58);
    let full = Scenario::from_toml("full", "[queue_full]\nrate = 1\n").unwrap();
    carrier.set_scenario(full).unwrap();
    assert_eq!(esme.submitted("1", "b").await.status, 0x14);
    carrier.set_scenario(Scenario::default()).unwrap();
    assert_eq!(esme.submitted("1", "c").await.status, 0);
    let limited = Scenario::from_toml("limited", "[throttle]\nper_second = 1\n").unwrap();
    carrier.set_scenario(limited).unwrap();
    assert_eq!(esme.submitted("1", "d").await.status, 0);
    assert_eq!(esme.submitted("1", "e").await.status, 0x58);
    let stats = carrier.stats();
    assert_eq!((stats.throttled, stats.queue_full, stats.accepted), (2, 1, 2));
}

#[tokio::test]
async fn a_silent_carrier_takes_the_message_or_drops_it_without_a_word() {
    let carrier = simulator("[response]\nsilence_rate = 1\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    esme.submit("15559", "taken").await;
    esme.send(0x15, &[]).await;
    assert_eq!(esme.read().await.command, 0x8000_0015, "nothing came before the enquire_link_resp");
    let drops = Scenario::from_toml("drops", "[response]\nsilence_rate = 1\nsilence_drops = true\n").unwrap();
    carrier.set_scenario(drops).unwrap();
    esme.submit("15559", "dropped").await;
    esme.send(0x15, &[]).await;
    assert_eq!(esme.read().await.command, 0x8000_0015);
    let fates: Vec<_> = submits(&carrier).iter().map(|line| (line.accepted, line.answered)).collect();
    assert_eq!(fates, [(true, false), (false, false)]);
    assert_eq!((carrier.messages("15559").messages.len(), carrier.stats().unanswered), (1, 2));
}

#[tokio::test]
async fn responses_wait_as_long_as_the_scenario_says() {
    let carrier = simulator("[response]\ndelay = \"50ms\"\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    let asked = tokio::time::Instant::now();
    assert_eq!(esme.submitted("1", "slowly").await.status, 0);
    assert!(asked.elapsed() >= Duration::from_millis(50), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn congestion_rides_the_responses() {
    let carrier = simulator("congestion_state = 85\n[message_id]\nfirst = 7\n").await;
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    assert_eq!(esme.submitted("1", "a").await.body, b"7\0\x04\x28\0\x01\x55");
    esme.send(0x15, &[]).await;
    assert_eq!(esme.read().await.body, b"\x04\x28\0\x01\x55");
}

#[tokio::test]
async fn a_seeded_run_repeats_exactly() {
    let unruly = "
        [throttle]
        rate = 0.2
        [response]
        silence_rate = 0.2
        [[refuse]]
        rate = 0.2
        status = 69
        [[outcomes]]
        rate = 0.5
        state = \"expired\"
        [receipts]
        dialect = [\"tlv\", \"text\", \"text-short\"]
        duplicate_rate = 0.2
        lost_rate = 0.2
        delay = \"1ms\"
    ";
    let mut runs = Vec::new();
    for _ in 0..2 {
        let carrier = simulator(unruly).await;
        let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
        for n in 0..100 {
            esme.submit("15559", &format!("message {n}")).await;
        }
        let stats = waited(&carrier, WaitFor { submits: 100, ..WaitFor::default() }).await;
        runs.push((submits(&carrier), stats.throttled, stats.receipts_due, stats.receipts_lost));
    }
    assert_eq!(runs[0], runs[1]);
    let statuses = |status| runs[0].0.iter().filter(|line| line.status == status).count();
    assert!(statuses(0x58) > 5 && statuses(69) > 5 && statuses(0) > 30);
}

#[tokio::test]
async fn without_books_only_counts_are_kept() {
    let config = signalbox_simulator::Config { counts_only: true, ..signalbox_simulator::Config::default() };
    let carrier = signalbox_simulator::Simulator::start(config).await.unwrap();
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSMITTER).await;
    assert_eq!(esme.submitted("15559", "hello").await.status, 0);
    assert!(carrier.ledger(0, 10).lines.is_empty() && carrier.messages("15559").messages.is_empty());
    assert_eq!((carrier.stats().accepted, carrier.stats().messages), (1, 1));
}
