//! Receivers that are dead, slow, hostile or somewhere they must not be: each gets its failure, and nobody else notices.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

mod house;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use house::{House, Sink, open, reply};
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use signalbox_webhooks::resolve::Resolve;
use signalbox_webhooks::{Config, Delivery, Reach};

const ONE: &str = "+14155550101";

/// One event to `url`, and what became of its first attempt.
async fn attempt(url: String, config: Config) -> Delivery {
    let mut house = House::new().await;
    house.directory.set("main", url);
    house.start(config);
    let item = house.tell_webhook("main", ONE, "hello").await;
    house.until("main", |stats| stats.failed + stats.delivered + stats.parked > 0).await;
    house.drain().await;
    house.deliveries(&item).await.remove(0)
}

#[tokio::test]
async fn a_dead_endpoint_holds_up_no_other_and_stays_within_its_window() {
    let (dead, mut alive) = (Sink::new(|_| None).await, Sink::well().await);
    let mut house = House::new().await;
    house.directory.set("dead", dead.url());
    house.directory.set("alive", alive.url());
    house.start(Config { per_endpoint: 4, overall: 8, window: 32, ..open() });
    for i in 0..300 {
        let theirs = format!("+1415555{i:04}");
        house.tell_webhook("dead", &theirs, "x").await;
        house.tell_webhook("alive", &theirs, &i.to_string()).await;
    }
    for _ in 0..300 {
        alive.next().await;
    }
    let stats = house.stats("dead").unwrap();
    assert!(stats.waiting <= 32, "{stats:?}");
    assert_eq!(stats.delivered, 0);
}

#[tokio::test]
async fn an_ill_endpoint_is_asked_by_one_event_at_a_time() {
    let mut sink = Sink::new(|_| reply(503)).await;
    let mut house = House::new().await;
    house.directory.set("main", sink.url());
    for i in 0..100 {
        house.tell_webhook("main", &format!("+1415555{i:04}"), "x").await;
    }
    house.start(Config { per_endpoint: 4, ..open() });
    house.until("main", |stats| stats.failed >= 5).await;
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
    let failed = house.stats("main").unwrap().failed;
    assert!((5..=8).contains(&failed), "{failed}");
    while !sink.is_quiet() {}
    house.clock.advance(Duration::from_secs(30));
    sink.next().await;
    house.until("main", |stats| stats.failed == failed + 1).await;
    assert!(sink.is_quiet());
}

#[tokio::test]
async fn nobody_there_is_a_failure_with_its_reason() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let delivery = attempt(url, open()).await;
    assert_eq!(delivery.error.as_deref(), Some("no connection: connection refused"));
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_within_a_bound() {
    let silent = Sink::new(|_| None).await;
    let config = Config { attempt_timeout: Duration::from_millis(50), ..open() };
    let delivery = attempt(silent.url(), config).await;
    assert_eq!(delivery.error.as_deref(), Some("no complete answer within 50ms"));
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_nobody_goes_there() {
    let mut elsewhere = Sink::well().await;
    let location = elsewhere.url();
    let sink = Sink::new(move |_| {
        reply(302).map(|mut reply| {
            reply.headers_mut().insert("location", location.parse().unwrap());
            reply
        })
    })
    .await;
    let delivery = attempt(sink.url(), open()).await;
    assert_eq!(delivery.status, Some(302));
    assert!(delivery.error.unwrap().contains("redirects are not followed"));
    assert!(elsewhere.is_quiet());
}

#[tokio::test]
async fn an_endless_answer_is_a_success_of_which_little_is_read() {
    let sink = Sink::new(|_| {
        let frames = stream::repeat_with(|| Ok(Frame::data(Bytes::from(vec![b'x'; 8_192]))));
        Some(Response::new(BodyExt::boxed(StreamBody::new(frames))))
    })
    .await;
    let delivery = attempt(sink.url(), open()).await;
    assert_eq!((delivery.status, delivery.error, delivery.answer.len()), (Some(200), None, 1_024));
}

#[tokio::test]
async fn a_head_without_end_is_a_failure() {
    let delivery =
        attempt(garbage(b"HTTP/1.1 200 OK\r\n", b"x-padding: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n").await, open());
    let delivery = delivery.await;
    assert_eq!(delivery.status, None);
    assert!(delivery.error.unwrap().starts_with("no HTTP answer"));
}

#[tokio::test]
async fn what_is_no_http_is_a_failure() {
    let delivery = attempt(garbage(b"\0\0\0\x10\x80\0\0\x15", b"\xFF\xFE").await, open()).await;
    assert!(delivery.error.unwrap().starts_with("no HTTP answer"));
}

/// A server that answers with `begin`, and then with `on` for ever.
async fn garbage(begin: &'static [u8], on: &'static [u8]) -> String {
    use tokio::io::AsyncWriteExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut sent = stream.write_all(begin).await;
                while sent.is_ok() {
                    sent = stream.write_all(on).await;
                }
            });
        }
    });
    url
}

/// Answers with what an attacker would.
struct Names {
    addresses: Vec<SocketAddr>,
    asked: AtomicUsize,
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(self.addresses.clone()) })
    }
}

fn names(addresses: &[SocketAddr]) -> Arc<Names> {
    Arc::new(Names { addresses: addresses.to_vec(), asked: AtomicUsize::new(0) })
}

#[tokio::test]
async fn a_public_name_with_a_private_address_is_not_called() {
    let sink = Sink::well().await;
    let public = SocketAddr::from(([198, 41, 0, 4], 80));
    for addresses in [vec![sink.address], vec![public, sink.address], vec![sink.address, public]] {
        let config =
            Config { reach: Reach { allow_http: true, allow_private: false }, resolver: names(&addresses), ..open() };
        let delivery = attempt("http://hooks.example.com/".into(), config).await;
        assert_eq!(delivery.error.as_deref(), Some("the host's name resolves to an address that is not public"));
    }
    assert_eq!(sink.connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn other_ways_to_write_loopback_are_not_called_either() {
    // These are names to us, and addresses to the machine's resolver.
    for host in ["localhost", "127.1", "0x7f000001", "2130706433", "0"] {
        let config = Config { reach: Reach { allow_http: true, allow_private: false }, ..open() };
        let delivery = attempt(format!("http://{host}:9/"), config).await;
        let why = delivery.error.unwrap();
        assert!(why.contains("not public") || why.contains("can't be resolved"), "{host}: {why}");
    }
}

#[tokio::test]
async fn a_literal_private_address_is_parked_with_its_reason() {
    let mut house = House::new().await;
    house.directory.set("main", "https://169.254.169.254/latest/meta-data".into());
    house.start(Config { reach: Reach::default(), ..open() });
    let item = house.tell_webhook("main", ONE, "hello").await;
    house.until("main", |stats| stats.parked == 1).await;
    house.drain().await;
    let key = item.endpoint.key(&item.tenant);
    let parked = signalbox_webhooks::parked(&*house.store, key, None, 1).await.unwrap();
    assert_eq!(parked[0].why, "the URL names an address that is not public");
}

#[tokio::test]
async fn a_name_is_resolved_once_a_connection() {
    let mut sink = Sink::well().await;
    let names = names(&[sink.address]);
    let mut house = House::new().await;
    house.directory.set("main", "http://hooks.example.com/".into());
    house.start(Config { resolver: Arc::clone(&names) as Arc<dyn Resolve>, ..open() });
    for i in 0..20 {
        house.tell_webhook("main", ONE, &i.to_string()).await;
        assert_eq!(sink.next().await.header("host"), "hooks.example.com");
    }
    assert_eq!(names.asked.load(Ordering::Relaxed), sink.connections.load(Ordering::Relaxed));
    assert_eq!(names.asked.load(Ordering::Relaxed), 1);
}
