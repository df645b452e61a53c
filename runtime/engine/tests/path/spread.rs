//! What waited for a window goes out spread over the time after it opens, all of it, in order per conversation.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use signalbox_carriers::Outcome;
use signalbox_engine::Request;
use signalbox_model::{Address, Category, Status, Timestamp};

use crate::counted::{rule, rules};
use crate::house::House;

#[tokio::test]
async fn ten_thousand_held_messages_go_spread_over_the_opening_of_the_window() {
    const PEOPLE: usize = 2_000;
    const EACH: usize = 5;
    let quiet = "severity = \"hold\"\nhold_until = \"window\"\non_unknown = \"hold\"";
    let policies = rules("spread", &rule("quiet", quiet, "recipient_us && !window_open"));
    let minutes = policies.tables.windows.spread_minutes() as usize;
    // Four in the morning in New York; the window opens at eight.
    let house = House::under(policies, Timestamp::parse_rfc3339("2026-06-01T08:00:00Z").unwrap()).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let request = |n: usize| Request {
        to: format!("+1212555{:04}", n % PEOPLE),
        category: Category::Marketing,
        ..House::request(&format!("{}", n / PEOPLE))
    };
    let requests: Vec<_> = (0..PEOPLE * EACH).map(request).collect();
    let mut held = Vec::with_capacity(requests.len());
    for chunk in requests.chunks(1_000) {
        let accepted = house.handle.accept_batch(&house.caller, chunk, None).await.unwrap();
        held.extend(accepted.into_iter().map(|accepted| accepted.unwrap().id));
    }
    for id in held {
        house.until(id, Status::Held).await;
    }
    house.clock.advance(Duration::from_secs(4 * 3_600 - 1));
    tokio::task::yield_now().await;
    assert_eq!(house.carrier.seen().len(), 0, "nothing goes before the window opens");
    let mut by_minute = Vec::new();
    let mut gone = 0;
    for minute in 0..=minutes {
        let step = if minute == 0 { 1 } else { 60 };
        house.clock.advance(Duration::from_secs(step));
        quiet_again(&house).await;
        let seen = house.carrier.seen().len();
        by_minute.push(seen - gone);
        gone = seen;
    }
    house.until_waiting(0).await;
    assert_eq!(house.carrier.seen().len(), PEOPLE * EACH, "{by_minute:?}");
    let fair = PEOPLE * EACH / minutes;
    println!("{} messages, by minute: {by_minute:?}", PEOPLE * EACH);
    assert!(by_minute[0] < fair / 4, "a burst when it opens: {by_minute:?}");
    assert!(by_minute[1..].iter().all(|count| (fair / 2..fair * 2).contains(count)), "{by_minute:?}");
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for seen in house.carrier.seen() {
        texts.entry(shown(&seen.to)).or_default().push(seen.text);
    }
    assert_eq!(texts.len(), PEOPLE);
    let disordered: HashMap<_, _> = texts.iter().filter(|(_, texts)| !texts.is_sorted()).collect();
    assert!(disordered.is_empty(), "{disordered:?}");
}

fn shown(address: &Address) -> String {
    address.to_string()
}

/// Waits until nothing new has gone for a while of turns: what was due has been brought back and sent.
async fn quiet_again(house: &House) {
    let (mut seen, mut turns) = (house.carrier.seen_count(), 0);
    while turns < 2_000 {
        tokio::task::yield_now().await;
        let now = house.carrier.seen_count();
        turns = if now == seen { turns + 1 } else { 0 };
        seen = now;
    }
}
