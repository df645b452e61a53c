//! Sending: one message, many, a dry run, taking one back, and deciding on one that is in doubt.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use signalbox_engine::{Accepted, Reading, Refused, Request};
use signalbox_model::view::MessageView;

use crate::app::{App, json, to_its_end};
use crate::batch;
use crate::code::Code;
use crate::extract::{Json, Key, LargeJson, Segment, Tenant};
use crate::problem::{Problem, ProblemView};
use crate::refusal::no_message;
use crate::requests::{NewBatch, NewMessage, NewResolution};
use crate::views::{AcceptedView, BatchView, ExplanationView, ResultView};

/// Send a message.
///
/// When the answer is 202, the message is durable and will be sent, or its record says why not.
#[utoipa::path(
    post,
    path = "/v1/messages",
    tag = "messages",
    operation_id = "send_message",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer and \
        send once. 1 to 255 printable characters; kept for at least 24 hours.")),
    request_body = NewMessage,
    responses((status = 202, description = "Durable, and on its way.", body = AcceptedView))
)]
pub(crate) async fn send(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Key(key): Key,
    Json(body): Json<NewMessage>,
) -> Result<Response, Problem> {
    let request = body.into();
    let accepted = to_its_end(async move { app.handle.accept(&caller, &request, key.as_deref()).await }).await??;
    Ok(json(StatusCode::ACCEPTED, &AcceptedView::new(&accepted)))
}

/// Send up to 1,000 messages.
///
/// Each has its own result, in order: some may be refused while others are accepted.
#[utoipa::path(
    post,
    path = "/v1/messages/batch",
    tag = "messages",
    operation_id = "send_batch",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer and \
        send once. 1 to 255 printable characters; kept for at least 24 hours.")),
    request_body = NewBatch,
    responses(
        (status = 202, description = "Every message is durable.", body = BatchView),
        (status = 200, description = "Some messages were refused; see each result.", body = BatchView),
    )
)]
pub(crate) async fn send_batch(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Key(key): Key,
    body: LargeJson,
) -> Result<Response, Problem> {
    let items = batch::read(&body.bytes)?;
    let (count, most) = (items.len(), app.config.max_batch);
    if count == 0 || count > most {
        let detail = format!("`messages` has {count} messages; 1 to {most} are taken");
        return Err(Problem::field(Code::RequestInvalid, "messages", "batch.size", detail));
    }
    let mut requests: Vec<Request> = Vec::with_capacity(count);
    let mut unreadable = Vec::with_capacity(count);
    for item in items {
        unreadable.push(item.map(|message| requests.push(message.into())).err());
    }
    let outcomes = if requests.is_empty() {
        Vec::new()
    } else {
        to_its_end(async move { app.handle.accept_batch(&caller, &requests, key.as_deref()).await }).await??
    };
    if let Some(problem) = nothing_worked(&outcomes) {
        return Err(problem);
    }
    Ok(answer(unreadable, outcomes))
}

/// The trouble, when it is ours and met every message: then the status says so too.
fn nothing_worked(outcomes: &[Result<Accepted, Refused>]) -> Option<Problem> {
    let ours = |outcome: &Result<Accepted, Refused>| matches!(outcome, Err(Refused::Path(_)));
    match outcomes {
        [Err(Refused::Path(error)), rest @ ..] if rest.iter().all(ours) => Some(error.clone().into()),
        _ => None,
    }
}

/// Results in the order of the request: those that couldn't be read between those that were tried.
fn answer(unreadable: Vec<Option<Problem>>, outcomes: Vec<Result<Accepted, Refused>>) -> Response {
    let mut outcomes = outcomes.into_iter();
    let result = |unreadable: Option<Problem>| match (unreadable, outcomes.by_ref()) {
        (Some(problem), _) => ResultView::Problem(Box::new(problem.view(None))),
        (None, outcomes) => match outcomes.next().expect("each message that was tried has an outcome") {
            Ok(accepted) => ResultView::Accepted(AcceptedView::new(&accepted)),
            Err(refused) => ResultView::Problem(Box::new(told(refused))),
        },
    };
    let results: Vec<_> = unreadable.into_iter().map(result).collect();
    let accepted = results.iter().filter(|result| matches!(result, ResultView::Accepted(_))).count();
    let refused = results.len() - accepted;
    let status = if refused == 0 { StatusCode::ACCEPTED } else { StatusCode::OK };
    json(status, &BatchView { accepted, refused, results })
}

/// A refusal inside an answer that is none itself; what only our log should know goes there.
fn told(refused: Refused) -> ProblemView {
    let problem = Problem::from(refused);
    if let Some(cause) = problem.cause() {
        tracing::error!(code = problem.code().as_str(), cause, "a message of a batch failed");
    }
    problem.view(None)
}

/// What would become of a message.
///
/// Encoding, segments, route and policy's decision. Sends and records nothing.
#[utoipa::path(
    post,
    path = "/v1/messages/explain",
    tag = "messages",
    operation_id = "explain_message",
    request_body = NewMessage,
    responses((status = 200, description = "What would become of it.", body = ExplanationView))
)]
pub(crate) async fn explain(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Json(body): Json<NewMessage>,
) -> Result<Response, Problem> {
    let explanation = app.handle.explain(&caller, &body.into()).await?;
    Ok(json(StatusCode::OK, &ExplanationView::from(explanation)))
}

/// Take a message back.
///
/// Possible while it is accepted, held or queued; afterwards a carrier may have it.
#[utoipa::path(
    post,
    path = "/v1/messages/{id}/cancel",
    tag = "messages",
    operation_id = "cancel_message",
    params(("id" = String, Path, description = "The message's id, `msg_…`.")),
    responses((status = 200, description = "It won't be sent.", body = MessageView))
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| no_message())?;
    let (handle, reader) = (app.handle.clone(), caller.clone());
    let mut record = to_its_end(async move { app.handle.cancel(&caller, id).await }).await??;
    handle.reads(&reader, Reading { how: "cancel", reason: None }, &mut [&mut record.message]).await?;
    Ok(json(StatusCode::OK, &MessageView::new(&record.message, &record.head)))
}

/// Decide on a message that is in doubt.
///
/// Its carrier may have it, and no answer came: a setting by category sends it again, or keeps it `in_doubt` for you. Its record
/// says that you decided. What its carrier may still say of it is recorded, too.
#[utoipa::path(
    post,
    path = "/v1/messages/{id}/resolve",
    tag = "messages",
    operation_id = "resolve_message",
    params(("id" = String, Path, description = "The message's id, `msg_…`.")),
    request_body = NewResolution,
    responses((status = 200, description = "It is so; one that is sent again is queued.", body = MessageView))
)]
pub(crate) async fn resolve(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(id): Segment,
    Json(NewResolution { outcome }): Json<NewResolution>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| no_message())?;
    let (handle, reader) = (app.handle.clone(), caller.clone());
    let mut record = to_its_end(async move { app.handle.resolve(&caller, id, outcome.into()).await }).await??;
    handle.reads(&reader, Reading { how: "resolve", reason: None }, &mut [&mut record.message]).await?;
    Ok(json(StatusCode::OK, &MessageView::new(&record.message, &record.head)))
}
