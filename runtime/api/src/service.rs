//! The API's service: takes connections, and lets them finish.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use signalbox_engine::Handle;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::config::Config;
use crate::routes;
use crate::socket::Socket;

/// How long to wait before taking the next connection when the machine has no room for one.
const NO_ROOM: Duration = Duration::from_millis(100);

/// The API's HTTP.
pub struct Service {
    app: App,
}

impl Service {
    /// An API in front of `handle`. Adds what it and the path count to `registry`, which `GET /metrics` shows whole.
    pub fn new(config: Config, handle: Handle, registry: Registry) -> Self {
        Self { app: App::new(config, handle, registry) }
    }

    /// The routes, for those who serve them otherwise or beside their own.
    pub fn router(&self) -> Router {
        routes::router(self.app.clone())
    }

    /// Serves `listener` until `drain` is cancelled; then takes no more connections, lets requests in flight finish
    /// within the configured bound, and cuts off the rest.
    pub async fn run(self, listener: TcpListener, drain: CancellationToken) {
        let config = &self.app.config;
        let places = Arc::new(Semaphore::new(config.max_connections));
        let door = Door::new(config, self.router(), self.app.metrics.connections.clone(), drain.clone());
        let connections = TaskTracker::new();
        let cut_off = CancellationToken::new();
        loop {
            let next = async {
                let place = places.clone().acquire_owned().await.expect("the places are never closed");
                (place, accept(&listener).await)
            };
            let (place, stream) = tokio::select! {
                () = drain.cancelled() => break,
                next = next => next,
            };
            let (door, cut_off) = (door.clone(), cut_off.clone());
            connections.spawn(async move {
                let _place = place;
                cut_off.run_until_cancelled(door.serve(stream)).await;
            });
        }
        drop(listener);
        self.app.ending.cancel();
        connections.close();
        if tokio::time::timeout(config.drain_timeout, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "requests took longer than the drain; they are cut off");
            cut_off.cancel();
            connections.wait().await;
        }
    }
}

/// The next connection. Errors here are the machine's (no descriptors) or of a client that is gone already.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_clients(&error) => {}
            Err(error) => {
                tracing::error!(%error, "a connection couldn't be taken");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
}

fn is_clients(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What every connection needs.
#[derive(Clone)]
struct Door {
    http: http1::Builder,
    router: Router,
    write_timeout: Duration,
    open: Gauge,
    drain: CancellationToken,
}

impl Door {
    fn new(config: &Config, router: Router, open: Gauge, drain: CancellationToken) -> Self {
        let mut http = http1::Builder::new();
        // `pipeline_flush` stays off: with it, hyper holds an answer back while bytes are unread, and when they
        // are the rest of a body or head that was refused, it closes without ever sending it.
        http.timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout)
            .max_buf_size(config.max_head_bytes.max(8 << 10))
            .keep_alive(true)
            .pipeline_flush(false);
        Self { http, router, write_timeout: config.write_timeout, open, drain }
    }

    async fn serve(self, stream: TcpStream) {
        self.open.inc();
        // Answers are small and complete; waiting to fill a packet would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a socket without TCP_NODELAY");
        }
        let socket = TokioIo::new(Socket::new(stream, self.write_timeout));
        let connection = self.http.serve_connection(socket, TowerToHyperService::new(self.router));
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.drain.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
        self.open.dec();
    }
}
