//! The steps, in order. Each asks the API and the carrier whether what it did happened.

use super::House;
use super::show::Show;
use crate::house::{NUMBER, until};
use crate::workspace;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::time::{Duration, Instant};

/// The person with the phone.
pub const PHONE: &str = "+15551234567";
const PATIENCE: Duration = Duration::from_secs(10);

/// A step that was tried.
pub struct Step {
    /// What it is.
    pub name: &'static str,
    /// How long it took.
    pub took: Duration,
    /// Why it didn't happen.
    pub failed: Option<String>,
}

pub struct Play<'a> {
    house: &'a mut House,
    show: &'a Show,
    /// Texts that the phone has by now.
    at_phone: usize,
    /// The message of the API, whose webhooks are looked at in the end.
    sent: String,
}

type Act = fn(&mut Play<'_>) -> Result<()>;

const ACTS: &[(&str, Act)] = &[
    ("a bind to the carrier comes up", |play| play.house.server.api.wait_bound(PATIENCE)),
    ("a handler is uploaded and bound", |play| play.upload()),
    ("a webhook is set up", |play| play.webhook()),
    ("a message by the API is delivered", |play| play.send()),
    ("an inbound message is answered by the handler", |play| play.inbound()),
    ("STOP is obeyed and confirmed", |play| play.stop()),
    ("a message after STOP is refused, with the reason", |play| play.refused()),
    ("webhooks told all of it", |play| play.webhooks()),
];

impl<'a> Play<'a> {
    pub fn new(house: &'a mut House, show: &'a Show) -> Self {
        Self { house, show, at_phone: 0, sent: String::new() }
    }

    /// Plays until a step doesn't happen; those behind it don't either.
    pub fn run(mut self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for (name, act) in ACTS {
            if steps.last().is_some_and(|step| step.failed.is_some()) {
                let failed = Some("not reached".to_owned());
                steps.push(Step { name, took: Duration::ZERO, failed });
                continue;
            }
            self.show.heading(name);
            let began = Instant::now();
            let ended = act(&mut self);
            let failed = ended.err().map(|error| format!("{error:#}"));
            steps.push(Step { name, took: began.elapsed(), failed });
        }
        steps
    }

    fn upload(&mut self) -> Result<()> {
        let component = workspace::guests().join("echo-support.wasm");
        let handler = self.house.server.api.bind_handler("echo-support", &component)?;
        self.show.handler(&handler);
        Ok(())
    }

    fn webhook(&mut self) -> Result<()> {
        let url = self.house.carrier.sink_url();
        self.house.server.api.set_webhook("demo", &url, &["message.*"])?;
        self.show.fact(&format!("every event goes to {url}"));
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        let began = Instant::now();
        let (status, answer) = self.house.server.api.send(PHONE, "Hello {name}, your table for two is ready.")?;
        ensure!(status == 202, "the API answered {status}: {answer}");
        self.show.answer("POST /v1/messages", status, &answer, began.elapsed());
        self.sent = answer["id"].as_str().context("a 202 without an id")?.to_owned();
        let sent = self.sent.clone();
        self.show_timeline(&sent, "delivered")?;
        let text = self.next_at_phone()?;
        ensure!(!text.contains('{'), "the draft handler didn't fill in the name: {text}");
        Ok(())
    }

    fn inbound(&mut self) -> Result<()> {
        self.phone_says("What are your hours?", &["handled"])?;
        let answer = self.next_at_phone()?;
        ensure!(answer.contains("Monday"), "the phone got another answer: {answer}");
        self.show_outbound(&answer, "delivered")
    }

    fn stop(&mut self) -> Result<()> {
        self.phone_says("STOP", &["handled", "unhandled"])?;
        let confirmation = self.next_at_phone()?;
        self.show_outbound(&confirmation, "delivered")?;
        // The handler saw the message too, and answered: what it wrote must not leave.
        self.show.fact("the handler's own answer is stopped:");
        let stopped = self.list("outbound")?.into_iter().find(|message| message["status"] == "rejected");
        let stopped = id(&stopped.context("no answer of the handler was stopped")?)?;
        self.show_timeline(&stopped, "rejected")
    }

    fn refused(&mut self) -> Result<()> {
        let began = Instant::now();
        let (status, answer) = self.house.server.api.send(PHONE, "Still there?")?;
        self.show.answer("POST /v1/messages", status, &answer, began.elapsed());
        ensure!(status == 422, "the API answered {status}: {answer}");
        let reasons = answer["decision"]["reasons"].as_array().context("a refusal without a decision")?;
        ensure!(!reasons.is_empty(), "a decision without reasons: {answer}");
        let texts = self.house.carrier.phone_has(PHONE, self.at_phone, PATIENCE)?;
        ensure!(texts.len() == self.at_phone, "the phone got a message all the same");
        Ok(())
    }

    fn webhooks(&mut self) -> Result<()> {
        let (carrier, sent) = (&mut self.house.carrier, &self.sent);
        let mut told = until("message.delivered at the webhook", PATIENCE, || {
            let (hooks, _) = carrier.hooks(0)?;
            let delivered = hooks.iter().any(|hook| hook.event == "message.delivered" && hook.message == *sent);
            Ok(delivered.then_some(hooks))
        })?;
        told.retain(|hook| hook.message == *sent);
        let events: Vec<_> = told.iter().map(|hook| hook.event.as_str()).collect();
        self.show.fact(&format!("{sent}: {}", events.join(", ")));
        let all = self.house.carrier.hook_count()?;
        self.show.fact(&format!("{all} webhooks so far"));
        Ok(())
    }

    /// The phone sends; the message's timeline is shown once its status is one of these.
    fn phone_says(&mut self, text: &str, statuses: &[&str]) -> Result<()> {
        self.show.fact(&format!("{PHONE} writes: {text}"));
        let before = self.list("inbound")?.len();
        self.house.carrier.phone_sends(PHONE, NUMBER, text)?;
        let id = until("the inbound message", PATIENCE, || {
            let inbound = self.list("inbound")?;
            Ok((inbound.len() > before).then(|| id(&inbound[0])))
        })??;
        let timeline = self.house.server.api.timeline_at(&id, statuses, PATIENCE)?;
        self.show.timeline(&timeline);
        Ok(())
    }

    fn next_at_phone(&mut self) -> Result<String> {
        self.at_phone += 1;
        let mut texts = self.house.carrier.phone_has(PHONE, self.at_phone, PATIENCE)?;
        let text = texts.swap_remove(self.at_phone - 1);
        self.show.fact(&format!("{PHONE} reads: {text}"));
        Ok(text)
    }

    /// The newest outbound message of this text, once it has this status.
    fn show_outbound(&mut self, says: &str, status: &str) -> Result<()> {
        let found = self.list("outbound")?.into_iter().find(|message| message["text"] == says);
        let id = id(&found.context("the API doesn't list what the phone got")?)?;
        self.show_timeline(&id, status)
    }

    fn show_timeline(&mut self, id: &str, status: &str) -> Result<()> {
        let timeline = self.house.server.api.timeline_at(id, &[status], PATIENCE)?;
        self.show.timeline(&timeline);
        Ok(())
    }

    fn list(&mut self, direction: &str) -> Result<Vec<Value>> {
        self.house.server.api.list(&format!("direction={direction}"))
    }
}

fn id(message: &Value) -> Result<String> {
    Ok(message["id"].as_str().context("a message without an id")?.to_owned())
}
