//! When it refuses to start: what it says, and with which code.

use std::net::TcpListener;

use super::house::{House, configure, configured, output, serve, signalbox};

#[test]
fn a_second_instance_on_the_same_folder_is_refused() {
    let folder = configured("");
    let first = House::start(&mut serve(folder.path()));
    let (code, stdout, stderr) = output(&mut serve(folder.path()));
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.starts_with("signalbox: ") && stderr.contains("data"), "{stderr}");
    assert!(stderr.contains("another process") || stderr.contains("in use"), "{stderr}");
    first.signal("TERM");
    assert_eq!(first.ended(), 0);
}

#[test]
fn a_folder_that_is_no_store_is_refused_and_left_alone() {
    let folder = configured("");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("letters.txt"), "dear").unwrap();
    let (code, _, stderr) = output(&mut serve(folder.path()));
    assert_eq!(code, 1);
    assert!(stderr.contains("letters.txt") && stderr.contains("not a Signalbox store"), "{stderr}");
    assert_eq!(std::fs::read_to_string(data.join("letters.txt")).unwrap(), "dear");
}

#[test]
fn a_damaged_folder_is_refused_with_the_reason() {
    let folder = configured("");
    let house = House::start(&mut serve(folder.path()));
    house.signal("TERM");
    assert_eq!(house.ended(), 0);
    std::fs::write(folder.path().join("data/signalbox-store"), "?").unwrap();
    let (code, _, stderr) = output(&mut serve(folder.path()));
    assert_eq!(code, 1);
    assert!(stderr.starts_with("signalbox: ") && stderr.contains("signalbox-store"), "{stderr}");
}

#[test]
fn an_address_in_use_is_refused_before_the_store_is_touched() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = format!("[listen]\napi = '{address}'\n[store]\nfolder = 'data'\n");
    std::fs::write(folder.path().join("signalbox.toml"), config).unwrap();
    let (code, _, stderr) = output(&mut serve(folder.path()));
    assert_eq!(code, 1);
    assert!(stderr.contains(&format!("can't listen on {address}")), "{stderr}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_configuration_with_a_typo_is_refused_with_its_place() {
    let folder = configured("[limits]\nmax_wating = 5\n");
    let (code, _, stderr) = output(&mut serve(folder.path()));
    assert_eq!(code, 2);
    let place = format!("{}:6:1: ", folder.path().join("signalbox.toml").display());
    assert!(stderr.contains(&place) && stderr.contains("did you mean `max_waiting`?"), "{stderr}");
    let (code, stdout, _) =
        output(signalbox().args(["config", "check", "--json"]).arg(folder.path().join("signalbox.toml")));
    assert_eq!(code, 2);
    let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(answer["complaints"][0]["line"], 6);
    configure(folder.path(), "");
    let (code, stdout, _) = output(signalbox().args(["config", "check"]).arg(folder.path().join("signalbox.toml")));
    assert_eq!(code, 0);
    assert!(stdout.contains("is fine: carriers 0, tenants 0, numbers 0"), "{stdout}");
    let (code, _, stderr) = output(signalbox().args(["config", "check", "none.toml"]));
    assert_eq!(code, 2);
    assert!(stderr.contains("none.toml"), "{stderr}");
}
