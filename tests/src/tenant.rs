//! The API as one tenant uses it.

use crate::http::{Answer, Client};
use crate::place;
use crate::wait::until;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

/// A tenant.
#[derive(Clone)]
pub struct Tenant {
    /// What it asks by.
    pub api: Client,
    /// Its number.
    pub number: &'static str,
}

impl Tenant {
    pub(crate) fn new(api: Client, number: &'static str) -> Self {
        Self { api, number }
    }

    /// Sends a text from the tenant's number; answers the message's id.
    pub async fn send(&self, to: &str, text: &str) -> String {
        self.send_so(&json!({ "from": self.number, "to": to, "text": text })).await
    }

    /// Sends a message with more to say.
    pub async fn send_so(&self, message: &Value) -> String {
        let accepted = self.api.post("/v1/messages", message).await.expect(202);
        accepted["id"].as_str().expect("an id").to_owned()
    }

    /// Tries to send a text from the tenant's number.
    pub async fn try_send(&self, to: &str, text: &str) -> Answer {
        self.api.post("/v1/messages", &json!({ "from": self.number, "to": to, "text": text })).await
    }

    /// A message.
    pub async fn message(&self, id: &str) -> Value {
        self.api.get(&format!("/v1/messages/{id}")).await.expect(200)
    }

    /// A message's timeline.
    pub async fn timeline(&self, id: &str) -> Value {
        self.api.get(&format!("/v1/messages/{id}/timeline")).await.expect(200)
    }

    /// The timeline's lines in words.
    pub async fn story_of(&self, id: &str) -> Vec<String> {
        let timeline = self.timeline(id).await;
        let entries = timeline["entries"].as_array().expect("a list").iter();
        entries.map(|entry| entry["what"].as_str().expect("words").to_owned()).collect()
    }

    /// The timeline's statuses, one after another.
    pub async fn life_of(&self, id: &str) -> Vec<String> {
        let timeline = self.timeline(id).await;
        let entries = timeline["entries"].as_array().expect("a list").iter();
        let mut life: Vec<_> = entries.map(|entry| entry["status"].as_str().expect("a status").to_owned()).collect();
        life.dedup();
        life
    }

    /// Waits until a message has one of these statuses (commas between them), and gives it.
    pub async fn await_status(&self, id: &str, statuses: &str) -> Value {
        until(format_args!("{id} to be {statuses}"), || async {
            let message = self.message(id).await;
            let status = message["status"].as_str().expect("a status");
            if statuses.split(',').any(|wanted| wanted == status) {
                return Ok(message);
            }
            Err(format!("it is {status}: {:#?}", self.story_of(id).await))
        })
        .await
    }

    /// Every message that the query finds, newest first.
    pub async fn list(&self, query: &str) -> Vec<Value> {
        let mut messages = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.api.get(&format!("/v1/messages?{query}{cursor}")).await.expect(200);
            messages.extend(page["messages"].as_array().expect("a list").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return messages,
            }
        }
    }

    /// Waits until the query finds this many messages.
    pub async fn await_list(&self, query: &str, count: usize) -> Vec<Value> {
        until(format_args!("{count} messages of {query}"), || async {
            let found = self.list(query).await;
            if found.len() >= count { Ok(found) } else { Err(format!("there are {}", found.len())) }
        })
        .await
    }

    /// Uploads a component; the answer is whatever it is.
    pub async fn upload(&self, name: &str, component: impl Into<Bytes>) -> Answer {
        let api = self.api.with("content-type", "application/wasm");
        api.ask(Method::PUT, &format!("/v1/handlers/{name}"), component).await
    }

    /// Uploads a version of a handler as a form; `query` says which alias it is given.
    pub async fn upload_version(&self, name: &str, query: &str, component: &[u8], manifest: Option<&str>) -> Answer {
        let mut form = Vec::new();
        if let Some(manifest) = manifest {
            form.extend(b"--part\r\ncontent-disposition: form-data; name=\"manifest\"\r\n\r\n");
            form.extend(manifest.as_bytes());
            form.extend(b"\r\n");
        }
        form.extend(b"--part\r\ncontent-disposition: form-data; name=\"component\"; filename=\"x.wasm\"\r\n\r\n");
        form.extend(component);
        form.extend(b"\r\n--part--\r\n");
        let api = self.api.with("content-type", "multipart/form-data; boundary=part");
        api.ask(Method::PUT, &format!("/v1/handlers/{name}/versions{query}"), form).await
    }

    /// Gives an alias to a version; answers the handler.
    pub async fn alias(&self, name: &str, alias: &str, body: &Value) -> Value {
        self.api.put(&format!("/v1/handlers/{name}/aliases/{alias}"), body).await.expect(200)
    }

    /// A handler.
    pub async fn handler(&self, name: &str) -> Value {
        self.api.get(&format!("/v1/handlers/{name}")).await.expect(200)
    }

    /// Uploads one of the guest examples and binds the tenant's number to it.
    pub async fn give_number_to(&self, guest: &str) -> Value {
        let uploaded = self.upload(guest, place::guest(guest)).await;
        assert!(uploaded.status.is_success(), "{}", uploaded.text());
        self.bind(guest).await;
        uploaded.json()
    }

    /// Binds the tenant's number to a handler.
    pub async fn bind(&self, handler: &str) {
        let path = format!("/v1/bindings/{}", self.number);
        let bound = self.api.put(&path, &json!({ "handler": handler })).await;
        assert!(bound.status.is_success(), "{}", bound.text());
    }

    /// Has every event of every message told to this URL; answers the secret that signs.
    pub async fn tell(&self, url: &str) -> String {
        let webhook = self.api.put("/v1/webhooks/all", &json!({ "url": url, "events": ["message.*"] })).await;
        webhook.expect(201)["secret"].as_str().expect("a secret").to_owned()
    }
}
