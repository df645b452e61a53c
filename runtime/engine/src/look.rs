//! What can be seen of a conversation from outside: what a handler keeps for it, what it waits for, what is recorded of
//! its contact.

use signalbox_guest::Scope;
use signalbox_model::{Address, Conversation, TenantId, Timestamp};
use signalbox_store::{Table, layout};

use crate::contacts::{self, Contact, ContactRefused};
use crate::error::Error;
use crate::handle::Handle;
use crate::handlers::{read_state, scope};
use crate::timers::{self, Due};

impl Handle {
    /// What a handler keeps under `key` for this conversation, its contact or the tenant.
    pub async fn state(
        &self,
        conversation: &Conversation,
        in_scope: Scope,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        let (place, home) = scope(&self.0, conversation, in_scope);
        let key = layout::state_key(place, key);
        let row = self.0.store.get(home, Table::State, key.clone()).await?;
        let Some(row) = row else { return Ok(None) };
        let Some(row) = read_state(&self.0, &key, &row).await? else { return Ok(None) };
        let now = self.0.clock.now().as_micros();
        Ok(row.expires_at.is_none_or(|at| at > now).then_some(row.value))
    }

    /// The timers that a handler set in this conversation, by name, with their times.
    pub async fn timers(&self, conversation: &Conversation) -> Result<Vec<(String, Timestamp)>, Error> {
        timers::of(&self.0, conversation).await
    }

    /// When the next thing is due that waits for a time, the host's own upkeep left out: how far a clock that is moved by
    /// hand may go in one step.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.0.wheel.first(|due| !matches!(due, Due::Housekeeping | Due::ParkedReceipts))
    }

    /// How many steps run: events that are being handled, with a handler or without.
    pub fn steps_running(&self) -> usize {
        self.0.turns.running()
    }

    /// What is recorded of a person; `None` if nothing is.
    pub async fn contact(&self, tenant: &TenantId, theirs: &Address) -> Result<Option<Contact>, Error> {
        contacts::read(&self.0, tenant, theirs).await
    }

    /// Records a person in place of what was recorded before; handlers see it from their next question on.
    pub async fn put_contact(
        &self,
        tenant: &TenantId,
        theirs: &Address,
        contact: &Contact,
    ) -> Result<(), ContactRefused> {
        contacts::write(&self.0, tenant, theirs, contact).await
    }
}
