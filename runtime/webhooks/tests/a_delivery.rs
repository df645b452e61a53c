//! A delivery as its receiver sees it.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

mod house;

use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use house::{House, Received, SECRET, Sink, open, reply, t0};
use sha2::{Digest, Sha256};
use signalbox_webhooks::Endpoint;

/// HMAC as RFC 2104 has it, by hand, so that the service's own code can't agree with itself.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let hash = |pad: u8, text: &[u8]| {
        let padded: Vec<u8> = block.iter().map(|byte| byte ^ pad).chain(text.iter().copied()).collect();
        Sha256::digest(padded).to_vec()
    };
    hash(0x5C, &hash(0x36, text))
}

fn verifies(received: &Received) -> bool {
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mut signed =
        format!("{}.{}.", received.header("webhook-id"), received.header("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&received.body);
    received.header("webhook-signature") == format!("v1,{}", STANDARD.encode(hmac(&key, &signed)))
}

#[tokio::test]
async fn it_is_signed_and_says_what_happened() {
    let (mut house, mut sink) = (House::new().await, Sink::well().await);
    house.directory.set("main", sink.url());
    house.start(open());
    let item = house.tell_webhook("main", "+14155550123", "hello").await;
    let received = sink.next().await;
    assert!(verifies(&received));
    assert_eq!(received.header("webhook-id"), item.id.to_string());
    assert_eq!(received.header("webhook-timestamp"), (t0().as_millis() / 1_000).to_string());
    assert_eq!((received.header("content-type"), received.path.as_str()), ("application/json", "/hook"));
    let json = received.json();
    assert_eq!((json["type"].as_str(), json["timestamp"].as_str()), (Some("message.sent"), Some(&*t0().to_rfc3339())));
    let data = &json["data"];
    assert_eq!((data["id"].as_str(), data["text"].as_str()), (Some(&*item.message.to_string()), Some("hello")));
    assert_eq!((data["status"].as_str(), data["entry"]["sequence"].as_u64()), (Some("sent"), Some(102)));
    assert_eq!(data["entry"]["cause"]["kind"], "sent");

    house.drain().await;
    let [delivery] = &house.deliveries(&item).await[..] else { panic!("one attempt") };
    assert_eq!((delivery.attempt, delivery.status, &delivery.error), (1, Some(204), &None));
}

#[tokio::test]
async fn a_callback_goes_where_its_message_says() {
    let (mut house, mut sink) = (House::new().await, Sink::well().await);
    house.start(open());
    for path in ["/a?b=c", "/d"] {
        let url = format!("http://{}{path}", sink.address);
        house.tell(Endpoint::Callback { url }, "+14155550123", "hello").await;
        let received = sink.next().await;
        assert!(verifies(&received));
        assert_eq!(received.path, path);
    }
    assert_eq!(sink.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn many_go_over_few_connections_and_leave_an_empty_outbox() {
    let (mut house, mut sink) = (House::new().await, Sink::well().await);
    house.directory.set("main", sink.url());
    for i in 0..500 {
        house.tell_webhook("main", &format!("+1415555{:04}", i % 100), &i.to_string()).await;
    }
    house.start(signalbox_webhooks::Config { per_endpoint: 4, window: 64, ..open() });
    let mut last = vec![None; 100];
    for _ in 0..500 {
        let i: usize = sink.next().await.tells().0.parse().unwrap();
        let before = last[i % 100].replace(i);
        assert!(before.is_none_or(|before| before == i - 100), "{i} after {before:?}");
    }
    house.until("main", |stats| stats.delivered == 500 && stats.failed == 0).await;
    assert!(sink.connections.load(Ordering::Relaxed) <= 4);
    house.drain().await;
    let mut again = house.killed().await;
    again.start(open());
    again.tell_webhook("main", "+14155550123", "only this").await;
    assert_eq!(sink.next().await.tells().0, "only this");
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_no_attempt() {
    // The answer doesn't announce the end of the connection; it just ends.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 65_536];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    let mut house = House::new().await;
    house.directory.set("main", url);
    house.start(open());
    for i in 0..20 {
        house.tell_webhook("main", "+14155550123", &i.to_string()).await;
    }
    house.until("main", |stats| stats.delivered == 20).await;
    assert_eq!(house.stats("main").unwrap().failed, 0);
}

#[tokio::test]
async fn an_event_without_a_message_or_a_webhook_is_dropped_with_a_line_on_record() {
    let (mut house, mut sink) = (House::new().await, Sink::new(|_| reply(200)).await);
    house.directory.set("main", sink.url());
    house.start(open());
    let removed = house.tell_webhook("removed", "+14155550123", "a").await;
    house.tell_webhook("main", "+14155550123", "b").await;
    assert_eq!(sink.next().await.tells().0, "b");
    house.drain().await;
    let [dropped] = &house.deliveries(&removed).await[..] else { panic!("one line") };
    assert_eq!(dropped.error.as_deref(), Some("the webhook was removed"));
}
