//! What a guest can read, and how its questions reach the engine.
//!
//! A guest's host call runs deep inside wasmtime, where nothing that the caller merely lent can be reached. So a host
//! function that has to wait puts its question on a [`Desk`] and stays pending; [`drive`], which polls the call and
//! holds the caller's [`Surroundings`], sees the question, has it answered, and polls on. Every answer passes through
//! that one place.

use crate::effects::Scope;
use crate::http::{HttpFailure, HttpRequest, HttpResult};
use crate::question::{Question, Reply};
use crate::turn::Turn;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A read under way.
pub type Reading<'a, T> = BoxFuture<'a, Result<T, Unavailable>>;

/// The store, or whatever else stands behind a read, can't answer now. The event fails with
/// [`FailureKind::Unavailable`](crate::FailureKind::Unavailable).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// What the engine lets a guest read. Asked only when the guest asks.
pub trait Surroundings: Send {
    /// What is under a state key. The invocation's own writes are laid over it afterwards.
    fn state_get<'a>(&'a mut self, scope: Scope, key: &'a str) -> Reading<'a, Option<Vec<u8>>>;

    /// Up to `limit` entries whose keys begin with `prefix`, in the order of their bytes, after the key `after`.
    fn state_list<'a>(
        &'a mut self,
        scope: Scope,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Reading<'a, Vec<(String, Vec<u8>)>>;

    /// The latest messages of the event's conversation, newest first, without the event's own.
    fn recent(&mut self, limit: usize) -> Reading<'_, Vec<PastMessage>>;

    /// A contact, by address.
    fn contact<'a>(&'a mut self, address: &'a str) -> Reading<'a, Contact>;

    /// Sends a request, if the handler may, and has the whole answer, no larger than a guest may take. Asked for no
    /// longer than the request's timeout. Unless it is written otherwise, nobody may send any.
    fn http(&mut self, request: HttpRequest) -> Reading<'_, HttpResult> {
        drop(request);
        async { Ok(Err(HttpFailure::Denied("handlers have no outbound HTTP here".to_owned()))) }.boxed()
    }
}

/// A message of the past. The fields are those of `past-message` in `wit/imports.wit`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/imports.wit")]
pub struct PastMessage {
    pub id: String,
    pub inbound: bool,
    pub text: String,
    pub status: String,
    pub at: u64,
    pub attributes: Vec<(String, String)>,
}

/// A contact. The fields are those of `contact` in `wit/imports.wit`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/imports.wit")]
pub struct Contact {
    pub address: String,
    pub consent: String,
    pub time_zone: Option<String>,
    pub attributes: Vec<(String, String)>,
}

/// Where a guest's question lies until it is answered. A guest has one at a time.
#[derive(Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<Lying>>);

#[derive(Default)]
enum Lying {
    #[default]
    Nothing,
    Question(Question),
    Reply(Reply),
}

impl Desk {
    /// Puts a question down and waits for its answer.
    pub(crate) async fn ask(&self, question: Question) -> Reply {
        self.put(Lying::Question(question));
        poll_fn(|_| {
            let mut lying = self.lock();
            match std::mem::take(&mut *lying) {
                Lying::Reply(reply) => Poll::Ready(reply),
                // No waker is kept: `drive` polls again as soon as it has put the answer down.
                other => {
                    *lying = other;
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn take_question(&self) -> Option<Question> {
        let mut lying = self.lock();
        match std::mem::take(&mut *lying) {
            Lying::Question(question) => Some(question),
            other => {
                *lying = other;
                None
            }
        }
    }

    fn put(&self, what: Lying) {
        *self.lock() = what;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lying> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Step<T> {
    Done(T),
    Asked(Question),
}

/// Runs a call to its end and has its questions answered. Adds to `busy` the time that the call itself took.
pub(crate) async fn drive<T>(
    call: impl Future<Output = T>,
    desk: &Desk,
    contact: &str,
    surroundings: &mut dyn Surroundings,
    turn: &Turn,
    busy: &mut Duration,
) -> Result<T, Unavailable> {
    let mut call = pin!(call);
    loop {
        let step = poll_fn(|cx| {
            let began = Instant::now();
            let polled = call.as_mut().poll(cx);
            *busy += began.elapsed();
            match polled {
                Poll::Ready(end) => Poll::Ready(Step::Done(end)),
                Poll::Pending => desk.take_question().map_or(Poll::Pending, |q| Poll::Ready(Step::Asked(q))),
            }
        })
        .await;
        match step {
            Step::Done(end) => return Ok(end),
            Step::Asked(question) => {
                turn.end();
                let reply = answer(question, contact, surroundings).await?;
                turn.begin().await;
                desk.put(Lying::Reply(reply));
            }
        }
    }
}

async fn answer(question: Question, contact: &str, surroundings: &mut dyn Surroundings) -> Result<Reply, Unavailable> {
    Ok(match question {
        Question::StateGet { scope, key } => Reply::StateGet(surroundings.state_get(scope, &key).await?),
        Question::StateList { scope, prefix, after, limit } => {
            Reply::StateList(surroundings.state_list(scope, &prefix, after.as_deref(), limit).await?)
        }
        Question::Recent { limit } => Reply::Recent(surroundings.recent(limit).await?),
        Question::Contact { address } => {
            Reply::Contact(surroundings.contact(address.as_deref().unwrap_or(contact)).await?)
        }
        Question::Http(request) => {
            let length = request.timeout;
            let answered = timeout(length, surroundings.http(request)).await;
            Reply::Http(answered.unwrap_or(Ok(Err(HttpFailure::Timeout(length))))?)
        }
    })
}
