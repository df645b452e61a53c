//! Requests that can't be carried out: each is told what is wrong with which field, and the house goes on.

use http::Method;
use serde_json::{Value, json};
use signalbox_tests::{Answer, Carrier, House, HouseConfig, NUMBER, Tenant};

const PHONE: &str = "+14155550199";

/// A body, and the status, code, field and field's code of the answer; without a field the detail's words instead.
type Case = (&'static str, u16, &'static str, &'static str, &'static str);

const BODIES: &[Case] = &[
    ("", 400, "request.malformed", "", "empty"),
    ("{", 400, "request.malformed", "", "line 1, column 1"),
    ("{\"from\": \"+14155550100\",\n\"to\": }", 400, "request.malformed", "", "line 2, column 7"),
    ("[]", 400, "request.malformed", "", "a list"),
    ("null", 400, "request.malformed", "", "null"),
    ("{}", 400, "request.malformed", "from", "field.missing"),
    (r#"{"from":"+14155550100","to":14155550199,"text":"x"}"#, 400, "request.malformed", "to", "type.wrong"),
    (r#"{"from":"+14155550100","to":"+14155550199","text":["x"]}"#, 400, "request.malformed", "text", "type.wrong"),
    (r#"{"from":"+14155550100","to":"+14155550199","txt":"x"}"#, 400, "request.malformed", "txt", "field.unknown"),
    (
        r#"{"from":"+14155550100","to":"+14155550199","to":"+14155550198","text":"x"}"#,
        400,
        "request.malformed",
        "",
        "twice",
    ),
    (
        r#"{"from":"+14155550100","to":"+14155550199","text":"x","category":"spam"}"#,
        400,
        "request.malformed",
        "category",
        "value.unknown",
    ),
    (
        r#"{"from":"+14155550100","to":"+14155550199","text":"x","valid_for":-1}"#,
        400,
        "request.malformed",
        "valid_for",
        "type.wrong",
    ),
    (r#"{"from":"+14155550100","to":"+1415555o199","text":"x"}"#, 422, "request.invalid", "to", "number.malformed"),
    (r#"{"from":"+14155550100","to":"call me","text":"x"}"#, 422, "policy.refused", "", "not a telephone number"),
    (r#"{"from":"+14155550100","to":"+1","text":"x"}"#, 422, "request.invalid", "to", "number.malformed"),
    (r#"{"from":"","to":"+14155550199","text":"x"}"#, 422, "request.invalid", "from", "number.malformed"),
    (r#"{"from":"+14155550100","to":"+14155550199","text":""}"#, 422, "request.invalid", "text", "text.empty"),
    (r#"{"from":"+14155550100","to":"+14155550199"}"#, 422, "request.invalid", "text", "text.empty"),
    (
        r#"{"from":"+14155550100","to":"+14155550199","text":"a\u0000b"}"#,
        422,
        "request.invalid",
        "text",
        "text.control",
    ),
    (
        r#"{"from":"+14155550100","to":"+14155550199","text":"x","send_at":"tomorrow"}"#,
        422,
        "request.invalid",
        "send_at",
        "time.malformed",
    ),
    (
        r#"{"from":"+14155550100","to":"+14155550199","text":"x","send_at":"2199-01-01T00:00:00Z"}"#,
        422,
        "request.invalid",
        "send_at",
        "time.too_far",
    ),
    (
        r#"{"from":"+14155550100","to":"+14155550199","text":"x","valid_for":0}"#,
        422,
        "request.invalid",
        "valid_for",
        "time.out_of_range",
    ),
    (
        r#"{"from":"+14155550100","to":"+14155550199","text":"x","callback_url":"ftp://x"}"#,
        422,
        "request.invalid",
        "callback_url",
        "url.refused",
    ),
    (
        r#"{"from":"+14155550100","to":"+14155550199","text":"x","media_urls":["not a url"]}"#,
        422,
        "request.invalid",
        "media_urls",
        "media.url",
    ),
    (r#"{"from":"+14155559999","to":"+14155550199","text":"x"}"#, 422, "policy.refused", "", "sender"),
    (r#"{"from":"+14155550100","to":"+14155550100","text":"x"}"#, 422, "policy.refused", "", "same"),
];

#[tokio::test]
async fn every_mistake_in_a_message_is_named() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    for (body, status, code, field, words) in BODIES {
        let answer = post(&acme, body.as_bytes().to_vec()).await;
        let problem = answer.expect_problem(*status, code);
        if field.is_empty() {
            assert!(problem["detail"].as_str().unwrap().contains(words), "{body}: {problem}");
        } else {
            let found =
                problem["errors"].as_array().unwrap().iter().any(|e| e["field"] == *field && e["code"] == *words);
            assert!(found, "{body}: {problem}");
        }
        assert_eq!(problem["retryable"], false);
        assert_eq!(problem["instance"], answer.headers["x-request-id"].to_str().unwrap());
        assert!(!answer.text().contains("4155550199"), "a full number is in {}", answer.text());
    }
    octets_and_sizes(&acme).await;
    headers_and_paths(&house, &acme).await;
    the_house_goes_on(&house, &carrier).await;
}

async fn post(acme: &Tenant, body: Vec<u8>) -> Answer {
    acme.api.with("content-type", "application/json").ask(Method::POST, "/v1/messages", body).await
}

fn message(text: &str) -> Vec<u8> {
    json!({ "from": NUMBER, "to": PHONE, "text": text }).to_string().into_bytes()
}

async fn octets_and_sizes(acme: &Tenant) {
    let problem = post(acme, b"{\"from\": \"\xFF\"}".to_vec()).await.expect_problem(400, "request.malformed");
    assert!(problem["detail"].as_str().unwrap().contains("UTF-8 at line 1, byte 11"), "{problem}");
    let problem = post(acme, message(&"x".repeat(1_601))).await.expect_problem(422, "request.invalid");
    assert_eq!(problem["errors"][0]["code"], "text.too_long");
    let problem = post(acme, message(&"€я".repeat(800))).await.expect_problem(422, "request.invalid");
    assert_eq!(problem["errors"][0]["code"], "text.too_long", "that many characters take too many segments");
    post(acme, message(&"x".repeat(100 << 10))).await.expect_problem(413, "body.too_large");
    post(acme, "[".repeat(60_000).into_bytes()).await.expect_problem(400, "request.malformed");
}

async fn headers_and_paths(house: &House, acme: &Tenant) {
    let plain = acme.api.ask(Method::POST, "/v1/messages", message("x")).await;
    plain.expect_problem(415, "body.type");
    let key = acme.api.with("idempotency-key", "k".repeat(256));
    key.post("/v1/messages", &json!({})).await.expect_problem(400, "header.invalid");
    acme.api.get("/v1/messages?stauts=sent").await.expect_problem(400, "query.invalid");
    acme.api.get("/v1/messages?limit=many").await.expect_problem(400, "query.invalid");
    acme.api.get("/v1/messages?cursor=mine").await.expect_problem(400, "query.invalid");
    acme.api.get("/v1/messages/msg_nothing").await.expect_problem(404, "message.unknown");
    acme.api.get("/v2/messages").await.expect_problem(404, "route.unknown");
    acme.api.ask(Method::DELETE, "/v1/messages", "").await.expect_problem(405, "method.unknown");
    let nobody = house.anonymous();
    nobody.get("/v1/messages").await.expect_problem(401, "auth.missing");
    let wrong = signalbox_tests::KEY_OF_ACME.replace("acmeacme", "acmeacmf");
    for key in ["Bearer x".to_owned(), format!("Bearer {wrong}"), format!("Basic {wrong}")] {
        let refused = nobody.with("authorization", key).get("/v1/messages").await;
        assert_eq!(refused.status, 401, "{}", refused.text());
    }
    let webhook = json!({ "url": "https://example.com/hook", "events": ["message.arrived"] });
    acme.api.put("/v1/webhooks/w", &webhook).await.expect_problem(422, "request.invalid");
    let binding = json!({ "handler": "nobody" });
    acme.api.put(&format!("/v1/bindings/{NUMBER}"), &binding).await.expect_problem(422, "request.invalid");
    acme.api.put("/v1/bindings/+14155559999", &binding).await.expect_problem(404, "number.unknown");
}

#[tokio::test]
async fn a_batch_says_for_each_message_what_became_of_it() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    let good = |text: &str| json!({ "from": NUMBER, "to": PHONE, "text": text });
    let mut bad = good("no such field");
    bad["txet"] = json!("x");
    let mut refused = good("from a stranger");
    refused["from"] = json!("+14155559999");
    let batch = json!({ "messages": [good("first"), bad, good(""), refused, good("last")] });
    let answer = acme.api.post("/v1/messages/batch", &batch).await.expect(200);
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(2), &json!(3)));
    let codes: Vec<_> = answer["results"].as_array().unwrap().iter().map(|r| r["problem"]["code"].clone()).collect();
    let expected =
        [Value::Null, json!("request.malformed"), json!("request.invalid"), json!("policy.refused"), Value::Null];
    assert_eq!(codes, expected);
    for at in [0, 4] {
        acme.await_status(answer["results"][at]["accepted"]["id"].as_str().unwrap(), "delivered").await;
    }
    assert_eq!(carrier.texts_at(PHONE).await, ["first", "last"]);
    let many: Vec<_> = (0..1_001).map(|n| good(&n.to_string())).collect();
    let too_many = acme.api.post("/v1/messages/batch", &json!({ "messages": many })).await;
    assert_eq!(too_many.expect_problem(422, "request.invalid")["errors"][0]["code"], "batch.size");
    acme.api.post("/v1/messages/batch", &json!({ "messages": [] })).await.expect_problem(422, "request.invalid");
}

async fn the_house_goes_on(house: &House, carrier: &Carrier) {
    let id = house.acme().send(PHONE, "after all that").await;
    house.acme().await_status(&id, "delivered").await;
    assert_eq!(carrier.texts_at(PHONE).await, ["after all that"], "nothing that was refused went out");
}
