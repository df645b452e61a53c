//! People are recorded and shown; what can't be recorded is refused by its field.

use serde_json::json;

use crate::house::House;

const ADA: &str = "/v1/contacts/+14155550123";

#[tokio::test]
async fn a_person_is_recorded_as_a_whole() {
    let house = House::open().await;
    let nothing = json!({"number": "+14155550123", "time_zone": null, "attributes": {}});
    assert_eq!(house.ask("GET", ADA, None).await.json(), nothing);
    let body = json!({"time_zone": "America/Chicago", "attributes": {"name": "Ada"}});
    let made = house.ask("PUT", ADA, Some(&body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let shown = json!({"number": "+14155550123", "time_zone": "America/Chicago", "attributes": {"name": "Ada"}});
    assert_eq!((made.json(), house.ask("GET", ADA, None).await.json()), (shown.clone(), shown));
    let replaced = house.ask("PUT", ADA, Some(&json!({"time_zone": null}))).await;
    assert_eq!((replaced.status, replaced.json()), (200, nothing));
}

#[tokio::test]
async fn a_person_that_cant_be_recorded_is_refused_by_its_field() {
    let house = House::open().await;
    for (body, status, field) in [
        (json!({"time_zone": "Chicago"}), 422, "time_zone"),
        (json!({"attributes": {"": "x"}}), 422, "attributes"),
        (json!({"attributes": {"name": 7}}), 400, "attributes"),
        (json!({"zone": "UTC"}), 400, "zone"),
    ] {
        let answer = house.ask("PUT", ADA, Some(&body)).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let stray = house.ask("PUT", "/v1/contacts/+0", Some(&json!({}))).await;
    assert_eq!(stray.status, 422, "{stray:?}");
}
