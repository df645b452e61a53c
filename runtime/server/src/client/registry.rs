//! `signalbox brand`, `campaign`, `number`, `tollfree` and `shortcode`: create, import, list, show.

use std::fmt::Write;

use http::Method;
use serde_json::{Map, Value, json};

use super::call::{Api, Body, query, segment};
use super::problem::Error;
use super::show::{Paint, Screen};
use crate::args::{Register, Server};

/// Fields that hold several values.
const LISTS: [&str; 3] = ["sub_use_cases", "samples", "domains"];
/// Fields that are numbers.
const COUNTS: [&str; 1] = ["score"];
/// Fields that are true or false.
const FLAGS: [&str; 10] = [
    "embedded_link",
    "embedded_phone",
    "age_gated",
    "direct_lending",
    "affiliate_marketing",
    "number_pool",
    "subscriber_optin",
    "subscriber_optout",
    "subscriber_help",
    "dca_complete",
];

pub(super) fn server(command: &Register) -> &Server {
    match command {
        Register::Create { whom, .. }
        | Register::Import { whom, .. }
        | Register::List { whom }
        | Register::Show { whom, .. } => &whom.server,
    }
}

pub(super) async fn answer(kind: &str, command: Register, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        Register::Create { id, fields, whom } => {
            let path = format!("/v1/registry/{kind}/{}{}", segment(&id), query(&[("tenant", whom.tenant)]));
            screen.show(&api.call(Method::PUT, &path, Body::Json(body(&fields))).await?, one);
        }
        Register::Import { file, whom } => {
            let bytes = super::read(&file).await?;
            let toml = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
            let path = format!("/v1/registry-imports/{kind}{}", query(&[("tenant", whom.tenant)]));
            let body = if toml { Body::Toml(bytes) } else { Body::Csv(bytes) };
            let imported = api.call(Method::POST, &path, body).await?;
            screen.show(&imported, |answer, _| format!("{} imported", answer["imported"]));
        }
        Register::List { whom } => {
            let path = format!("/v1/registry/{kind}{}", query(&[("tenant", whom.tenant)]));
            screen.show(&api.get(&path).await?, all);
        }
        Register::Show { id, whom } => screen.show(&show(kind, &id, whom.tenant, api).await?, detail),
    }
    Ok(())
}

/// Something registered, with its history.
pub(super) async fn show(kind: &str, id: &str, tenant: Option<String>, api: &Api) -> Result<Value, Error> {
    api.get(&format!("/v1/registry/{kind}/{}{}", segment(id), query(&[("tenant", tenant)]))).await
}

/// Fields of the command line as the API takes them: given twice, or with `|` in it, a list has several values.
fn body(fields: &[(String, String)]) -> Value {
    let mut body = Map::new();
    for (name, text) in fields {
        if LISTS.contains(&name.as_str()) {
            let list = body.entry(name.clone()).or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.extend(text.split('|').map(|one| json!(one.trim())));
            }
            continue;
        }
        let flag = FLAGS.contains(&name.as_str()).then(|| text.parse::<bool>().ok()).flatten();
        let count = COUNTS.contains(&name.as_str()).then(|| text.parse::<u32>().ok()).flatten();
        let value = flag.map(Value::from).or(count.map(Value::from)).unwrap_or_else(|| json!(text));
        body.insert(name.clone(), value);
    }
    Value::Object(body)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn one(record: &Value, _: Paint) -> String {
    format!("{}: {}", text(record, "id"), text(record, "status"))
}

fn all(answer: &Value, paint: Paint) -> String {
    let all = answer["registrations"].as_array().map_or(&[][..], Vec::as_slice);
    if all.is_empty() {
        return "Nothing is registered.".to_owned();
    }
    all.iter().map(|record| one(record, paint)).collect::<Vec<_>>().join("\n")
}

fn detail(record: &Value, paint: Paint) -> String {
    let mut words = one(record, paint);
    for (name, value) in record["fields"].as_object().into_iter().flatten() {
        let shown = match value {
            Value::Null => continue,
            Value::String(text) if text.is_empty() => continue,
            Value::Array(items) if items.is_empty() => continue,
            Value::String(text) => text.clone(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
            other => other.to_string(),
        };
        let _ = write!(words, "\n  {name:<20} {shown}");
    }
    for line in record["history"].as_array().map_or(&[][..], Vec::as_slice) {
        let _ = write!(words, "\n{} {} {}", text(line, "at"), text(line, "who"), text(line, "event"));
        for change in line["changes"].as_array().map_or(&[][..], Vec::as_slice) {
            let side = |key| change[key].as_str().unwrap_or("-").to_owned();
            let _ = write!(words, "\n    {}: {} -> {}", text(change, "field"), side("before"), side("after"));
        }
        if let Some(note) = line["note"].as_str() {
            let _ = write!(words, "\n    {note}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_what_the_api_takes() {
        let given =
            [("samples", "One|Two"), ("samples", "Three"), ("number_pool", "true"), ("score", "80"), ("name", "80")];
        let given: Vec<_> = given.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let expected = json!({ "samples": ["One", "Two", "Three"], "number_pool": true, "score": 80, "name": "80" });
        assert_eq!(body(&given), expected);
    }
}
