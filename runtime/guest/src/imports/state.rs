//! `state`: what a handler remembers.

use super::{check_name, invalid, wit};
use crate::call::Call;
use crate::effects::Scope;
use crate::question::{Question, Reply};
use wit::state::{self, Entry};
use wit::types::CallError;

/// Keys go into the store's own keys, which have to stay small.
const MAX_KEY_BYTES: usize = 256;

/// The most entries of one list.
const MAX_LISTED: usize = 100;

impl state::Host for Call {
    async fn get(&mut self, scope: state::Scope, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, CallError>> {
        self.enter();
        match checked(scope, &key) {
            Ok(scope) => Ok(Ok(self.read(scope, key).await?)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    fn set(
        &mut self,
        scope: state::Scope,
        key: String,
        value: Vec<u8>,
        ttl: Option<u64>,
    ) -> wasmtime::Result<Result<(), CallError>> {
        self.enter();
        let scope = match checked(scope, &key) {
            Ok(scope) => scope,
            Err(refused) => return Ok(Err(refused)),
        };
        self.staging.state_op()?;
        self.staging.write(scope, key, Some(value), self.expiry(ttl))?;
        Ok(Ok(()))
    }

    fn delete(&mut self, scope: state::Scope, key: String) -> wasmtime::Result<Result<(), CallError>> {
        self.enter();
        let scope = match checked(scope, &key) {
            Ok(scope) => scope,
            Err(refused) => return Ok(Err(refused)),
        };
        self.staging.state_op()?;
        self.staging.write(scope, key, None, None)?;
        Ok(Ok(()))
    }

    async fn list(
        &mut self,
        scope: state::Scope,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<Entry>, CallError>> {
        self.enter();
        let scope = match scope_of(scope) {
            Ok(scope) => scope,
            Err(refused) => return Ok(Err(refused)),
        };
        self.staging.state_op()?;
        let wanted = (limit as usize).min(MAX_LISTED);
        // So many more as this call deleted, which the store still has.
        let asked = wanted + self.staging.deleted();
        let question = Question::StateList { scope, prefix: prefix.clone(), after: after.clone(), limit: asked };
        let Reply::StateList(mut stored) = self.desk.ask(question).await else { return Err(mismatch()) };
        stored.truncate(asked);
        let stored_is_all = stored.len() < asked;
        let listed = self.staging.overlay(scope, &prefix, after.as_deref(), wanted, stored, stored_is_all);
        self.check_reply_size(listed.iter().map(|(key, value)| key.len() + value.len()).sum())?;
        Ok(Ok(listed.into_iter().map(|(key, value)| Entry { key, value }).collect()))
    }

    async fn increment(
        &mut self,
        scope: state::Scope,
        key: String,
        by: i64,
        ttl: Option<u64>,
    ) -> wasmtime::Result<Result<i64, CallError>> {
        self.enter();
        let scope = match checked(scope, &key) {
            Ok(scope) => scope,
            Err(refused) => return Ok(Err(refused)),
        };
        let current = match number(self.read(scope, key.clone()).await?) {
            Ok(current) => current,
            Err(refused) => return Ok(Err(refused)),
        };
        let Some(sum) = current.checked_add(by) else {
            return Ok(Err(invalid("the sum doesn't fit into 64 bits")));
        };
        self.staging.add(scope, key, by, sum.to_string().into_bytes(), self.expiry(ttl))?;
        Ok(Ok(sum))
    }
}

impl Call {
    /// What is under a key, this call's own writes first.
    async fn read(&mut self, scope: Scope, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.staging.state_op()?;
        if let Some(own) = self.staging.written(scope, &key) {
            return Ok(own.map(<[u8]>::to_vec));
        }
        let Reply::StateGet(value) = self.desk.ask(Question::StateGet { scope, key }).await else {
            return Err(mismatch());
        };
        self.check_reply_size(value.as_ref().map_or(0, Vec::len))?;
        Ok(value)
    }

    fn expiry(&self, ttl_ms: Option<u64>) -> Option<u64> {
        ttl_ms.map(|ms| self.now.saturating_add(ms.saturating_mul(1_000)))
    }
}

/// Replies have their question's name, so this is never seen; an error keeps it from being a panic.
pub(super) fn mismatch() -> wasmtime::Error {
    wasmtime::Error::msg("the host answered another question than was asked")
}

fn checked(scope: state::Scope, key: &str) -> Result<Scope, CallError> {
    check_name("the key", key, MAX_KEY_BYTES)?;
    scope_of(scope)
}

fn scope_of(scope: state::Scope) -> Result<Scope, CallError> {
    match scope {
        state::Scope::Conversation => Ok(Scope::Conversation),
        state::Scope::Contact => Ok(Scope::Contact),
        state::Scope::Tenant => Ok(Scope::Tenant),
        state::Scope::Other(_) => Err(invalid("this host has the scopes conversation, contact and tenant")),
    }
}

fn number(value: Option<Vec<u8>>) -> Result<i64, CallError> {
    let Some(bytes) = value else { return Ok(0) };
    std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid("what is under the key is no number"))
}
