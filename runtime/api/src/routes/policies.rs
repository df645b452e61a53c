//! Policies that were in use: what a decision's hashes stand for.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use signalbox_engine::described::{AboutRule, AboutTable};
use utoipa::ToSchema;

use crate::app::{App, json};
use crate::code::Code;
use crate::extract::{Segment, Tenant};
use crate::problem::Problem;

/// Policies that were in use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicySet)]
pub(crate) struct PolicySetView {
    /// You: whose rules are among them beside those for everybody.
    tenant: String,
    /// When they were first taken into use.
    taken_at: String,
    /// The packs that were switched on.
    packs: Vec<String>,
    /// The rule set's hash, in hex: a decision's `rules`.
    rules_hash: String,
    /// The tables' hash, in hex: `tables` of a decision's trace.
    tables_hash: String,
    /// The rules for everybody and those for you: id, layer, severity, what they stand on and say, in the order of decisions' outcomes.
    #[schema(value_type = Vec<Object>)]
    rules: Vec<AboutRule>,
    /// The tables: file, day and hash.
    #[schema(value_type = Vec<Object>)]
    tables: Vec<AboutTable>,
}

/// The policies by which something was decided.
///
/// Every set that is taken into use is kept, so that a decision can be read when the rules have long changed.
#[utoipa::path(
    get,
    path = "/v1/policies/{version}",
    tag = "messages",
    operation_id = "get_policy_set",
    params(("version" = String, Path, description = "The hash of the rules, `-`, and the hash of the tables, each in 16 hexadecimal digits.")),
    responses((status = 200, description = "The set.", body = PolicySetView))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(version): Segment,
) -> Result<Response, Problem> {
    let none = || Problem::new(Code::PolicyUnknown, "no such policies were ever in use here");
    let (rules, tables) = read(&version).ok_or_else(none)?;
    let set = app.handle.policy_set(rules, tables).await?.ok_or_else(none)?;
    let described = set.described.only_for(caller.tenant.as_str());
    let view = PolicySetView {
        tenant: caller.tenant.to_string(),
        taken_at: set.taken_at.to_rfc3339(),
        packs: set.packs,
        rules_hash: described.rules_hash,
        tables_hash: described.tables_hash,
        rules: described.rules,
        tables: described.tables,
    };
    Ok(json(StatusCode::OK, &view))
}

fn read(version: &str) -> Option<(u64, u64)> {
    let (rules, tables) = version.split_once('-').filter(|_| version.len() == 33)?;
    Some((u64::from_str_radix(rules, 16).ok()?, u64::from_str_radix(tables, 16).ok()?))
}
