//! `conversation`: what was said so far.

use super::state::mismatch;
use super::{attributes, pairs_len, wit};
use crate::call::Call;
use crate::question::{Question, Reply};
use crate::surroundings::PastMessage;
use wit::conversation;
use wit::types::{CallError, Direction};

/// The most messages of one answer.
const MAX_RECENT: usize = 50;

impl conversation::Host for Call {
    async fn recent(&mut self, limit: u32) -> wasmtime::Result<Result<Vec<conversation::PastMessage>, CallError>> {
        self.enter();
        // It reads the store as state does, and counts as such.
        self.staging.state_op()?;
        let limit = (limit as usize).min(MAX_RECENT);
        let Reply::Recent(mut messages) = self.desk.ask(Question::Recent { limit }).await else {
            return Err(mismatch());
        };
        messages.truncate(limit);
        self.check_reply_size(messages.iter().map(|m| m.text.len() + pairs_len(&m.attributes)).sum())?;
        Ok(Ok(messages.into_iter().map(Into::into).collect()))
    }
}

impl From<PastMessage> for conversation::PastMessage {
    fn from(message: PastMessage) -> Self {
        Self {
            id: message.id,
            direction: if message.inbound { Direction::Inbound } else { Direction::Outbound },
            text: message.text,
            status: message.status,
            at: message.at,
            attributes: attributes(message.attributes),
        }
    }
}
