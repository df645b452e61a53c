//! `signalbox parked`: events that were given up.

use http::Method;
use serde_json::{Value, json};

use super::Error;
use super::call::{Api, Body, query, segment};
use super::show::{self, Screen};
use crate::args::Parked;

/// Asks, and shows the answer.
pub async fn run(command: Parked, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        Parked::List { handler, kind, after, before, limit, cursor, .. } => {
            let limit = limit.map(|limit| limit.to_string());
            let filters = [
                ("handler", handler),
                ("kind", kind),
                ("after", after),
                ("before", before),
                ("limit", limit),
                ("cursor", cursor),
            ];
            let page = api.get(&format!("/v1/parked{}", query(&filters))).await?;
            screen.show(&page, show::parked);
        }
        Parked::Retry { events, all, handler, kind, after, before, after_deploy, .. } if events.is_empty() => {
            let which = json!({
                "all": all, "handler": handler, "kind": kind, "after": after, "before": before,
                "after_deploy": after_deploy,
            });
            let retried = api.call(Method::POST, "/v1/parked/retry", Body::Json(which)).await?;
            screen.show(&retried, show::retried);
        }
        Parked::Retry { events, .. } => {
            let mut retried = 0;
            for event in events {
                api.call(Method::POST, &format!("/v1/parked/{}/retry", segment(&event)), Body::Empty).await?;
                retried += 1;
            }
            screen.show(&json!({ "retried": retried, "more": false }), show::retried);
        }
        Parked::Discard { events, .. } => {
            for event in &events {
                let _: Value = api.call(Method::DELETE, &format!("/v1/parked/{}", segment(event)), Body::Empty).await?;
            }
            screen.show(&json!({ "discarded": events.len() }), show::discarded);
        }
    }
    Ok(())
}
