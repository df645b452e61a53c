//! Bodies under lock and key, as the path sees them: sealed in the step's commit, opened where a record is read.

use signalbox_model::directory::Tenant;
use signalbox_model::{Address, Conversation, Message, TenantId, Timestamp, Veil};
use signalbox_records::Vault;
use signalbox_records::vault::{Master, Words};
use signalbox_store::Table;

use crate::engine::{Engine, read_error};
use crate::error::Error;

/// Whether and whose bodies are sealed.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The operator's key. Without it no body is sealed.
    pub master: Option<Master>,
    /// The one before, under which the store's keys may still lie: they are wrapped anew at the start.
    pub old: Option<Master>,
    /// Of every tenant that its settings don't except; otherwise of those alone whose settings say so.
    pub everybody: bool,
}

/// The tenant's setting (the operator writes it) that has its bodies sealed, `on`, or not, `off`.
const SETTING: &str = "encryption";
/// People whose keys are in memory at a time: some 300 bytes each.
pub(crate) const PEOPLE: usize = 100_000;

impl Config {
    /// Are this tenant's bodies sealed?
    pub(crate) fn covers(&self, tenant: &Tenant) -> bool {
        self.master.is_some()
            && match tenant.settings.get(SETTING).map(String::as_str) {
                Some("on") => true,
                Some("off") => false,
                _ => self.everybody,
            }
    }
}

impl Engine {
    /// The vault, if this tenant's bodies are to be sealed.
    pub(crate) fn seals(&self, tenant: &TenantId) -> Option<&Vault> {
        let vault = self.vault.as_deref()?;
        let account = self.directory.account(tenant)?;
        (self.config.sealing.covers(&account.tenant) && vault.has(tenant)).then_some(vault)
    }

    /// Seals words that aren't a message's; `None` where nothing is sealed. They are bound to where they lie. `said` before
    /// an erasure, they are gone with what was erased.
    pub(crate) async fn seal_words(
        &self,
        tenant: &TenantId,
        between: (Option<&Address>, &Address),
        (table, key): (Table, &[u8]),
        text: &[u8],
        said: Timestamp,
    ) -> Result<Option<Words>, Error> {
        let Some(vault) = self.seals(tenant) else { return Ok(None) };
        let times = (said, self.clock.now());
        let words = vault.seal_words(tenant, between, &place(table, key), text, times).await;
        words.map(Some).map_err(read_error)
    }

    /// Likewise, of a conversation and said now.
    pub(crate) async fn seal_in(
        &self,
        conversation: &Conversation,
        at: (Table, &[u8]),
        text: &[u8],
    ) -> Result<Option<Vec<u8>>, Error> {
        let Conversation { tenant, ours, theirs } = conversation;
        let words = self.seal_words(tenant, (Some(ours), theirs), at, text, Timestamp::MAX).await?;
        Ok(words.map(|words| match words {
            Words::Sealed(sealed) => sealed,
            Words::Erased => unreachable!("nothing is said after the end of time"),
        }))
    }

    /// Opens words that [`seal_words`](Self::seal_words) sealed; `None` once they were erased.
    pub(crate) async fn open_words(&self, table: Table, key: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let missing = || read_error(signalbox_records::Error::Sealed { why: "no master key is configured" });
        let vault = self.vault.as_deref().ok_or_else(missing)?;
        vault.open_words(table, &place(table, key), sealed).await.map_err(read_error)
    }

    /// Opens what was read sealed.
    pub(crate) async fn unveil(&self, message: &mut Message) -> Result<(), Error> {
        unveil(self.vault.as_deref(), message).await.map_err(read_error)
    }
}

pub(crate) async fn unveil(vault: Option<&Vault>, message: &mut Message) -> Result<(), signalbox_records::Error> {
    match (&message.veil, vault) {
        (Veil::Open | Veil::Erased, _) => Ok(()),
        (Veil::Sealed(_), Some(vault)) => vault.unveil(message).await,
        (Veil::Sealed(_), None) => Err(signalbox_records::Error::Sealed { why: "no master key is configured" }),
    }
}

/// What words are bound to.
fn place(table: Table, key: &[u8]) -> Vec<u8> {
    [&[table as u8], key].concat()
}
