//! `signalbox dev FOLDER`: a source changes, it is built and swapped, and the conversation goes on; a build that fails is
//! shown, and the handler before it goes on.

use std::path::Path;

use serde_json::{Value, json};
use signalbox_tests::place::binary;
use signalbox_tests::{Client, Process, until};
use tempfile::TempDir;
use tokio::process::Command;

const PHONE: &str = "+15555550123";

/// A project whose one source names the component that its build takes.
struct Project(TempDir);

impl Project {
    fn new(component: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        let manifest = "name = \"desk\"\nbuild = \"sh build.sh\"\ncomponent = \"build/desk.wasm\"\n";
        std::fs::write(project.0.path().join("handler.toml"), manifest).unwrap();
        let build = "set -e\nmkdir -p build\ncp \"$(cat source)\" build/fresh\nmv build/fresh build/desk.wasm\n";
        std::fs::write(project.0.path().join("build.sh"), build).unwrap();
        project.write(component);
        project
    }

    /// Its manifest, with more in it.
    fn declare(&self, more: &str) {
        let manifest = format!("name = \"desk\"\nbuild = \"sh build.sh\"\ncomponent = \"build/desk.wasm\"\n{more}");
        std::fs::write(self.0.path().join("handler.toml"), manifest).unwrap();
    }

    fn write(&self, component: &str) {
        let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests");
        let text = format!("{}\n", guests.join(component).display());
        std::fs::write(self.0.path().join("source"), text).unwrap();
    }
}

async fn say_until(dev: &mut Process, key: &str) -> Value {
    loop {
        let line: Value = serde_json::from_str(&dev.line().await).expect("every line is JSON");
        if !line[key].is_null() {
            return line;
        }
    }
}

async fn phone_sends(control: &Client, number: &str, text: &str) {
    let answer = control.post(&format!("/phones/{PHONE}/send"), &json!({ "to": number, "text": text })).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

async fn await_text(control: &Client, wanted: &str) {
    until(format_args!("a text with {wanted:?}"), || async {
        let messages = control.get(&format!("/phones/{PHONE}/messages")).await.text();
        if messages.contains(wanted) { Ok(()) } else { Err(messages) }
    })
    .await;
}

#[tokio::test]
async fn the_new_handler_answers_and_remembers_and_a_failed_build_changes_nothing() {
    let project = Project::new("echo-support.wasm");
    let mut command = Command::new(binary("signalbox"));
    command.arg("dev").arg(project.0.path()).args(["--json", "--listen", "127.0.0.1:0"]);
    let mut dev = Process::start("signalbox dev", command);
    let ready = say_until(&mut dev, "ready").await;
    let (number, control) = (ready["number"].as_str().unwrap(), Client::new(ready["control"].as_str().unwrap()));
    phone_sends(&control, number, "My name is Ada").await;
    await_text(&control, "Nice to meet you, Ada").await;

    project.write("not-there.wasm");
    let failed = say_until(&mut dev, "build_failed").await;
    assert!(failed["build_failed"].as_str().unwrap().contains("not-there.wasm"), "{failed}");
    phone_sends(&control, number, "thanks").await;
    await_text(&control, "You're welcome.").await;

    project.write("draft-stamp.wasm");
    let deployed = say_until(&mut dev, "deployed").await;
    assert_eq!(deployed["exports"].as_array().unwrap().len(), 1, "{deployed}");
    project.write("echo-support.wasm");
    say_until(&mut dev, "deployed").await;
    phone_sends(&control, number, "Hm").await;
    await_text(&control, "Ada, is this still about thanks? you wrote: Hm (message 3)").await;
    dev.terminate().await;
    assert!(dev.ended().await.status.success());
}

#[tokio::test]
async fn a_changed_manifest_holds_without_another_start() {
    let hours = |text: &str| format!("[settings.hours]\ntype = \"text\"\ndefault = \"{text}\"\n");
    let project = Project::new("echo-support.wasm");
    project.declare(&hours("Nine to five."));
    let mut command = Command::new(binary("signalbox"));
    command.arg("dev").arg(project.0.path()).args(["--json", "--listen", "127.0.0.1:0"]);
    let mut dev = Process::start("signalbox dev", command);
    let ready = say_until(&mut dev, "ready").await;
    let (number, control) = (ready["number"].as_str().unwrap(), Client::new(ready["control"].as_str().unwrap()));
    phone_sends(&control, number, "What are your hours?").await;
    await_text(&control, "Nine to five.").await;

    project.declare(&hours("Ten to six."));
    say_until(&mut dev, "deployed").await;
    phone_sends(&control, number, "What are your hours?").await;
    await_text(&control, "Ten to six.").await;

    project.declare("hosts = 7\n");
    let refused = say_until(&mut dev, "refused").await;
    assert!(refused["refused"].as_str().unwrap().contains("handler.toml"), "{refused}");
    project.declare("[limits]\nmemory = \"512MiB\"\n");
    let refused = say_until(&mut dev, "refused").await;
    assert!(refused["refused"].as_str().unwrap().contains("start it again"), "{refused}");
    dev.terminate().await;
    assert!(dev.ended().await.status.success());
}
