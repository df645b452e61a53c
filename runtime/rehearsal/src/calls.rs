//! Outbound HTTP: stubs answer, and every call is kept.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use signalbox_engine::Outbound;
use signalbox_guest::{HttpAnswer, HttpFailure, HttpRequest, HttpResult};

use crate::clock::VirtualClock;
use crate::script::{Stub, StubAnswer, StubFailure};

/// The calls of a conversation, and what answers them.
#[derive(Clone)]
pub(crate) struct Calls {
    desk: Arc<Mutex<Desk>>,
    clock: VirtualClock,
}

struct Desk {
    /// With how often each may still answer.
    stubs: Vec<(Stub, Option<u64>)>,
    made: Vec<Call>,
}

/// A call that a handler made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// How it ended, in words.
    pub(crate) end: String,
}

impl Calls {
    pub(crate) fn new(stubs: Vec<Stub>, clock: VirtualClock) -> Self {
        let stubs = stubs.into_iter().map(|stub| (stub.times, stub)).map(|(times, stub)| (stub, times)).collect();
        Self { desk: Arc::new(Mutex::new(Desk { stubs, made: Vec::new() })), clock }
    }

    /// What was called behind the first `seen`.
    pub(crate) fn since(&self, seen: usize) -> Vec<Call> {
        self.desk.lock().made[seen..].to_vec()
    }

    /// Answers a call that may take `most`; what it takes passes on the virtual clock.
    pub(crate) fn answer(&self, mut call: Call, most: Duration) -> Result<StubAnswer, StubFailure> {
        let mut desk = self.desk.lock();
        let stub = desk.stubs.iter_mut().find(|(stub, left)| stub.fits(&call) && *left != Some(0));
        let answer = match stub {
            None => {
                call.end = "no stub matches; refused".to_owned();
                Err(StubFailure::Refused)
            }
            Some((stub, left)) => {
                *left = left.map(|left| left - 1);
                let took = stub.delay.min(most);
                self.clock.move_to(self.clock.peek() + took);
                let answer = if stub.delay > most { Err(StubFailure::Timeout) } else { stub.answer.clone() };
                call.end = match &answer {
                    Ok(answer) => answer.status.to_string(),
                    Err(failure) => failure.as_str().to_owned(),
                };
                answer
            }
        };
        desk.made.push(call);
        answer
    }
}

impl Outbound for Calls {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, HttpResult> {
        let most = request.timeout;
        let result = self.answer(Call::of(request), most);
        std::future::ready(match result {
            Ok(StubAnswer { status, headers, body }) => {
                let headers = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
                Ok(HttpAnswer { status, headers, body: body.into_bytes() })
            }
            Err(StubFailure::Refused) => Err(HttpFailure::Refused("connection refused".to_owned())),
            Err(StubFailure::Timeout) => Err(HttpFailure::Timeout(most)),
            Err(StubFailure::Dns) => Err(HttpFailure::Dns),
        })
        .boxed()
    }
}

impl Call {
    fn of(request: HttpRequest) -> Self {
        let HttpRequest { method, url, headers, body, .. } = request;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let headers = headers.into_iter().map(|(name, value)| (name, text(value))).collect();
        Self { method, url, headers, body: text(body), end: String::new() }
    }
}

impl Stub {
    fn fits(&self, call: &Call) -> bool {
        self.method.as_ref().is_none_or(|method| *method == call.method) && self.url.matches(&call.url)
    }
}

impl StubFailure {
    /// The name in scripts.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::script::Script;

    fn calls(stubs: &str) -> (Calls, VirtualClock) {
        let text = format!("{stubs}\n[[conversation]]\nname = \"x\"\nsteps = []\n");
        let script = Script::parse(Path::new("x.toml"), &text).unwrap();
        let conversation = &script.conversations[0];
        let clock = VirtualClock::at(conversation.setup.now);
        (Calls::new(conversation.stubs.clone(), clock.clone()), clock)
    }

    fn call(calls: &Calls, method: &str, url: &str) -> Result<u16, StubFailure> {
        let (method, url) = (method.to_owned(), url.to_owned());
        let call = Call { method, url, headers: Vec::new(), body: String::new(), end: String::new() };
        calls.answer(call, Duration::from_secs(2)).map(|answer| answer.status)
    }

    #[test]
    fn the_first_stub_that_matches_answers_as_often_as_it_says() {
        let (calls, _) = calls(
            "[[http]]\nurl = \"https://a.example/v1\"\ntimes = 1\nstatus = 503\n\
             [[http]]\nmethod = \"get\"\nurl = \"https://a.example/*\"\n\
             [[http]]\nurl = \"https://b.example/*\"\nfail = \"dns\"\n",
        );
        assert_eq!(call(&calls, "GET", "https://a.example/v1"), Ok(503));
        assert_eq!(call(&calls, "GET", "https://a.example/v1"), Ok(200));
        assert_eq!(call(&calls, "POST", "https://a.example/v1"), Err(StubFailure::Refused));
        assert_eq!(call(&calls, "POST", "https://b.example/x"), Err(StubFailure::Dns));
        let ends: Vec<_> = calls.since(0).into_iter().map(|call| call.end).collect();
        assert_eq!(ends, ["503", "200", "no stub matches; refused", "dns"]);
    }

    #[test]
    fn a_delay_passes_on_the_virtual_clock_and_ends_at_the_limit() {
        let (calls, clock) = calls(
            "[[http]]\nurl = \"https://slow.example/\"\ndelay = \"1500ms\"\n\
             [[http]]\nurl = \"https://slower.example/\"\ndelay = \"1h\"\n",
        );
        let began = clock.peek();
        assert_eq!(call(&calls, "GET", "https://slow.example/"), Ok(200));
        assert_eq!(clock.peek().since(began), Duration::from_millis(1_500));
        assert_eq!(call(&calls, "GET", "https://slower.example/"), Err(StubFailure::Timeout));
        assert_eq!(clock.peek().since(began), Duration::from_millis(3_500));
    }
}
