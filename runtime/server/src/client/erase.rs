//! `signalbox erase`.

use http::Method;
use serde_json::{Value, json};

use super::call::{Api, Body, query};
use super::problem::Error;
use super::show::{Paint, Screen};
use crate::args::Whom;

/// `signalbox erase`.
#[derive(Debug, clap::Args)]
pub struct Erase {
    /// The person's number.
    #[arg(allow_hyphen_values = true)]
    number: String,
    /// For whom, and whom to ask.
    #[command(flatten)]
    pub(super) whom: Whom,
}

pub(super) async fn answer(command: Erase, api: &Api, screen: &Screen) -> Result<(), Error> {
    let Erase { number, whom } = command;
    let path = format!("/v1/erasures{}", query(&[("tenant", whom.tenant)]));
    screen.show(&api.call(Method::POST, &path, Body::Json(json!({ "number": number }))).await?, erased);
    Ok(())
}

fn erased(answer: &Value, _: Paint) -> String {
    let number = answer["number"].as_str().unwrap_or_default();
    let (messages, others) = (&answer["messages"], &answer["others"]);
    let kept = if answer["number_hidden"] == false {
        "\nthe consent ledger keeps the number: there is no key to hash it with"
    } else {
        ""
    };
    let lists: Vec<_> = answer["on_lists"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let lists = match lists.as_slice() {
        [] => String::new(),
        lists => format!(
            "\nyour suppression lists keep the number in plain, import them anew without it: {}",
            lists.join(", ")
        ),
    };
    format!("{number}: {messages} messages can't be read any more, {others} other rows are deleted{kept}{lists}")
}
