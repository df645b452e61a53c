//! A sample of each event that a new version handles: one that traps in every call is told of at its upload rather than by
//! the first message.
//!
//! Nothing comes of it: effects are dropped, nothing is kept of its tenant or contact, requests are denied. So a handler may
//! rightly not come to its end, and what happened is a warning.

use std::sync::Arc;

use futures_util::FutureExt;
use signalbox_guest::{
    Contact, Conversation, DerivedIds, Event, FailureKind, InboundMessage, Invocation, OutboundDraft, PastMessage,
    Reading, Receipt, Scope, Surroundings, Timer,
};

use crate::directory::Deployed;
use crate::engine::Engine;

/// Numbers that are nobody's.
const OURS: &str = "+15555550100";
const THEIRS: &str = "+15555550123";
const ID: &str = "msg_sample";

/// What the version with this digest does wrong.
pub(crate) async fn warnings(engine: &Engine, handler: &Deployed, digest: &str) -> Vec<String> {
    let Some(version) = handler.versions.get(digest) else { return Vec::new() };
    let Some(code) = version.code(&*engine.store, &engine.host).await else { return Vec::new() };
    let (kit, now) = (handler.kit(version), engine.clock.now().as_micros());
    let mut warnings = Vec::new();
    for event in events(now).into_iter().filter(|event| code.handles(event.kind())) {
        let invocation = Invocation {
            event,
            event_id: "evt_sample",
            attempt: 1,
            now,
            seed: [0; 32],
            limits: handler.caps.grant(version.manifest.as_ref(), event.kind()),
            settings: kit.settings.clone(),
            secrets: kit.held.clone(),
            ids: Arc::new(DerivedIds),
        };
        if let Err(failure) = engine.host.invoke(&code, &invocation, &mut Nobody).await
            && is_a_breakdown(&failure.kind)
        {
            let kind = event.kind().interface();
            warnings.push(format!("called with a sample, its {kind} failed: {}", failure.message));
        }
    }
    warnings
}

/// Did it break down or go over a limit? What it answers in its own words is its right, and the host's own troubles say
/// nothing of it.
fn is_a_breakdown(kind: &FailureKind) -> bool {
    match kind {
        FailureKind::Trap
        | FailureKind::CpuLimit
        | FailureKind::WallLimit
        | FailureKind::Memory
        | FailureKind::Stack
        | FailureKind::HostLimit(_)
        | FailureKind::Contract => true,
        FailureKind::Retry(_)
        | FailureKind::Reject
        | FailureKind::Other
        | FailureKind::NotExported
        | FailureKind::Unavailable => false,
    }
}

fn events(at: u64) -> [Event<'static>; 4] {
    [
        Event::Message(InboundMessage {
            id: ID,
            channel: "sms",
            sender: THEIRS,
            recipient: OURS,
            text: "Hello",
            received_at: at,
            ..InboundMessage::default()
        }),
        Event::Draft(OutboundDraft {
            id: ID,
            channel: "sms",
            origin: "api",
            category: "transactional",
            sender: OURS,
            recipient: THEIRS,
            text: "Hello",
            accepted_at: at,
            ..OutboundDraft::default()
        }),
        Event::Receipt(Receipt {
            message: ID,
            channel: "sms",
            sender: OURS,
            recipient: THEIRS,
            status: "delivered",
            is_final: true,
            changed_at: at,
            ..Receipt::default()
        }),
        Event::Timer(Timer {
            name: "sample",
            conversation: Conversation { number: OURS, contact: THEIRS },
            payload: &[],
            due_at: at,
            attributes: &[],
        }),
    ]
}

/// Nothing is known, and nobody is called.
struct Nobody;

impl Surroundings for Nobody {
    fn state_get<'a>(&'a mut self, _: Scope, _: &'a str) -> Reading<'a, Option<Vec<u8>>> {
        async { Ok(None) }.boxed()
    }

    fn state_list<'a>(
        &'a mut self,
        _: Scope,
        _: &'a str,
        _: Option<&'a str>,
        _: usize,
    ) -> Reading<'a, Vec<(String, Vec<u8>)>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn recent(&mut self, _: usize) -> Reading<'_, Vec<PastMessage>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn contact<'a>(&'a mut self, address: &'a str) -> Reading<'a, Contact> {
        let contact = Contact { address: address.to_owned(), consent: "granted".to_owned(), ..Contact::default() };
        async { Ok(contact) }.boxed()
    }
}
