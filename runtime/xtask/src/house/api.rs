//! The tenant's API.

use super::{CARRIER, NUMBER, until};
use crate::http::Client;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Speaks to a server as its tenant.
#[derive(Debug)]
pub struct Api {
    client: Client,
}

impl Api {
    /// By this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The same on a connection of its own.
    pub fn another(&self) -> Self {
        Self { client: self.client.another() }
    }

    /// Where it is.
    pub fn address(&self) -> std::net::SocketAddr {
        self.client.address()
    }

    /// The client, for what has no method here.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Uploads a component and gives the tenant's number's events to it.
    pub fn bind_handler(&mut self, name: &str, component: &Path) -> Result<Value> {
        self.bind_handler_to(NUMBER, name, component)
    }

    /// Uploads a component and gives a number's events to it.
    pub fn bind_handler_to(&mut self, number: &str, name: &str, component: &Path) -> Result<Value> {
        let bytes = std::fs::read(component).with_context(|| component.display().to_string())?;
        let path = format!("/v1/handlers/{name}");
        let response = self.client.request("PUT", &path, "application/wasm", &bytes)?;
        ensure!(
            matches!(response.status, 200 | 201),
            "the upload was answered {}: {}",
            response.status,
            response.text()
        );
        let path = format!("/v1/bindings/{number}");
        let (status, answer) = self.client.send("PUT", &path, &json!({ "handler": name }))?;
        ensure!(matches!(status, 200 | 201), "the binding was answered {status}: {answer}");
        response.json()
    }

    /// Sets up a webhook.
    pub fn set_webhook(&mut self, name: &str, url: &str, events: &[&str]) -> Result<Value> {
        let path = format!("/v1/webhooks/{name}");
        let (status, answer) = self.client.send("PUT", &path, &json!({ "url": url, "events": events }))?;
        ensure!(matches!(status, 200 | 201), "the webhook was answered {status}: {answer}");
        Ok(answer)
    }

    /// Sends a message; status and answer.
    pub fn send(&mut self, to: &str, text: &str) -> Result<(u16, Value)> {
        self.client.send("POST", "/v1/messages", &json!({ "from": NUMBER, "to": to, "text": text }))
    }

    /// A message's timeline; none if there is no such message.
    pub fn timeline(&mut self, id: &str) -> Result<Option<Value>> {
        let response = self.client.request("GET", &format!("/v1/messages/{id}/timeline"), "", &[])?;
        if response.status == 404 {
            return Ok(None);
        }
        ensure!(response.status == 200, "the timeline was answered {}: {}", response.status, response.text());
        response.json().map(Some)
    }

    /// A message's timeline, once its status is one of these.
    pub fn timeline_at(&mut self, id: &str, statuses: &[&str], at_most: Duration) -> Result<Value> {
        let what = format!("{id} to be {}", statuses.join(" or "));
        until(&what, at_most, || {
            let timeline = self.timeline(id)?;
            Ok(timeline
                .filter(|timeline| timeline["message"]["status"].as_str().is_some_and(|s| statuses.contains(&s))))
        })
    }

    /// Messages by a filter such as `direction=inbound`, newest first.
    pub fn list(&mut self, filter: &str) -> Result<Vec<Value>> {
        let page = self.client.get(&format!("/v1/messages?{filter}"))?;
        Ok(page["messages"].as_array().context("a listing without messages")?.clone())
    }

    /// All messages by a filter, newest first.
    pub fn list_all(&mut self, filter: &str) -> Result<Vec<Value>> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut page = self.client.get(&format!("/v1/messages?{filter}&limit=1000{cursor}"))?;
            all.append(page["messages"].as_array_mut().context("a listing without messages")?);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(all),
            }
        }
    }

    /// `GET /status`.
    pub fn status(&mut self) -> Result<Value> {
        self.client.get("/status")
    }

    /// Outbound messages that are not yet with a carrier.
    pub fn waiting(&mut self) -> Result<u64> {
        self.status()?["waiting"].as_u64().context("a status without `waiting`")
    }

    /// Waits until a bind to the carrier is up.
    pub fn wait_bound(&mut self, at_most: Duration) -> Result<()> {
        until("a bind to the carrier", at_most, || {
            let status = self.status()?;
            Ok(status["carriers"][CARRIER]["binds_up"].as_u64().filter(|up| *up > 0).map(|_| ()))
        })
    }
}
