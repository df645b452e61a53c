//! What was sent is counted once, exactly, and over a crash; what isn't known is never taken for less.

use std::path::Path;
use std::time::Duration;

use signalbox_carriers::Outcome;
use signalbox_engine::Request;
use signalbox_model::{Category, MessageId, Status};
use signalbox_policy::Policies;

use crate::house::{House, OTHER, OURS, noon};

const HOUR: Duration = Duration::from_secs(3_600);

/// The floor and these rules. Each test has a folder of its own.
pub fn rules(name: &str, text: &str) -> Policies {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rules-{name}"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("of-the-test.toml"), text).unwrap();
    Policies::load(&folder).unwrap()
}

pub fn rule(id: &str, severity: &str, when: &str) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\ncite = \"a test\"\n{severity}\nclass = \"limit.rate\"\n\
         applies = {{ directions = [\"outbound\"], origins = [\"api\", \"handler\"] }}\nwhen = '{when}'\n\
         explain = \"It is so.\"\nfix = \"Nothing.\"\n"
    )
}

fn cap_of_three(name: &str) -> Policies {
    let hold = "severity = \"hold\"\nhold_until = \"count\"\non_unknown = \"hold\"";
    rules(name, &rule("cap", hold, "sent_24h >= 3"))
}

fn to(person: &str, sender: &str, text: &str) -> Request {
    Request { from: sender.to_owned(), to: person.to_owned(), ..House::request(text) }
}

async fn statuses(house: &House, ids: &[MessageId]) -> Vec<Status> {
    let mut all = Vec::new();
    for id in ids {
        all.push(house.record(*id).await.head.status);
    }
    all
}

/// Waits until each is sent or held.
async fn settled(house: &House, ids: &[MessageId]) -> (usize, usize) {
    let wait = async {
        loop {
            let all = statuses(house, ids).await;
            let count = |status| all.iter().filter(|one| **one == status).count();
            if count(Status::Sent) + count(Status::Held) == ids.len() {
                return (count(Status::Sent), count(Status::Held));
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("they never settled")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_four_at_once_a_cap_of_three_lets_three_through_and_the_fourth_goes_a_day_later() {
    let house = House::under(cap_of_three("four-at-once"), noon()).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let mut all = Vec::new();
    for person in 0..40 {
        let person = format!("+155501980{person:02}");
        // Two senders: two conversations, and often two partitions, go side by side.
        let requests = [OURS, OTHER, OURS, OTHER].map(|sender| to(&person, sender, "an offer"));
        let sends = requests.iter().map(|request| house.send(request));
        all.push(futures_util::future::join_all(sends).await);
    }
    for ids in &all {
        assert_eq!(settled(&house, ids).await, (3, 1));
    }
    // It looks again after a while, since the three only had their places when it first counted; and still waits.
    house.clock.advance(Duration::from_secs(1_000));
    for ids in &all {
        assert_eq!(settled(&house, ids).await, (3, 1));
    }
    house.clock.advance(22 * HOUR);
    for ids in &all {
        assert_eq!(settled(&house, ids).await, (3, 1));
    }
    house.clock.advance(2 * HOUR);
    for ids in &all {
        for id in ids {
            house.until(*id, Status::Sent).await;
        }
    }
    assert_eq!(house.carrier.seen().len(), 160);
}

#[tokio::test]
async fn counts_survive_a_crash_and_a_message_that_was_refused_takes_no_place() {
    let house = House::under(cap_of_three("crash"), noon()).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    for n in 0..2 {
        let id = house.send(&House::request(&format!("offer {n}"))).await;
        house.until(id, Status::Sent).await;
    }
    // One waits for its carrier, and is taken back: its place is free again.
    house.carrier.close(true);
    let id = house.send(&House::request("never mind")).await;
    house.until(id, Status::Queued).await;
    house.handle.cancel(&house.caller, id).await.unwrap();
    house.carrier.close(false);
    let house = house.crash().await;
    // Chance begins anew with the house: another time makes other ids.
    house.clock.advance(Duration::from_secs(1));
    let third = house.send(&House::request("offer 2")).await;
    house.until(third, Status::Sent).await;
    let house = house.crash().await;
    house.clock.advance(Duration::from_secs(1));
    let fourth = house.send(&House::request("offer 3")).await;
    house.until(fourth, Status::Held).await;
    house.clock.advance(25 * HOUR);
    house.until(fourth, Status::Sent).await;
}

#[tokio::test]
async fn what_nobody_counted_is_unknown_for_a_day() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let id = house.send(&House::request("before there was a cap")).await;
    house.until(id, Status::Sent).await;
    let house = house.crash_and(cap_of_three("unknown")).await;
    house.clock.advance(Duration::from_secs(1));
    let waits = house.send(&House::request("an offer")).await;
    house.until(waits, Status::Held).await;
    house.clock.advance(25 * HOUR);
    house.until(waits, Status::Sent).await;
    let house = house.crash().await;
    house.clock.advance(Duration::from_secs(1));
    let id = house.send(&House::request("another")).await;
    house.until(id, Status::Sent).await;
}

#[tokio::test]
async fn a_day_that_began_uncounted_is_unknown_over_a_crash_too() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let id = house.send(&House::request("before there was a cap")).await;
    house.until(id, Status::Sent).await;
    // Others' messages are counted meanwhile: the cap isn't theirs.
    let hold = "severity = \"hold\"\nhold_until = \"count\"\non_unknown = \"hold\"";
    let cap = rule("cap", hold, "category == \"marketing\" && sent_24h >= 3");
    let house = house.crash_and(rules("partly", &cap)).await;
    house.clock.advance(HOUR);
    let id = house.send(&House::request("your parcel")).await;
    house.until(id, Status::Sent).await;
    let house = house.crash().await;
    house.clock.advance(HOUR);
    let offer = Request { category: Category::Marketing, ..House::request("an offer") };
    let waits = house.send(&offer).await;
    house.until(waits, Status::Held).await;
    house.clock.advance(25 * HOUR);
    house.until(waits, Status::Sent).await;
}

#[tokio::test]
async fn the_first_message_to_somebody_is_the_one_that_goes_first() {
    let first = "severity = \"rewrite\"\nchange = \"append-opt-out\"\non_unknown = \"warn\"";
    let first = rule("first", first, "first_message && !has_opt_out_hint");
    let house = House::under(rules("first", &first), noon()).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.carrier.close(true);
    let (one, two) = (house.send(&House::request("one")).await, house.send(&House::request("two")).await);
    house.until(one, Status::Queued).await;
    house.until(two, Status::Queued).await;
    house.carrier.close(false);
    house.until(two, Status::Sent).await;
    let house = house.crash().await;
    house.clock.advance(Duration::from_secs(1));
    let three = house.send(&House::request("three")).await;
    house.until(three, Status::Sent).await;
    let other = house.send(&to(crate::house::THEIRS, OTHER, "other")).await;
    house.until(other, Status::Sent).await;
    let texts: Vec<_> = house.carrier.seen().into_iter().map(|seen| seen.text).collect();
    assert_eq!(texts, ["one Reply STOP to opt out.", "two", "three", "other Reply STOP to opt out."]);
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_though_a_rule_made_the_message_longer() {
    let first = "severity = \"rewrite\"\nchange = \"append-opt-out\"\non_unknown = \"warn\"";
    let first = rule("first", first, "first_message && !has_opt_out_hint");
    let house = House::under(rules("same-answer", &first), noon()).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let request = House::request(&format!("“{}”", "x".repeat(150)));
    let accept = async || house.handle.accept(&house.caller, &request, Some("k")).await.unwrap();
    let answer = accept().await;
    let record = house.until(answer.id, Status::Sent).await;
    assert_eq!(record.message.segments, 2, "the rule rewrote it");
    let again = accept().await;
    let told = |answer: &signalbox_engine::Accepted| (answer.id, answer.encoding, answer.segments, answer.folded);
    assert_eq!(told(&again), told(&answer));
    assert_eq!((answer.segments, answer.folded), (1, 2));
}

#[tokio::test]
async fn a_template_is_told_by_its_recipients_and_its_senders() {
    let deny = "severity = \"deny\"\non_unknown = \"deny\"";
    let both = rule("repeats", "severity = \"hold\"\nhold_for = \"1h\"\non_unknown = \"hold\"", "repeats_24h >= 2")
        + &rule("snowshoes", deny, "template_senders_24h >= 2");
    let house = House::under(rules("templates", &both), noon()).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let order = |n: u32| format!("Your order {n} is on its way.");
    for n in 0..2 {
        let id = house.send(&House::request(&order(n))).await;
        house.until(id, Status::Sent).await;
    }
    let third = house.send(&House::request(&order(2))).await;
    house.until(third, Status::Held).await;
    let another = house.send(&House::request("Your invoice 7 is here.")).await;
    house.until(another, Status::Sent).await;
    let elsewhere = to("+15550199777", OTHER, &order(3));
    let refused = house.handle.accept(&house.caller, &elsewhere, None).await;
    assert!(matches!(refused, Err(signalbox_engine::Refused::Policy(rejected))
        if rejected.decision.reasons[0].rule == "snowshoes"));
    // The one that is held would go first, from the other number.
    house.handle.cancel(&house.caller, third).await.unwrap();
    house.clock.advance(25 * HOUR);
    let id = house.send(&elsewhere).await;
    house.until(id, Status::Sent).await;
}
