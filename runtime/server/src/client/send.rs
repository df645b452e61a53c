//! `signalbox send`.

use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use http::Method;
use serde_json::{Value, json};
use signalbox_model::Status;
use tokio::time::Instant;

use super::call::{Api, Body, segment};
use super::problem::Error;
use super::show::{self, Screen};
use crate::args::Send;
use crate::exit;

/// The first wait between two looks; each is half as long again, up to [`LONGEST_LOOK`].
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// Sends a message, and waits for its end if it should.
pub async fn send(args: &Send, api: &Api, screen: &Screen) -> Result<ExitCode, Error> {
    let body = match &args.idempotency_key {
        Some(key) => Body::Once(message(args), key.clone()),
        None => Body::Json(message(args)),
    };
    let accepted = api.call(Method::POST, "/v1/messages", body).await?;
    if !args.wait {
        screen.show(&accepted, show::accepted);
        return Ok(ExitCode::SUCCESS);
    }
    let id = accepted["id"].as_str().unwrap_or_default();
    let ended = wait(id, args.timeout, api).await?;
    screen.show(&super::timeline(api, id).await?, show::timeline);
    Ok(match ended {
        Some(Status::Delivered) => ExitCode::SUCCESS,
        Some(_) => ExitCode::from(exit::NOT_DELIVERED),
        None => ExitCode::from(exit::TIME_UP),
    })
}

fn message(args: &Send) -> Value {
    let mut message = json!({ "from": args.from, "to": args.to, "text": args.text });
    let category = args.category.and_then(|category| category.to_possible_value());
    let given = [
        ("category", category.map(|category| json!(category.get_name()))),
        ("campaign", args.campaign.as_ref().map(|campaign| json!(campaign))),
        ("send_at", args.send_at.as_ref().map(|at| json!(at))),
        ("valid_for", args.valid_for.map(|valid| json!(valid.as_secs()))),
        ("tags", (!args.tags.is_empty()).then(|| json!(args.tags))),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            message[name] = value;
        }
    }
    message
}

/// Looks again and again until the message has ended; `None` if the time is up before.
async fn wait(id: &str, timeout: Duration, api: &Api) -> Result<Option<Status>, Error> {
    let until = Instant::now() + timeout;
    let path = format!("/v1/messages/{}", segment(id));
    let mut look = FIRST_LOOK;
    loop {
        let message = api.get(&path).await?;
        let status = message["status"].as_str().and_then(Status::parse);
        if let Some(status) = status.filter(|status| status.is_terminal()) {
            return Ok(Some(status));
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        tokio::time::sleep(look.min(left)).await;
        look = (look + look / 2).min(LONGEST_LOOK);
    }
}
