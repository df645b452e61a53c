//! A handler's HTTP requests: whole, bounded, with a key that every attempt repeats, and answered by whoever the host asks.

mod common;

use common::*;
use signalbox_guest::*;
use std::time::Duration;

fn answer(status: u16, body: &str) -> HttpResult {
    let headers = vec![("Content-Type".to_owned(), b"text/plain".to_vec())];
    Ok(HttpAnswer { status, headers, body: body.into() })
}

async fn hear(world: &mut World, text: &str) -> Completed {
    let (host, handler) = shared("misbehaving").await;
    world.hear(host, handler, text).await.unwrap_or_else(|failure| panic!("{text}: {failure}"))
}

fn said(completed: &Completed) -> &str {
    &completed.effects.sends[1].text
}

#[tokio::test]
async fn a_request_goes_out_whole_and_its_answer_comes_back() {
    let mut world = World { answer: answer(201, "made"), ..World::default() };
    let completed = hear(&mut world, "fetch").await;
    assert_eq!(said(&completed), "201 content-type=text/plain made");
    let sent = &world.sent[0];
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", "https://api.example.com/v1/links?x=1"));
    assert_eq!((sent.body.as_slice(), sent.timeout), (&b"{}"[..], Duration::from_millis(1_500)));
    let names: Vec<_> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "idempotency-key"]);
}

#[tokio::test]
async fn a_second_attempt_sends_the_same_key_and_another_request_another() {
    let (mut first, mut second) = (World::default(), World::default());
    hear(&mut first, "flood http").await;
    hear(&mut second, "flood http").await;
    let keys = |world: &World| -> Vec<Vec<u8>> {
        world
            .sent
            .iter()
            .map(|sent| sent.headers.iter().find(|h| h.0 == "idempotency-key").unwrap().1.clone())
            .collect()
    };
    assert_eq!(keys(&first), keys(&second));
    let mut all = keys(&first);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 5);
}

#[tokio::test]
async fn the_sixth_is_denied_and_the_log_says_why() {
    let mut world = World::default();
    let completed = hear(&mut world, "flood http").await;
    assert_eq!(world.sent.len(), 5);
    assert_eq!(said(&completed), "denied: 5 HTTP requests are the most of an event");
    assert_eq!(completed.logs.lines.len(), 15);
    let line = &completed.logs.lines[0];
    assert_eq!(line.text, "HTTP POST https://api.example.com: 5 HTTP requests are the most of an event");
    assert_eq!(line.level, Level::Warn);
}

#[tokio::test]
async fn what_is_no_request_never_leaves() {
    let mut world = World::default();
    assert_eq!(said(&hear(&mut world, "bad fetches").await), "5 of 5");
    assert!(world.sent.is_empty());
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_an_error_and_no_trap() {
    let mut world = World { answer: answer(200, &"x".repeat(256 << 10)), ..World::default() };
    let completed = hear(&mut world, "fetch").await;
    assert_eq!(said(&completed), "too large: the answer is larger than 262144 bytes");
}

#[tokio::test]
async fn each_failure_has_a_name_of_its_own() {
    for (failure, text) in [
        (HttpFailure::Dns, "dns: the host's name can't be resolved"),
        (HttpFailure::Refused("connection refused".into()), "refused: no connection: connection refused"),
        (HttpFailure::Timeout(Duration::from_secs(2)), "timeout: no answer within 2s"),
        (HttpFailure::Tls("bad certificate".into()), "other: no TLS session: bad certificate"),
        (HttpFailure::Denied("not granted".into()), "denied: not granted"),
    ] {
        let mut world = World { answer: Err(failure), ..World::default() };
        assert_eq!(said(&hear(&mut world, "fetch").await), text);
    }
}

#[tokio::test]
async fn a_server_that_is_slow_is_given_up_at_the_requests_own_timeout() {
    let (host, handler) = shared("misbehaving").await;
    let mut world = World { slow: Some(Duration::from_secs(3_600)), ..World::default() };
    world.limits.http_time = Duration::from_millis(20);
    let completed = world.hear(host, handler, "fetch").await.expect("the event goes on");
    assert_eq!(said(&completed), "timeout: no answer within 20ms");
}

#[tokio::test]
async fn surroundings_without_http_deny_it() {
    struct Nothing;
    impl Surroundings for Nothing {
        fn state_get<'a>(&'a mut self, _: Scope, _: &'a str) -> Reading<'a, Option<Vec<u8>>> {
            unreachable!("the handler reads no state")
        }
        fn state_list<'a>(
            &'a mut self,
            _: Scope,
            _: &'a str,
            _: Option<&'a str>,
            _: usize,
        ) -> Reading<'a, Vec<(String, Vec<u8>)>> {
            unreachable!("the handler lists no state")
        }
        fn recent(&mut self, _: usize) -> Reading<'_, Vec<PastMessage>> {
            unreachable!("the handler reads no history")
        }
        fn contact<'a>(&'a mut self, _: &'a str) -> Reading<'a, Contact> {
            unreachable!("the handler reads no contact")
        }
    }
    let (host, handler) = shared("misbehaving").await;
    let invocation = World::default().invocation(message("fetch"));
    let completed = host.invoke(handler, &invocation, &mut Nothing).await.expect("ok");
    assert_eq!(said(&completed), "denied: handlers have no outbound HTTP here");
}

#[tokio::test]
async fn wasi_http_is_the_same_request() {
    let mut world = World { answer: answer(201, "made of parts"), ..World::default() };
    let completed = hear(&mut world, "wasi fetch").await;
    assert_eq!(said(&completed), "201 text/plain made of parts true");
    let sent = &world.sent[0];
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", "https://api.example.com/v1/links?x=1"));
    assert_eq!((sent.body.as_slice(), sent.timeout), (&b"{\"a\":1}"[..], Duration::from_millis(1_500)));
    let names: Vec<_> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-kind", "idempotency-key"]);
}

#[tokio::test]
async fn wasi_http_tells_failures_by_their_codes_and_the_log_in_words() {
    for (failure, code) in [
        (HttpFailure::Dns, "ErrorCode::DnsError(DnsErrorPayload { rcode: None, info-code: None })"),
        (HttpFailure::Denied("not granted".into()), "ErrorCode::HttpRequestDenied"),
        (HttpFailure::Timeout(Duration::from_secs(2)), "ErrorCode::HttpResponseTimeout"),
        (HttpFailure::Refused("gone".into()), "ErrorCode::ConnectionRefused"),
    ] {
        let words = failure.to_string();
        let mut world = World { answer: Err(failure), ..World::default() };
        let completed = hear(&mut world, "wasi fetch").await;
        assert_eq!(said(&completed), code);
        assert_eq!(completed.logs.lines[0].text, format!("HTTP POST https://api.example.com: {words}"));
    }
}

#[tokio::test]
async fn wasi_http_has_the_same_limits() {
    let mut world = World::default();
    let completed = hear(&mut world, "wasi flood").await;
    assert_eq!((world.sent.len(), said(&completed)), (5, "ErrorCode::HttpRequestDenied"));
}
