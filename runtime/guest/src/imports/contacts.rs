//! `contacts`: who is on the other side.

use super::state::mismatch;
use super::{attributes, check_name, pairs_len, wit};
use crate::call::Call;
use crate::question::{Question, Reply};
use crate::surroundings::Contact;
use wit::contacts;
use wit::types::CallError;

/// Longer than any address.
const MAX_ADDRESS_BYTES: usize = 32;

impl contacts::Host for Call {
    async fn get(&mut self, address: Option<String>) -> wasmtime::Result<Result<contacts::Contact, CallError>> {
        self.enter();
        if let Some(Err(refused)) = address.as_deref().map(|a| check_name("the address", a, MAX_ADDRESS_BYTES)) {
            return Ok(Err(refused));
        }
        // It reads the store as state does, and counts as such.
        self.staging.state_op()?;
        let Reply::Contact(contact) = self.desk.ask(Question::Contact { address }).await else {
            return Err(mismatch());
        };
        self.check_reply_size(pairs_len(&contact.attributes))?;
        Ok(Ok(contact.into()))
    }
}

impl From<Contact> for contacts::Contact {
    fn from(contact: Contact) -> Self {
        Self {
            address: contact.address,
            consent: contact.consent,
            time_zone: contact.time_zone,
            attributes: attributes(contact.attributes),
        }
    }
}
