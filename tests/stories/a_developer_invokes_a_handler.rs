//! `signalbox invoke`: one event, with the hosts and secrets that a running house would give the handler.

use std::path::Path;

use serde_json::{Value, json};
use signalbox_tests::place::{binary, guest_file};
use signalbox_tests::{Ended, Process};
use tempfile::TempDir;
use tokio::process::Command;

const SECRET: &str = "sk-of-acme";

/// A project with the guest that does what a text says, and this in its manifest.
fn project(more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let component = guest_file("misbehaving");
    let manifest = format!("name = \"desk\"\ncomponent = {:?}\n{more}", component.display().to_string());
    std::fs::write(folder.path().join("handler.toml"), manifest).unwrap();
    folder
}

async fn invoke(handler: &Path, event: &Value) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    std::fs::write(&file, event.to_string()).unwrap();
    let mut command = Command::new(binary("signalbox"));
    command.arg("invoke").arg(handler).arg(&file).arg("--json");
    Process::run("signalbox invoke", command).await
}

/// The texts that the handler sends.
async fn texts(handler: &Path, event: &Value) -> Vec<String> {
    let ended = invoke(handler, event).await;
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let sends = shown["effects"]["sends"].as_array().unwrap_or_else(|| panic!("{shown}"));
    assert!(sends.iter().all(|send| send["id"].as_str().is_some_and(|id| !id.is_empty())), "{shown}");
    sends.iter().map(|send| send["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn stubs_answer_the_hosts_that_its_manifest_declares() {
    let stub =
        json!([{ "url": "https://api.example.com/*", "status": 201, "headers": { "X-A": "b" }, "body": "made" }]);
    let event = json!({ "kind": "message", "text": "fetch", "http": stub });
    let declared = project("hosts = [\"api.example.com\"]\n");
    assert_eq!(texts(declared.path(), &event).await, ["before", "201 x-a=b made"]);
    let nobody = json!({ "kind": "message", "text": "fetch" });
    assert_eq!(texts(declared.path(), &nobody).await[1], "refused: no connection: connection refused");
    let undeclared = project("");
    let denied = &texts(undeclared.path(), &event).await[1];
    assert!(denied.starts_with("denied: the handler doesn't declare the host api.example.com"), "{denied}");
    let wrong = json!({ "kind": "message", "text": "fetch", "http": [{ "url": "https://a.example/", "status": 7 }] });
    let refused = invoke(declared.path(), &wrong).await;
    assert!(!refused.status.success() && refused.stderr.contains("is from 100 to 599"), "{refused:?}");
}

#[tokio::test]
async fn a_secret_is_held_only_as_its_manifest_says() {
    let event = json!({ "kind": "message", "text": "tell secret", "secrets": { "token": SECRET } });
    let held = project("[[secrets]]\nname = \"token\"\n");
    assert_eq!(texts(held.path(), &event).await, ["before", SECRET]);
    let put_in = project(
        "hosts = [\"api.example.com\"]\n[[secrets]]\nname = \"token\"\n\
         inject = { host = \"api.example.com\", header = \"authorization\" }\n",
    );
    let ended = invoke(put_in.path(), &event).await;
    assert!(!ended.status.success() && !ended.stdout.contains(SECRET), "it was given what is only put in: {ended:?}");
    let undeclared = invoke(project("").path(), &event).await;
    assert!(undeclared.stderr.contains("the secret `token`: handler.toml doesn't declare it"), "{undeclared:?}");
}
