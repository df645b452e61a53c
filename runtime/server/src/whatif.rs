//! `signalbox policy whatif`: what a changed rule set would have said of recorded traffic.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use signalbox_model::{Clock, Decision, Message, Timestamp};
use signalbox_policy::place::Known;
use signalbox_policy::whatif::{Changed, Judged, Shown, Then, judge};
use signalbox_policy::{Origin, Policies, Whose};

use crate::args::Server;
use crate::exit::{self, Error};
use crate::machine::SystemClock;
use crate::policy::{Kept, decisions, kept, read, text};
use crate::{block_on, client, out};

/// `signalbox policy whatif`.
#[derive(Debug, clap::Args)]
pub struct WhatIf {
    /// The changed policy folder.
    #[arg(long)]
    pub with: PathBuf,
    /// A pack to switch on with it; may be given several times.
    #[arg(long = "pack")]
    pub packs: Vec<String>,
    /// How far back messages are looked at, such as 12h or 7d.
    #[arg(long, default_value = "7d", value_parser = signalbox_forms::duration)]
    pub since: std::time::Duration,
    /// Messages that are looked at, at most, the newest first: each is asked for by itself.
    #[arg(long, default_value_t = 1_000)]
    pub most: usize,
    /// Instead of a running Signalbox, a file with an array of timelines as the API prints them.
    #[arg(long)]
    pub from: Option<PathBuf>,
    /// Whom to ask.
    #[command(flatten)]
    pub server: Server,
}

/// Examples of a change that are shown.
const EXAMPLES: usize = 3;

/// What came of all messages together.
#[derive(Debug, Default)]
struct Tally {
    looked_at: usize,
    same: usize,
    changed: BTreeMap<(String, &'static str), Vec<String>>,
    fires: BTreeMap<String, Vec<String>>,
    silent: BTreeMap<String, Vec<String>>,
    unknown: BTreeMap<&'static str, Vec<String>>,
    cannot_be_told: usize,
    without: usize,
    /// Messages whose words nobody can read any more.
    unreadable: usize,
    /// Tables that are others than when messages were decided on, with how many were decided by others.
    tables: BTreeMap<String, usize>,
    /// Messages that were decided by tables of which nothing is written down.
    tables_unknown: usize,
}

/// What a running Signalbox has of policies that decided, as it was asked for.
#[derive(Default)]
struct Sets(BTreeMap<(u64, u64), Option<Kept>>);

impl Sets {
    async fn of(&mut self, server: &Server, decision: &Decision) -> Result<Option<&Kept>, Error> {
        let version = (decision.rules, decision.trace.tables);
        Ok(match self.0.entry(version) {
            Entry::Occupied(known) => known.into_mut().as_ref(),
            Entry::Vacant(new) => new.insert(kept(server, version).await?).as_ref(),
        })
    }
}

/// What is known of a message besides its timeline.
#[derive(Default)]
struct Beside<'a> {
    set: Option<&'a Kept>,
    contact: Option<Value>,
}

/// Runs the command.
pub fn run(args: &WhatIf) -> Result<ExitCode, Error> {
    let policies = Policies::open(&Origin { folder: Some(args.with.clone()), packs: args.packs.clone() })?;
    let mut tally = Tally::default();
    match &args.from {
        Some(file) => {
            let timelines = read(file)?;
            let all = timelines.as_array().map_or(std::slice::from_ref(&timelines), Vec::as_slice);
            all.iter().take(args.most).for_each(|timeline| tally.look_at(&policies, timeline, &Beside::default()));
        }
        None => block_on(Some(1), ask(args, &policies, &mut tally))?,
    }
    let cut = tally.looked_at == args.most;
    if args.server.json {
        out::line(tally.to_json(cut));
    } else {
        out::line(tally.to_text(cut));
    }
    Ok(ExitCode::from(if tally.looked_at == 0 { exit::FAILED } else { 0 }))
}

/// Goes through the messages of a running Signalbox.
async fn ask(args: &WhatIf, policies: &Policies, tally: &mut Tally) -> Result<(), Error> {
    let after = Timestamp::from_micros(
        SystemClock.now().as_micros().saturating_sub(u64::try_from(args.since.as_micros()).unwrap_or(u64::MAX)),
    );
    let mut sets = Sets::default();
    client::timelines_after(&args.server, after, args.most, async |timeline| {
        let set = match decisions(timeline).into_iter().next() {
            Some(found) => sets.of(&args.server, &found.decision).await?,
            None => None,
        };
        let contact = match text(timeline, "to").filter(|_| policies.asks_for_place()) {
            Some(number) => client::contact_of(&args.server, &number).await?,
            None => None,
        };
        tally.look_at(policies, timeline, &Beside { set, contact });
        Ok::<_, Error>(())
    })
    .await
}

impl Tally {
    fn look_at(&mut self, policies: &Policies, timeline: &Value, beside: &Beside<'_>) {
        self.looked_at += 1;
        let id = text(timeline, "id").unwrap_or_default();
        let tenant = text(timeline, "tenant").or_else(|| beside.set.map(|set| set.tenant.clone()));
        let campaign = text(timeline, "campaign");
        let whose = Whose { tenant: tenant.as_deref(), campaign: campaign.as_deref() };
        // The first decision is what became of the message when it came; later ones are of other moments.
        let found = decisions(timeline).into_iter().next();
        let at = found.as_ref().and_then(|found| Timestamp::parse_rfc3339(found.at.as_deref()?));
        let (Some(found), Some(at)) = (found, at) else {
            self.without += 1;
            return;
        };
        let changed = self.tables(policies, &found.decision, beside.set);
        let message = readable(timeline, tenant.as_deref().unwrap_or("unknown"), at);
        self.unreadable += usize::from(message.is_none());
        let contact = beside.contact.as_ref();
        let place = Known {
            zone: contact.and_then(|contact| contact["time_zone"].as_str()),
            zip: contact.and_then(|contact| contact["attributes"]["zip"].as_str()),
        };
        let decision = &found.decision;
        let then = Then { decision, whose, at, message: message.as_ref(), place, changed };
        self.note(&id, decision.verdict.as_str(), judge(policies, then));
    }

    /// Which tables are others than when something was decided.
    fn tables(&mut self, policies: &Policies, decision: &Decision, set: Option<&Kept>) -> Changed {
        if decision.trace.tables == policies.tables.hash() {
            return Changed::default();
        }
        let Some(set) = set else {
            self.tables_unknown += 1;
            return Changed { content: true, place: true };
        };
        let now = policies.describe();
        let mut changed = Changed::default();
        for table in now.tables_other_than(&set.described) {
            *self.tables.entry(table.file.clone()).or_default() += 1;
            changed = changed.and(Changed::by(&table.file).unwrap_or_default());
        }
        changed
    }

    fn note(&mut self, id: &str, then: &str, judged: Judged) {
        let keep = |examples: &mut Vec<String>| examples.push(id.to_owned());
        if !judged.is_known() {
            self.cannot_be_told += 1;
            judged.missing.into_iter().for_each(|fact| keep(self.unknown.entry(fact).or_default()));
            return;
        }
        if then == judged.verdict {
            self.same += 1;
        } else {
            keep(self.changed.entry((then.to_owned(), judged.verdict)).or_default());
        }
        judged.fires.into_iter().for_each(|rule| keep(self.fires.entry(rule).or_default()));
        judged.silent.into_iter().for_each(|rule| keep(self.silent.entry(rule).or_default()));
    }

    fn to_json(&self, cut: bool) -> Value {
        let list = |all: &BTreeMap<String, Vec<String>>| {
            let one = |(rule, ids): (&String, &Vec<String>)| json!({ "rule": rule, "messages": ids.len(), "examples": some(ids) });
            all.iter().map(one).collect::<Vec<_>>()
        };
        let changed = self.changed.iter().map(
            |((then, now), ids)| json!({ "was": then, "would_be": now, "messages": ids.len(), "examples": some(ids) }),
        );
        let unknown = self
            .unknown
            .iter()
            .map(|(fact, ids)| json!({ "fact": fact, "messages": ids.len(), "examples": some(ids) }));
        json!({
            "messages": self.looked_at,
            "same": self.same,
            "changed": changed.collect::<Vec<_>>(),
            "fire_now": list(&self.fires),
            "silent_now": list(&self.silent),
            "cannot_be_told": self.cannot_be_told,
            "facts_not_recorded": unknown.collect::<Vec<_>>(),
            "without_decision": self.without,
            "texts_unreadable": self.unreadable,
            "tables_changed": self.tables.iter().map(|(file, messages)| json!({
                "file": file, "messages": messages, "asked_again": Changed::by(file).is_some(),
            })).collect::<Vec<_>>(),
            "tables_unknown": self.tables_unknown,
            "only_the_newest": cut,
        })
    }

    fn to_text(&self, cut: bool) -> String {
        let changed: usize = self.changed.values().map(Vec::len).sum();
        let mut lines = vec![format!(
            "{} messages: {} with the same verdict, {changed} with another, {} of which it can't be told, {} without a \
             recorded decision",
            self.looked_at, self.same, self.cannot_be_told, self.without
        )];
        for ((then, now), ids) in &self.changed {
            lines.push(format!("  {then} -> {now}: {}, such as {}", ids.len(), some(ids).join(", ")));
        }
        for (what, rules) in [("fires now", &self.fires), ("is silent now", &self.silent)] {
            for (rule, ids) in rules {
                lines.push(format!("  {rule} {what}: {}, such as {}", ids.len(), some(ids).join(", ")));
            }
        }
        for (fact, ids) in &self.unknown {
            lines.push(format!("  {fact} wasn't recorded, since no rule read it: {}", ids.len()));
        }
        for (file, messages) in &self.tables {
            let again = match Changed::by(file) {
                Some(_) => "asked again",
                None => "which can't be asked again: what it told then is taken as it was",
            };
            lines.push(format!("  {file} is another than it was for {messages}, {again}"));
        }
        if self.tables_unknown > 0 {
            let told = "were decided by tables of which no version is known; texts and places were asked again";
            lines.push(format!("  {} {told}", self.tables_unknown));
        }
        if self.unreadable > 0 {
            lines.push(format!("  the text of {} can't be read: only what was kept of it is known", self.unreadable));
        }
        if cut {
            lines.push("  these are the newest alone; --most has more looked at".to_owned());
        }
        lines.push("  keywords, revocation and answers are of inbound texts, and aren't asked; nor is a message's later checks".to_owned());
        lines.join("\n")
    }
}

/// The message of a timeline as it was first decided on, if its words can be read.
fn readable(timeline: &Value, tenant: &str, at: Timestamp) -> Option<Message> {
    let message = timeline.get("message").unwrap_or(timeline);
    let field = |name: &str| message[name].as_str();
    let words = field("original_text").or_else(|| field("text"))?;
    if message["body_erased"] == true || words == signalbox_engine::REDACTED {
        return None;
    }
    let media = message["media_urls"].as_array().into_iter().flatten();
    let shown = Shown {
        tenant,
        from: field("from")?,
        to: field("to")?,
        text: words,
        category: field("category")?,
        campaign: field("campaign"),
        media_urls: media.filter_map(Value::as_str).map(str::to_owned).collect(),
    };
    shown.message(at)
}

fn some(ids: &[String]) -> &[String] {
    &ids[..ids.len().min(EXAMPLES)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_model::Category;
    use signalbox_policy::Facts;

    fn timeline(id: &str, category: Category) -> Value {
        let facts = Facts {
            direction: Some(signalbox_model::Direction::Outbound),
            category: Some(category),
            origin: Some(signalbox_policy::OriginKind::Api),
            segments: Some(7),
            opted_out: Some(false),
            ..Facts::default()
        };
        let decision = Policies::built_in().decide(&facts, Whose::default());
        json!({
            "id": id, "tenant": "acme",
            "timeline": [{ "at": "2026-11-23T12:00:00Z", "status": "queued", "cause": { "kind": "queued", "decision": decision } }],
        })
    }

    #[test]
    fn what_changes_is_counted_by_rule_with_examples_and_what_cant_be_told_is_said() {
        let rules = |when: &str| {
            let text = format!(
                "[[rule]]\nid = \"more\"\ncite = \"c\"\nseverity = \"deny\"\nclass = \"limit.rate\"\nwhen = '{when}'\n\
                 on_unknown = \"deny\"\nexplain = \"e\"\nfix = \"f\"\n"
            );
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("more.toml"), text).unwrap();
            Policies::load(folder.path()).unwrap()
        };
        let mut tally = Tally::default();
        let stricter = rules("segments > 6");
        tally.look_at(&stricter, &timeline("msg_1", Category::Otp), &Beside::default());
        tally.look_at(&stricter, &json!({ "id": "msg_2", "timeline": [] }), &Beside::default());
        tally.look_at(&rules("has_shortener"), &timeline("msg_3", Category::Otp), &Beside::default());
        let told = tally.to_json(false);
        assert_eq!((&told["messages"], &told["without_decision"]), (&json!(3), &json!(1)), "{told}");
        assert_eq!(told["fire_now"][0]["rule"], "more");
        assert_eq!(told["fire_now"][0]["examples"], json!(["msg_1"]));
        assert_eq!(
            (&told["cannot_be_told"], &told["facts_not_recorded"][0]["fact"]),
            (&json!(1), &json!("has_shortener"))
        );
        let text = tally.to_text(false);
        assert!(text.contains("more fires now: 1, such as msg_1") && text.contains("has_shortener wasn't recorded"));
    }
}
