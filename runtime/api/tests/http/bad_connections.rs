//! Connections that don't behave, and requests for what isn't there.

use std::time::Duration;

use serde_json::json;
use signalbox_api::Config;
use signalbox_store::memory::{self, MemoryStore};

use crate::house::{House, OURS, THEIRS};

async fn house(config: Config) -> House {
    House::with(config, MemoryStore::new(memory::Config::default())).await
}

#[tokio::test]
async fn a_head_that_dribbles_is_given_up() {
    let house = house(Config { header_timeout: Duration::from_millis(100), ..Config::default() }).await;
    let mut client = house.client().await;
    client.write("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    // Each byte in time doesn't prolong the whole.
    let dribble = async { while client.write("x").await && !client.is_closed().await {} };
    tokio::time::timeout(Duration::from_secs(5), dribble).await.expect("the connection is closed");
    assert_eq!(house.ask("GET", "/healthz", None).await.status, 200);
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_until_one_ends() {
    let house = house(Config { max_connections: 1, ..Config::default() }).await;
    let mut first = house.client().await;
    assert_eq!(first.ask("GET", "/healthz", &[], b"").await.status, 200);
    let mut second = house.client().await;
    second.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(tokio::time::timeout(Duration::from_millis(50), second.read()).await.is_err(), "it was served");
    drop(first);
    assert_eq!(second.read().await.unwrap().status, 200);
}

#[tokio::test]
async fn too_many_header_lines_are_refused() {
    let house = House::open().await;
    let many: Vec<_> = (0..80).map(|i| format!("x-{i}")).collect();
    let headers: Vec<_> = many.iter().map(|name| (name.as_str(), "1")).collect();
    let answer = house.client().await.ask("GET", "/healthz", &headers, b"").await;
    assert_eq!(answer.status, 431);
    answer.problem("headers.too_many");
    // Beyond what the HTTP library itself takes, it refuses by itself.
    let many: Vec<_> = (0..500).map(|i| format!("x-{i}")).collect();
    let headers: Vec<_> = many.iter().map(|name| (name.as_str(), "1")).collect();
    house.client().await.ask("GET", "/healthz", &headers, b"").await.problem("headers.too_large");
    let long = "x".repeat(128 << 10);
    let answer = house.client().await.ask("GET", "/healthz", &[("x", &long)], b"").await;
    assert_eq!((answer.status, answer.header("connection")), (431, Some("close")));
    answer.problem("headers.too_large");
    let path = format!("/{}", "x".repeat(100 << 10));
    let answer = house.client().await.ask("GET", &path, &[], b"").await;
    assert_eq!(answer.status, 414);
    answer.problem("uri.too_long");
}

#[tokio::test]
async fn what_isnt_http_is_refused_and_the_process_lives() {
    let house = House::open().await;
    for garbage in ["\0\u{1}\u{2}\u{3}\r\n\r\n", "GET\r\n\r\n", "\u{16}\u{3}\u{1}", "GET /\u{ff} HTTP/9.9\r\n\r\n"] {
        let mut client = house.client().await;
        client.write(garbage.as_bytes()).await;
        if garbage.ends_with('\n') {
            let answer = client.read().await.unwrap_or_else(|| panic!("no answer to {garbage:?}"));
            assert_eq!(answer.status, 400, "{garbage:?}");
            answer.problem("http.malformed");
        }
    }
    assert_eq!(house.ask("GET", "/healthz", None).await.status, 200);
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_too() {
    let house = House::open().await;
    for path in ["/", "/v1", "/v1/message", "/v1/messages/", "/v2/messages", "/v1/messages/a/b/c"] {
        let answer = house.ask("GET", path, None).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.problem("route.unknown");
    }
}

#[tokio::test]
async fn a_path_that_isnt_utf8_is_refused() {
    let house = House::open().await;
    let answer = house.ask("GET", "/v1/messages/%FF%FE", None).await;
    assert_eq!(answer.status, 400);
    answer.problem("path.malformed");
    let mut client = house.client().await;
    client.write(b"GET /v1/messages/\xFF\xFE HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answer = client.read().await.unwrap();
    assert!([400, 404].contains(&answer.status));
    answer.problem(if answer.status == 400 { "http.malformed" } else { "path.malformed" });
}

#[tokio::test]
async fn another_method_is_told_which_are_allowed() {
    let house = House::open().await;
    let answer = house.ask("DELETE", "/v1/messages", None).await;
    assert_eq!(answer.status, 405);
    answer.problem("method.unknown");
    let allowed = answer.header("allow").unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST") && allowed.contains("HEAD"), "{allowed}");
    assert_eq!(house.ask("BREW", "/v1/handlers", None).await.status, 405);
}

#[tokio::test]
async fn options_lists_methods_and_head_answers_without_a_body() {
    let house = House::open().await;
    let options = house.ask("OPTIONS", "/v1/webhooks/x", None).await;
    assert_eq!((options.status, options.header("allow")), (204, Some("PUT")));
    assert!(options.body.is_empty());
    let bearer = format!("Bearer {}", house.key);
    let mut client = house.client().await;
    let head = client.ask("HEAD", "/v1/messages", &[("Authorization", &bearer)], b"").await;
    assert_eq!(head.status, 200);
    assert!(head.header("content-length").is_some_and(|length| length != "0"), "{head:?}");
    let missing = client.ask("HEAD", "/v1/messages/x", &[("Authorization", &bearer)], b"").await;
    assert_eq!(missing.status, 404);
    // Had one of them sent a body, this answer would begin with it.
    assert_eq!(client.ask("GET", "/healthz", &[], b"").await.status, 200);
}

#[tokio::test]
async fn a_connection_serves_many_requests_each_with_its_own_id() {
    let house = House::open().await;
    let mut client = house.client().await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let answer = client.ask("GET", "/healthz", &[], b"").await;
        assert!(seen.insert(answer.header("x-request-id").unwrap().to_owned()));
    }
    client.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3)).await;
    for _ in 0..3 {
        assert_eq!(client.read().await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_client_that_never_reads_its_answers_is_let_go() {
    let config = Config { write_timeout: Duration::from_millis(100), ..Config::default() };
    let house = house(config).await;
    let mut client = house.client().await;
    // Each answer is some 50 kB: sooner or later no buffer on the way has room for one more.
    let ask = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let greed = async { while client.write(&ask).await {} };
    tokio::time::timeout(Duration::from_secs(20), greed).await.expect("the connection is cut");
    assert_eq!(house.ask("GET", "/healthz", None).await.status, 200);
}

#[tokio::test]
async fn a_drain_takes_no_more_connections_and_finishes_what_is_in_flight() {
    let mut house = House::open().await;
    let (mut idle, mut busy) = (house.client().await, house.client().await);
    assert_eq!(idle.ask("GET", "/healthz", &[], b"").await.status, 200);
    let body = json!({"from": OURS, "to": THEIRS, "text": "last"}).to_string();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        house.key,
        body.len()
    );
    busy.write(head).await;
    // The server asks for the body: so the request is in flight when the drain begins.
    assert_eq!(busy.read().await.unwrap().status, 100);
    house.drain.cancel();
    assert!(idle.is_closed().await);
    busy.write(body).await;
    assert_eq!(busy.read().await.unwrap().status, 202);
    assert!(busy.is_closed().await);
    drop((idle, busy));
    (&mut house.serving).await.unwrap();
    assert!(tokio::net::TcpStream::connect(house.at).await.is_err());
}

#[tokio::test]
async fn a_drain_cuts_off_what_takes_too_long() {
    let mut house = house(Config { drain_timeout: Duration::from_millis(50), ..Config::default() }).await;
    let mut stuck = house.client().await;
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
        house.key
    );
    stuck.write(head).await;
    assert_eq!(stuck.read().await.unwrap().status, 100);
    house.drain.cancel();
    tokio::time::timeout(Duration::from_secs(5), &mut house.serving).await.expect("the drain ends").unwrap();
    assert!(stuck.is_closed().await);
}
