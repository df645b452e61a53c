//! What every route shares.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use prometheus_client::registry::Registry;
use serde::Serialize;
use signalbox_engine::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::request_id::RequestIds;

/// What every route shares; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

/// What every route shares.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) handle: Handle,
    pub(crate) registry: Registry,
    pub(crate) metrics: Metrics,
    pub(crate) ids: RequestIds,
    /// KiB of large bodies that there is still room for.
    pub(crate) large: Arc<Semaphore>,
    pub(crate) openapi: Bytes,
    /// Room for those who follow a log.
    pub(crate) followers: Arc<Semaphore>,
    /// Cancelled when the API stops: answers that would go on for ever end.
    pub(crate) ending: CancellationToken,
}

impl App {
    pub(crate) fn new(config: Config, handle: Handle, mut registry: Registry) -> Self {
        let metrics = Metrics::new(&mut registry);
        handle.register_metrics(&mut registry);
        let largest = config.max_batch_bytes.max(config.max_component_bytes).max(config.max_import_bytes);
        let largest = largest.max(config.max_list_bytes);
        let kib = config.max_large_bytes.max(largest).div_ceil(1 << 10);
        let large = Arc::new(Semaphore::new(kib.min(Semaphore::MAX_PERMITS)));
        let openapi = crate::openapi::json();
        let followers = Arc::new(Semaphore::new(config.max_followers));
        let (ids, ending) = (RequestIds::new(), CancellationToken::new());
        Self(Arc::new(Shared { config, handle, registry, metrics, ids, large, openapi, followers, ending }))
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Does to its end what a request began, even if its client goes away meanwhile: hyper drops a request's future when
/// its connection closes, and half a change is worse than one that nobody waits for.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    // Boxed: a task would move about thrice what may be kilobytes.
    tokio::spawn(Box::pin(work)).await.map_err(Problem::internal)
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, view: &impl Serialize) -> Response {
    let mut body = Vec::with_capacity(256);
    serde_json::to_writer(&mut body, view).expect("a view is plain data, and a vector takes it");
    bytes(status, "application/json", body.into())
}

/// An answer of these bytes.
pub(crate) fn bytes(status: StatusCode, kind: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// An answer without a body.
pub(crate) fn nothing() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
