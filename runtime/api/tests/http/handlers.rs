//! Components are uploaded, bound, listed, and refused with what to mend.

use serde_json::json;

use crate::client::Answer;
use crate::house::{House, OURS};

/// The smallest binary that says that it is a component, and nothing else.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
/// The smallest core module.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

async fn upload(house: &House, name: &str, kind: Option<&str>, bytes: &[u8]) -> Answer {
    let bearer = format!("Bearer {}", house.key);
    let mut headers = vec![("Authorization", bearer.as_str())];
    headers.extend(kind.map(|kind| ("Content-Type", kind)));
    house.client().await.ask("PUT", &format!("/v1/handlers/{name}"), &headers, bytes).await
}

#[tokio::test]
async fn what_cant_be_run_is_refused_with_what_to_mend() {
    let house = House::open().await;
    for (bytes, says) in [
        (&b"#!/bin/sh\necho hi\n"[..], "no WebAssembly component"),
        (CORE_MODULE, "core WebAssembly module"),
        (EMPTY_COMPONENT, "exports none of message-handler"),
    ] {
        let answer = upload(&house, "echo", Some("application/wasm"), bytes).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        let problem = answer.problem("component.refused");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
    assert_eq!(house.ask("GET", "/v1/handlers", None).await.json(), json!({"handlers": []}));
}

/// The help-desk of the guest examples, as `cargo xtask guests` builds it.
fn help_desk() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests/echo-support.wasm");
    std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}: run `cargo xtask guests`"))
}

#[tokio::test]
async fn an_upload_tells_what_was_found_and_can_be_bound() {
    let house = House::open().await;
    let bytes = help_desk();
    let answer = upload(&house, "help-desk", Some("application/wasm"), &bytes).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let made = answer.json();
    assert_eq!((&made["name"], &made["size"]), (&json!("help-desk"), &json!(bytes.len())));
    assert_eq!(made["digest"].as_str().unwrap().len(), 64);
    let names = |list: &serde_json::Value| list.as_array().unwrap().iter().map(ToString::to_string).collect::<String>();
    assert!(names(&made["exports"]).contains("message-handler"), "{made}");
    assert!(names(&made["imports"]).contains("outbox"), "{made}");
    assert!(made["compile_ms"].is_u64());
    assert_eq!(upload(&house, "help-desk", None, &bytes).await.status, 200);
    let listed = house.ask("GET", "/v1/handlers", None).await.json();
    assert_eq!(listed["handlers"].as_array().unwrap().len(), 1);

    let body = json!({"handler": "help-desk"});
    let path = format!("/v1/bindings/{OURS}");
    let bound = house.ask("PUT", &path, Some(&body)).await;
    assert_eq!((bound.status, &bound.json()["number"]), (201, &json!(OURS)));
    assert_eq!(house.ask("PUT", &path.replace('+', "%2B"), Some(&body)).await.status, 200);
    let listed = house.ask("GET", "/v1/bindings", None).await.json();
    assert_eq!(listed["bindings"][0]["handler"], "help-desk");
    let logs = house.ask("GET", "/v1/handlers/help-desk/logs", None).await;
    assert_eq!((logs.status, logs.json()), (200, json!({"lines": []})));
}

#[tokio::test]
async fn a_components_type_may_be_missing_but_not_wrong() {
    let house = House::open().await;
    for kind in [None, Some("application/octet-stream")] {
        assert_eq!(upload(&house, "echo", kind, CORE_MODULE).await.status, 422, "{kind:?}");
    }
    let answer = upload(&house, "echo", Some("application/x-www-form-urlencoded"), CORE_MODULE).await;
    assert_eq!(answer.status, 415);
    assert!(answer.problem("body.type")["detail"].as_str().unwrap().contains("application/wasm"));
}

#[tokio::test]
async fn a_component_that_is_too_large_isnt_read() {
    let house = House::open().await;
    let mut client = house.client().await;
    let head = format!(
        "PUT /v1/handlers/big HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 1073741824\r\n\r\n",
        house.key
    );
    client.write(head).await;
    let answer = client.read().await.unwrap();
    assert_eq!(answer.status, 413);
    answer.problem("body.too_large");
}

#[tokio::test]
async fn a_handlers_name_must_be_one() {
    let house = House::open().await;
    for name in ["Echo", "9lives", "a%20b", &"x".repeat(65)] {
        let answer = upload(&house, name, None, CORE_MODULE).await;
        assert_eq!(answer.status, 422, "{name}");
        assert_eq!(answer.problem("request.invalid")["errors"][0]["code"], "name.malformed");
    }
}

#[tokio::test]
async fn a_number_is_bound_only_to_a_handler_that_is_there() {
    let house = House::open().await;
    let bind = async |number: &str| {
        house.ask("PUT", &format!("/v1/bindings/{number}"), Some(&json!({"handler": "echo"}))).await
    };
    let missing = bind(OURS).await;
    assert_eq!(missing.status, 422);
    assert_eq!(missing.problem("request.invalid")["errors"][0]["field"], "handler");
    let foreign = bind("+15550100009").await;
    assert_eq!(foreign.status, 404);
    foreign.problem("number.unknown");
    let none = bind("12").await;
    assert_eq!(none.problem("request.invalid")["errors"][0]["code"], "number.malformed");
    assert_eq!(house.ask("GET", "/v1/bindings", None).await.json(), json!({"bindings": []}));
}

#[tokio::test]
async fn logs_of_a_handler_that_isnt_there_are_a_404() {
    let house = House::open().await;
    let answer = house.ask("GET", "/v1/handlers/echo/logs?after=7", None).await;
    assert_eq!(answer.status, 404);
    answer.problem("handler.unknown");
    let wrong = house.ask("GET", "/v1/handlers/echo/logs?after=x", None).await;
    assert_eq!(wrong.status, 400);
    wrong.problem("query.invalid");
}
