//! A configuration, a folder or an address that can't be used: the process says what is wrong and where, and ends.

use serde_json::Value;
use signalbox_tests::{Carrier, House, HouseConfig, Process, place};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// What is changed in a good configuration, and the words of the complaint; `LINE` is the changed line's number.
const MISTAKES: &[(&str, &str, &[&str])] = &[
    ("password = ", "pasword = ", &["LINE:1", "pasword", "did you mean `password`?"]),
    ("[webhooks]", "[webhook]", &["LINE:", "did you mean `webhooks`?"]),
    ("kind = \"smpp\"", "kind = \"smtp\"", &["LINE:", "smtp", "did you mean `smpp`?"]),
    ("reconnect_min = \"20ms\"", "reconnect_min = \"soon\"", &["LINE:", "reconnect_min", "\"30s\""]),
    ("reconnect_min = \"20ms\"", "reconnect_min = 20", &["LINE:", "reconnect_min", "a duration"]),
    ("brand = \"acme\"\n", "", &["brand", "is missing"]),
    ("carriers = [\"carrier-1\"]", "carriers = [\"carrier-2\"]", &["LINE:", "did you mean `carrier-1`?"]),
    ("number = \"+14155550200\"", "number = \"+14155550100\"", &["LINE:", "acme"]),
    ("[store]", "[store", &["LINE:", "unclosed"]),
];

#[tokio::test]
async fn a_mistake_in_the_configuration_is_told_by_line_and_key() {
    let carrier = Carrier::start().await;
    let config = HouseConfig::new(&carrier);
    let good = config.text();
    for (right, wrong, words) in MISTAKES {
        let at = good.find(right).unwrap_or_else(|| panic!("`{right}` is not in\n{good}"));
        let line = good[..at].matches('\n').count() + 1;
        let bad = good.replacen(right, wrong, 1);
        let ended = config.refused_with(&bad).await;
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(ended.stderr.contains("signalbox.toml:"), "{ended:?}");
        for word in *words {
            let word = word.replace("LINE", &line.to_string());
            assert!(ended.stderr.contains(&word), "`{wrong}`: no `{word}` in {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("secret\""), "a password is in {}", ended.stderr);
        let checked = check(&config.folder().join("signalbox.toml")).await;
        assert_eq!(checked.status.code(), Some(2), "`config check` says the same: {checked:?}");
    }
    let twice = good.replacen("password = ", "pasword = ", 1).replacen("[webhooks]", "[webhook]", 1);
    let ended = config.refused_with(&twice).await;
    assert!(ended.stderr.contains("pasword") && ended.stderr.contains("webhook"), "all at once: {}", ended.stderr);
    assert!(!config.store().exists(), "a folder is not made for a configuration that isn't taken");
}

async fn check(file: &Path) -> signalbox_tests::Ended {
    let mut command = Command::new(place::binary("signalbox"));
    command.arg("config").arg("check").arg(file).arg("--json");
    Process::run("signalbox config check", command).await
}

#[tokio::test]
async fn the_example_configuration_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(place::binary("signalbox"));
    command.args(["config", "example"]);
    let example = Process::run("signalbox config example", command).await;
    assert!(example.status.success());
    let file = folder.path().join("signalbox.toml");
    std::fs::write(&file, example.stdout.replace("env:ACME_PASSWORD", "x")).unwrap();
    let checked = check(&file).await;
    assert!(checked.status.success(), "{checked:?}");
    serde_json::from_str::<Value>(&checked.stdout).expect("`--json` answers JSON");
}

#[tokio::test]
async fn a_second_house_on_the_folder_is_refused_and_the_first_goes_on() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let ended = house.config().refused().await;
    assert!(ended.stderr.contains("in use by"), "{ended:?}");
    assert!(ended.stderr.contains(&house.id().to_string()), "it names the first: {ended:?}");
    let id = house.acme().send("+14155550199", "undisturbed").await;
    house.acme().await_status(&id, "delivered").await;
}

#[tokio::test]
async fn an_address_in_use_is_told() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let other = HouseConfig::new(&carrier);
    let taken = house.url().trim_start_matches("http://").to_owned();
    let ended = other.refused_with(&other.text().replace("127.0.0.1:0", &taken)).await;
    assert!(ended.stderr.contains(&taken) && ended.stderr.contains("in use"), "{ended:?}");
}

#[tokio::test]
async fn a_damaged_folder_is_told_and_left_as_it_is() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let id = house.acme().send("+14155550199", "worth keeping").await;
    house.acme().await_status(&id, "delivered").await;
    let config = house.drain().await;
    let journal = config.store().join("data/0.jnl");
    let good = std::fs::read(&journal).unwrap();
    let written = good.iter().rposition(|octet| *octet != 0).unwrap();
    let mut bad = good.clone();
    bad[written / 2] ^= 0xFF;
    std::fs::write(&journal, &bad).unwrap();
    let ended = config.refused().await;
    assert!(ended.stderr.contains("0.jnl is damaged at byte"), "{ended:?}");
    assert_eq!(std::fs::read(&journal).unwrap(), bad, "a look changes nothing");
    std::fs::write(&journal, &good).unwrap();
    let house = House::start(config).await;
    assert_eq!(house.acme().message(&id).await["text"], "worth keeping");
}

#[tokio::test]
async fn a_folder_that_is_something_else_is_left_alone() {
    let carrier = Carrier::start().await;
    let config = HouseConfig::new(&carrier);
    let letter: PathBuf = config.store().join("letter.txt");
    std::fs::create_dir(config.store()).unwrap();
    std::fs::write(&letter, "Dear Sir").unwrap();
    let ended = config.refused().await;
    assert!(ended.stderr.contains("store"), "{ended:?}");
    assert_eq!(std::fs::read_to_string(&letter).unwrap(), "Dear Sir");
}
