//! The least HTTP that the tests need.

use crate::PATIENCE;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// One request on a connection of its own; an empty reply has status 0.
pub async fn request(addr: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut octets = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut octets)).await.expect("an answer in time").unwrap();
    let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Reply { status: 0, head: String::new(), body: octets };
    };
    let head = String::from_utf8(octets[..end].to_vec()).unwrap().to_ascii_lowercase();
    Reply { status: head[9..12].parse().unwrap(), head, body: octets[end + 4..].to_vec() }
}

pub async fn get(addr: SocketAddr, path: &str) -> Value {
    let reply = request(addr, "GET", path, "", "").await;
    assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

pub async fn post(addr: SocketAddr, path: &str, body: &str) -> Reply {
    request(addr, "POST", path, "", body).await
}
