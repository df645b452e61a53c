//! What reaches the simulated carrier's phones.

use std::time::Duration;

use signalbox_carriers::smpp::{Alphabet, Config, LongText};
use signalbox_carriers::{Carrier, Outcome, Verdict};
use signalbox_model::ErrorClass;
use signalbox_simulator::{Break, Handle, Scenario, Sessions, Simulator, WaitFor};

use tokio::sync::mpsc;

use crate::rig::{Rig, config};

pub async fn simulator(scenario: &str) -> Handle {
    let scenario = Scenario::from_toml("test", scenario).unwrap();
    let config = signalbox_simulator::Config { scenario, seed: Some(7), control: None, ..Default::default() };
    Simulator::start(config).await.unwrap()
}

pub fn config_of(sim: &Handle) -> Config {
    config(sim.smpp_addr())
}

pub async fn waited(sim: &Handle, counts: WaitFor) {
    let waited = sim.wait(&counts, Duration::from_secs(10)).await;
    assert!(waited.met, "{:?}", waited.stats);
}

fn texts() -> Vec<String> {
    vec![
        "hi @ [€] {x}".to_owned(),
        "x".repeat(160),
        "€".repeat(81),
        "GSM é ñ Ω ".repeat(60),
        "Привет".to_owned(),
        "😀".repeat(36),
        "日本語テキスト ".repeat(40),
    ]
}

#[tokio::test]
async fn every_text_reads_the_same_on_the_phone() {
    let ways = [LongText::Udh8, LongText::Udh16, LongText::Sar, LongText::MessagePayload];
    for (version, concatenation) in ["3.3", "3.4", "5.0"].into_iter().flat_map(|v| ways.map(|way| (v, way))) {
        let sim = simulator(&format!("[bind]\ninterface_version = \"{version}\"\n")).await;
        let rig = Rig::start(Config { concatenation, ..config_of(&sim) });
        for (n, text) in (1..).zip(texts()) {
            let outcome = rig.send(&text).await;
            assert!(matches!(outcome, Outcome::Taken { .. }), "{outcome:?}");
            waited(&sim, WaitFor { messages: n, ..WaitFor::default() }).await;
            let inbox = sim.messages("+14155550199");
            let last = inbox.messages.last().unwrap();
            assert_eq!((last.text.as_str(), inbox.incomplete.len()), (text.as_str(), 0), "{version} {concatenation:?}");
            let Outcome::Taken { ids } = outcome else { unreachable!("as seen above") };
            let seen: Vec<_> = last.parts.iter().map(|part| part.message_id.clone()).collect();
            assert_eq!(ids, seen, "ids in the order of parts");
        }
    }
}

#[tokio::test]
async fn a_carrier_of_latin1_reads_the_same() {
    let sim = simulator("default_alphabet = \"latin1\"\n").await;
    let rig = Rig::start(Config { default_alphabet: Alphabet::Latin1, ..config_of(&sim) });
    for text in ["@ é [x]".to_owned(), "£ ü @ ".repeat(50), "5 €".to_owned()] {
        assert!(matches!(rig.send(&text).await, Outcome::Taken { .. }));
        assert_eq!(sim.messages("+14155550199").messages.last().unwrap().text, text);
    }
}

#[tokio::test]
async fn a_throttling_carrier_is_busy_until_it_stops() {
    let sim = simulator("[throttle]\nrate = 1.0\n").await;
    let rig = Rig::start(config_of(&sim));
    let outcome = rig.send("x").await;
    assert!(matches!(outcome, Outcome::Busy { class: ErrorClass::LimitRate, .. }), "{outcome:?}");
    assert!(rig.carrier.health().slowed_to.is_some());
    sim.set_scenario(Scenario::default()).unwrap();
    assert!(matches!(rig.send("x").await, Outcome::Taken { .. }));
}

#[tokio::test]
async fn thousands_go_over_several_binds_that_break_and_none_goes_twice() {
    let sim = simulator("[response]\ndelay = \"0ms..3ms\"\n").await;
    let mut rig = Rig::start(Config { binds: 3, window: 10, ..config_of(&sim) });
    // Somebody must take the receipts, else the carrier is slowed down by them.
    let mut incoming = std::mem::replace(&mut rig.incoming, mpsc::channel(1).1);
    let receipts = tokio::spawn(async move {
        while let Some(incoming) = incoming.recv().await {
            incoming.answer.give(Verdict::Durable);
        }
    });
    let mut outcomes = Vec::new();
    for n in 0..3_000 {
        outcomes.push(rig.submit(&format!("text {n}")).await);
        if n % 700 == 699 {
            sim.disconnect(&Sessions::default(), Break::Reset);
        }
    }
    let (mut taken, mut unsent, mut unknown) = (0, 0, 0);
    for outcome in outcomes {
        match crate::rig::soon(outcome).await.unwrap() {
            Outcome::Taken { .. } => taken += 1,
            Outcome::Unsent => unsent += 1,
            Outcome::Unknown { .. } => unknown += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(taken + unsent + unknown, 3_000);
    // A break leaves at most the windows in doubt.
    assert!(unknown <= 4 * 30, "{unknown}");
    let reached = sim.messages("+14155550199").messages;
    let mut texts: Vec<_> = reached.iter().map(|message| message.text.clone()).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), reached.len(), "none twice");
    assert!(sim.stats().messages >= taken && sim.stats().messages <= taken + unknown);
    assert_eq!(rig.carrier.health().in_flight, 0);
    drop(rig);
    crate::rig::soon(receipts).await.unwrap();
}
