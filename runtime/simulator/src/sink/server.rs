//! The sink's HTTP: hyper without a router, because it has to be cheap beside what it measures.

use super::hooks::{Hook, Sink};
use super::{Answer, Answers};
use crate::net;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Webhooks in one answer, unless asked for fewer.
const PAGE_HOOKS: usize = 10_000;

/// Why a request gets no answer: hyper closes the connection.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the sink was told to hang up")]
    HangUp,
    #[error(transparent)]
    Peer(#[from] hyper::Error),
}

type Reply = Response<Full<Bytes>>;

pub(crate) async fn serve(listener: TcpListener, sink: Arc<Sink>, stop: watch::Receiver<bool>) {
    net::serve(listener, JoinSet::new(), stop, |stream| connection(stream, Arc::clone(&sink))).await;
}

async fn connection(stream: TcpStream, sink: Arc<Sink>) {
    let service = service_fn(|request| respond(request, &sink));
    // A hang-up ends here as an error too; there is nobody to tell.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, sink: &Sink) -> Result<Reply, NoAnswer> {
    match (request.method(), request.uri().path()) {
        (&Method::POST, _) => webhook(request, sink).await,
        (&Method::GET, "/hooks") => Ok(hooks(&query(&request), sink)),
        (&Method::GET, "/hooks/wait") => Ok(wait(&query(&request), sink).await),
        (&Method::PUT, "/answers") => set_answers(request, sink).await,
        _ => Ok(json(StatusCode::NOT_FOUND, &serde_json::json!({ "error": "POST a webhook, GET /hooks" }))),
    }
}

async fn webhook(request: Request<Incoming>, sink: &Sink) -> Result<Reply, NoAnswer> {
    let (head, body) = request.into_parts();
    let (body, cut) = read(body, sink.bounds.body_bytes).await?;
    let webhook_id = head.headers.get("webhook-id").and_then(|id| id.to_str().ok());
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let answer = sink.take(path, webhook_id, || Hook {
        n: 0,
        time_us: sink.stamps.micros(Instant::now()),
        path: path.to_owned(),
        headers: shown(&head.headers),
        body: STANDARD.encode(&body),
        cut,
        answered: 0,
    });
    if !answer.delay.0.is_zero() {
        tokio::time::sleep(answer.delay.0).await;
    }
    reply(&answer)
}

fn reply(answer: &Answer) -> Result<Reply, NoAnswer> {
    if answer.hang_up {
        return Err(NoAnswer::HangUp);
    }
    let mut reply = Response::new(Full::new(Bytes::from(vec![b'x'; answer.body_bytes])));
    *reply.status_mut() = StatusCode::from_u16(answer.status).expect("statuses are checked when answers are set");
    if let Some(location) = &answer.location {
        let location = header::HeaderValue::from_str(location).expect("locations are checked when answers are set");
        reply.headers_mut().insert(header::LOCATION, location);
    }
    if let Some(seconds) = answer.retry_after {
        reply.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Ok(reply)
}

/// Reads all of a body and keeps at most `max` octets of it.
async fn read(mut body: Incoming, max: usize) -> Result<(Bytes, bool), hyper::Error> {
    let mut kept = BytesMut::new();
    let mut first: Option<Bytes> = None;
    let mut cut = false;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if first.is_none() && kept.is_empty() && data.len() <= max {
            first = Some(data); // the usual webhook is one piece: no copy
            continue;
        }
        if let Some(first) = first.take() {
            kept.extend_from_slice(&first);
        }
        let room = max - kept.len();
        cut |= data.len() > room;
        kept.extend_from_slice(&data[..data.len().min(room)]);
    }
    Ok((first.unwrap_or_else(|| kept.freeze()), cut))
}

fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn hooks(query: &HashMap<String, u64>, sink: &Sink) -> Reply {
    let number = |name| query.get(name).copied();
    let limit = number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE_HOOKS);
    json(StatusCode::OK, &sink.page(number("after").unwrap_or(0), limit.min(PAGE_HOOKS)))
}

async fn wait(query: &HashMap<String, u64>, sink: &Sink) -> Reply {
    let number = |name, default| query.get(name).copied().unwrap_or(default);
    let timeout = Duration::from_millis(number("timeout_ms", 30_000));
    json(StatusCode::OK, &sink.wait(number("count", 1), timeout).await)
}

async fn set_answers(request: Request<Incoming>, sink: &Sink) -> Result<Reply, NoAnswer> {
    let (body, _) = read(request.into_body(), 1 << 20).await?;
    Ok(match serde_json::from_slice::<Answers>(&body) {
        Ok(answers) => {
            let reply = json(StatusCode::OK, &answers);
            sink.set_answers(answers);
            reply
        }
        Err(error) => json(StatusCode::UNPROCESSABLE_ENTITY, &serde_json::json!({ "error": error.to_string() })),
    })
}

fn query(request: &Request<Incoming>) -> HashMap<String, u64> {
    let pairs = request.uri().query().unwrap_or("").split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    let body = serde_json::to_vec(value).expect("these types have string keys and no failing parts");
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    reply
}
