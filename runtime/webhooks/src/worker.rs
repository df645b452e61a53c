//! One connection to an endpoint, kept by one task that takes one delivery after the other.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::context::Context;
use crate::exchange::{Answer, Line};
use crate::failure::Failure;
use crate::item::Item;
use crate::payload::render;
use crate::seams::SourceError;
use crate::signature::Signer;
use crate::target::{Origin, Target};

const AGENT: HeaderValue = HeaderValue::from_static(concat!("Signalbox-Webhooks/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// A delivery to be made.
pub(crate) struct Job {
    pub item: Item,
    pub target: Target,
    pub signer: Arc<Signer>,
}

/// A delivery that was made or not.
pub(crate) struct Done {
    pub worker: usize,
    pub item: Item,
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
    pub done: mpsc::Sender<Done>,
    pub line: Option<(Origin, Line)>,
}

impl Worker {
    /// Works until nobody can send another job.
    pub async fn run(mut self) {
        while let Some(job) = self.next_job().await {
            let began = Instant::now();
            let outcome = self.attempt(&job).await;
            let done = Done { worker: self.index, item: job.item, outcome, latency: began.elapsed() };
            if self.done.send(done).await.is_err() {
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
        let Item { tenant, message, n, event, .. } = &job.item;
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
            && *origin == job.target.origin
            && line.is_open()
        {
            // A kept connection may be closed just when it is used: that is no failure of the endpoint, so it gets
            // one more chance at once, on a new one. The id is the same, should the first have arrived after all.
            if let Ok(answer) = line.exchange(request()).await {
                return Ok(answer);
            }
        }
        let stream = self.context.connector.connect(&job.target.origin).await?;
        let (_, line) = self.line.insert((job.target.origin.clone(), Line::open(stream).await?));
        line.exchange(self.context.request(job, body)).await
    }
}

impl Context {
    fn request(&self, job: &Job, body: Bytes) -> Request<Full<Bytes>> {
        let id = job.item.id.to_string();
        let timestamp = self.clock.now().as_millis() / 1_000;
        let signature = job.signer.sign(&id, timestamp, &body);
        let value = |text: String| HeaderValue::try_from(text).expect("ids, numbers, base64 and authorities are ASCII");
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = job.target.path.clone().into();
        let headers = request.headers_mut();
        headers.reserve(6);
        headers.insert(HOST, value(job.target.authority.clone()));
        headers.insert(USER_AGENT, AGENT);
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(ID, value(id));
        headers.insert(TIMESTAMP, timestamp.into());
        headers.insert(SIGNATURE, value(signature));
        request
    }
}
