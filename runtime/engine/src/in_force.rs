//! Policies as they are taken into use: written down by their hashes before they decide anything, so that a decision can be
//! read when the files are long others; and the audit log is told.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use signalbox_model::{Partition, Timestamp};
use signalbox_policy::{Described, Policies};
use signalbox_records::audit::Item;
use signalbox_store::{Batch, Table, layout};

use crate::audit;
use crate::engine::Engine;
use crate::error::Error;
use crate::handle::Handle;

/// Before the keys of all sets. There is one for each that was ever in use: some ten kilobytes.
const PREFIX: &[u8] = b"path/policies/";
/// Where it stands which of them was taken last.
const LAST: &[u8] = b"path/policies-last";

/// Policies that were in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySet {
    /// When they were first taken into use.
    pub taken_at: Timestamp,
    /// The packs that were switched on.
    pub packs: Vec<String>,
    /// Their rules and tables.
    pub described: Described,
}

/// Writes down policies that are about to be in use, once, and tells the audit log if they are others than the last.
pub(crate) async fn note(engine: &Engine, policies: &Policies) -> Result<(), Error> {
    let described = policies.describe();
    let name = format!("{}-{}", described.rules_hash, described.tables_hash);
    let packs = engine.policy.origin().packs.clone();
    let read = |key: Bytes| engine.store.get(Partition::DIRECTORY, Table::Meta, key);
    let to = format!("{} rules, packs: {}", described.rules.len(), packs.join(" "));
    if read(key(&name)).await?.is_none() {
        let set = PolicySet { taken_at: engine.clock.now(), packs, described };
        put(engine, key(&name), layout::encode(&set)).await?;
    }
    if read(Bytes::from_static(LAST)).await?.as_deref() == Some(name.as_bytes()) {
        return Ok(());
    }
    for account in engine.directory.accounts() {
        let (by, what, to) = ("operator".to_owned(), "policy".to_owned(), to.clone());
        let item = Item::Changed { by, what, name: name.clone(), to, person: None };
        audit::note(engine, &account.tenant.id, item).await?;
    }
    put(engine, Bytes::from_static(LAST), Bytes::from(name)).await
}

async fn put(engine: &Engine, key: Bytes, value: Bytes) -> Result<(), Error> {
    let mut batch = Batch::new(Partition::DIRECTORY, engine.epoch(Partition::DIRECTORY));
    batch.put(Table::Meta, key, value);
    engine.store.commit(batch).await?;
    Ok(())
}

fn key(name: &str) -> Bytes {
    let mut key = BytesMut::from(PREFIX);
    key.put_slice(name.as_bytes());
    key.freeze()
}

impl Handle {
    /// Reads the policies again, for [`take_policies`](Self::take_policies). If they can't be taken those in force stay, and the
    /// status says why. Reads files: not for a thread that others wait for.
    pub fn read_policies(&self) -> Result<Policies, signalbox_policy::Error> {
        let read = self.0.policy.read(self.0.clock.now());
        if read.is_err() {
            self.0.metrics.policies_refused.inc();
        }
        read
    }

    /// Puts policies in force; the next check uses them. They are written down first; if that fails they are in force all the
    /// same, for what they forbid weighs more than a note of them.
    pub async fn take_policies(&self, policies: Policies) {
        let engine = &*self.0;
        if let Err(error) = note(engine, &policies).await {
            engine.step_failed("writing down the policies that are taken into use", &error);
        }
        engine.policy.set(policies, engine.clock.now());
        engine.programs.read_anew(&engine.policy);
        engine.metrics.policies_taken.inc();
    }

    /// Policies that were in use, by the hashes that decisions carry.
    pub async fn policy_set(&self, rules: u64, tables: u64) -> Result<Option<PolicySet>, Error> {
        let name = format!("{rules:016x}-{tables:016x}");
        let row = self.0.store.get(Partition::DIRECTORY, Table::Meta, key(&name)).await?;
        row.map(|row| layout::decode(Table::Meta, &row).map_err(Error::from)).transpose()
    }
}
