//! The control API: the handle's methods over HTTP, for tests and people in other processes.

mod routes;

use crate::net;
use crate::smsc::Shared;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Serves until `stop` says so; a request that is waiting then is cut off.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    let router = Router::new()
        .route("/phones/{number}/send", post(routes::send))
        .route("/phones/{number}/messages", get(routes::messages))
        .route("/ledger", get(routes::ledger))
        .route("/stats", get(routes::stats))
        .route("/wait", get(routes::wait))
        .route("/scenario", get(routes::scenario).put(routes::set_scenario))
        .route("/disconnect", post(routes::disconnect))
        .route("/garbage", post(routes::garbage))
        .with_state(shared);
    net::serve(listener, JoinSet::new(), stop, |stream| connection(stream, router.clone())).await;
}

async fn connection(stream: TcpStream, router: Router) {
    let service = TowerToHyperService::new(router);
    // A peer that goes away amid a request is nothing to report.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// An order that can't be carried out as given.
struct Refusal(String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(serde_json::json!({ "error": self.0 }))).into_response()
    }
}
