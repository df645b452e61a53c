//! Bodies that can't be read: each sender is told what is wrong, and the next request is served.

use std::time::Duration;

use serde_json::json;
use signalbox_api::Config;
use signalbox_store::memory::{self, MemoryStore};

use crate::client::Client;
use crate::house::{House, OURS, THEIRS};

#[tokio::test]
async fn broken_json_is_told_by_line_and_column() {
    let house = House::open().await;
    let answer = house.send_raw("/v1/messages", b"{\n  \"from\": \"+15550100001\",\n  \"to\" }").await;
    assert_eq!(answer.status, 400);
    let problem = answer.problem("request.malformed");
    assert_eq!(problem["detail"], "the body isn't JSON: expected `:` at line 3, column 8");
}

#[tokio::test]
async fn wrong_types_and_unknown_fields_are_told_by_name() {
    let house = House::open().await;
    let body = json!({"from": OURS, "to": 15550199001u64, "text": "hi", "txt": "hi", "tags": "x"});
    let answer = house.ask("POST", "/v1/messages", Some(&body)).await;
    assert_eq!(answer.status, 400);
    let problem = answer.problem("request.malformed");
    let told = problem.to_string();
    for part in ["`to` is a number; a string is expected", "did you mean `text`?", "a list of strings is expected"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("15550199001"), "{told}");
}

#[tokio::test]
async fn a_body_that_isnt_utf8_is_refused_by_its_place() {
    let house = House::open().await;
    let answer = house.send_raw("/v1/messages", b"{\"text\": \"\xC3\x28\"}").await;
    assert_eq!(answer.status, 400);
    assert!(answer.problem("request.malformed")["detail"].as_str().unwrap().contains("isn't UTF-8 at line 1, byte 11"));
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let house = House::open().await;
    let bearer = format!("Bearer {}", house.key);
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("\u{e9}")] {
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(kind.map(|kind| ("Content-Type", kind)));
        let answer = house.client().await.ask("POST", "/v1/messages", &headers, b"{}").await;
        assert_eq!(answer.status, 415, "{kind:?}");
        answer.problem("body.type");
    }
    for kind in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.acme+json"] {
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", kind)];
        let answer = house.client().await.ask("POST", "/v1/messages", &headers, b"{}").await;
        assert_eq!(answer.status, 400, "{kind}");
    }
}

#[tokio::test]
async fn a_missing_body_is_told_so() {
    let house = House::open().await;
    let bearer = format!("Bearer {}", house.key);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let answer = house.client().await.ask("POST", "/v1/messages", &headers, b"").await;
    assert_eq!(answer.status, 400);
    assert!(answer.problem("request.malformed")["detail"].as_str().unwrap().contains("empty"));
}

fn head(house: &House, path: &str, more: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{more}\r\n\r\n",
        house.key
    )
}

#[tokio::test]
async fn a_gigabyte_that_is_announced_is_refused_unread() {
    let house = House::open().await;
    for path in ["/v1/messages", "/v1/messages/batch"] {
        let mut client = house.client().await;
        client.write(head(&house, path, "Content-Length: 1073741824")).await;
        let answer = client.read().await.unwrap();
        assert_eq!(answer.status, 413);
        answer.problem("body.too_large");
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn a_client_that_keeps_writing_a_refused_body_still_reads_why() {
    let house = House::open().await;
    let mut client = house.client().await;
    client.write(head(&house, "/v1/messages", "Content-Length: 1073741824")).await;
    // Less than the server reads on for, so that no reset overtakes the answer.
    for _ in 0..8 {
        assert!(client.write(vec![b' '; 64 << 10]).await);
    }
    assert_eq!(client.read().await.unwrap().status, 413);
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_for_a_gigabyte_isnt_asked() {
    let house = House::open().await;
    let mut client = house.client().await;
    client.write(head(&house, "/v1/messages", "Content-Length: 1073741824\r\nExpect: 100-continue")).await;
    assert_eq!(client.read().await.unwrap().status, 413);
    let mut client = house.client().await;
    client.write(head(&house, "/v1/messages", "Content-Length: 2\r\nExpect: 100-continue")).await;
    assert_eq!(client.read().await.unwrap().status, 100);
    client.write("{}").await;
    assert_eq!(client.read().await.unwrap().status, 400);
}

#[tokio::test]
async fn an_endless_body_in_chunks_is_refused_at_the_limit() {
    let house = House::open().await;
    let mut client = house.client().await;
    client.write(head(&house, "/v1/messages", "Transfer-Encoding: chunked")).await;
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    for _ in 0..6 {
        client.write(&chunk).await;
    }
    let answer = client.read().await.unwrap();
    assert_eq!(answer.status, 413);
    answer.problem("body.too_large");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_body_in_chunks_is_read_as_well_as_any() {
    let house = House::open().await;
    let mut client = house.client().await;
    client.write(head(&house, "/v1/messages", "Transfer-Encoding: chunked")).await;
    let body = json!({"from": OURS, "to": THEIRS, "text": "in pieces"}).to_string();
    for piece in body.as_bytes().chunks(7) {
        client.write(format!("{:x}\r\n{}\r\n", piece.len(), std::str::from_utf8(piece).unwrap())).await;
    }
    client.write("0\r\n\r\n").await;
    assert_eq!(client.read().await.unwrap().status, 202);
    // The connection is as good as before.
    client.write(head(&house, "/v1/messages", "Content-Length: 2") + "{}").await;
    assert_eq!(client.read().await.unwrap().status, 400);
}

#[tokio::test]
async fn chunks_with_broken_framing_are_refused_and_the_process_lives() {
    let house = House::open().await;
    let mut client = house.client().await;
    client.write(head(&house, "/v1/messages", "Transfer-Encoding: chunked")).await;
    client.write("zz\r\n{}\r\n").await;
    if let Some(answer) = client.read().await {
        assert_eq!(answer.status, 400);
    }
    assert_eq!(house.ask("GET", "/healthz", None).await.status, 200);
}

#[tokio::test]
async fn a_body_that_dribbles_is_given_up() {
    let config = Config { body_timeout: Duration::from_millis(100), ..Config::default() };
    let house = House::with(config, MemoryStore::new(memory::Config::default())).await;
    let mut client = Client::connect(house.at).await;
    client.write(head(&house, "/v1/messages", "Content-Length: 100") + "{").await;
    let answer = client.read().await.unwrap();
    assert_eq!(answer.status, 408);
    assert_eq!(answer.problem("body.timeout")["retryable"], true);
    assert!(client.is_closed().await);
}
