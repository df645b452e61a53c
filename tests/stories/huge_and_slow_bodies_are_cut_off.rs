//! Clients that send too much, or too slowly, are told so and let go; others don't notice.

use signalbox_tests::{Carrier, House, HouseConfig, KEY_OF_ACME, NUMBER, PATIENCE, Raw, within};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

const GIGABYTE: usize = 1 << 30;
/// What the house may have in memory besides what it had: far below what is sent to it.
const ROOM_KIB: u64 = 128 << 10;

fn head(method_and_path: &str, more: &str) -> String {
    format!("{method_and_path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY_OF_ACME}\r\n{more}\r\n")
}

#[tokio::test]
async fn a_gigabyte_is_refused_whether_it_is_announced_or_not() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let before = resident_kib(&house);
    for (path, kind) in [
        ("POST /v1/messages", "application/json"),
        ("POST /v1/messages/batch", "application/json"),
        ("PUT /v1/handlers/huge", "application/wasm"),
    ] {
        let announced = head(path, &format!("content-type: {kind}\r\ncontent-length: {GIGABYTE}\r\n"));
        let mut raw = Raw::connect(house.url()).await;
        assert!(raw.write(announced).await);
        let answer = raw.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body.too_large"), "{path}: {answer}");

        let chunked = head(path, &format!("content-type: {kind}\r\ntransfer-encoding: chunked\r\n"));
        let (answer, taken) = pour(&house, &chunked).await;
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body.too_large"), "{path}: {answer}");
        assert!(taken < 64 << 20, "{path}: {taken} bytes were taken");
    }
    let after = resident_kib(&house);
    assert!(after < before + ROOM_KIB, "it grew from {before} to {after} KiB");
    others_are_served(&house).await;
}

/// Sends chunks up to a gigabyte for as long as they are taken. Answers what came back, and how much was sent.
async fn pour(house: &House, head: &str) -> (String, usize) {
    let mut raw = Raw::connect(house.url()).await;
    assert!(raw.write(head).await);
    let (mut read, mut write) = raw.split();
    let pouring = async move {
        let mut chunk = format!("{:x}\r\n", 256 << 10).into_bytes();
        chunk.resize(chunk.len() + (256 << 10), b' ');
        chunk.extend_from_slice(b"\r\n");
        let mut sent = 0;
        while sent < GIGABYTE && write.write_all(&chunk).await.is_ok() {
            sent += 256 << 10;
        }
        sent
    };
    let reading = async move {
        let mut answer = Vec::new();
        let _ = read.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    within(PATIENCE, "the end of the pouring", async { tokio::join!(reading, pouring) }).await
}

fn resident_kib(house: &House) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", house.id())).expect("a process has a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

#[tokio::test]
async fn those_who_dribble_are_let_go_in_bounded_time() {
    let carrier = Carrier::start().await;
    let limits =
        "header_timeout = \"400ms\"\nbody_timeout = \"400ms\"\ncomponent_timeout = \"400ms\"\nmax_connections = 64";
    let house = House::start(HouseConfig::new(&carrier).section("api", limits)).await;
    let json = "content-type: application/json\r\ncontent-length: 100\r\n";
    let wasm = "content-type: application/wasm\r\ncontent-length: 100\r\n";
    let beginnings = [
        String::new(),
        "POST /v1/mess".to_owned(),
        head("POST /v1/messages", json).trim_end().to_owned() + "\r\nx-slow: ",
        head("POST /v1/messages", json),
        head("POST /v1/messages/batch", json) + "{\"messages\":",
        head("PUT /v1/handlers/slow", wasm),
    ];
    let began = Instant::now();
    // As many as there may be connections: none of them may keep others out for longer than its time.
    let dribbling = (0..48).map(|n| dribble(&house, beginnings[n % beginnings.len()].clone()));
    let dribbled = futures_join(dribbling.collect()).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    for (beginning, answer) in dribbled {
        let told = answer.is_empty() || answer.starts_with("HTTP/1.1 408");
        assert!(told, "{beginning:?} was answered {answer:?}");
        assert!(!beginning.ends_with("\r\n\r\n") || answer.contains("body.timeout"), "{beginning:?}: {answer:?}");
    }
    others_are_served(&house).await;
}

/// Sends a beginning and then an octet now and then, until the other side has enough of it.
async fn dribble(house: &House, beginning: String) -> (String, String) {
    let raw = Raw::connect(house.url()).await;
    let (mut read, mut write) = raw.split();
    let _ = write.write_all(beginning.as_bytes()).await;
    let mut answer = Vec::new();
    let drops = async {
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        loop {
            pace.tick().await;
            let _ = write.write_all(b"x").await;
        }
    };
    tokio::select! {
        _ = within(PATIENCE, "a slow client to be let go", read.read_to_end(&mut answer)) => {}
        () = drops => {}
    }
    (beginning, String::from_utf8_lossy(&answer).into_owned())
}

async fn futures_join<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in pending.iter_mut().filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(cx) {
                *done = Some(value);
            }
        }
        if pending.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    pending.into_iter().filter_map(|(_, done)| done).collect()
}

async fn others_are_served(house: &House) {
    let id = house.acme().send("+14155550199", "quick and small").await;
    house.acme().await_status(&id, "delivered").await;
    let problem = house.acme().try_send(NUMBER, "to itself").await;
    problem.expect_problem(422, "policy.refused");
}
