//! Every guest example holds the conversations that its scripts say. The tests are made from the folders there are.

use std::path::Path;
use std::process::Command;

use signalbox_tests::place::binary;

include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// Plays the scripts of an example with its component, as `cargo xtask guests` built it.
fn play(example: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-examples").join(example);
    let output = Command::new(binary("signalbox")).arg("test").arg(&folder).output().expect("the binary starts");
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains(" passed in "), "{said}");
}
