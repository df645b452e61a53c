//! Who holds a secret: what a handler doesn't declare, it isn't given.

use std::collections::BTreeMap;

use signalbox_carriers::Outcome;
use signalbox_model::{Direction, Status};

use crate::house::{House, OURS};

const SECRET: &str = "sk-of-acme";
const DECLARED: &str = "name = \"desk\"\n[[secrets]]\nname = \"token\"\n";
const PUT_IN: &str = "name = \"desk\"\nhosts = [\"api.example.com\"]\n[[secrets]]\nname = \"token\"\n\
                      inject = { host = \"api.example.com\", header = \"authorization\", format = \"Bearer {}\" }\n";

/// A version of the handler `desk`, which has what it is given told.
async fn upload(house: &House, manifest: Option<&str>) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests/misbehaving.wasm");
    let component = std::fs::read(path).expect("`cargo xtask guests` has built it");
    let tenant = &house.caller.tenant;
    let to = Some((signalbox_model::handler::Alias::Live, None));
    let version = house.handle.upload(tenant, "desk", manifest.map(str::to_owned), component.into(), to).await;
    let warnings = version.expect("it is taken").warnings;
    house.handle.bind(tenant, &OURS.parse().unwrap(), "desk").await.expect("it is the tenant's number");
    warnings
}

/// Is a phone told the secret by a handler that tells what it holds?
async fn tells(house: &House) -> bool {
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.text("tell secret").await;
    loop {
        let messages = house.all_messages().await;
        let newest = messages.iter().filter(|(m, _)| m.direction == Direction::Inbound).max_by_key(|(m, _)| m.id);
        match newest.expect("it came in").1 {
            Status::Received => tokio::task::yield_now().await,
            _ => break,
        }
    }
    house.all_messages().await.iter().any(|(m, _)| m.direction == Direction::Outbound && m.body.text == SECRET)
}

#[tokio::test]
async fn a_tenants_secret_is_held_by_who_declares_it_and_not_by_a_handler_without_a_manifest() {
    let house = House::with_secrets(BTreeMap::from([("token".to_owned(), SECRET.to_owned())])).await;
    let warnings = upload(&house, None).await;
    assert!(!tells(&house).await, "a handler without a manifest was given the tenant's secret");
    assert_eq!(warnings, Vec::<String>::new());
    upload(&house, Some(DECLARED)).await;
    assert!(tells(&house).await, "it declares it");
}

#[tokio::test]
async fn what_is_only_put_into_requests_isnt_held_by_a_later_version_without_a_manifest() {
    let house = House::with_secrets(BTreeMap::new()).await;
    upload(&house, Some(PUT_IN)).await;
    let secret = Some(SECRET.to_owned());
    house.handle.put_secret(&house.caller.tenant, "desk", "token", secret).await.expect("there is such a handler");
    assert!(!tells(&house).await, "it is put in, not held");
    let warnings = upload(&house, None).await;
    assert!(!tells(&house).await, "another version of the handler was given what the manifest has put in");
    assert!(warnings.iter().any(|warning| warning.contains("handler.toml")), "nothing says why: {warnings:?}");
}
