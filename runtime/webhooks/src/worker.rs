//! One connection to an endpoint, kept by one task that takes one delivery after the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::context::Context;
use crate::exchange::{Answer, Line};
use crate::failure::Failure;
use crate::item::Item;
use crate::payload::render;
use crate::prepare::Destination;
use crate::seams::SourceError;
use crate::target::Origin;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("Signalbox-Webhooks/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// A delivery to be made.
pub(crate) struct Job {
    pub item: Arc<Item>,
    pub to: Arc<Destination>,
}

/// Deliveries for which no worker was free. Whoever becomes free takes the next, without asking the desk.
pub(crate) type Backlog = Arc<Mutex<VecDeque<Job>>>;

/// A delivery that was made or not.
pub(crate) struct Done {
    pub worker: usize,
    /// It has taken another delivery from the backlog.
    pub goes_on: bool,
    pub item: Arc<Item>,
    pub outcome: Outcome,
    pub latency: Duration,
}

pub(crate) enum Outcome {
    Answered(Answer),
    Failed(Failure),
    /// There is nothing to tell any more.
    Missing,
    /// The record can't be read at the moment.
    Unreadable(SourceError),
}

pub(crate) struct Worker {
    pub index: usize,
    pub context: Arc<Context>,
    pub jobs: mpsc::Receiver<Job>,
    pub backlog: Backlog,
    pub done: mpsc::Sender<Done>,
    pub line: Option<(Origin, Line)>,
}

impl Worker {
    /// Works until nobody can send another job.
    pub async fn run(mut self) {
        let mut next = None;
        loop {
            let Some(job) = (match next.take() {
                Some(job) => Some(job),
                None => self.next_job().await,
            }) else {
                return;
            };
            let began = Instant::now();
            let outcome = self.attempt(&job).await;
            // After trouble the desk says whether there is to be more.
            next = if outcome.is_ill() { None } else { self.backlog.lock().pop_front() };
            let (worker, goes_on, latency) = (self.index, next.is_some(), began.elapsed());
            if self.done.send(Done { worker, goes_on, item: job.item, outcome, latency }).await.is_err() {
                return;
            }
        }
    }

    /// Keeps the connection moving until there is a job, it is closed, or it was idle for too long.
    async fn next_job(&mut self) -> Option<Job> {
        if let Ok(job) = self.jobs.try_recv() {
            return Some(job);
        }
        if let Some((_, line)) = &mut self.line {
            tokio::select! {
                job = self.jobs.recv() => return job,
                () = line.closed() => {}
                () = sleep(self.context.config.idle_timeout) => {}
            }
            self.line = None;
        }
        self.jobs.recv().await
    }

    async fn attempt(&mut self, job: &Job) -> Outcome {
        let Item { tenant, message, n, event, .. } = &*job.item;
        let told = match self.context.source.told(tenant, *message, *n).await {
            Ok(Some(told)) => told,
            Ok(None) => return Outcome::Missing,
            Err(error) => return Outcome::Unreadable(error),
        };
        let body = render(event, &told);
        let context = Arc::clone(&self.context);
        let _permit = context.overall.acquire().await.expect("the semaphore is never closed");
        let limit = context.config.attempt_timeout;
        let answer = timeout(limit, self.deliver(job, body)).await.unwrap_or(Err(Failure::Timeout(limit)));
        match answer {
            Ok(answer) => Outcome::Answered(answer),
            Err(failure) => {
                self.line = None;
                Outcome::Failed(failure)
            }
        }
    }

    async fn deliver(&mut self, job: &Job, body: Bytes) -> Result<Answer, Failure> {
        let request = || self.context.request(job, body.clone());
        if let Some((origin, line)) = &mut self.line
            && *origin == job.to.target.origin
            && line.is_open()
        {
            // A kept connection may be closed just when it is used: that is no failure of the endpoint, so it gets
            // one more chance at once, on a new one. The id is the same, should the first have arrived after all.
            if let Ok(answer) = line.exchange(request()).await {
                return Ok(answer);
            }
        }
        let stream = self.context.connector.connect(&job.to.target.origin).await?;
        let (_, line) = self.line.insert((job.to.target.origin.clone(), Line::open(stream).await?));
        line.exchange(self.context.request(job, body)).await
    }
}

impl Context {
    fn request(&self, job: &Job, body: Bytes) -> Request<Full<Bytes>> {
        let id = job.item.id.to_string();
        let timestamp = self.clock.now().as_millis() / 1_000;
        let Destination { target, signer } = &*job.to;
        let signature = signer.sign(&id, timestamp, &body);
        let value = |text: String| HeaderValue::try_from(text).expect("ids, numbers, base64 and authorities are ASCII");
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = target.path.clone().into();
        let headers = request.headers_mut();
        headers.reserve(6);
        headers.insert(HOST, value(target.authority.clone()));
        headers.insert(USER_AGENT, AGENT);
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(ID, value(id));
        headers.insert(TIMESTAMP, timestamp.into());
        headers.insert(SIGNATURE, value(signature));
        request
    }
}
