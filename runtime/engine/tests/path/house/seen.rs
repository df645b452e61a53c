//! What is on record.

use signalbox_engine::{AuditQuery, Standing};
use signalbox_guest as guest;
use signalbox_model::{MessageId, Partition, Status};
use signalbox_records::Record;
use signalbox_records::audit::item::Item;
use signalbox_records::audit::{Keys, Summary, Verifier};
use signalbox_store::Store;

use super::{House, OURS, THEIRS};

impl House {
    /// Goes through the whole audit log: its links, its checkpoints, and that what it tells of is on record as it was
    /// logged. The items, in the order of each chain.
    pub async fn verified_log(&self) -> (Summary, Vec<Item>) {
        let tenant = &self.caller.tenant;
        let mut verifier = Verifier::new(tenant.clone(), Keys::from_bytes(&[5; 64]).public());
        for mark in self.handle.audit_marks(tenant, 0, None, 1_000).await.unwrap() {
            verifier.mark(&mark).unwrap();
        }
        let (mut items, mut others) = (Vec::new(), std::collections::BTreeSet::new());
        for partition in (0..self.store.partitions()).map(Partition::new) {
            let query = AuditQuery { limit: 10_000, compare: true, ..AuditQuery::default() };
            let page = self.handle.audit_page(tenant, partition, &query).await.unwrap();
            verifier.begin_whole_at(partition, page.before).unwrap();
            for (frame, standings) in page.frames {
                let body = verifier.frame(partition, frame.n, &frame.link, &frame.body).unwrap();
                for (item, standing) in body.items.iter().zip(standings) {
                    match (item, standing) {
                        (Item::Text { message, .. }, Some(Standing::Same)) => {
                            others.remove(message);
                        }
                        (Item::Text { message, .. }, _) | (Item::Line { message, .. }, Some(Standing::Missing)) => {
                            others.insert(*message);
                        }
                        (Item::Swept { messages, .. }, _) => others.retain(|id| !messages.contains(id)),
                        _ => assert!(standing.is_none_or(|standing| standing == Standing::Same), "{item:?}"),
                    }
                }
                items.extend(body.items);
            }
        }
        assert!(others.is_empty(), "texts that are other than they were logged: {others:?}");
        (verifier.finish(None).unwrap(), items)
    }

    pub async fn record(&self, id: MessageId) -> Record {
        self.handle.message(&self.caller.tenant, id).await.unwrap().expect("the message is on record")
    }

    /// The tenant's messages, oldest first.
    pub async fn messages(&self) -> Vec<(signalbox_model::Message, Status)> {
        let page = self.handle.messages(&self.caller.tenant, &Default::default(), None, 1_000).await.unwrap();
        page.items.into_iter().rev().map(|(message, head)| (message, head.status)).collect()
    }

    /// All of the tenant's messages.
    pub async fn all_messages(&self) -> Vec<(signalbox_model::Message, Status)> {
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.handle.messages(&self.caller.tenant, &Default::default(), cursor, 1_000).await.unwrap();
            all.extend(page.items.into_iter().map(|(message, head)| (message, head.status)));
            cursor = page.next;
            if cursor.is_none() {
                return all;
            }
        }
    }

    /// What a handler keeps for the whole tenant.
    pub async fn tenants_state(&self, key: &str) -> Option<String> {
        self.state(guest::Scope::Tenant, (OURS, THEIRS), key).await
    }

    /// What a handler keeps of a conversation between one of the tenant's numbers and a phone.
    pub async fn conversations_state(&self, between: (&str, &str), key: &str) -> Option<String> {
        self.state(guest::Scope::Conversation, between, key).await
    }

    async fn state(&self, scope: guest::Scope, (ours, theirs): (&str, &str), key: &str) -> Option<String> {
        let conversation = signalbox_model::Conversation {
            tenant: self.caller.tenant.clone(),
            ours: ours.parse().unwrap(),
            theirs: theirs.parse().unwrap(),
        };
        let value = self.handle.state(&conversation, scope, key).await.expect("the store answers");
        value.map(|bytes| String::from_utf8(bytes).unwrap())
    }
}
