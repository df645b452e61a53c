//! What the tests share: a real HTTP receiver on loopback, a store in memory, a clock that stands still.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses a part; one that can't go on says where it stood"
)]

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use signalbox_model::directory::Webhook;
use signalbox_model::{
    AttemptId, Body, Category, Cause, Chance, Conversation, Direction, Encoding, Entry, Head, ManualClock, Message,
    MessageId, Origin, Partition, Status, TenantId, Timestamp,
};
use signalbox_store::memory::{self, MemoryStore};
use signalbox_store::{Batch, Epoch, Store};
use signalbox_webhooks::{
    Config, Delivery, Endpoint, EndpointStats, Handle, Item, Lookup, Parts, Reach, Service, Source, SourceError, Told,
    deliveries, event_type, stage,
};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Nothing here takes long; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn t0() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000)
}

pub fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

/// Waits until something is so.
pub async fn until(what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never came: {what}"));
}

// ---- the receiver

pub type Reply = Response<BoxBody<Bytes, Infallible>>;
pub type Answer = Arc<dyn Fn(&Received) -> Option<Reply> + Send + Sync>;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    /// Which message and line it tells.
    pub fn tells(&self) -> (String, u64) {
        let json = self.json();
        (json["data"]["text"].as_str().unwrap().to_owned(), json["data"]["entry"]["n"].as_u64().unwrap())
    }
}

/// A webhook receiver. What it answers is up to the test; `None` is no answer, ever.
pub struct Sink {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    received: mpsc::UnboundedReceiver<Received>,
}

pub fn reply(status: u16) -> Option<Reply> {
    Some(Response::builder().status(status).body(Full::new(Bytes::from_static(b"noted")).boxed()).unwrap())
}

impl Sink {
    pub async fn new(answer: impl Fn(&Received) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, received) = mpsc::unbounded_channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let (answer, count): (Answer, _) = (Arc::new(answer), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(TokioIo::new(stream), seen.clone(), Arc::clone(&answer)));
            }
        });
        Self { address, connections, received }
    }

    pub async fn well() -> Self {
        Self::new(|_| reply(204)).await
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub async fn next(&mut self) -> Received {
        tokio::time::timeout(PATIENCE, self.received.recv()).await.expect("no delivery came").unwrap()
    }

    pub fn is_quiet(&mut self) -> bool {
        self.received.try_recv().is_err()
    }
}

pub async fn serve<T>(io: TokioIo<T>, seen: mpsc::UnboundedSender<Received>, answer: Answer)
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (seen, answer) = (seen.clone(), Arc::clone(&answer));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let received = Received { path: head.uri.to_string(), headers: head.headers, body };
            let reply = answer(&received);
            let _ = seen.send(received);
            match reply {
                Some(reply) => Ok::<_, hyper::Error>(reply),
                None => std::future::pending().await,
            }
        }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
}

// ---- the house

#[derive(Default)]
pub struct Directory {
    pub webhooks: Mutex<HashMap<String, Arc<Webhook>>>,
    pub gone: Mutex<Vec<String>>,
}

impl Lookup for Directory {
    fn webhook(&self, _: &TenantId, name: &str) -> Option<Arc<Webhook>> {
        self.webhooks.lock().get(name).cloned()
    }

    fn callback_secret(&self, _: &TenantId) -> Option<String> {
        Some(SECRET.to_owned())
    }

    fn gone(&self, _: &TenantId, name: &str) {
        self.gone.lock().push(name.to_owned());
    }
}

impl Directory {
    pub fn set(&self, name: &str, url: String) {
        let made_at = t0() + Duration::from_secs(self.webhooks.lock().len() as u64);
        let webhook = Webhook {
            tenant: tenant(),
            name: name.into(),
            url,
            events: vec!["message.*".into()],
            secret: SECRET.into(),
            made_at,
        };
        self.webhooks.lock().insert(name.into(), Arc::new(webhook));
    }
}

/// Messages by id; each line is a state of its own.
#[derive(Default)]
pub struct Records(Mutex<HashMap<MessageId, Message>>);

impl Source for Records {
    fn told<'a>(
        &'a self,
        _: &'a TenantId,
        message: MessageId,
        n: u16,
    ) -> BoxFuture<'a, Result<Option<Told>, SourceError>> {
        let message = self.0.lock().get(&message).cloned();
        Box::pin(async move {
            Ok(message.map(|message| {
                let cause = Cause::Sent { carrier: "c".into(), carrier_ids: vec!["1".into()] };
                let seq = 100 + u64::from(n);
                let entry = Entry { n, seq, at: message.accepted_at, status: Status::Sent, cause, class: None };
                Told { head: Head::begin(&entry).into(), message: message.into(), entry: entry.into() }
            }))
        })
    }
}

/// A service under test, and what it works on.
pub struct House {
    pub store: Arc<MemoryStore>,
    pub epochs: Vec<Epoch>,
    pub clock: ManualClock,
    pub directory: Arc<Directory>,
    pub records: Arc<Records>,
    pub chance: Chance,
    pub next_seq: u64,
    running: Option<(Handle, oneshot::Sender<()>, JoinHandle<()>)>,
}

pub fn open() -> Config {
    Config { reach: Reach { allow_private: true, allow_http: true }, ..Config::default() }
}

impl House {
    pub async fn new() -> Self {
        Self::on(MemoryStore::new(memory::Config::default()), ManualClock::at(t0())).await
    }

    async fn on(store: Arc<MemoryStore>, clock: ManualClock) -> Self {
        let mut epochs = Vec::new();
        for partition in 0..store.partitions() {
            epochs.push(store.acquire(Partition::new(partition)).await.unwrap());
        }
        let (directory, records) = (Arc::default(), Arc::default());
        Self { store, epochs, clock, directory, records, chance: Chance::seeded(5), next_seq: 1, running: None }
    }

    /// What a new process finds after this one was killed.
    pub async fn killed(mut self) -> Self {
        if let Some((_, _, task)) = self.running.take() {
            task.abort();
        }
        let mut next = Self::on(self.store.crash_image(), self.clock.clone()).await;
        (next.directory, next.records, next.next_seq) = (self.directory.clone(), self.records.clone(), self.next_seq);
        next
    }

    pub fn start(&mut self, config: Config) {
        let epochs = self.epochs.clone();
        let parts = Parts {
            store: self.store.clone(),
            epochs: Arc::new(move |partition: Partition| epochs.get(usize::from(partition.index())).copied()),
            lookup: self.directory.clone(),
            source: self.records.clone(),
            clock: Arc::new(self.clock.clone()),
            chance: Chance::seeded(9),
        };
        let service = Service::new(config, parts).unwrap();
        let handle = service.handle();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            service
                .run(async {
                    let _ = stopped.await;
                })
                .await
                .unwrap();
        });
        self.running = Some((handle, stop, task));
    }

    /// Finishes what is under way; afterwards the store has all of it.
    pub async fn drain(&mut self) {
        if let Some((_, stop, task)) = self.running.take() {
            let _ = stop.send(());
            tokio::time::timeout(PATIENCE, task).await.expect("the drain is bounded").unwrap();
        }
    }

    pub fn handle(&self) -> &Handle {
        &self.running.as_ref().unwrap().0
    }

    pub fn stats(&self, name: &str) -> Option<EndpointStats> {
        let named = |stats: &EndpointStats| stats.name.as_ref().is_some_and(|(_, known)| known == name);
        self.handle().stats().into_iter().find(named)
    }

    /// Something of the endpoint's counters becomes so.
    pub async fn until(&self, name: &str, so: impl Fn(&EndpointStats) -> bool) {
        until(&format!("{name}; now {:?}", self.stats(name)), || self.stats(name).is_some_and(|stats| so(&stats)))
            .await;
    }

    /// Line `n` of a new message in the conversation with `theirs`, told to `endpoint`.
    pub async fn tell(&mut self, endpoint: Endpoint, theirs: &str, text: &str) -> Item {
        let item = self.item(endpoint, theirs, text);
        self.stage(&item).await;
        item
    }

    pub async fn tell_webhook(&mut self, name: &str, theirs: &str, text: &str) -> Item {
        self.tell(Endpoint::Webhook { name: name.into() }, theirs, text).await
    }

    fn item(&mut self, endpoint: Endpoint, theirs: &str, text: &str) -> Item {
        let (ours, theirs) = ("72345".parse().unwrap(), theirs.parse().unwrap());
        let conversation = Conversation { tenant: tenant(), ours: Clone::clone(&ours), theirs: Clone::clone(&theirs) };
        let partition = conversation.id().partition(self.store.partitions());
        let message = Message {
            id: MessageId::new(t0(), partition, &self.chance),
            conversation: conversation.id(),
            tenant: tenant(),
            direction: Direction::Outbound,
            from: ours,
            to: theirs,
            body: Body { text: text.into(), media_urls: vec![] },
            original: None,
            category: Category::default(),
            campaign: None,
            tags: vec![],
            callback_url: None,
            accepted_at: t0(),
            send_at: None,
            expires_at: t0() + Message::DEFAULT_VALIDITY,
            encoding: Encoding::Gsm7,
            segments: 1,
            origin: Origin::Keyword,
            depth: 0,
            veil: Default::default(),
        };
        let item = Item {
            id: AttemptId::new(t0(), partition, &self.chance),
            tenant: tenant(),
            endpoint,
            conversation: conversation.id(),
            message: message.id,
            n: 2,
            event: event_type(Status::Sent).to_owned(),
        };
        self.records.0.lock().insert(message.id, message);
        item
    }

    pub async fn stage(&mut self, item: &Item) {
        let partition = item.conversation.partition(self.store.partitions());
        let mut batch = self.batch(partition);
        let key = stage(&mut batch, item.clone(), self.next_seq);
        self.next_seq += 1;
        self.store.commit(batch).await.unwrap();
        if let Some((handle, ..)) = &self.running {
            handle.ring(partition, key);
        }
    }

    pub fn batch(&self, partition: Partition) -> Batch {
        Batch::new(partition, self.epochs[usize::from(partition.index())])
    }

    pub async fn deliveries(&self, item: &Item) -> Vec<Delivery> {
        deliveries(&*self.store, &item.tenant, item.message, 100).await.unwrap()
    }
}
