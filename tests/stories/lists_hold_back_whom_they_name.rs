//! Suppression lists come by the command line, hold back whom they name, outlive a kill, and a changed rule set can be tried on what
//! happened.

use serde_json::Value;
use signalbox_tests::place::binary;
use signalbox_tests::{Carrier, House, HouseConfig, KEY_OF_ACME, Process};
use tokio::process::Command;

const PHONE: &str = "+14155550199";
const OTHER: &str = "+14155550198";

/// Asks the house by the command line; the answer and whether it went well.
async fn ask(house: &House, args: &[&str]) -> (bool, Value) {
    let mut command = Command::new(binary("signalbox"));
    command.args(args).args(["--json", "--url", house.url(), "--key", KEY_OF_ACME]);
    let ended = Process::run("asking", command).await;
    let answer = serde_json::from_str(ended.stdout.trim()).unwrap_or(Value::Null);
    (ended.status.success(), answer)
}

#[tokio::test]
async fn lists_are_imported_by_the_command_line_and_hold_back_whom_they_name() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let file = house.config().folder().join("internal.csv");
    let path = file.to_str().unwrap().to_owned();
    let import = ["suppression", "import", &path, "--kind", "own", "--fetched-at", "2026-01-01T00:00:00Z"];
    std::fs::write(&file, format!("number\n{PHONE}\nnobody\n")).unwrap();
    let (went, problem) = ask(&house, &import).await;
    assert!(!went && problem["errors"][0]["field"] == "line 3 number", "{problem}");
    std::fs::write(&file, format!("number\n{PHONE}\n")).unwrap();
    let (went, list) = ask(&house, &import).await;
    assert!(went && list["numbers"] == 1 && list["name"] == "internal", "{list}");

    let house = House::start(house.kill().await).await;
    let refused = house.acme().try_send(PHONE, "hello").await.expect_problem(422, "policy.refused");
    assert_eq!(refused["decision"]["reasons"][0]["rule"], "consent.suppressed");
    let (_, check) = ask(&house, &["suppression", "check", PHONE]).await;
    assert_eq!(check["lists"][0]["on"], true, "{check}");
    let goes = house.acme().send(OTHER, "hello").await;
    house.acme().await_status(&goes, "sent,delivered").await;

    // What would a stricter set have said?
    let changed = house.config().folder().join("changed");
    std::fs::create_dir_all(&changed).unwrap();
    let rule = "[[rule]]\nid = \"no.greetings\"\ncite = \"a test\"\nseverity = \"deny\"\nclass = \"content.blocked_platform\"\n\
                when = \"text_length < 10 && !opted_out\"\non_unknown = \"deny\"\nexplain = \"Too short.\"\nfix = \"Say more.\"\n";
    std::fs::write(changed.join("greetings.toml"), rule).unwrap();
    let (went, told) = ask(&house, &["policy", "whatif", "--with", changed.to_str().unwrap(), "--since", "1h"]).await;
    assert!(went && told["messages"] == 2 && told["same"] == 1, "{told}");
    assert_eq!(
        (&told["changed"][0]["would_be"], &told["changed"][0]["messages"]),
        (&"deny".into(), &1.into()),
        "{told}"
    );
    assert_eq!(told["changed"][0]["examples"][0], goes.as_str());

    let (went, _) = ask(&house, &["suppression", "remove", "internal"]).await;
    assert!(went);
    let freed = house.acme().send(PHONE, "hello again").await;
    house.acme().await_status(&freed, "sent,delivered").await;
}
