//! Under the rules for the United States nothing goes from a number that isn't registered; once its brand, its campaign and
//! the number are, messages go, and what waited goes with them. All of it outlives a kill.

use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, KEY_OF_ACME, NUMBER, place};
use tokio::process::Command;

const PHONE: &str = "+14155550199";
const OPERATOR: &str = "operatoroperatoroperatoroperatoroperatoroperator";

/// Runs the command line against the house, and reads its answer.
async fn cli(house: &House, key: &str, args: &[&str]) -> (i32, Value) {
    let mut command = Command::new(place::binary("signalbox"));
    command.args(args).args(["--json", "--url", house.url(), "--key", key]);
    let output = command.output().await.expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text} {output:?}"));
    (output.status.code().expect("it ended by itself"), answer)
}

#[tokio::test]
async fn what_waits_for_a_campaign_goes_once_it_is_active() {
    let carrier = Carrier::start().await;
    let config = HouseConfig::new(&carrier)
        .section("policy", r#"packs = ["us"]"#)
        .section("operator", &format!("key = \"{OPERATOR}\""));
    let house = House::bound_to(&carrier, config).await;
    let acme = house.acme();
    let consent = json!({ "sender": NUMBER, "consent": "express", "method": "web form" });
    acme.api.put(&format!("/v1/consents/{PHONE}"), &consent).await.expect(200);

    let refused = acme.try_send(PHONE, "acme: your order is ready").await.expect_problem(422, "policy.refused");
    let rules: Vec<_> = refused["decision"]["reasons"].as_array().unwrap().iter().map(|r| r["rule"].clone()).collect();
    assert!(rules.contains(&json!("registration.campaign-missing")), "{rules:?}");

    let brand = ["brand", "create", "acme", "name=acme", "entity=private_profit", "--tenant", "acme"];
    assert_eq!(cli(&house, OPERATOR, &[&brand[..], &["status=verified"]].concat()).await.0, 0);
    let file = config_file(
        &house,
        "campaigns.toml",
        "[[campaigns]]\nid = \"orders\"\nbrand = \"acme\"\nuse_case = \"delivery_notification\"\n",
    );
    let (code, imported) = cli(&house, KEY_OF_ACME, &["campaign", "import", &file]).await;
    assert_eq!((code, &imported["imported"]), (0, &json!(1)), "{imported}");
    let (code, refused) = cli(&house, KEY_OF_ACME, &["campaign", "create", "orders", "status=active"]).await;
    assert_eq!((code, &refused["code"]), (3, &json!("request.invalid")), "{refused}");
    let (_, lint) = cli(&house, KEY_OF_ACME, &["campaign", "lint", "orders"]).await;
    assert_eq!(lint["ok"], false, "{lint}");
    let number = ["number", "create", NUMBER, "campaign=orders", "status=added", "--tenant", "acme"];
    assert_eq!(cli(&house, OPERATOR, &number).await.0, 0);

    let id = acme.send(PHONE, "acme: your order is ready").await;
    acme.await_status(&id, "held").await;
    let house = House::start(house.kill().await).await;
    let acme = house.acme();
    assert_eq!(acme.message(&id).await["status"], "held");
    let active = ["campaign", "create", "orders", "status=active", "dca_complete=true", "carrier_status=approved"];
    assert_eq!(cli(&house, OPERATOR, &[&active[..], &["--tenant", "acme"]].concat()).await.0, 0);
    acme.await_status(&id, "delivered").await;
    let (_, shown) = cli(&house, KEY_OF_ACME, &["campaign", "show", "orders"]).await;
    assert_eq!((&shown["status"], shown["history"].as_array().map(Vec::len)), (&json!("active"), Some(2)), "{shown}");

    let suspended = ["campaign", "create", "orders", "status=suspended", "--tenant", "acme"];
    cli(&house, OPERATOR, &suspended).await;
    let refused = acme.try_send(PHONE, "acme: another order").await.expect_problem(422, "policy.refused");
    let rules: Vec<_> = refused["decision"]["reasons"].as_array().unwrap().iter().map(|r| r["rule"].clone()).collect();
    assert!(rules.contains(&json!("registration.campaign-ended")), "{rules:?}");
}

fn config_file(house: &House, name: &str, text: &str) -> String {
    let path = house.config().folder().join(name);
    std::fs::write(&path, text).expect("the story's folder can be written");
    path.display().to_string()
}
