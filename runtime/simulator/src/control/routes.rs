//! One function a route.

use super::Refusal;
use crate::smsc::{Carrier, Shared};
use crate::{Break, Garbage, Inbox, MobileOriginated, Page, Scenario, Sent, Sessions, Stats, WaitFor, Waited, handle};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

type Carriers = State<Arc<Shared>>;

/// A wait without `timeout_ms` ends after this.
const WAIT_MS: u64 = 30_000;
/// Ledger lines in one answer, unless asked for fewer.
const PAGE_LINES: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DisconnectOrder {
    bind: Option<u64>,
    system_id: Option<String>,
    how: Break,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GarbageOrder {
    bind: Option<u64>,
    system_id: Option<String>,
    garbage: Garbage,
}

pub(super) async fn send(
    State(shared): Carriers,
    Path(number): Path<String>,
    body: Bytes,
) -> Result<Json<Sent>, Refusal> {
    let message: MobileOriginated = parse(&body)?;
    let sent = shared.step(|carrier| carrier.phone_sends(&number, &message, Instant::now()));
    sent.map(Json).map_err(Refusal)
}

pub(super) async fn messages(State(shared): Carriers, Path(number): Path<String>) -> Json<Inbox> {
    Json(shared.look(|carrier| carrier.inbox(&number)))
}

pub(super) async fn ledger(State(shared): Carriers, Query(query): Query<PageQuery>) -> Json<Page> {
    let limit = query.limit.unwrap_or(PAGE_LINES).min(PAGE_LINES);
    Json(shared.look(|carrier| carrier.ledger_page(query.after, limit)))
}

pub(super) async fn stats(State(shared): Carriers) -> Json<Stats> {
    Json(shared.look(Carrier::stats))
}

pub(super) async fn wait(
    State(shared): Carriers,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Json<Waited>, Refusal> {
    let mut timeout_ms = WAIT_MS;
    let mut counts = serde_json::Map::new();
    for (name, value) in query {
        let value: u64 = value.parse().map_err(|_| Refusal(format!("`{name}` is a whole number")))?;
        if name == "timeout_ms" {
            timeout_ms = value;
        } else {
            counts.insert(name, value.into());
        }
    }
    let counts: WaitFor = serde_json::from_value(counts.into()).map_err(|error| Refusal(error.to_string()))?;
    Ok(Json(handle::wait(&shared, &counts, Duration::from_millis(timeout_ms)).await))
}

pub(super) async fn scenario(State(shared): Carriers) -> Json<Scenario> {
    Json(shared.look(|carrier| carrier.scenario().clone()))
}

/// Replaces the whole scenario; what is left out takes its default. TOML, or JSON if the type says so.
pub(super) async fn set_scenario(
    State(shared): Carriers,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Scenario>, Refusal> {
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let scenario = if is_json {
        parse::<Scenario>(&body)?.checked().map_err(Refusal)?
    } else {
        let text = std::str::from_utf8(&body).map_err(|error| Refusal(error.to_string()))?;
        Scenario::from_toml("scenario", text).map_err(|error| Refusal(error.to_string()))?
    };
    shared.step(|carrier| carrier.set_scenario(scenario.clone()));
    Ok(Json(scenario))
}

pub(super) async fn disconnect(State(shared): Carriers, body: Bytes) -> Result<Json<serde_json::Value>, Refusal> {
    let DisconnectOrder { bind, system_id, how } = parse_or_default(&body)?;
    let which = Sessions { bind, system_id };
    let sessions = shared.step(|carrier| carrier.disconnect(&which, how, Instant::now()));
    Ok(Json(serde_json::json!({ "sessions": sessions })))
}

pub(super) async fn garbage(State(shared): Carriers, body: Bytes) -> Result<Json<serde_json::Value>, Refusal> {
    let GarbageOrder { bind, system_id, garbage } = parse_or_default(&body)?;
    let which = Sessions { bind, system_id };
    let sessions = shared.step(|carrier| carrier.send_garbage(&which, garbage));
    Ok(Json(serde_json::json!({ "sessions": sessions })))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal(error.to_string()))
}

fn parse_or_default<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Refusal> {
    if body.is_empty() { Ok(T::default()) } else { parse(body) }
}
