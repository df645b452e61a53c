//! The disk takes no more while the house runs.

use std::process::Command;

use super::house::{House, TENANT, configured, output, serve, signalbox};

const NUMBER: &str = "[[tenants.numbers]]\nnumber = '+15555550100'\ncarriers = ['away']\n";
/// A carrier that nobody is: messages wait for it.
const CARRIER: &str = "[[carriers]]\nname = 'away'\nhost = '127.0.0.1'\nport = 1\nsystem_id = 'us'\n";

#[test]
fn a_store_that_fails_ends_the_house_with_the_reason_and_loses_nothing() {
    let folder = configured(&format!("{CARRIER}{TENANT}{NUMBER}"));
    // A limit on the size of files stands for the full disk. Its signal must be ignored, as on a disk there is none.
    let serve = serve(folder.path());
    let mut ignoring = Command::new("sh");
    ignoring.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(serve.get_program()).args(serve.get_args());
    let mut house = House::start(&mut ignoring);
    let key = house.ready["new_keys"][0]["key"].as_str().unwrap().to_owned();
    let ask = |house: &House, args: &[&str]| {
        output(signalbox().env("SIGNALBOX_URL", house.url()).env("SIGNALBOX_KEY", &key).args(args))
    };
    let send = ["send", "--from", "+15555550100", "--to", "+15555550123", "--text", "Hello"];
    let (code, accepted, _) = ask(&house, &send);
    assert_eq!(code, 0);
    let id = accepted.split(' ').next().unwrap();

    let limit = Command::new("prlimit").args(["--fsize=0", "--pid", &house.id().to_string()]).status().unwrap();
    assert!(limit.success());
    let mut log = house.log();
    let (code, answer, refusal) = ask(&house, &send);
    // The house may be gone before it can say so; what it must not say is that the message is safe.
    assert!(code == 3 && refusal.contains("store") || code == 1, "{code}: {answer}{refusal}");
    assert_eq!(house.ended(), 1);
    assert!(log.any(|line| line.starts_with("signalbox: the store failed")));

    let house = House::start(&mut super::house::serve(folder.path()));
    let (code, list, _) = ask(&house, &["messages", "list"]);
    assert_eq!((code, list.lines().count(), list.contains(id)), (0, 1, true), "{list}");
}
