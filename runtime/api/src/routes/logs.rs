//! What handlers say, once or as it comes.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use signalbox_model::TenantId;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use crate::app::{App, json};
use crate::code::Code;
use crate::extract::{Segment, Tenant};
use crate::handler_requests::Following;
use crate::handler_views::{LineView, LogsView};
use crate::problem::Problem;
use crate::query::Parameters;
use crate::refusal::no_handler;

/// How often something is said to a follower when there is nothing to say: proxies and clients give up on a connection
/// that is silent for half a minute.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// What a handler said lately.
///
/// The last thousand lines are kept in memory, until the next start. With `follow=true` the answer is a stream of
/// server-sent events, one a line with the line's number as its id; it begins behind `after` or `Last-Event-ID`, or with
/// what is kept, and goes on until either side ends it.
#[utoipa::path(
    get,
    path = "/v1/handlers/{name}/logs",
    tag = "handlers",
    operation_id = "get_handler_logs",
    params(
        ("name" = String, Path, description = "The handler's name."),
        ("after" = Option<u64>, Query, description = "Only lines behind this one."),
        ("follow" = Option<bool>, Query, description = "Go on with lines as they come."),
    ),
    responses((status = 200, description = "Oldest first.", content(
        (LogsView = "application/json"),
        (LineView = "text/event-stream"),
    )))
)]
pub(crate) async fn logs(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
    Parameters(Following { after, follow }): Parameters<Following>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !follow {
        let lines = app.handle.handler_logs(&caller.tenant, &name, after).ok_or_else(no_handler)?;
        return Ok(json(StatusCode::OK, &LogsView { lines: lines.into_iter().map(Into::into).collect() }));
    }
    let grew = app.handle.follow_logs(&caller.tenant, &name).ok_or_else(no_handler)?;
    let busy = |_| Problem::new(Code::Busy, "too many logs are being followed; end one, or read without `follow`");
    let place = app.followers.clone().try_acquire_owned().map_err(busy)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let after = after.or(last);
    let ready = VecDeque::new();
    let follower = Follower { app, tenant: caller.tenant, name, after, grew, ready, _place: place };
    let chunks = stream::unfold(follower, |mut follower| async move {
        let chunk = follower.next().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), follower))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Somebody who follows a log.
struct Follower {
    app: App,
    tenant: TenantId,
    name: String,
    after: Option<u64>,
    grew: watch::Receiver<u64>,
    ready: VecDeque<Bytes>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// The next piece of the stream; none when the host goes down.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            self.grew.mark_unchanged();
            let lines = self.app.handle.handler_logs(&self.tenant, &self.name, self.after)?;
            if let Some(last) = lines.last() {
                self.after = Some(last.n);
                self.ready = lines.into_iter().map(|line| event(&line.into())).collect();
                continue;
            }
            tokio::select! {
                waited = timeout(SIGN_OF_LIFE, self.grew.changed()) => match waited {
                    Ok(changed) => changed.ok()?,
                    Err(_) => return Some(Bytes::from_static(b": nothing new\n\n")),
                },
                () = self.app.ending.cancelled() => return None,
            }
        }
    }
}

fn event(line: &LineView) -> Bytes {
    let data = serde_json::to_string(line).expect("a view is plain data");
    format!("id: {}\nevent: line\ndata: {data}\n\n", line.n).into()
}
