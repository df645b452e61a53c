//! Our SMPP client against an SMSC that other people wrote.

use serde_json::{Value, json};
use signalbox_tests::{House, HouseConfig, NUMBER, Peer};

const PHONE: &str = "+14155550199";

async fn house_with(smsc: &mut Peer, keys: &[&str]) -> House {
    let port = smsc.event("listening").await["port"].as_u64().unwrap();
    let config = HouseConfig::with_ports([u16::try_from(port).unwrap()]);
    let config = keys.iter().fold(config, |config, key| config.carrier_key(key));
    let house = House::start(config).await;
    let bound = smsc.event("bound").await;
    assert_eq!((&bound["system_id"], &bound["password"]), (&json!("signalbox"), &json!("secret")));
    house
}

fn digits(number: &Value) -> &str {
    number.as_str().unwrap().trim_start_matches('+')
}

#[tokio::test]
async fn a_message_is_taken_receipted_and_delivered() {
    let mut smsc = Peer::node("smsc.js");
    let house = house_with(&mut smsc, &[]).await;
    let acme = house.acme();
    for text in ["Hello, npm", "Grüße: @£$¥ {[~]} €", "Привет 👋"] {
        let id = acme.send(PHONE, text).await;
        let submit = smsc.event("submit").await;
        assert_eq!(submit["text"], text);
        assert_eq!(digits(&submit["to"]), digits(&json!(PHONE)));
        assert_eq!(digits(&submit["from"]), digits(&json!(NUMBER)));
        assert_eq!(smsc.event("receipt_answered").await["status"], 0);
        acme.await_status(&id, "delivered").await;
        let taken = acme.story_of(&id).await;
        assert!(taken.iter().any(|line| line.contains(submit["id"].as_str().unwrap())), "{taken:?}");
    }
    house.drain().await;
    smsc.event("unbound").await;
}

#[tokio::test]
async fn long_texts_arrive_as_they_were_sent() {
    let gsm = "Long GSM text with {braces} and € signs, ".repeat(9);
    let ucs2 = "Длинный текст с 👩‍👩‍👧 и 👋. ".repeat(9);
    for concatenation in ["udh8", "udh16"] {
        let mut smsc = Peer::node("smsc.js");
        let house = house_with(&mut smsc, &[&format!("concatenation = \"{concatenation}\"")]).await;
        let acme = house.acme();
        for text in [&gsm, &ucs2] {
            let answer = acme.try_send(PHONE, text).await.expect(202);
            let parts = usize::try_from(answer["segments"].as_u64().unwrap()).unwrap();
            assert!(parts > 2, "{answer}");
            assert_eq!(smsc.event("message").await["text"].as_str(), Some(text.as_str()), "{concatenation}");
            let submits = smsc.events("submit", parts).await;
            assert!(submits.iter().all(|submit| submit["header"].as_array().unwrap().len() == 1), "{submits:?}");
            let message = acme.await_status(answer["id"].as_str().unwrap(), "delivered").await;
            assert_eq!(message["parts"].as_array().unwrap().len(), parts);
        }
    }
}

#[tokio::test]
async fn what_phones_write_is_taken_and_on_record() {
    let mut smsc = Peer::node("smsc.js");
    let house = house_with(&mut smsc, &[]).await;
    let acme = house.acme();
    let (from, to) = (PHONE.trim_start_matches('+'), NUMBER.trim_start_matches('+'));
    for (count, text) in [(1, "Hello from a phone"), (2, "Привет от телефона")] {
        smsc.order(&json!({ "order": "send", "from": from, "to": to, "text": text })).await;
        assert_eq!(smsc.event("mo_answered").await["status"], 0);
        let inbound = acme.await_list("direction=inbound", count).await;
        assert_eq!((&inbound[0]["text"], &inbound[0]["from"]), (&json!(text), &json!(PHONE)));
    }
    let texts = ["Первая часть, ", "вторая часть."];
    smsc.order(&json!({ "order": "send_parts", "from": from, "to": to, "texts": texts, "reference": 77 })).await;
    for answered in smsc.events("mo_answered", 2).await {
        assert_eq!(answered["status"], 0);
    }
    let inbound = acme.await_list("direction=inbound", 3).await;
    assert_eq!(inbound[0]["text"], "Первая часть, вторая часть.");
    assert_eq!(inbound[0]["segments"], 2);
}
