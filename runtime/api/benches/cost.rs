//! What a request costs in CPU time: over HTTP, and the same work asked of the path directly. The path with its loops
//! and the API run on one thread, whose CPU time the kernel counts; the client runs on another.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that can't go on should stop")]

#[path = "../tests/http/client.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod client;
#[path = "../tests/http/house.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod house;

use std::sync::mpsc;

use house::{House, OURS, THEIRS};
use signalbox_engine::Request;

const REQUESTS: u64 = 20_000;

/// CPU nanoseconds of this thread.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Asks the path directly, on the thread that runs it.
async fn direct(house: &House) {
    let caller = house.handle.authenticate(&house.key).unwrap();
    let before = cpu();
    for _ in 0..REQUESTS {
        let request =
            Request { from: OURS.into(), to: THEIRS.into(), text: "Your table is ready.".into(), ..Default::default() };
        house.handle.accept(&caller, &request, None).await.unwrap();
        tokio::task::yield_now().await;
    }
    tell("asked of the path directly", before);
}

fn tell(what: &str, before: u64) {
    println!("{what}: {:.1} µs", (cpu() - before) as f64 / REQUESTS as f64 / 1_000.0);
}

/// Asks over HTTP from another thread, `streams` connections at once.
async fn over_http(house: &House, streams: u64, path: &'static str, body: String) {
    let (at, key) = (house.at, house.key.clone());
    let (done, finished) = tokio::sync::oneshot::channel();
    let before = cpu();
    let (go, went) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        went.recv().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let streams = (0..streams).map(|_| stream(at, key.clone(), REQUESTS / streams, path, body.clone()));
            futures_util::future::join_all(streams).await;
        });
        done.send(()).unwrap();
    });
    go.send(()).unwrap();
    finished.await.unwrap();
    tell(&format!("{path} over HTTP, {streams} connections"), before);
}

async fn stream(at: std::net::SocketAddr, key: String, count: u64, path: &str, body: String) {
    let mut client = client::Client::connect(at).await;
    let bearer = format!("Bearer {key}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let method = if body.is_empty() { "GET" } else { "POST" };
    for _ in 0..count {
        let answer = client.ask(method, path, &headers, body.as_bytes()).await;
        assert!(answer.status < 300, "{answer:?}");
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let message = format!(r#"{{"from":"{OURS}","to":"{THEIRS}","text":"Your table is ready."}}"#);
    runtime.block_on(async {
        let house = House::open().await;
        direct(&house).await;
        direct(&house).await;
        for streams in [1, 16, 64] {
            over_http(&house, streams, "/healthz", String::new()).await;
        }
        for streams in [1, 16, 64] {
            over_http(&house, streams, "/v1/messages", message.clone()).await;
        }
    });
}
