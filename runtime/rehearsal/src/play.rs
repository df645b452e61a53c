//! The steps of a conversation, one after the other.

use std::time::Duration;

use signalbox_engine::{Refused, Request};
use signalbox_model::{MessageId, ReceiptState};

use crate::error::Error;
use crate::house::{Again, House};
use crate::idle::Idle;
use crate::outcome::{Failed, Replays};
use crate::phone::Got;
use crate::script::{Conversation, Sending, What};
use crate::stage::Stage;
use crate::transcript::Transcript;

/// A conversation under way.
pub(crate) struct Play {
    pub(crate) house: House,
    pub(crate) transcript: Transcript,
    /// What phones got, and whether a step looked at it.
    pub(crate) got: Vec<(Got, bool)>,
    /// What became of the tenant's last send.
    pub(crate) sent: Option<Sent>,
    /// Events that were set aside before the last step that did something.
    pub(crate) parked_before: usize,
}

/// What became of a send.
pub(crate) enum Sent {
    /// It is a message.
    Accepted(MessageId),
    /// It was refused, for this.
    Refused(String),
}

/// What a step expected, and what was there.
pub(crate) struct Miss {
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// Plays a conversation; says what went otherwise than it says, if anything did, and how its runs were replayed.
pub(crate) async fn play(
    stage: &Stage,
    conversation: &Conversation,
    idle: &Idle,
) -> Result<(Option<Failed>, Replays), Error> {
    let house = House::open(stage, conversation, idle).await?;
    let transcript = Transcript::default();
    let mut play = Play { house, transcript, got: Vec::new(), sent: None, parked_before: 0 };
    for step in &conversation.steps {
        let missed = match play.step(&step.what).await {
            Ok(None) => continue,
            Ok(Some(miss)) => miss,
            Err(error) => Miss { expected: "the conversation to go on".to_owned(), got: error.to_string() },
        };
        let Miss { expected, got } = missed;
        let failed = Failed { line: step.line, expected, got, so_far: play.transcript.into_lines() };
        return Ok((Some(failed), Replays::default()));
    }
    // A handler that does otherwise with the same answers can't be looked into afterwards.
    let Again { replays, difference } = play.house.run_again(stage).await?;
    let failed = difference.map(|got| {
        let expected = "the handler to do the same when its events are replayed".to_owned();
        Failed { line: conversation.line, expected, got, so_far: play.transcript.into_lines() }
    });
    Ok((failed, replays))
}

impl Play {
    /// Does what the step says, or looks whether it holds.
    async fn step(&mut self, what: &What) -> Result<Option<Miss>, Error> {
        match what {
            What::In { text } => {
                self.begin(format!("<- contact: {text:?}")).await?;
                self.house.text(text).await?;
            }
            What::Send(sending) => {
                self.begin(format!("<- API: {:?}", sending.text)).await?;
                self.send(sending).await?;
            }
            What::Receipt { state, code } => {
                self.begin(format!("<- carrier: {state:?}")).await?;
                if let Some(miss) = self.receipt(*state, code.as_deref()).await? {
                    return Ok(Some(miss));
                }
            }
            What::Advance(by) => {
                self.begin(format!("   {} pass", words(*by))).await?;
                self.advance(*by).await?;
            }
            look => return self.look(look).await,
        }
        self.settle().await?;
        Ok(None)
    }

    async fn begin(&mut self, what: String) -> Result<(), Error> {
        self.parked_before = self.house.parked().await?;
        self.transcript.begin(&self.house, what);
        Ok(())
    }

    /// Waits until nothing is left to do, and takes in what came of it.
    async fn settle(&mut self) -> Result<(), Error> {
        self.house.settle().await?;
        let got = self.house.phones.since(self.got.len());
        self.got.extend(got.into_iter().map(|got| (got, false)));
        self.transcript.take_in(&self.house).await
    }

    async fn send(&mut self, sending: &Sending) -> Result<(), Error> {
        let now = self.house.clock.peek();
        let request = Request {
            from: self.house.conversation.ours.to_string(),
            to: self.house.conversation.theirs.to_string(),
            text: sending.text.clone(),
            media_urls: sending.media.clone(),
            campaign: sending.campaign.clone(),
            category: sending.category,
            send_at: sending.after.map(|after| (now + after).to_rfc3339()),
            tags: sending.tags.clone(),
            ..Request::default()
        };
        self.sent = Some(match self.house.handle.accept(&self.house.caller, &request, None).await {
            Ok(accepted) => Sent::Accepted(accepted.id),
            Err(Refused::Policy(rejected)) => {
                let reasons = rejected.decision.reasons.iter().map(|r| format!("{}: {}", r.rule, r.explain));
                Sent::Refused(reasons.collect::<Vec<_>>().join("; "))
            }
            Err(Refused::Invalid(errors)) => {
                Sent::Refused(errors.iter().map(|error| error.detail.clone()).collect::<Vec<_>>().join("; "))
            }
            Err(other) => return Err(Error::house(other)),
        });
        Ok(())
    }

    async fn receipt(&mut self, state: ReceiptState, code: Option<&str>) -> Result<Option<Miss>, Error> {
        let Some((last, _)) = self.got.last() else {
            let expected = "a message that went out, for the receipt to be of".to_owned();
            return Ok(Some(Miss { expected, got: "nothing went out yet".to_owned() }));
        };
        for id in &last.ids {
            self.house.receipt(&last.carrier, id, state, code).await?;
        }
        Ok(None)
    }

    /// Moves the clock from one thing that falls due to the next.
    async fn advance(&mut self, by: Duration) -> Result<(), Error> {
        let end = self.house.clock.peek() + by;
        for _ in 0..crate::house::MOST_DUE {
            match self.house.handle.next_due().filter(|due| *due <= end) {
                Some(due) => self.house.clock.move_to(due),
                None => {
                    self.house.clock.move_to(end);
                    return Ok(());
                }
            }
            self.settle().await?;
        }
        Err(Error::Endless { most: crate::house::MOST_DUE })
    }
}

/// A duration in the largest units that say it whole.
pub(crate) fn words(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = millis;
    let mut text = String::new();
    for (name, size) in units {
        if rest >= size {
            text.push_str(&format!("{}{name}", rest / size));
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}
