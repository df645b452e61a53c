//! `signalbox retention`: for how long what is on record is kept, and what was deleted.

use http::Method;
use serde_json::{Value, json};

use super::call::{Api, Body};
use super::problem::Error;
use super::show::{Paint, Screen};
use crate::args::{Retention, Server};

/// What is counted, with its name for people.
const KINDS: [(&str, &str); 6] = [
    ("messages", "messages"),
    ("carrier_ids", "carriers' ids"),
    ("deliveries", "answers of webhooks"),
    ("parked_deliveries", "webhook events given up"),
    ("parked_events", "events given up"),
    ("audit", "frames of the audit log"),
];

pub(super) fn server(command: &Retention) -> &Server {
    match command {
        Retention::Show { server } | Retention::Run { server } => server,
    }
}

pub(super) async fn answer(command: Retention, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        Retention::Show { .. } => screen.show(&api.get("/v1/retention").await?, shown),
        Retention::Run { .. } => {
            let mut total = json!({});
            loop {
                let ran = api.call(Method::POST, "/v1/retention/run", Body::Empty).await?;
                for (kind, _) in KINDS {
                    let more = ran["deleted"][kind].as_u64().unwrap_or_default();
                    total[kind] = (total[kind].as_u64().unwrap_or_default() + more).into();
                }
                if ran["more"] != true {
                    break;
                }
            }
            screen.show(&json!({ "deleted": total }), |ran, _| deleted(&ran["deleted"]));
        }
    }
    Ok(())
}

fn shown(answer: &Value, _: Paint) -> String {
    let days = |key: &str| answer[key].as_u64().map_or_else(|| "for ever".to_owned(), |days| format!("{days} days"));
    let held = if answer["held"] == true { "\nunder a legal hold in part: what it is on isn't deleted" } else { "" };
    let last = answer["last_deleted_at"].as_str().map(|at| format!(", the last at {at}")).unwrap_or_default();
    format!(
        "class {}: messages {}, carriers' ids {}, answers of webhooks {}, audit log {}{held}\n{}{last}",
        answer["class"].as_str().unwrap_or_default(),
        days("messages_days"),
        days("carrier_ids_days"),
        days("deliveries_days"),
        days("audit_days"),
        deleted(&answer["deleted"]),
    )
}

fn deleted(counts: &Value) -> String {
    let some = KINDS.iter().filter(|(kind, _)| counts[kind].as_u64().unwrap_or_default() > 0);
    let some: Vec<_> = some.map(|(kind, name)| format!("{} {name}", counts[kind])).collect();
    if some.is_empty() { "nothing was deleted".to_owned() } else { format!("deleted: {}", some.join(", ")) }
}
