//! What the API counts: by route, never by tenant, number or id.

use std::collections::HashMap;
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// What a request was and how it ended. All parts are static, so that counting allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    method: &'static str,
    route: &'static str,
    status: u16,
}

/// Which route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: &'static str,
}

/// What the API counts.
pub(crate) struct Metrics {
    routes: HashMap<&'static str, &'static str>,
    requests: Family<Ended, Counter>,
    seconds: Family<Route, Histogram>,
    pub(crate) connections: Gauge,
}

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        // From half a millisecond, a commit on a fast disk, to half a minute, when bodies time out.
        let buckets =
            || Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0]);
        let seconds = Family::new_with_constructor(buckets as fn() -> Histogram);
        let routes = crate::routes::paths().map(|path| (path, path)).collect();
        let metrics = Self { routes, requests: Family::default(), seconds, connections: Gauge::default() };
        let registry = registry.sub_registry_with_prefix("signalbox_http");
        registry.register("requests", "Requests by route and status", metrics.requests.clone());
        registry.register_with_unit("request", "From head to answer", Unit::Seconds, metrics.seconds.clone());
        registry.register("connections", "Connections that are open", metrics.connections.clone());
        metrics
    }

    /// The name of a matched path in labels.
    pub(crate) fn route(&self, path: Option<&str>) -> &'static str {
        path.and_then(|path| self.routes.get(path)).copied().unwrap_or("none")
    }

    pub(crate) fn count(&self, method: &Method, route: &'static str, status: StatusCode, took: Duration) {
        let ended = Ended { method: method_name(method), route, status: status.as_u16() };
        self.requests.get_or_create(&ended).inc();
        self.seconds.get_or_create(&Route { route }).observe(took.as_secs_f64());
    }
}

/// Methods that clients make up don't become labels.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "other",
    }
}
