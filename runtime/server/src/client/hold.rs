//! `signalbox hold`.

use http::Method;
use serde_json::{Value, json};

use super::call::{Api, Body, query, segment};
use super::problem::Error;
use super::show::{Paint, Screen};
use crate::args::{Server, Whom};

/// `signalbox hold`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Place a legal hold: nothing that it covers is erased or taken away by age.
    Place {
        /// On everything to and from this person; with --sender, only what went between the two.
        #[arg(long, required_unless_present = "all")]
        number: Option<String>,
        /// One of the tenant's numbers.
        #[arg(long, requires = "number")]
        sender: Option<String>,
        /// On everything of the tenant's.
        #[arg(long, conflicts_with = "number")]
        all: bool,
        /// The matter.
        #[arg(long)]
        why: String,
        /// For whom, and whom to ask.
        #[command(flatten)]
        whom: Whom,
    },
    /// List holds: those that stand, and the last that don't any more.
    List {
        /// For whom, and whom to ask.
        #[command(flatten)]
        whom: Whom,
    },
    /// Release a hold.
    Release {
        /// `hold_…`
        id: String,
        /// Why.
        #[arg(long)]
        why: String,
        /// For whom, and whom to ask.
        #[command(flatten)]
        whom: Whom,
    },
}

pub(super) fn server(command: &Command) -> &Server {
    match command {
        Command::Place { whom, .. } | Command::List { whom } | Command::Release { whom, .. } => &whom.server,
    }
}

pub(super) async fn answer(command: Command, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        Command::Place { number, sender, all, why, whom } => {
            let on = if all {
                "tenant"
            } else if sender.is_some() {
                "conversation"
            } else {
                "contact"
            };
            let path = format!("/v1/holds{}", query(&[("tenant", whom.tenant)]));
            let body = json!({ "on": on, "number": number, "sender": sender, "why": why });
            screen.show(&api.call(Method::POST, &path, Body::Json(body)).await?, one);
        }
        Command::List { whom } => {
            let path = format!("/v1/holds{}", query(&[("tenant", whom.tenant)]));
            screen.show(&api.get(&path).await?, all);
        }
        Command::Release { id, why, whom } => {
            let path = format!("/v1/holds/{}/release{}", segment(&id), query(&[("tenant", whom.tenant)]));
            screen.show(&api.call(Method::POST, &path, Body::Json(json!({ "why": why }))).await?, one);
        }
    }
    Ok(())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn all(answer: &Value, paint: Paint) -> String {
    let all = answer["holds"].as_array().map_or(&[][..], Vec::as_slice);
    if all.is_empty() {
        return "Nothing is held.".to_owned();
    }
    all.iter().map(|hold| one(hold, paint)).collect::<Vec<_>>().join("\n")
}

fn one(hold: &Value, _: Paint) -> String {
    let on = match (hold["number"].as_str(), hold["sender"].as_str()) {
        (Some(number), Some(sender)) => format!("what went between {sender} and {number}"),
        (Some(number), None) => format!("all of {number}"),
        _ => "everything".to_owned(),
    };
    let placed = format!("{}, by {}", text(hold, "placed_at"), text(hold, "placed_by"));
    let release = &hold["released"];
    let ended = match release.is_object() {
        true => format!("; released {}, by {}: {}", text(release, "at"), text(release, "by"), text(release, "why")),
        false => String::new(),
    };
    format!("{}  {on}, {placed}: {}{ended}", text(hold, "id"), text(hold, "why"))
}
