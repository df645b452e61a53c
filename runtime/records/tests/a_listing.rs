//! A tenant's messages, newest first, page by page.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

mod house;

use house::{House, at, tenant};
use signalbox_model::{Direction, Message, MessageId, Status};
use signalbox_records::{BadCursor, Error, Query, list};
use signalbox_store::Store;

/// Twenty numbers, so all partitions have some; every third message inbound, every fourth with a longer timeline.
async fn filled(house: &House, count: u64) -> Vec<Message> {
    let mut messages = Vec::new();
    for ms in 0..count {
        let theirs = format!("+141555501{:02}", ms % 20);
        let message = match ms % 3 {
            0 => house.message("acme", Direction::Inbound, &theirs, "72345", ms),
            _ => house.message("acme", Direction::Outbound, "72345", &theirs, ms),
        };
        let extra = if message.direction == Direction::Outbound && ms % 4 == 0 { 30 } else { 0 };
        house.put(&message, extra).await;
        messages.push(message);
    }
    messages.reverse();
    messages
}

async fn pages(house: &House, query: &Query, limit: usize) -> Vec<MessageId> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = list(&*house.store, &tenant("acme"), query, cursor, limit).await.unwrap();
        assert!(page.items.len() <= limit);
        ids.extend(page.items.iter().map(|(message, _)| message.id));
        match page.next {
            // As a client would: through its text.
            Some(next) => cursor = Some(next.to_string().parse().unwrap()),
            None => return ids,
        }
    }
}

fn ids<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<MessageId> {
    messages.into_iter().map(|message| message.id).collect()
}

#[tokio::test]
async fn pages_of_any_length_give_every_message_once_newest_first() {
    let house = House::new().await;
    let all = filled(&house, 200).await;
    for limit in [1, 7, 50, 199, 200, 201, 1_000] {
        assert_eq!(pages(&house, &Query::default(), limit).await, ids(&all), "{limit}");
    }
}

#[tokio::test]
async fn each_filter_lets_through_what_it_says() {
    let house = House::new().await;
    let all = filled(&house, 120).await;
    let theirs = "+14155550107".parse().unwrap();
    type Admits = Box<dyn Fn(&Message) -> bool>;
    let cases: Vec<(Query, Admits)> = vec![
        (
            Query { from: Some("72345".parse().unwrap()), ..Query::default() },
            Box::new(|m| m.from.to_string() == "72345"),
        ),
        (
            Query { to: Some(Clone::clone(&theirs)), ..Query::default() },
            Box::new(|m| m.to.to_string() == "+14155550107"),
        ),
        (
            Query { direction: Some(Direction::Inbound), ..Query::default() },
            Box::new(|m| m.direction == Direction::Inbound),
        ),
        (
            Query { status: Some(Status::Queued), ..Query::default() },
            Box::new(|m| {
                m.direction == Direction::Outbound && (m.accepted_at.as_millis() - at(0).as_millis()).is_multiple_of(4)
            }),
        ),
        (
            Query { after: Some(at(30)), before: Some(at(60)), ..Query::default() },
            Box::new(|m| m.accepted_at >= at(30) && m.accepted_at < at(60)),
        ),
        (
            Query { from: Some(Clone::clone(&theirs)), to: Some("72345".parse().unwrap()), ..Query::default() },
            Box::new(|m| m.from.to_string() == "+14155550107"),
        ),
        (
            Query {
                from: Some("72345".parse().unwrap()),
                to: Some(theirs),
                direction: Some(Direction::Outbound),
                ..Query::default()
            },
            Box::new(|m| m.to.to_string() == "+14155550107"),
        ),
    ];
    for (query, admits) in cases {
        let expected = ids(all.iter().filter(|message| admits(message)));
        assert!(!expected.is_empty());
        assert_eq!(pages(&house, &query, 5).await, expected, "{query:?}");
    }
}

#[tokio::test]
async fn another_tenants_messages_are_not_listed() {
    let house = House::new().await;
    filled(&house, 20).await;
    for other in ["acm", "acme-2", "zeta"] {
        let page = list(&*house.store, &tenant(other), &Query::default(), None, 100).await.unwrap();
        assert!(page.items.is_empty() && page.next.is_none());
    }
}

#[tokio::test]
async fn a_message_that_comes_between_two_pages_moves_nothing() {
    let house = House::new().await;
    let all = filled(&house, 40).await;
    let first = list(&*house.store, &tenant("acme"), &Query::default(), None, 10).await.unwrap();
    house.put(&house.message("acme", Direction::Outbound, "72345", "+14155550199", 1_000), 0).await;
    let second = list(&*house.store, &tenant("acme"), &Query::default(), first.next, 10).await.unwrap();
    assert_eq!(ids(second.items.iter().map(|(message, _)| message)), ids(&all[10..20]));
}

#[tokio::test]
async fn rare_answers_cost_a_bounded_call_and_a_cursor() {
    let house = House::new().await;
    for ms in 0..120 {
        let message = house.message("acme", Direction::Outbound, "72345", &format!("+1415555{ms:04}"), ms);
        house.put(&message, 500).await;
    }
    let query = Query { status: Some(Status::Delivered), ..Query::default() };
    let page = list(&*house.store, &tenant("acme"), &query, None, 10).await.unwrap();
    assert!(page.items.is_empty() && page.next.is_some());
    assert_eq!(pages(&house, &query, 10).await, []);
}

#[tokio::test]
async fn a_cursor_of_another_question_is_refused() {
    let house = House::new().await;
    filled(&house, 20).await;
    let page = list(&*house.store, &tenant("acme"), &Query::default(), None, 5).await.unwrap();
    let other = Query { status: Some(Status::Queued), ..Query::default() };
    for (name, query) in [("acme", &other), ("other", &Query::default())] {
        let refused = list(&*house.store, &tenant(name), query, page.next, 5).await;
        assert!(matches!(refused, Err(Error::Cursor(BadCursor::Question))), "{refused:?}");
    }
    assert!(house.store.partitions() > 1);
}
