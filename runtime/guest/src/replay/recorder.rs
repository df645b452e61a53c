//! Keeps what a call was answered while it is answered.

use super::Exchange;
use crate::effects::Scope;
use crate::http::{HttpRequest, HttpResult};
use crate::ids::{MessageIds, SendPlace};
use crate::question::{Question, Reply};
use crate::surroundings::{Contact, PastMessage, Reading, Surroundings, Unavailable};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// The most bytes of answers that are kept.
const MAX_BYTES: usize = 4 << 20;

/// Surroundings that remember.
pub(super) struct Recorder<'s> {
    inner: &'s mut dyn Surroundings,
    answers: Vec<Exchange>,
    bytes: usize,
}

impl<'s> Recorder<'s> {
    pub(super) fn new(inner: &'s mut dyn Surroundings) -> Self {
        Self { inner, answers: Vec::new(), bytes: 0 }
    }

    /// None if they are too large to be kept.
    pub(super) fn into_answers(self) -> Option<Vec<Exchange>> {
        (self.bytes <= MAX_BYTES).then_some(self.answers)
    }

    /// A question that is never answered, because its time was up, stays so.
    fn asked(&mut self, question: Question) {
        self.bytes = self.bytes.saturating_add(question.bytes());
        self.answers.push(Exchange { question, reply: Reply::Nothing });
    }

    fn answered<T: Clone>(
        &mut self,
        result: Result<T, Unavailable>,
        reply: impl FnOnce(T) -> Reply,
    ) -> Result<T, Unavailable> {
        let kept = match &result {
            Ok(value) => reply(value.clone()),
            Err(unavailable) => Reply::Unavailable(unavailable.0.clone()),
        };
        self.bytes = self.bytes.saturating_add(kept.bytes());
        if self.bytes > MAX_BYTES {
            self.answers = Vec::new();
        } else if let Some(last) = self.answers.last_mut() {
            last.reply = kept;
        }
        result
    }
}

impl Surroundings for Recorder<'_> {
    fn state_get<'a>(&'a mut self, scope: Scope, key: &'a str) -> Reading<'a, Option<Vec<u8>>> {
        async move {
            self.asked(Question::StateGet { scope, key: key.to_owned() });
            let result = self.inner.state_get(scope, key).await;
            self.answered(result, Reply::StateGet)
        }
        .boxed()
    }

    fn state_list<'a>(
        &'a mut self,
        scope: Scope,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Reading<'a, Vec<(String, Vec<u8>)>> {
        async move {
            let (owned, behind) = (prefix.to_owned(), after.map(str::to_owned));
            self.asked(Question::StateList { scope, prefix: owned, after: behind, limit });
            let result = self.inner.state_list(scope, prefix, after, limit).await;
            self.answered(result, Reply::StateList)
        }
        .boxed()
    }

    fn recent(&mut self, limit: usize) -> Reading<'_, Vec<PastMessage>> {
        async move {
            self.asked(Question::Recent { limit });
            let result = self.inner.recent(limit).await;
            self.answered(result, Reply::Recent)
        }
        .boxed()
    }

    fn contact<'a>(&'a mut self, address: &'a str) -> Reading<'a, Contact> {
        async move {
            self.asked(Question::Contact { address: Some(address.to_owned()) });
            let result = self.inner.contact(address).await;
            self.answered(result, Reply::Contact)
        }
        .boxed()
    }

    fn http(&mut self, request: HttpRequest) -> Reading<'_, HttpResult> {
        async move {
            self.asked(Question::Http(request.clone()));
            let result = self.inner.http(request).await;
            self.answered(result, Reply::Http)
        }
        .boxed()
    }
}

/// An id that a message was given, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GivenId {
    ordinal: u32,
    sender: String,
    recipient: String,
    pub(super) id: String,
}

impl GivenId {
    pub(super) fn is_of(&self, place: &SendPlace<'_>) -> bool {
        self.ordinal == place.ordinal && self.sender == place.sender && self.recipient == place.recipient
    }
}

/// Ids that are noted as they are given.
pub(super) struct NotedIds {
    inner: Arc<dyn MessageIds>,
    given: Mutex<Vec<GivenId>>,
}

impl NotedIds {
    pub(super) fn new(inner: Arc<dyn MessageIds>) -> Self {
        Self { inner, given: Mutex::default() }
    }

    pub(super) fn given(&self) -> Vec<GivenId> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl MessageIds for NotedIds {
    fn message_id(&self, place: &SendPlace<'_>) -> String {
        let id = self.inner.message_id(place);
        let (sender, recipient) = (place.sender.to_owned(), place.recipient.to_owned());
        let given = GivenId { ordinal: place.ordinal, sender, recipient, id: id.clone() };
        self.given.lock().unwrap_or_else(PoisonError::into_inner).push(given);
        id
    }
}
