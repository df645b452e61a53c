//! The API's description: OpenAPI 3.1, made from the code. Handlers describe what they take and how they succeed; the
//! table of routes says how each can fail.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, Header, Ref, ResponseBuilder};

use crate::code::Code;
use crate::routes::{
    self, Route, audit, bindings, consents, contacts, erasures, handlers, holds, logs, messages, operator, parked,
    policies, portal, programs, records, registry, retention, runs, supervision, suppression, usage, webhooks,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Signalbox",
        description = "A serverless messaging runtime: send and receive messages, and handle them with your own code.\n\n\
            Every error is `application/problem+json` (RFC 9457) with a stable `code`. Every answer carries \
            `x-request-id`."
    ),
    paths(
        messages::send,
        messages::send_batch,
        messages::explain,
        messages::cancel,
        messages::resolve,
        records::message,
        records::timeline,
        policies::show,
        portal::show,
        records::list,
        handlers::upload,
        handlers::upload_version,
        handlers::list,
        handlers::show,
        handlers::put_alias,
        handlers::delete_alias,
        handlers::put_settings,
        handlers::put_secret,
        handlers::delete_secret,
        handlers::shadow,
        logs::logs,
        bindings::bind,
        bindings::list,
        bindings::show,
        bindings::unbind,
        bindings::explain,
        parked::list,
        parked::retry,
        parked::retry_all,
        parked::discard,
        runs::list,
        runs::show,
        runs::recording,
        runs::component,
        runs::gate,
        usage::usage,
        contacts::record,
        contacts::show,
        erasures::erase,
        consents::put,
        consents::show,
        consents::history,
        consents::list,
        consents::import,
        consents::show_import,
        programs::set_up,
        programs::list,
        programs::show,
        programs::remove,
        suppression::import,
        suppression::list,
        suppression::show,
        suppression::remove,
        suppression::check,
        registry::put,
        registry::show,
        registry::list,
        registry::import,
        registry::tcr,
        holds::place,
        holds::list,
        holds::release,
        supervision::list,
        supervision::approve,
        supervision::reject,
        retention::show,
        retention::run,
        audit::show,
        audit::frames,
        audit::checkpoints,
        audit::sign,
        webhooks::set_up,
        webhooks::list,
        webhooks::callback_secret,
        operator::alive,
        operator::ready,
        operator::status,
        operator::metrics,
        operator::openapi,
    ),
    components(schemas(crate::problem::ProblemView)),
    tags(
        (name = "messages", description = "Send, follow and take back messages."),
        (name = "handlers", description = "Your code, and the numbers that it answers for."),
        (name = "contacts", description = "What your code may know of the people that it talks to."),
        (name = "consents", description = "What people allow."),
        (name = "programs", description = "Own keywords, answers to HELP and domains, by campaign or sender."),
        (name = "suppression", description = "Numbers to which not everything may be sent."),
        (name = "registry", description = "Who may send what from where: brands, campaigns, numbers."),
        (name = "holds", description = "What must be kept for a matter, whatever else says that it should go."),
        (name = "supervision", description = "Messages that a supervisor looks at before they go."),
        (name = "retention", description = "For how long what is on record is kept."),
        (name = "audit", description = "What was decided and read, so that no change of it goes unseen."),
        (name = "webhooks", description = "Where you are told what happened."),
        (name = "operator", description = "For those who run this host.")
    )
)]
struct Described;

const KEY: &str = "api_key";

/// The description as it is served.
pub(crate) fn json() -> Bytes {
    serde_json::to_vec(&describe()).expect("a description is plain data").into()
}

/// The description.
pub(crate) fn describe() -> utoipa::openapi::OpenApi {
    let mut api = Described::openapi();
    let key = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("sb_<id>_<secret>").build();
    let components = api.components.get_or_insert_default();
    components.security_schemes.insert(KEY.to_owned(), SecurityScheme::Http(key).into());
    for route in routes::all() {
        if let Some(operation) = api.paths.paths.get_mut(route.path).and_then(|item| operation(item, &route.method)) {
            add_problems(operation, &route);
        }
    }
    api
}

fn operation<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match *method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

fn add_problems(operation: &mut Operation, route: &Route) {
    if route.path.starts_with("/v1/") {
        operation.security = Some(vec![SecurityRequirement::new(KEY, Vec::<String>::new())]);
    }
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in route.problems() {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    for (status, codes) in by_status {
        let lines: Vec<_> = codes.iter().map(|code| format!("- `{}`: {}.", code.as_str(), code.title())).collect();
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        let mut response =
            ResponseBuilder::new().description(lines.join("\n")).content("application/problem+json", problem);
        if codes.iter().any(|code| code.retryable() && code.status().as_u16() != 408) {
            response = response.header("Retry-After", Header::default());
        }
        operation.responses.responses.insert(status.to_string(), response.build().into());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn described() -> Value {
        serde_json::from_slice(&json()).unwrap()
    }

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let routed: BTreeSet<_> =
            routes::all().iter().map(|route| (route.path.to_owned(), route.method.as_str().to_lowercase())).collect();
        let api = described();
        let paths = api["paths"].as_object().unwrap();
        let methods = |item: &Value| item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let described: BTreeSet<_> = paths
            .iter()
            .flat_map(|(path, item)| methods(item).into_iter().map(move |method| (path.clone(), method)))
            .collect();
        assert_eq!(routed, described);
    }

    #[test]
    fn every_problem_of_a_route_is_described_there() {
        let api = described();
        for route in routes::all() {
            let operation = &api["paths"][route.path][route.method.as_str().to_lowercase()];
            assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{}", route.path);
            for code in route.problems() {
                let response = &operation["responses"][code.status().as_str()];
                let described = response["description"].as_str().is_some_and(|text| text.contains(code.as_str()));
                assert!(described, "{} {}: {}", route.method, route.path, code.as_str());
                assert!(response["content"]["application/problem+json"]["schema"].is_object());
            }
        }
    }

    #[test]
    fn every_kind_of_problem_can_come_from_somewhere() {
        let named: BTreeSet<_> = routes::all().iter().flat_map(Route::problems).collect();
        // These two belong to no route: there is none.
        let without_route = [Code::RouteUnknown, Code::MethodUnknown];
        let missing: Vec<_> = Code::ALL.iter().filter(|c| !named.contains(c) && !without_route.contains(c)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let api = described();
        let text = api.to_string();
        let names = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        for name in names {
            assert!(api["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
