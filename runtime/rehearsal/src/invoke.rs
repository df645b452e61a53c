//! One event, and what a handler makes of it: no path, no store, nothing is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use serde::Deserialize;
use signalbox_guest::{
    self as guest, Attribute, Contact, DerivedIds, Event, Invocation, Outcome, PastMessage, Reading, Scope,
    Surroundings,
};
use signalbox_model::Timestamp;

use crate::error::Error;
use crate::idle::Idle;
use crate::script::Setup;
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
        serde_json::from_str(text).map_err(|error| Error::Event { file: file.to_owned(), reason: error.to_string() })
    }
}

impl Stage {
    /// Calls the handler with one event.
    pub fn invoke(&self, event: &EventFile) -> Result<Outcome, Error> {
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
            secrets: Arc::new(event.secrets.clone()),
            ids: Arc::new(DerivedIds),
        };
        let runtime = Idle::default().runtime().map_err(Error::house)?;
        Ok(runtime.block_on(self.host.invoke(&self.handler, &invocation, &mut Known(event))))
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
struct Known<'e>(&'e EventFile);

impl Known<'_> {
    fn kept(&self, scope: Scope) -> &BTreeMap<String, String> {
        match scope {
            Scope::Conversation => &self.0.state.conversation,
            Scope::Contact => &self.0.state.contact,
            Scope::Tenant => &self.0.state.tenant,
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
            time_zone: self.0.time_zone.clone(),
            attributes: self.0.contact_attributes.clone().into_iter().collect(),
        };
        async move { Ok(contact) }.boxed()
    }
}
