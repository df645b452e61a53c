//! A new version is shown a sample of what it handles, and what it does wrong with it is said in the answer.

use signalbox_guest::Refusal;
use signalbox_model::handler::Alias;

use crate::house::House;

const TRAPS_ON_TIMERS: &str = "name = \"desk\"\n[settings.timers]\ntype = \"text\"\ndefault = \"trap\"\n";

fn misbehaving() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests/misbehaving.wasm");
    std::fs::read(path).expect("`cargo xtask guests` has built it")
}

async fn upload(house: &House, manifest: Option<&str>) -> Vec<String> {
    let (tenant, manifest) = (&house.caller.tenant, manifest.map(str::to_owned));
    let to = Some((Alias::Live, None));
    house.handle.upload(tenant, "desk", manifest, misbehaving().into(), to).await.expect("it is taken").warnings
}

#[tokio::test]
async fn one_that_traps_in_every_call_of_a_kind_is_taken_with_a_warning_and_nothing_comes_of_the_sample() {
    let house = House::new().await;
    assert_eq!(upload(&house, None).await, Vec::<String>::new());
    let warnings = upload(&house, Some(TRAPS_ON_TIMERS)).await;
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.starts_with("called with a sample, its timer-handler failed: the handler gave up"), "{warning}");
    assert!(house.all_messages().await.is_empty() && house.carrier.seen().is_empty(), "the sample had effects");
    let handler = house.handle.handler(&house.caller.tenant, "desk").expect("it is kept");
    assert_eq!(handler.versions[0].seen, (0, 0), "the sample says nothing of how it does");
}

#[tokio::test]
async fn why_an_upload_is_refused_is_in_the_log_also_where_there_is_no_such_handler() {
    let house = House::new().await;
    let tenant = &house.caller.tenant;
    assert!(house.handle.handler_logs(tenant, "desk", None).is_none());
    let refused = house.handle.upload(tenant, "desk", None, b"(component)".to_vec().into(), None).await.unwrap_err();
    let lines = house.handle.handler_logs(tenant, "desk", None).expect("it was tried");
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(line.text, format!("an upload is refused: {refused}"));
    assert_eq!((line.level, line.event, line.kind, line.attempt), ("error", None, None, 0));
    assert_eq!(line.version, "fa69abd0e355", "the beginning of the upload's digest");
    // Names are a stranger's to invent: of a hundred the log is kept.
    for n in 0..200 {
        let name = format!("desk-{n}");
        let refused = house.handle.upload(tenant, &name, None, b"(component)".to_vec().into(), None).await;
        assert!(matches!(refused, Err(signalbox_engine::HandlerRefused::Component(Refusal::NotWasm { .. }))));
    }
    let kept = (0..200).filter(|n| house.handle.handler_logs(tenant, &format!("desk-{n}"), None).is_some());
    assert_eq!(kept.count(), 99);
}
