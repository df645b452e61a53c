//! Answers a call from its recording.

use super::Exchange;
use crate::effects::Scope;
use crate::http::{HttpFailure, HttpRequest, HttpResult};
use crate::question::{Question, Reply};
use crate::surroundings::{Contact, PastMessage, Reading, Surroundings, Unavailable};
use futures_util::FutureExt;
use std::fmt;

/// A question that isn't the recording's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// Its place among the call's questions, from 1.
    pub place: usize,
    /// What was asked at this place when the call was recorded; none if it was over.
    pub recorded: Option<String>,
    /// What is asked now; none if it is over.
    pub asked: Option<String>,
    /// Whether the recording has an answer to it all the same, from another place.
    pub answered: bool,
}

/// What the recording has to say to a question.
enum Found {
    Reply(Reply),
    /// It was never asked.
    Nothing,
    /// The recorded call was stopped before it was answered.
    BehindTheStop,
}

/// What is asked behind the place where the recorded call was stopped is told this, and that ends the replay.
const STOPPED: &str = "the recorded call was stopped before this was answered";

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, recorded, asked, answered } = self;
        let recorded = recorded.as_deref().unwrap_or("nothing more");
        let answer = if *answered { "answered as it was elsewhere" } else { "answered with nothing" };
        match asked {
            Some(asked) => write!(f, "question {place}: recorded was {recorded}, now it is {asked}, which is {answer}"),
            None => write!(f, "question {place}: recorded was {recorded}, now it isn't asked"),
        }
    }
}

/// Surroundings that repeat what they said.
pub(super) struct Replayer<'r> {
    answers: &'r [Exchange],
    used: Vec<bool>,
    asked: usize,
    /// Whether the recorded call didn't come to an end of its own.
    was_stopped: bool,
    divergences: Vec<Divergence>,
}

impl<'r> Replayer<'r> {
    pub(super) fn new(answers: &'r [Exchange], was_stopped: bool) -> Self {
        Self { answers, used: vec![false; answers.len()], asked: 0, was_stopped, divergences: Vec::new() }
    }

    /// A call that was stopped has no end to compare: it is the same if it comes as far.
    pub(super) fn into_divergences(mut self) -> Vec<Divergence> {
        if let Some(unasked) = self.answers.get(self.asked).filter(|_| self.was_stopped) {
            let recorded = Some(unasked.question.to_string());
            self.divergences.push(Divergence { place: self.asked + 1, recorded, asked: None, answered: false });
        }
        self.divergences
    }

    /// The answer that was given at this place or, after a change of order, to the same question elsewhere.
    fn reply(&mut self, question: &Question) -> Found {
        let place = self.asked;
        self.asked += 1;
        let fits = |at: usize| !self.used[at] && self.answers[at].question == *question;
        let found = if place < self.answers.len() && fits(place) {
            Some(place)
        } else {
            (0..self.answers.len()).find(|at| fits(*at))
        };
        if self.was_stopped && self.is_behind_the_stop(place, found) {
            return Found::BehindTheStop;
        }
        if found != Some(place) {
            let recorded = self.answers.get(place).map(|exchange| exchange.question.to_string());
            let (asked, answered) = (Some(question.to_string()), found.is_some());
            self.divergences.push(Divergence { place: place + 1, recorded, asked, answered });
        }
        let Some(found) = found else { return Found::Nothing };
        self.used[found] = true;
        Found::Reply(self.answers[found].reply.clone())
    }

    /// Is this where a stopped call was waiting, or further than it came?
    fn is_behind_the_stop(&self, place: usize, found: Option<usize>) -> bool {
        match found {
            Some(at) => at + 1 == self.answers.len() && matches!(self.answers[at].reply, Reply::Nothing),
            None => place >= self.answers.len(),
        }
    }

    /// What `read` finds in the reply; `nothing` where the recording has none.
    fn answer<T>(
        &mut self,
        question: &Question,
        read: impl FnOnce(Reply) -> Option<T>,
        nothing: T,
    ) -> Result<T, Unavailable> {
        match self.reply(question) {
            Found::Nothing => Ok(nothing),
            Found::BehindTheStop => Err(Unavailable(STOPPED.into())),
            Found::Reply(Reply::Unavailable(why)) => Err(Unavailable(why)),
            Found::Reply(Reply::Nothing) => Err(Unavailable("it was not answered when it was recorded".into())),
            Found::Reply(reply) => read(reply).ok_or_else(|| Unavailable("the recording is damaged".into())),
        }
    }
}

impl Surroundings for Replayer<'_> {
    fn state_get<'a>(&'a mut self, scope: Scope, key: &'a str) -> Reading<'a, Option<Vec<u8>>> {
        let question = Question::StateGet { scope, key: key.to_owned() };
        let read = |reply| if let Reply::StateGet(value) = reply { Some(value) } else { None };
        let answer = self.answer(&question, read, None);
        async { answer }.boxed()
    }

    fn state_list<'a>(
        &'a mut self,
        scope: Scope,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Reading<'a, Vec<(String, Vec<u8>)>> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        let question = Question::StateList { scope, prefix, after, limit };
        let read = |reply| if let Reply::StateList(list) = reply { Some(list) } else { None };
        let answer = self.answer(&question, read, Vec::new());
        async { answer }.boxed()
    }

    fn recent(&mut self, limit: usize) -> Reading<'_, Vec<PastMessage>> {
        let read = |reply| if let Reply::Recent(messages) = reply { Some(messages) } else { None };
        let answer = self.answer(&Question::Recent { limit }, read, Vec::new());
        async { answer }.boxed()
    }

    fn contact<'a>(&'a mut self, address: &'a str) -> Reading<'a, Contact> {
        let unknown = Contact { address: address.to_owned(), consent: "none".into(), ..Contact::default() };
        let read = |reply| if let Reply::Contact(contact) = reply { Some(contact) } else { None };
        let answer = self.answer(&Question::Contact { address: Some(address.to_owned()) }, read, unknown);
        async { answer }.boxed()
    }

    fn http(&mut self, request: HttpRequest) -> Reading<'_, HttpResult> {
        let timeout = request.timeout;
        let answer = match self.reply(&Question::Http(request)) {
            Found::Nothing => Ok(Err(HttpFailure::Denied("the recording has no answer to this request".into()))),
            Found::BehindTheStop => Err(Unavailable(STOPPED.into())),
            // It was given up; so it is again, without the wait.
            Found::Reply(Reply::Nothing) => Ok(Err(HttpFailure::Timeout(timeout))),
            Found::Reply(Reply::Http(result)) => Ok(result),
            Found::Reply(Reply::Unavailable(why)) => Err(Unavailable(why)),
            Found::Reply(_) => Err(Unavailable("the recording is damaged".into())),
        };
        async { answer }.boxed()
    }
}
