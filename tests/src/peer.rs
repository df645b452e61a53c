//! A child that tells events and takes orders, as lines of JSON.

use crate::place;
use crate::process::{Ended, Process};
use serde_json::Value;
use std::collections::VecDeque;
use std::ffi::OsStr;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A peer.
pub struct Peer {
    process: Process,
    /// Events that came while another was waited for.
    earlier: VecDeque<Value>,
}

impl Peer {
    /// A script on packages from npm.
    pub fn node(script: &str) -> Self {
        let mut command = Command::new("node");
        command.arg(place::peer_script("node").join(script)).env("NODE_PATH", place::node_packages());
        Self { process: Process::start(format!("node {script}"), command), earlier: VecDeque::new() }
    }

    /// A script on packages from PyPI.
    pub fn python<A: AsRef<OsStr>>(script: &str, args: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(place::python());
        command.arg(place::peer_script("python").join(script)).args(args);
        Self { process: Process::start(format!("python {script}"), command), earlier: VecDeque::new() }
    }

    /// The next event of this name; others are kept for later.
    pub async fn event(&mut self, name: &str) -> Value {
        if let Some(at) = self.earlier.iter().position(|event| event["event"] == name) {
            return self.earlier.remove(at).expect("it was found there");
        }
        loop {
            let line = self.process.line().await;
            let event: Value = serde_json::from_str(&line).expect("a peer writes JSON");
            if event["event"] == name {
                return event;
            }
            self.earlier.push_back(event);
        }
    }

    /// The next events of this name.
    pub async fn events(&mut self, name: &str, count: usize) -> Vec<Value> {
        let mut events = Vec::with_capacity(count);
        while events.len() < count {
            events.push(self.event(name).await);
        }
        events
    }

    /// Gives an order.
    pub async fn order(&mut self, order: &Value) {
        let line = format!("{order}\n");
        self.process.stdin().write_all(line.as_bytes()).await.expect("a peer reads its orders");
    }

    /// Waits for its end.
    pub async fn ended(self) -> Ended {
        self.process.ended().await
    }
}
