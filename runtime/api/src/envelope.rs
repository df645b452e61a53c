//! What surrounds every route: the request's id, problems rendered, requests counted, defects contained.

use std::panic::AssertUnwindSafe;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::time::Instant;

use crate::app::App;
use crate::code::Code;
use crate::problem::Problem;
use crate::request_id::X_REQUEST_ID;

pub(crate) async fn envelope(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = app.ids.next();
    let method = request.method().clone();
    let route = app.metrics.route(request.extensions().get::<MatchedPath>().map(MatchedPath::as_str));
    let headers = request.headers().len();
    let answer = if headers > app.config.max_headers {
        let detail = format!("the request has {headers} header lines; at most {} are taken", app.config.max_headers);
        Problem::new(Code::HeadersTooMany, detail).into_response()
    } else {
        let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
        answer.unwrap_or_else(|_| Problem::internal("a route panicked").into_response())
    };
    let mut answer = render(answer, id.as_str(), route);
    answer.headers_mut().insert(X_REQUEST_ID, id.header());
    let took = began.elapsed();
    app.metrics.count(&method, route, answer.status(), took);
    tracing::debug!(request = id.as_str(), %method, route, status = answer.status().as_u16(), ?took, "answered");
    answer
}

fn render(mut answer: Response, id: &str, route: &'static str) -> Response {
    let Some(problem) = answer.extensions_mut().remove::<Problem>() else { return answer };
    if let Some(cause) = problem.cause() {
        tracing::error!(request = id, route, code = problem.code().as_str(), cause, "a request failed");
    }
    problem.render(answer, id)
}
