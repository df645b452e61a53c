//! The simulator as a process of its own.

use crate::esme::{Esme, TRANSMITTER};
use crate::http::get;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

fn simulator(args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox-simulator"));
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap()
}

#[tokio::test]
async fn it_prints_where_it_listens_and_keeps_its_ledger_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let free_port = "127.0.0.1:0";
    let mut child = simulator(&[
        "--listen",
        free_port,
        "--control",
        free_port,
        "--sink",
        free_port,
        "--seed",
        "7",
        "--json",
        "--ledger",
        path.to_str().unwrap(),
    ]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line: serde_json::Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    let addr = |name: &str| line[name].as_str().unwrap().parse().unwrap();
    assert_eq!(line["seed"], 7);
    let mut esme = Esme::bound(addr("listen"), TRANSMITTER).await;
    assert_eq!(esme.submitted("15559", "hello").await.status, 0);
    assert_eq!(get(addr("control"), "/stats").await["accepted"], 1);
    assert_eq!(get(addr("sink"), "/hooks").await["count"], 0);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.lines().last().unwrap().contains("\"text\":\"hello\""), "written as soon as answered: {text}");
}

#[tokio::test]
async fn a_wrong_scenario_ends_it_with_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.toml");
    std::fs::write(&path, "[bind]\n\nhangup = true\n").unwrap();
    let mut child = simulator(&["--listen", "127.0.0.1:0", "--scenario", path.to_str().unwrap()]);
    assert_eq!(child.wait().await.unwrap().code(), Some(1));
    let mut shown = String::new();
    child.stderr.take().unwrap().read_to_string(&mut shown).await.unwrap();
    assert!(shown.contains("wrong.toml") && shown.contains("line 3") && shown.contains("hangup"), "{shown}");
}
