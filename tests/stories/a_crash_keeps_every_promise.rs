//! `kill -9` under load, again and again: what was promised is held against the books of those outside. The long form
//! of this story is `cargo xtask crash`.

use signalbox_tests::place::binary;
use signalbox_xtask::crash::{self, Options};
use signalbox_xtask::workspace::{Binaries, Choice, Profile};

#[tokio::test]
async fn three_kills_under_load_break_no_promise() {
    let binaries = Binaries {
        signalbox: binary("signalbox"),
        simulator: binary("signalbox-simulator"),
        load: binary("signalbox-load"),
    };
    let programs = Choice { profile: Profile::Dev, no_build: true };
    let options = Options { rounds: 3, seed: Some(17), rate: 300, programs, json: false };
    let report = tokio::task::spawn_blocking(move || crash::run_with(&options, &binaries));
    let report = report.await.expect("the story doesn't panic").expect("the story plays to its end");
    assert_eq!(report.failures, [], "{report:#?}");
    assert_eq!(report.rounds, 3);
    assert!(report.accepted > 200 && report.submits >= report.accepted / 2, "there was a load: {report:#?}");
    assert!(report.webhooks > report.accepted / 2, "ends were told: {report:#?}");
}
