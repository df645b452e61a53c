//! `signalbox supervision`: messages that a supervisor looks at before they go.

use http::Method;
use serde_json::{Value, json};

use super::call::{Api, Body, segment};
use super::problem::Error;
use super::show::{self, Paint, Screen};
use crate::args::{Decision, Server, Supervision};

pub(super) fn server(command: &Supervision) -> &Server {
    match command {
        Supervision::List { server } => server,
        Supervision::Approve(decision) | Supervision::Reject(decision) => &decision.server,
    }
}

pub(super) async fn answer(command: Supervision, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        Supervision::List { .. } => screen.show(&api.get("/v1/supervision").await?, queue),
        Supervision::Approve(decision) => decide(decision, "approve", api, screen).await?,
        Supervision::Reject(decision) => decide(decision, "reject", api, screen).await?,
    }
    Ok(())
}

async fn decide(decision: Decision, how: &str, api: &Api, screen: &Screen) -> Result<(), Error> {
    let path = format!("/v1/supervision/{}/{how}", segment(&decision.id));
    let message = api.call(Method::POST, &path, Body::Json(json!({ "why": decision.why }))).await?;
    screen.show(&message, show::status);
    Ok(())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn queue(answer: &Value, _: Paint) -> String {
    let waiting = answer["waiting"].as_array().map_or(&[][..], Vec::as_slice);
    if waiting.is_empty() {
        return "No message waits for a supervisor.".to_owned();
    }
    let line = |one: &Value| {
        let message = &one["message"];
        let until = one["until"].as_str().map(|until| format!(", until {until}")).unwrap_or_default();
        let (id, from, to) = (text(message, "id"), text(message, "from"), text(message, "to"));
        format!(
            "{id}  {from} -> {to}  since {}{until}\n  \u{201c}{}\u{201d}",
            text(one, "since"),
            text(message, "text")
        )
    };
    waiting.iter().map(line).collect::<Vec<_>>().join("\n")
}
