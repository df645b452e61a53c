//! For how long records are kept, over HTTP.

use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn a_tenant_sees_how_long_its_records_are_kept_and_has_old_ones_deleted() {
    let house = House::open().await;
    let shown = house.ask("GET", "/v1/retention", None).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    let shown = shown.json();
    assert_eq!((&shown["class"], &shown["messages_days"]), (&json!("standard"), &json!(400)));
    assert_eq!((&shown["audit_days"], &shown["held"]), (&json!(2_192), &json!(false)));
    assert_eq!(shown["deleted"]["messages"], 0);
    let ran = house.ask("POST", "/v1/retention/run", None).await;
    assert_eq!(ran.status, 200, "{ran:?}");
    assert_eq!((&ran.json()["more"], &ran.json()["deleted"]["messages"]), (&json!(false), &json!(0)));
    let status = house.client().await.ask("GET", "/status", &[], b"").await.json();
    assert_eq!(status["retention"], json!({"deleted": 0, "failed": false}));
}
