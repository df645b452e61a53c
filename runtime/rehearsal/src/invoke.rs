//! One event, and what a handler makes of it: no path, no store, nothing is sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde::Deserialize;
use signalbox_engine::{held_as_declared, send_as_declared};
use signalbox_guest::{
    self as guest, Attribute, Contact, DerivedIds, Event, HttpRequest, HttpResult, Invocation, Manifest, Outcome,
    PastMessage, Reading, Scope, Surroundings,
};
use signalbox_model::Timestamp;

use crate::calls::Calls;
use crate::clock::VirtualClock;
use crate::error::Error;
use crate::idle::Idle;
use crate::script::{Setup, Stub, StubAnswer, StubFailure, UrlPattern};
use crate::stage::Stage;

/// An event as its author wrote it, in JSON. What isn't said is as in a script's setup.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventFile {
    kind: EventKind,
    #[serde(default)]
    number: Option<String>,
    #[serde(default)]
    contact: Option<String>,
    /// When it happened.
    #[serde(default)]
    at: Option<Timestamp>,
    /// Of a message or a draft.
    #[serde(default)]
    text: String,
    /// Of a draft.
    #[serde(default)]
    category: Option<String>,
    /// Of a receipt.
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    error_class: Option<String>,
    #[serde(default)]
    carrier_code: Option<String>,
    /// Of a timer.
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    payload: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// What the handler kept before, by scope.
    #[serde(default)]
    state: Kept,
    /// What is known of the contact.
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    contact_attributes: BTreeMap<String, String>,
    /// What answers its requests, the first that matches; hosts that its manifest doesn't declare are denied before.
    #[serde(default)]
    http: Vec<HttpStub>,
}

/// An answer to outbound HTTP, as in a script's `[[http]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpStub {
    url: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    times: Option<u64>,
    #[serde(default)]
    delay_ms: u64,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    /// Instead of an answer.
    #[serde(default)]
    fail: Option<Fail>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fail {
    Refused,
    Timeout,
    Dns,
}

impl From<&HttpStub> for Stub {
    fn from(stub: &HttpStub) -> Self {
        let headers = stub.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        let answer =
            StubAnswer { status: stub.status.unwrap_or(200), headers: headers.collect(), body: stub.body.clone() };
        let failure = stub.fail.map(|fail| match fail {
            Fail::Refused => StubFailure::Refused,
            Fail::Timeout => StubFailure::Timeout,
            Fail::Dns => StubFailure::Dns,
        });
        Self {
            method: stub.method.as_ref().map(|method| method.to_ascii_uppercase()),
            url: UrlPattern::new(stub.url.clone()),
            times: stub.times,
            delay: Duration::from_millis(stub.delay_ms),
            answer: failure.map_or(Ok(answer), Err),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EventKind {
    Message,
    Draft,
    Receipt,
    Timer,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Kept {
    conversation: BTreeMap<String, String>,
    contact: BTreeMap<String, String>,
    tenant: BTreeMap<String, String>,
}

impl EventFile {
    /// Reads an event; `file` is what an error calls it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let refused = |reason: String| Error::Event { file: file.to_owned(), reason };
        let event: Self = serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
        for stub in &event.http {
            if stub.status.is_some_and(|status| !(100..=599).contains(&status)) {
                return Err(refused(format!("http: `status` of {} is from 100 to 599", stub.url)));
            }
            if stub.fail.is_some() && (stub.status.is_some() || !stub.headers.is_empty() || !stub.body.is_empty()) {
                return Err(refused(format!("http: `fail` of {} leaves nothing to be answered", stub.url)));
            }
        }
        Ok(event)
    }
}

impl Stage {
    /// Calls the handler with one event. What it is given of secrets and hosts is what a running house would give it.
    pub fn invoke(&self, event: &EventFile) -> Result<Outcome, Error> {
        if let Some(name) = event.secrets.keys().find(|name| self.manifest.secret(name).is_none()) {
            let why = "handler.toml doesn't declare it, so the handler isn't given it: add it to its `[[secrets]]`";
            return Err(Error::Setup(format!("the secret `{name}`: {why}")));
        }
        let settings = self
            .manifest
            .settings(&event.settings)
            .map_err(|bad| Error::Setup(bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
        let setup = Setup::default();
        let number = event.number.clone().unwrap_or_else(|| setup.number.to_string());
        let contact = event.contact.clone().unwrap_or_else(|| setup.contact.to_string());
        let at = event.at.unwrap_or(setup.now).as_micros();
        let attributes: Vec<_> = event.attributes.iter().map(|(name, value)| Attribute { name, value }).collect();
        let told = event.told(&number, &contact, at, &attributes);
        let invocation = Invocation {
            event: told,
            event_id: "evt_invoked",
            attempt: 1,
            now: at,
            seed: [0; 32],
            limits: signalbox_engine::limits_for(&self.manifest, told.kind()),
            settings: Arc::new(settings),
            secrets: held_as_declared(&self.manifest, &event.secrets),
            ids: Arc::new(DerivedIds),
        };
        let runtime = Idle::default().runtime().map_err(Error::house)?;
        let clock = VirtualClock::at(event.at.unwrap_or(setup.now));
        let calls = Calls::new(event.http.iter().map(Stub::from).collect(), clock);
        let mut known = Known { event, manifest: &self.manifest, calls };
        Ok(runtime.block_on(self.host.invoke(&self.handler, &invocation, &mut known)))
    }
}

impl EventFile {
    fn told<'a>(&'a self, number: &'a str, contact: &'a str, at: u64, attributes: &'a [Attribute<'a>]) -> Event<'a> {
        let (id, channel) = ("msg_invoked", "sms");
        match self.kind {
            EventKind::Message => Event::Message(guest::InboundMessage {
                id,
                channel,
                sender: contact,
                recipient: number,
                text: &self.text,
                received_at: at,
                attributes,
                ..Default::default()
            }),
            EventKind::Draft => Event::Draft(guest::OutboundDraft {
                id,
                channel,
                origin: "api",
                category: self.category.as_deref().unwrap_or("transactional"),
                sender: number,
                recipient: contact,
                text: &self.text,
                accepted_at: at,
                attributes,
                ..Default::default()
            }),
            EventKind::Receipt => {
                let status = self.status.as_deref().unwrap_or("delivered");
                Event::Receipt(guest::Receipt {
                    message: id,
                    channel,
                    sender: number,
                    recipient: contact,
                    status,
                    is_final: status != "sent",
                    error_class: self.error_class.as_deref(),
                    carrier_code: self.carrier_code.as_deref(),
                    changed_at: at,
                    attributes,
                })
            }
            EventKind::Timer => Event::Timer(guest::Timer {
                name: self.name.as_deref().unwrap_or_default(),
                conversation: guest::Conversation { number, contact },
                payload: self.payload.as_bytes(),
                due_at: at,
                attributes,
            }),
        }
    }
}

/// What the event's author says there is; nothing else.
struct Known<'e> {
    event: &'e EventFile,
    manifest: &'e Manifest,
    calls: Calls,
}

impl Known<'_> {
    fn kept(&self, scope: Scope) -> &BTreeMap<String, String> {
        match scope {
            Scope::Conversation => &self.event.state.conversation,
            Scope::Contact => &self.event.state.contact,
            Scope::Tenant => &self.event.state.tenant,
        }
    }
}

impl Surroundings for Known<'_> {
    fn state_get<'a>(&'a mut self, scope: Scope, key: &'a str) -> Reading<'a, Option<Vec<u8>>> {
        let value = self.kept(scope).get(key).map(|value| value.clone().into_bytes());
        async move { Ok(value) }.boxed()
    }

    fn state_list<'a>(
        &'a mut self,
        scope: Scope,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Reading<'a, Vec<(String, Vec<u8>)>> {
        let kept = self.kept(scope).iter();
        let wanted = kept.filter(|(key, _)| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
        let found = wanted.take(limit).map(|(key, value)| (key.clone(), value.clone().into_bytes())).collect();
        async move { Ok(found) }.boxed()
    }

    fn recent(&mut self, _limit: usize) -> Reading<'_, Vec<PastMessage>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn contact<'a>(&'a mut self, address: &'a str) -> Reading<'a, Contact> {
        let contact = Contact {
            address: address.to_owned(),
            consent: "granted".to_owned(),
            time_zone: self.event.time_zone.clone(),
            attributes: self.event.contact_attributes.clone().into_iter().collect(),
        };
        async move { Ok(contact) }.boxed()
    }

    fn http(&mut self, request: HttpRequest) -> Reading<'_, HttpResult> {
        async move { Ok(send_as_declared(self.manifest, &self.event.secrets, &self.calls, request).await) }.boxed()
    }
}
