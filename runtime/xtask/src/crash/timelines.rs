//! What the API says of each accepted message, once nothing moves any more.

use super::books::Books;
use crate::house::{Api, Server};
use crate::progress;
use anyhow::Result;
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A message's timeline, as far as the verdict needs it.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    pub status: String,
    /// How often it was in doubt.
    pub in_doubt: usize,
    /// The carrier's ids that the house heard.
    pub carrier_ids: Vec<String>,
}

/// By message id. One that the API doesn't know isn't there.
#[derive(Debug, Default)]
pub struct Timelines(pub HashMap<String, Timeline>);

/// How long messages may take to settle.
const PATIENCE: Duration = Duration::from_secs(90);

impl Timeline {
    /// No later change is expected.
    pub fn has_ended(&self) -> bool {
        matches!(self.status.as_str(), "delivered" | "undelivered" | "expired" | "rejected" | "failed" | "canceled")
    }

    /// Nothing will happen to it by itself, for now.
    pub fn is_settled(&self) -> bool {
        self.has_ended() || matches!(self.status.as_str(), "in_doubt" | "held")
    }

    fn read(timeline: &Value) -> Self {
        let mut read = Self { status: text(&timeline["message"]["status"]), ..Self::default() };
        for entry in timeline["entries"].as_array().into_iter().flatten() {
            read.in_doubt += usize::from(entry["status"] == "in_doubt");
            let ids = entry["cause"]["carrier_ids"].as_array();
            read.carrier_ids.extend(ids.into_iter().flatten().map(text));
        }
        read
    }
}

impl Timelines {
    /// Ids of messages that have ended.
    pub fn ended(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, timeline)| timeline.has_ended()).map(|(id, _)| id.as_str())
    }
}

/// Asks for every accepted message until all have settled; those that don't in time are as they are then.
pub fn settled(server: &mut Server, books: &Books) -> Result<Timelines> {
    let mut open: Vec<&str> = books.sent.iter().filter_map(|sent| sent.id.as_deref()).collect();
    open.sort_unstable();
    open.dedup();
    let (mut timelines, until) = (Timelines::default(), Instant::now() + PATIENCE);
    progress::step(&format!("{} messages settle", open.len()), || {
        loop {
            let asked = ask(&server.api, &open).or_else(|error| server.process.check().and(Err(error)))?;
            open.retain(|id| !asked.get(*id).is_some_and(Timeline::is_settled));
            timelines.0.extend(asked);
            if open.is_empty() || Instant::now() >= until {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    })?;
    Ok(timelines)
}

/// Over several connections: each has one request at a time.
pub(super) fn ask(api: &Api, ids: &[&str]) -> Result<HashMap<String, Timeline>> {
    let share = ids.len().div_ceil(4).max(1);
    std::thread::scope(|scope| {
        let work = ids.chunks(share).map(|ids| {
            let mut api = api.another();
            scope.spawn(move || -> Result<Vec<(String, Timeline)>> {
                let mut found = Vec::new();
                for id in ids {
                    found.extend(api.timeline(id)?.map(|timeline| ((*id).to_owned(), Timeline::read(&timeline))));
                }
                Ok(found)
            })
        });
        let work: Vec<_> = work.collect();
        let mut all = HashMap::new();
        for part in work {
            all.extend(part.join().expect("asking doesn't panic")?);
        }
        Ok(all)
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
