//! Waiting for what comes about.

use std::time::Duration;

use signalbox_model::{Cause, MessageId, Partition, Status};
use signalbox_records::Record;
use signalbox_store::Store;

use super::House;

impl House {
    /// Lets all go on that can without time's passing.
    pub async fn still(&self) {
        for _ in 0..300 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a message is where the test wants it.
    pub async fn until(&self, id: MessageId, status: Status) -> Record {
        let wait = async {
            loop {
                let record = self.record(id).await;
                if record.head.status == status {
                    return record;
                }
                tokio::task::yield_now().await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(20), wait).await {
            Ok(record) => record,
            Err(_) => panic!("{id} never became {status}; it is {:#?}", self.record(id).await.entries),
        }
    }

    /// Waits until so many outbound messages aren't with a carrier yet.
    pub async fn until_waiting(&self, waiting: usize) {
        let wait = async {
            while self.handle.readiness().waiting != waiting {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("messages went on waiting");
    }

    /// Waits until every inbox is empty and, if asked for, every timer of a handler has fired. False: the store failed
    /// before that.
    pub async fn is_quiet(&self, timers: bool) -> bool {
        let wait = async {
            loop {
                match self.has_work(timers).await {
                    Ok(false) => return true,
                    Ok(true) => tokio::task::yield_now().await,
                    Err(_) => return false,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("there never was an end of work")
    }

    async fn has_work(&self, timers: bool) -> Result<bool, signalbox_store::Error> {
        for partition in (0..self.store.partitions()).map(Partition::new) {
            let all = signalbox_store::Range::prefix(signalbox_store::Table::Timer, Vec::new(), 1);
            if timers && !self.store.range(partition, all).await?.is_empty() {
                return Ok(true);
            }
            if !self.store.inbox(partition, Default::default(), 1).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits until a condition on the tenant's messages holds.
    pub async fn until_messages(
        &self,
        holds: impl Fn(&[(signalbox_model::Message, Status)]) -> bool,
    ) -> Vec<(signalbox_model::Message, Status)> {
        let wait = async {
            loop {
                let messages = self.messages().await;
                if holds(&messages) {
                    return messages;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the messages never were as the test wants")
    }

    /// Waits until this holds.
    pub async fn until_true(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let wait = async {
            while !holds().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    /// Waits until an inbound text is dealt with; what its handler was told off for, if it failed.
    pub async fn handled(&self, text: &str) -> Result<(), String> {
        let is_it = |message: &signalbox_model::Message| {
            message.direction == signalbox_model::Direction::Inbound && message.body.text == text
        };
        let over = |status: &Status| matches!(status, Status::Handled | Status::HandlerFailed | Status::Unhandled);
        let messages = self.until_messages(|all| all.iter().any(|(m, status)| is_it(m) && over(status))).await;
        let (message, status) = messages.into_iter().rfind(|(m, _)| is_it(m)).expect("it came in");
        if status == Status::Handled {
            return Ok(());
        }
        let record = self.record(message.id).await;
        Err(record
            .entries
            .iter()
            .rev()
            .find_map(|entry| match &entry.cause {
                Cause::HandlerFailed { error, .. } => Some(error.clone()),
                _ => None,
            })
            .unwrap_or_default())
    }
}
