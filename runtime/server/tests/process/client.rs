//! The thin clients, asking a house for development.

use tempfile::TempDir;

use super::house::{House, output, signalbox};

const NUMBER: &str = "+15555550100";
const PHONE: &str = "+15555550123";

/// Its store is in a folder of the test's: a test that fails kills the house, and nobody clears up behind it.
fn dev() -> (House, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut dev = signalbox();
    dev.env("TMPDIR", folder.path()).args(["dev", "--json", "--listen", "127.0.0.1:0"]);
    (House::start(&mut dev), folder)
}

fn ask(house: &House, args: &[&str]) -> (i32, String, String) {
    let key = house.ready["key"].as_str().unwrap();
    output(signalbox().env("SIGNALBOX_URL", house.url()).env("SIGNALBOX_KEY", key).args(args))
}

#[test]
fn a_message_is_sent_waited_for_and_looked_at() {
    let (house, folder) = dev();
    let send = ["send", "--from", NUMBER, "--to", PHONE, "--text", "Hello", "--category", "otp"];
    let (code, shown, stderr) = ask(&house, &[&send[..], &["--wait", "--timeout", "20s"]].concat());
    assert_eq!((code, stderr.as_str()), (0, ""), "{shown}");
    for part in ["delivered", "“Hello”", "otp", "sim took it as", "receipt from sim: delivered", "+0.000 s"] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    let id = shown.split_whitespace().next().unwrap();
    let (code, json, _) = ask(&house, &["messages", "show", id, "--json"]);
    assert_eq!(code, 0);
    let timeline: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(timeline["message"]["status"], "delivered");
    let (code, list, _) = ask(&house, &["messages", "list", "--to", PHONE, "--status", "delivered"]);
    assert_eq!((code, list.contains(id)), (0, true), "{list}");
    house.signal("TERM");
    assert_eq!(house.ended(), 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a fresh folder is gone afterwards");
}

#[test]
fn what_the_api_refuses_is_told_in_words_or_as_it_is() {
    let (house, _folder) = dev();
    let send = ["send", "--from", NUMBER, "--to", "12", "--text", "Hello"];
    let (code, stdout, stderr) = ask(&house, &send);
    assert_eq!((code, stdout.as_str()), (3, ""));
    assert!(stderr.contains("`to`") || stderr.contains("to:") || stderr.contains("short code"), "{stderr}");
    let (code, stdout, stderr) = ask(&house, &[&send[..], &["--json"]].concat());
    assert_eq!((code, stderr.as_str()), (3, ""));
    let problem: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(problem["status"], 422);
    let (code, _, stderr) = ask(&house, &["messages", "show", "msg_none"]);
    assert_eq!(code, 3, "{stderr}");
    let (code, _, stderr) = ask(&house, &["bind", NUMBER, "nobody"]);
    assert_eq!(code, 3, "{stderr}");
    let (code, shown, _) =
        ask(&house, &["webhooks", "put", "mine", "http://127.0.0.1:9/hook", "--events", "message.*"]);
    assert_eq!((code, shown.contains("whsec_")), (0, true), "{shown}");
}

#[test]
fn who_cannot_ask_is_told_why() {
    let (code, _, stderr) = output(signalbox().args(["messages", "list"]));
    assert_eq!((code, stderr.contains("SIGNALBOX_KEY")), (2, true), "{stderr}");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let (code, _, stderr) = output(signalbox().args(["messages", "list", "--key", "sb_a_b", "--url", &url]));
    assert_eq!((code, stderr.contains(&format!("no Signalbox answers at {url}"))), (1, true), "{stderr}");
    let (code, _, stderr) = output(signalbox().args(["messages", "list", "--key", "sb_a_b", "--url", "here"]));
    assert_eq!((code, stderr.contains("`here` is no URL")), (2, true), "{stderr}");
    let (house, _folder) = dev();
    let (code, _, stderr) = output(signalbox().args(["messages", "list", "--key", "sb_a_b", "--url", house.url()]));
    assert_eq!(code, 3, "{stderr}");
}

#[test]
fn a_file_that_is_no_handler_ends_development_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.wasm");
    std::fs::write(&file, "not wasm").unwrap();
    let (code, stdout, stderr) =
        output(signalbox().env("TMPDIR", folder.path()).args(["dev", "--listen", "127.0.0.1:0"]).arg(&file));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("mine.wasm: "), "{stderr}");
}

#[test]
fn a_program_is_set_up_listed_shown_and_taken_away() {
    let (house, _folder) = dev();
    let put = ["programs", "put", "deals", "--title", "Acme Deals", "--sender", NUMBER, "--stop", "basta,ya no"];
    let (code, shown, stderr) = ask(&house, &put);
    assert_eq!((code, stderr.as_str()), (0, ""), "{shown}");
    assert!(shown.contains("Acme Deals") && shown.contains("basta, ya no"), "{shown}");
    let (code, shown, _) = ask(&house, &["programs", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((code, &listed["programs"][0]["senders"][0]), (0, &serde_json::json!(NUMBER)));
    assert_eq!(ask(&house, &["programs", "show", "deals"]).0, 0);
    let (code, _, stderr) = ask(&house, &["programs", "put", "deals", "--stop", "help"]);
    assert_eq!(code, 3);
    assert!(stderr.contains("stop"), "{stderr}");
    assert_eq!(ask(&house, &["programs", "remove", "deals"]).0, 0);
    assert_eq!(ask(&house, &["programs", "show", "deals", "--json"]).0, 3);
}
