//! Assignment: which handler gets an event, and which of its versions.
//!
//! ```text
//! bindings, the most specific first ─► handler ─► the version that first took the event, or
//!                                                 the canary for its share of conversations, or the live one
//! ```

use std::sync::Arc;

use signalbox_guest as guest;
use signalbox_model::handler::{Alias, Binding, EventKind, OnFailure, Scope};
use signalbox_model::{Address, Conversation, ConversationId, Message, TenantId};
use signalbox_registry::registration::Registration;

use crate::directory::{Account, Deployed, Version};
use crate::engine::Engine;
use crate::turns::Pin;

/// What is asked of the bindings.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    registration: &'a Registration,
    tenant: &'a TenantId,
    number: &'a Address,
    /// The campaign that a message names.
    named: Option<&'a str>,
    kind: EventKind,
    conversation: ConversationId,
}

impl<'a> Asked<'a> {
    /// For an event about a message.
    pub(crate) fn about(engine: &'a Engine, message: &'a Message, kind: EventKind) -> Self {
        let (tenant, number, named) = (&message.tenant, message.ours(), message.campaign.as_deref());
        Self {
            registration: &engine.registration,
            tenant,
            number,
            named,
            kind,
            conversation: message.conversation_id(),
        }
    }

    /// For a timer, which knows no message.
    pub(crate) fn timer(engine: &'a Engine, conversation: &'a Conversation) -> Self {
        Self::of(engine, conversation, None, EventKind::Timer)
    }

    /// For any event of a conversation; `named` is the campaign that its message names.
    pub(crate) fn of(
        engine: &'a Engine,
        conversation: &'a Conversation,
        named: Option<&'a str>,
        kind: EventKind,
    ) -> Self {
        let Conversation { tenant, ours: number, .. } = conversation;
        Self { registration: &engine.registration, tenant, number, named, kind, conversation: conversation.id() }
    }

    /// The campaign that the event belongs to: the one that its message names, or the one that the tenant's number is
    /// registered for. Looked up only where a binding asks for it.
    fn campaign(&self) -> Option<Arc<str>> {
        self.named.map(Arc::from).or_else(|| self.registration.campaign_of(self.tenant, self.number))
    }

    fn is_covered(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Campaign(_) => scope.covers(self.number, self.campaign().as_deref()),
            _ => scope.covers(self.number, None),
        }
    }
}

/// Who takes an event.
pub(crate) struct Taker {
    pub(crate) handler: Arc<Deployed>,
    pub(crate) version: Arc<Version>,
    pub(crate) code: Arc<guest::Handler>,
    pub(crate) on_failure: OnFailure,
}

impl Taker {
    /// What a later attempt at the event goes to.
    pub(crate) fn pin(&self) -> Pin {
        Pin { handler: self.handler.meta.name.clone(), digest: self.version.meta.digest.clone() }
    }
}

/// Whether any handler wants the event.
pub(crate) fn is_wanted(engine: &Engine, tenant: &TenantId, asked: &Asked<'_>) -> bool {
    engine.directory.account(tenant).is_some_and(|account| assigned(&account, asked).is_some())
}

/// Whose event it is, by its bindings.
pub(crate) struct Assigned<'a> {
    pub(crate) binding: &'a Binding,
    pub(crate) handler: &'a Arc<Deployed>,
    pub(crate) alias: Alias,
    pub(crate) version: &'a Arc<Version>,
}

/// The most specific binding whose handler takes the event.
pub(crate) fn assigned<'a>(account: &'a Account, asked: &Asked<'_>) -> Option<Assigned<'a>> {
    account.bindings.candidates(asked.number).find_map(|binding| judge(account, binding, asked).ok())
}

/// Does this binding give the event to its handler? If not, why.
fn judge<'a>(account: &'a Account, binding: &'a Binding, asked: &Asked<'_>) -> Result<Assigned<'a>, WhyNot> {
    if !asked.is_covered(&binding.scope) {
        return Err(WhyNot::Scope);
    }
    if !binding.kinds.is_empty() && !binding.kinds.contains(&asked.kind) {
        return Err(WhyNot::Kind);
    }
    let handler = account.handlers.get(&binding.handler).ok_or(WhyNot::NoHandler)?;
    let (alias, version) = handler.answers(asked.kind, asked.conversation).ok_or(WhyNot::NotExported)?;
    Ok(Assigned { binding, handler, alias, version })
}

enum WhyNot {
    Scope,
    Kind,
    NoHandler,
    NotExported,
}

/// The handler and version for an event: those that took it before, if they are still there, or else those that take it
/// now. Nobody, if no binding gives it to a handler that this host can run.
pub(crate) async fn taker(engine: &Engine, tenant: &TenantId, asked: &Asked<'_>, pin: Option<&Pin>) -> Option<Taker> {
    let account = engine.directory.account(tenant)?;
    let assigned = assigned(&account, asked);
    if let Some(pin) = pin
        && let Some(handler) = account.handlers.get(&pin.handler)
        && let Some(version) = handler.versions.get(&pin.digest).filter(|version| version.handles(asked.kind))
        && let Some(code) = version.code(&*engine.store, &engine.host).await
    {
        let on_failure = assigned.map(|assigned| assigned.binding.on_failure).unwrap_or_default();
        return Some(Taker { handler: handler.clone(), version: version.clone(), code, on_failure });
    }
    let Assigned { binding, handler, version, .. } = assigned?;
    let code = version.code(&*engine.store, &engine.host).await?;
    Some(Taker { handler: handler.clone(), version: version.clone(), code, on_failure: binding.on_failure })
}

/// A binding that was looked at, and what came of it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The binding.
    pub binding: Binding,
    /// Does it get the event?
    pub wins: bool,
    /// Why, or why not.
    pub why: String,
}

/// Who gets an event.
#[derive(Debug, Clone)]
pub struct Whose {
    /// The handler with its alias and version; none if nobody does.
    pub handler: Option<(String, Alias, String)>,
    /// What becomes of a draft whose handler fails.
    pub on_failure: OnFailure,
    /// The version that watches.
    pub shadow: Option<String>,
    /// Every binding, in the order in which they are asked.
    pub candidates: Vec<Candidate>,
}

/// Says who gets an event, and why.
pub(crate) fn explain(account: &Account, asked: &Asked<'_>) -> Whose {
    let mut whose = Whose { handler: None, on_failure: OnFailure::default(), shadow: None, candidates: Vec::new() };
    for binding in account.bindings.candidates(asked.number) {
        let judged = judge(account, binding, asked);
        let wins = judged.is_ok() && whose.handler.is_none();
        let why = match &judged {
            Ok(assigned) if wins => {
                let name = assigned.handler.meta.name.clone();
                whose.handler = Some((name, assigned.alias, assigned.version.meta.digest.clone()));
                whose.on_failure = binding.on_failure;
                whose.shadow.clone_from(&assigned.handler.meta.shadow);
                format!("it is the most specific that takes {}s; {}", asked.kind, which(assigned))
            }
            Ok(_) => "a more specific one comes before it".to_owned(),
            Err(why) => why.words(binding, asked),
        };
        whose.candidates.push(Candidate { binding: Binding::clone(binding), wins, why });
    }
    whose
}

fn which(assigned: &Assigned<'_>) -> String {
    let label = &assigned.version.label;
    match (assigned.alias, &assigned.handler.meta.canary) {
        (Alias::Canary, Some(canary)) => {
            format!("the conversation is among the {} of 100 that version {label} answers as canary", canary.percent)
        }
        (_, Some(canary)) => {
            format!(
                "the conversation isn't among the {} of 100 of the canary: the live version {label} answers",
                canary.percent
            )
        }
        _ => format!("the live version {label} answers"),
    }
}

impl WhyNot {
    fn words(&self, binding: &Binding, asked: &Asked<'_>) -> String {
        match (self, &binding.scope) {
            (Self::Scope, Scope::Campaign(name)) => match asked.campaign() {
                Some(campaign) => format!("the campaign is `{campaign}`, and it is for `{name}`"),
                None => format!("there is no campaign, and it is for `{name}`"),
            },
            (Self::Scope, Scope::Prefix(prefix)) => format!("the number doesn't begin with {prefix}"),
            (Self::Scope, _) => "it is for other numbers".to_owned(),
            (Self::Kind, _) => {
                let kinds: Vec<_> = binding.kinds.iter().map(|kind| kind.as_str()).collect();
                format!("it is for {} only", kinds.join(", "))
            }
            (Self::NoHandler, _) => format!("there is no handler `{}`", binding.handler),
            (Self::NotExported, _) => {
                format!("`{}` doesn't export {}, or can't be run", binding.handler, asked.kind.interface())
            }
        }
    }
}
