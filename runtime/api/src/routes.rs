//! Every route: its method, its path, what answers it, and which problems it can answer with. Router, description and
//! metrics are made from this one table.

pub(crate) mod audit;
pub(crate) mod bindings;
pub(crate) mod consents;
pub(crate) mod contacts;
pub(crate) mod erasures;
pub(crate) mod handlers;
pub(crate) mod holds;
pub(crate) mod logs;
pub(crate) mod messages;
pub(crate) mod operator;
pub(crate) mod parked;
pub(crate) mod policies;
pub(crate) mod portal;
pub(crate) mod programs;
pub(crate) mod records;
pub(crate) mod registry;
pub(crate) mod retention;
pub(crate) mod runs;
pub(crate) mod supervision;
pub(crate) mod suppression;
pub(crate) mod usage;
pub(crate) mod webhooks;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use http::{Method, StatusCode};

use crate::app::App;
use crate::code::Code;
use crate::envelope::envelope;
use crate::problem::Problem;

/// A route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    answer: MethodRouter<App>,
    /// The problems that it has besides those that every route of its kind has.
    problems: &'static [Code],
}

impl Route {
    /// Every problem that it can answer with.
    pub(crate) fn problems(&self) -> Vec<Code> {
        let mut codes =
            vec![Code::HttpMalformed, Code::UriTooLong, Code::HeadersTooLarge, Code::HeadersTooMany, Code::Internal];
        if self.path.starts_with("/v1/") {
            codes.extend([Code::AuthMissing, Code::AuthInvalid]);
        }
        if self.path.contains('{') {
            codes.push(Code::PathMalformed);
        }
        codes.extend(self.problems);
        codes.sort_unstable();
        codes
    }
}

/// Of every route that takes a body.
macro_rules! body {
    ($($code:ident),* $(,)?) => {
        &[Code::RequestMalformed, Code::TypeUnsupported, Code::BodyTooLarge, Code::BodyTimeout, $(Code::$code),*]
    };
}

/// Every route.
pub(crate) fn all() -> Vec<Route> {
    use Code::{
        BindingUnknown, Busy, Draining, HandlerUnknown, HeaderInvalid, ImportUnknown, ListUnknown, MessageUnknown,
        NotReady, ParkedUnknown, PolicyUnknown, ProgramUnknown, QueryInvalid, RegistrationUnknown, RequestInvalid,
        RunUnknown, StoreFailed, TooLate, VersionUnknown,
    };
    let route = |method, path, answer, problems| Route { method, path, answer, problems };
    let (read, write, replace, remove) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    const ACCEPT: &[Code] = body![
        HeaderInvalid,
        RequestInvalid,
        PolicyRefused,
        KeyReused,
        KeyBusy,
        Overloaded,
        Draining,
        StoreFull,
        StoreFailed
    ];
    const BATCH: &[Code] =
        body![HeaderInvalid, RequestInvalid, KeyReused, KeyBusy, Overloaded, Busy, Draining, StoreFull, StoreFailed];
    const UPLOAD: &[Code] = body![RequestInvalid, ComponentRefused, Busy, Draining, StoreFull, StoreFailed];
    const UPLOAD_VERSION: &[Code] =
        body![QueryInvalid, RequestInvalid, ComponentRefused, ManifestRefused, Busy, Draining, StoreFull, StoreFailed];
    const GATE: &[Code] =
        body![HeaderInvalid, HandlerUnknown, QueryInvalid, ComponentRefused, Busy, Draining, StoreFailed];
    const CHANGE: &[Code] = body![HandlerUnknown, RequestInvalid, Draining, StoreFailed];
    vec![
        route(write.clone(), "/v1/messages", post(messages::send), ACCEPT),
        route(read.clone(), "/v1/messages", get(records::list), &[HeaderInvalid, QueryInvalid, Draining, StoreFailed]),
        route(write.clone(), "/v1/messages/batch", post(messages::send_batch), BATCH),
        route(
            write.clone(),
            "/v1/messages/explain",
            post(messages::explain),
            body![RequestInvalid, Draining, StoreFailed],
        ),
        route(
            read.clone(),
            "/v1/messages/{id}",
            get(records::message),
            &[HeaderInvalid, MessageUnknown, Draining, StoreFailed],
        ),
        route(read.clone(), "/v1/policies/{version}", get(policies::show), &[PolicyUnknown, Draining, StoreFailed]),
        route(
            read.clone(),
            "/v1/portal/{token}",
            get(portal::show),
            &[HeaderInvalid, MessageUnknown, Draining, StoreFailed],
        ),
        route(
            read.clone(),
            "/v1/messages/{id}/timeline",
            get(records::timeline),
            &[HeaderInvalid, MessageUnknown, Draining, StoreFailed],
        ),
        route(
            write.clone(),
            "/v1/messages/{id}/cancel",
            post(messages::cancel),
            &[MessageUnknown, TooLate, Draining, StoreFailed],
        ),
        route(
            write.clone(),
            "/v1/messages/{id}/resolve",
            post(messages::resolve),
            body![MessageUnknown, NotInDoubt, TooLate, Draining, StoreFailed],
        ),
        route(read.clone(), "/v1/handlers", get(handlers::list), &[]),
        route(replace.clone(), "/v1/handlers/{name}", put(handlers::upload), UPLOAD),
        route(read.clone(), "/v1/handlers/{name}", get(handlers::show), &[HandlerUnknown]),
        route(replace.clone(), "/v1/handlers/{name}/versions", put(handlers::upload_version), UPLOAD_VERSION),
        route(
            read.clone(),
            "/v1/handlers/{name}/versions/{digest}",
            get(runs::component),
            &[VersionUnknown, Draining, StoreFailed],
        ),
        route(write.clone(), "/v1/handlers/{name}/gate", post(runs::gate), GATE),
        route(read.clone(), "/v1/invocations", get(runs::list), &[QueryInvalid, Draining, StoreFailed]),
        route(
            read.clone(),
            "/v1/invocations/{invocation}",
            get(runs::show),
            &[HeaderInvalid, RunUnknown, Draining, StoreFailed],
        ),
        route(
            read.clone(),
            "/v1/invocations/{invocation}/recording",
            get(runs::recording),
            &[HeaderInvalid, RunUnknown, Draining, StoreFailed],
        ),
        route(replace.clone(), "/v1/handlers/{name}/aliases/{alias}", put(handlers::put_alias), CHANGE),
        route(
            remove.clone(),
            "/v1/handlers/{name}/aliases/{alias}",
            delete(handlers::delete_alias),
            &[HandlerUnknown, RequestInvalid, Draining, StoreFailed],
        ),
        route(replace.clone(), "/v1/handlers/{name}/settings", put(handlers::put_settings), CHANGE),
        route(replace.clone(), "/v1/handlers/{name}/secrets/{secret}", put(handlers::put_secret), CHANGE),
        route(
            remove.clone(),
            "/v1/handlers/{name}/secrets/{secret}",
            delete(handlers::delete_secret),
            &[HandlerUnknown, RequestInvalid, Draining, StoreFailed],
        ),
        route(read.clone(), "/v1/handlers/{name}/shadow", get(handlers::shadow), &[HandlerUnknown]),
        route(read.clone(), "/v1/handlers/{name}/logs", get(logs::logs), &[HandlerUnknown, QueryInvalid, Busy]),
        route(read.clone(), "/v1/bindings", get(bindings::list), &[]),
        route(read.clone(), "/v1/bindings/explain", get(bindings::explain), &[QueryInvalid]),
        route(read.clone(), "/v1/bindings/{binding}", get(bindings::show), &[BindingUnknown]),
        route(
            replace.clone(),
            "/v1/bindings/{binding}",
            put(bindings::bind),
            body![NumberUnknown, RequestInvalid, Draining, StoreFailed],
        ),
        route(
            remove.clone(),
            "/v1/bindings/{binding}",
            delete(bindings::unbind),
            &[BindingUnknown, Draining, StoreFailed],
        ),
        route(read.clone(), "/v1/contacts/{number}", get(contacts::show), &[RequestInvalid, Draining, StoreFailed]),
        route(
            replace.clone(),
            "/v1/contacts/{number}",
            put(contacts::record),
            body![RequestInvalid, Draining, StoreFailed],
        ),
        route(read.clone(), "/v1/parked", get(parked::list), &[QueryInvalid, Draining, StoreFailed]),
        route(write.clone(), "/v1/parked/retry", post(parked::retry_all), body![RequestInvalid, Draining, StoreFailed]),
        route(write.clone(), "/v1/parked/{event}/retry", post(parked::retry), &[ParkedUnknown, Draining, StoreFailed]),
        route(read.clone(), "/v1/programs", get(programs::list), &[]),
        route(
            replace.clone(),
            "/v1/programs/{name}",
            put(programs::set_up),
            body![RequestInvalid, Draining, StoreFailed],
        ),
        route(read.clone(), "/v1/programs/{name}", get(programs::show), &[ProgramUnknown]),
        route(
            remove.clone(),
            "/v1/programs/{name}",
            delete(programs::remove),
            &[ProgramUnknown, Draining, StoreFailed],
        ),
        route(read.clone(), "/v1/suppression", get(suppression::list), &[]),
        route(
            replace.clone(),
            "/v1/suppression/{name}",
            put(suppression::import),
            body![QueryInvalid, RequestInvalid, Busy, Draining, StoreFull, StoreFailed],
        ),
        route(read.clone(), "/v1/suppression/{name}", get(suppression::show), &[ListUnknown]),
        route(
            remove.clone(),
            "/v1/suppression/{name}",
            delete(suppression::remove),
            &[ListUnknown, Draining, StoreFailed],
        ),
        route(
            read.clone(),
            "/v1/suppression-checks/{number}",
            get(suppression::check),
            &[RequestInvalid, QueryInvalid],
        ),
        route(remove, "/v1/parked/{event}", delete(parked::discard), &[ParkedUnknown, Draining, StoreFailed]),
        route(read.clone(), "/v1/usage", get(usage::usage), &[QueryInvalid, Draining, StoreFailed]),
        route(read.clone(), "/v1/consents", get(consents::list), &[QueryInvalid, Draining, StoreFailed]),
        route(
            replace.clone(),
            "/v1/consents/{number}",
            put(consents::put),
            body![RequestInvalid, Draining, StoreFailed],
        ),
        route(
            read.clone(),
            "/v1/consents/{number}",
            get(consents::show),
            &[RequestInvalid, QueryInvalid, Draining, StoreFailed],
        ),
        route(
            read.clone(),
            "/v1/consents/{number}/history",
            get(consents::history),
            &[RequestInvalid, QueryInvalid, Draining, StoreFailed],
        ),
        route(
            replace.clone(),
            "/v1/consent-imports/{name}",
            put(consents::import),
            body![RequestInvalid, Busy, Draining, StoreFull, StoreFailed],
        ),
        route(
            read.clone(),
            "/v1/consent-imports/{name}",
            get(consents::show_import),
            &[ImportUnknown, Draining, StoreFailed],
        ),
        route(
            replace.clone(),
            "/v1/registry/{kind}/{id}",
            put(registry::put),
            body![QueryInvalid, RegistrationUnknown, RequestInvalid, Draining, StoreFailed],
        ),
        route(
            read.clone(),
            "/v1/registry/{kind}/{id}",
            get(registry::show),
            &[QueryInvalid, RegistrationUnknown, Draining, StoreFailed],
        ),
        route(read.clone(), "/v1/registry/{kind}", get(registry::list), &[QueryInvalid, RegistrationUnknown]),
        route(
            write.clone(),
            "/v1/registry-imports/{kind}",
            post(registry::import),
            body![QueryInvalid, RegistrationUnknown, RequestInvalid, Busy, Draining, StoreFull, StoreFailed],
        ),
        route(write.clone(), "/v1/registry/tcr", post(registry::tcr), body![SignatureInvalid, Draining, StoreFailed]),
        route(
            write.clone(),
            "/v1/holds",
            post(holds::place),
            body![QueryInvalid, RequestInvalid, Draining, StoreFailed],
        ),
        route(
            write.clone(),
            "/v1/erasures",
            post(erasures::erase),
            body![QueryInvalid, RequestInvalid, HoldCovers, Draining, StoreFailed],
        ),
        route(read.clone(), "/v1/holds", get(holds::list), &[QueryInvalid, Draining, StoreFailed]),
        route(
            write.clone(),
            "/v1/holds/{id}/release",
            post(holds::release),
            body![QueryInvalid, RequestInvalid, HoldUnknown, HoldFast, Draining, StoreFailed],
        ),
        route(read.clone(), "/v1/supervision", get(supervision::list), &[HeaderInvalid, Draining, StoreFailed]),
        route(
            write.clone(),
            "/v1/supervision/{id}/approve",
            post(supervision::approve),
            body![HeaderInvalid, MessageUnknown, RequestInvalid, Draining, StoreFailed],
        ),
        route(
            write.clone(),
            "/v1/supervision/{id}/reject",
            post(supervision::reject),
            body![HeaderInvalid, MessageUnknown, RequestInvalid, Draining, StoreFailed],
        ),
        route(read.clone(), "/v1/retention", get(retention::show), &[Draining, StoreFailed]),
        route(write.clone(), "/v1/retention/run", post(retention::run), &[Draining, StoreFailed]),
        route(read.clone(), "/v1/audit", get(audit::show), &[]),
        route(read.clone(), "/v1/audit/frames", get(audit::frames), &[QueryInvalid, Draining, StoreFailed]),
        route(read.clone(), "/v1/audit/checkpoints", get(audit::checkpoints), &[QueryInvalid, Draining, StoreFailed]),
        route(write.clone(), "/v1/audit/checkpoints", post(audit::sign), &[Draining, StoreFailed]),
        route(read.clone(), "/v1/webhooks", get(webhooks::list), &[]),
        route(replace, "/v1/webhooks/{name}", put(webhooks::set_up), body![RequestInvalid, Draining, StoreFailed]),
        route(read.clone(), "/v1/callback-secret", get(webhooks::callback_secret), &[]),
        route(read.clone(), "/healthz", get(operator::alive), &[]),
        route(read.clone(), "/readyz", get(operator::ready), &[NotReady]),
        route(read.clone(), "/status", get(operator::status), &[]),
        route(read.clone(), "/metrics", get(operator::metrics), &[]),
        route(read, "/openapi.json", get(operator::openapi), &[]),
    ]
}

/// Their paths.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    all().into_iter().map(|route| route.path)
}

/// The router, problems rendered and all.
pub(crate) fn router(app: App) -> Router {
    let routes = all().into_iter().fold(Router::new(), |router, route| router.route(route.path, route.answer));
    routes
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_so)
        .layer(from_fn_with_state(app.clone(), envelope))
        .with_state(app)
}

async fn nothing_here() -> Problem {
    Problem::new(Code::RouteUnknown, "no route has this path; GET /openapi.json lists them all")
}

/// A known path with another method. Axum adds `Allow`.
async fn not_so(request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Problem::new(Code::MethodUnknown, "the header `Allow` lists the methods that this path knows").into_response()
}
