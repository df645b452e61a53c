//! Reading bodies: who reads one is logged before it is shown, and a body of a health tenant's is shown to nobody who
//! doesn't say why.

use signalbox_model::Message;
use signalbox_model::directory::Tenant;
use signalbox_policy::facts::Sector;
use signalbox_records::audit::Item;

use crate::accept::Caller;
use crate::audit;
use crate::declared::SECTOR;
use crate::engine::Engine;
use crate::error::Error;

/// What stands in the place of a body that isn't shown.
pub const REDACTED: &str = "[redacted]";
/// The longest reason: a line, not a story; it is kept for ever.
pub const MAX_REASON_CHARS: usize = 200;

/// How bodies are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// By what: `message`, `timeline`, `list`, …
    pub how: &'static str,
    /// Why what is redacted should be shown.
    pub reason: Option<String>,
}

/// Why bodies aren't shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadRefused {
    /// A reason was given, and nothing would keep it.
    #[error(
        "no audit log is written for this tenant, so nothing redacted is shown: the operator switches it on with [audit]"
    )]
    Unlogged,
    /// What was asked for can't be shown in part, and no reason was given to show all of it.
    #[error("this shows what patients wrote and were written: say why you need it, and the reason is logged")]
    NoReason,
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

/// Is the tenant one of health care? Its bodies are about patients.
pub(crate) fn is_health(tenant: &Tenant) -> bool {
    tenant.settings.get(SECTOR).is_some_and(|sector| sector == Sector::Health.as_str())
}

/// Logs that the caller reads these messages, and redacts what the caller isn't shown.
pub(crate) async fn read(
    engine: &Engine,
    caller: &Caller,
    reading: Reading,
    messages: &mut [&mut Message],
) -> Result<(), ReadRefused> {
    let Some(account) = engine.directory.account(&caller.tenant) else { return Ok(()) };
    let is_health = is_health(&account.tenant);
    if is_health && reading.reason.is_none() {
        messages.iter_mut().for_each(|message| redact(message));
        return Ok(());
    }
    let logged = engine.audit.keys().filter(|_| engine.audit.covers(&account.tenant));
    let Some(keys) = logged else {
        return if is_health { Err(ReadRefused::Unlogged) } else { Ok(()) };
    };
    if messages.is_empty() {
        return Ok(());
    }
    let mut people = Vec::new();
    for message in messages.iter() {
        let person = keys.person(&caller.tenant, message.theirs());
        if !people.contains(&person) {
            people.push(person);
        }
    }
    let item = Item::Read {
        by: caller.key.to_string(),
        how: reading.how.to_owned(),
        messages: messages.iter().map(|message| message.id).collect(),
        people,
        reason: reading.reason.filter(|_| is_health),
    };
    Ok(audit::note(engine, &caller.tenant, item).await?)
}

/// Logs that the caller reads texts that belong to no one message: a recorded run, say. It is named by `how`.
pub(crate) async fn read_apart(
    engine: &Engine,
    caller: &Caller,
    how: String,
    reason: Option<String>,
) -> Result<(), ReadRefused> {
    let Some(account) = engine.directory.account(&caller.tenant) else { return Ok(()) };
    let is_health = is_health(&account.tenant);
    if is_health && reason.is_none() {
        return Err(ReadRefused::NoReason);
    }
    if is_health && !engine.audit.covers(&account.tenant) {
        return Err(ReadRefused::Unlogged);
    }
    let reason = reason.filter(|_| is_health);
    let item = Item::Read { by: caller.key.to_string(), how, messages: Vec::new(), people: Vec::new(), reason };
    Ok(audit::note(engine, &caller.tenant, item).await?)
}

fn redact(message: &mut Message) {
    for body in [Some(&mut message.body), message.original.as_mut()].into_iter().flatten() {
        REDACTED.clone_into(&mut body.text);
        body.media_urls.clear();
    }
}
