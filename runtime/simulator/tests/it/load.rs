//! The load generator, against a small API that answers as the runtime does.

use clap::Parser;
use signalbox_simulator::load::{self, Report};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: load::Args,
}

/// Answers the n-th request with what `answers` gives for it; hands the requests to the test.
async fn api(answers: fn(usize) -> &'static str) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (requests, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut n = 0;
        loop {
            let mut stream = listener.accept().await.unwrap().0;
            while let Some(request) = read(&mut stream).await {
                requests.send(request).unwrap();
                let answer = answers(n);
                n += 1;
                if answer.is_empty() {
                    break; // hang up
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    (addr, seen)
}

async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1)?.lines().next()?;
            if body.len() >= length.parse().ok()? {
                return Some(text);
            }
        }
        let mut octets = [0; 4096];
        let count = stream.read(&mut octets).await.ok().filter(|count| *count > 0)?;
        text.push_str(std::str::from_utf8(&octets[..count]).unwrap());
    }
}

async fn run(addr: SocketAddr, args: &str) -> Report {
    let url = format!("http://{addr}");
    let words =
        ["load", "--url", &url, "--key", "sb_k", "--concurrency", "1"].into_iter().chain(args.split_whitespace());
    load::run(Cli::parse_from(words).args).await.unwrap()
}

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 14\r\n\r\n{\"id\":\"msg_1\"}";

#[tokio::test]
async fn each_message_is_sent_once_and_written_down() {
    let (addr, mut seen) =
        api(|n| if n == 1 { "HTTP/1.1 422 No\r\ncontent-length: 2\r\n\r\n{}" } else { ACCEPTED }).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sent.jsonl");
    let args = format!("--count 3 --destinations 2 --category otp --ledger {}", path.display());
    let report = run(addr, &args).await;
    assert_eq!((report.sent, report.accepted, report.refused, report.errors), (3, 2, 1, 0));
    assert_eq!(report.last_trouble.as_deref(), Some("422: {}"));
    let request = seen.recv().await.unwrap();
    assert!(
        request.starts_with("POST /v1/messages HTTP/1.1\r\n") && request.contains("authorization: Bearer sb_k\r\n")
    );
    let body = request.split_once("\r\n\r\n").unwrap().1;
    let expected = serde_json::json!({
        "from": "+15550001000", "to": "+15551000000", "text": "Load message 0", "category": "otp"
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap(), expected);
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let fates: Vec<_> = lines.iter().map(|line| (line["to"].as_str().unwrap(), line["id"].as_str())).collect();
    assert_eq!(fates, [("+15551000000", Some("msg_1")), ("+15551000001", None), ("+15551000000", Some("msg_1"))]);
    assert_eq!(lines[0]["text_sha256"], "55dddbb42ff0e37d9e922041158a946b4b3e222e6fe35a4d556022d9b11a82d2");
}

#[tokio::test]
async fn a_batch_carries_many_and_each_is_counted() {
    const TWO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 36\r\n\r\n{\"messages\":[{\"id\":\"a\"},{\"id\":\"b\"}]}";
    let (addr, mut seen) = api(|_| TWO).await;
    let report = run(addr, "--count 5 --batch 2").await;
    assert_eq!((report.sent, report.accepted), (5, 5));
    let request = seen.recv().await.unwrap();
    assert!(request.starts_with("POST /v1/messages/batch "));
    let body: serde_json::Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(
        (body["messages"].as_array().unwrap().len(), &body["messages"][1]["text"]),
        (2, &"Load message 1".into())
    );
}

#[tokio::test]
async fn an_unanswered_request_is_sent_again_with_the_same_key() {
    let (addr, mut seen) = api(|n| if n == 0 { "" } else { ACCEPTED }).await;
    let report = run(addr, "--count 1 --idempotency run7 --retry-for 10").await;
    assert_eq!((report.accepted, report.errors, report.retries), (1, 0, 1));
    let (first, second) = (seen.recv().await.unwrap(), seen.recv().await.unwrap());
    assert!(first.contains("idempotency-key: run7-0\r\n"));
    assert_eq!(first, second);
}

#[tokio::test]
async fn without_retries_an_unanswered_request_is_an_error() {
    let (addr, _seen) = api(|_| "").await;
    let report = run(addr, "--count 2").await;
    assert_eq!((report.sent, report.errors), (2, 2));
}

#[tokio::test]
async fn a_fixed_rate_is_kept() {
    let (addr, _seen) = api(|_| ACCEPTED).await;
    let report = run(addr, "--count 21 --rate 100").await;
    assert_eq!(report.accepted, 21);
    assert!(report.seconds >= 0.2, "{report:?}");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for args in ["", "--count 1 --batch 0", "--count 1 --retry-for 1", "--count 1 --url ftp://x", "--seconds -1"] {
        let cli = Cli::try_parse_from(["load"].into_iter().chain(args.split_whitespace()));
        let refused = cli.map_or(true, |cli| runtime.block_on(load::run(cli.args)).is_err());
        assert!(refused, "{args}");
    }
}
