//! A tenant's URL never makes this host its proxy: whatever a name resolves to, and however often it changes its mind.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header;
use signalbox_reach::{Answer, Client, Connector, Failure, Reach, Request, Resolve, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const OPEN: Reach = Reach { allow_private: true, allow_http: true };
const PUBLIC_ONLY: Reach = Reach { allow_private: false, allow_http: true };

/// A server that says the same to everybody, and counts who came.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn saying(answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut request = vec![0; 4_096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { address, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A resolver that gives its answers in turn, the last one for ever.
struct Names {
    answers: Vec<Vec<SocketAddr>>,
    asked: AtomicUsize,
}

impl Names {
    fn in_turn(answers: &[&[SocketAddr]]) -> Arc<Self> {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        Box::pin(async move { Ok(self.answers[turn].clone()) })
    }
}

fn client(reach: Reach, names: Arc<Names>) -> Client {
    Client::new(Connector::new(reach, names, Duration::from_secs(5), Vec::new()).unwrap())
}

fn get(url: &str) -> Request {
    Request {
        method: http::Method::GET,
        target: Target::parse(url, OPEN).unwrap(),
        headers: Vec::new(),
        body: bytes::Bytes::new(),
        timeout: Duration::from_secs(20),
        most_bytes: 4_096,
    }
}

fn why(result: Result<Answer, Failure>) -> Failure {
    result.err().expect("a failure")
}

#[tokio::test]
async fn an_answer_comes_back_whole() {
    let server = Server::saying(b"HTTP/1.1 201 Created\r\nX-Kind: test\r\nContent-Length: 4\r\n\r\nmade").await;
    let answer =
        client(OPEN, Names::in_turn(&[&[server.address]])).send(get("http://api.example.com/v1")).await.unwrap();
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (201, &b"made"[..]));
    assert_eq!(answer.headers["x-kind"], "test");
}

#[tokio::test]
async fn no_spelling_of_a_private_address_is_called() {
    let server = Server::saying(b"HTTP/1.1 200 OK\r\n\r\n").await;
    let port = server.address.port();
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
    ] {
        let resolved: SocketAddr = format!("{address}:{port}").parse().unwrap();
        let names = Names::in_turn(&[&[resolved]]);
        assert_eq!(
            why(client(PUBLIC_ONLY, names).send(get("http://api.example.com/")).await),
            Failure::Forbidden,
            "{address}"
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn one_private_address_among_public_ones_is_enough_to_refuse() {
    let server = Server::saying(b"HTTP/1.1 200 OK\r\n\r\n").await;
    let public = SocketAddr::from(([198, 41, 0, 4], 80));
    for answer in [[public, server.address], [server.address, public]] {
        let names = Names::in_turn(&[&answer]);
        assert_eq!(why(client(PUBLIC_ONLY, names).send(get("http://api.example.com/")).await), Failure::Forbidden);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_answer_is_checked_at_every_call_and_asked_once_for_each() {
    let (good, inside) = (
        Server::saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await,
        Server::saying(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret").await,
    );
    // Were the name asked again between the check and the connection, the second answer would be called.
    let names = Names::in_turn(&[&[good.address], &[inside.address]]);
    let answer = client(OPEN, names.clone()).send(get("http://rebind.example.com/")).await.unwrap();
    assert!(answer.body.is_empty());
    assert_eq!((good.connections(), inside.connections(), names.asked.load(Ordering::SeqCst)), (1, 0, 1));

    // And a name that was public a moment ago gets no credit for it.
    let public = SocketAddr::from(([198, 41, 0, 4], 9));
    let names = Names::in_turn(&[&[inside.address], &[public]]);
    let client = client(PUBLIC_ONLY, names);
    assert_eq!(why(client.send(get("http://rebind.example.com/")).await), Failure::Forbidden);
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_an_answer_and_nobody_follows_it() {
    let inside = Server::saying(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret").await;
    let text = format!("HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n", inside.address);
    let outside = Server::saying(text.leak().as_bytes()).await;
    let names = Names::in_turn(&[&[outside.address]]);
    let answer = client(OPEN, names).send(get("http://api.example.com/")).await.unwrap();
    assert_eq!(answer.status.as_u16(), 302);
    assert_eq!(answer.headers[header::LOCATION], format!("http://{}/", inside.address));
    assert_eq!((outside.connections(), inside.connections()), (1, 0));
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_cut_off_whether_it_says_its_length_or_not() {
    let long = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 8_192]].concat().leak();
    let server = Server::saying(long).await;
    let names = Names::in_turn(&[&[server.address]]);
    assert_eq!(why(client(OPEN, names).send(get("http://api.example.com/")).await), Failure::TooLarge(4_096));
    let headers = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(5_000));
    let server = Server::saying(headers.leak().as_bytes()).await;
    let names = Names::in_turn(&[&[server.address]]);
    assert_eq!(why(client(OPEN, names).send(get("http://api.example.com/")).await), Failure::TooLarge(4_096));
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure_with_a_name() {
    let server = Server::saying(b"SSH-2.0-OpenSSH\r\n").await;
    let names = Names::in_turn(&[&[server.address]]);
    assert!(matches!(why(client(OPEN, names).send(get("http://api.example.com/")).await), Failure::Http(_)));
    let cut = Server::saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await;
    let names = Names::in_turn(&[&[cut.address]]);
    assert!(matches!(why(client(OPEN, names).send(get("http://api.example.com/")).await), Failure::Http(_)));
    // A port that nobody listens on: it was ours until now.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let names = Names::in_turn(&[&[gone]]);
    assert!(matches!(why(client(OPEN, names).send(get("http://api.example.com/")).await), Failure::Connect(_)));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let names = Names::in_turn(&[&[listener.local_addr().unwrap()]]);
    let request = Request { timeout: Duration::from_millis(30), ..get("http://api.example.com/") };
    assert_eq!(why(client(OPEN, names).send(request).await), Failure::Timeout(Duration::from_millis(30)));
}
