//! Imports that answer constants: what a component costs when nothing stands behind its calls.

use signalbox_guest::Names;
use signalbox_guest::bindings::signalbox::messaging::{self as wit, types as wit_types};

/// Imports that answer constants, and the settings that the host gives.
pub struct Bare(pub Names);

/// What the host says of a contact of whom nothing is recorded, as of the one that is measured with.
const NO_ZONE: &str = "the contact's time zone isn't known";
const ID: &str = "msg_06cq3k5v7m2h8n4p9r1t6w0x3z";

type Answered<T> = wasmtime::Result<Result<T, wit_types::CallError>>;

impl wit_types::Host for Bare {}

impl wit::state::Host for Bare {
    async fn get(&mut self, _: wit::state::Scope, _: String) -> Answered<Option<Vec<u8>>> {
        Ok(Ok(None))
    }
    fn set(&mut self, _: wit::state::Scope, _: String, _: Vec<u8>, _: Option<u64>) -> Answered<()> {
        Ok(Ok(()))
    }
    fn delete(&mut self, _: wit::state::Scope, _: String) -> Answered<()> {
        Ok(Ok(()))
    }
    async fn list(
        &mut self,
        _: wit::state::Scope,
        _: String,
        _: Option<String>,
        _: u32,
    ) -> Answered<Vec<wit::state::Entry>> {
        Ok(Ok(Vec::new()))
    }
    async fn increment(&mut self, _: wit::state::Scope, _: String, by: i64, _: Option<u64>) -> Answered<i64> {
        Ok(Ok(by))
    }
}

impl wit::outbox::Host for Bare {
    fn reply(&mut self, _: String) -> Answered<String> {
        Ok(Ok(ID.to_owned()))
    }
    fn reply_with_media(&mut self, _: String, _: Vec<wit_types::MediaResult>) -> Answered<String> {
        Ok(Ok(ID.to_owned()))
    }
    fn send(&mut self, _: wit::outbox::OutgoingMessage) -> Answered<String> {
        Ok(Ok(ID.to_owned()))
    }
    fn cancel(&mut self, _: String) -> Answered<()> {
        Ok(Ok(()))
    }
}

impl wit::notes::Host for Bare {
    fn label(&mut self, _: String) -> Answered<()> {
        Ok(Ok(()))
    }
    fn number(&mut self, _: String, _: f64) -> Answered<()> {
        Ok(Ok(()))
    }
    fn text(&mut self, _: String, _: String) -> Answered<()> {
        Ok(Ok(()))
    }
}

impl wit::timers::Host for Bare {
    fn set_at(&mut self, _: String, _: u64, _: Vec<u8>) -> Answered<()> {
        Ok(Ok(()))
    }
    fn set_after(&mut self, _: String, _: u64, _: Vec<u8>) -> Answered<()> {
        Ok(Ok(()))
    }
    async fn set_local(
        &mut self,
        _: String,
        _: wit_types::LocalDay,
        _: u8,
        _: u8,
        _: Option<String>,
        _: Vec<u8>,
    ) -> Answered<u64> {
        Ok(Ok(0))
    }
    fn cancel(&mut self, _: String) -> Answered<()> {
        Ok(Ok(()))
    }
}

impl wit::calendar::Host for Bare {
    async fn to_local(&mut self, _: Option<u64>, _: Option<String>) -> Answered<wit_types::LocalTime> {
        Ok(Err(wit_types::CallError::Invalid(NO_ZONE.to_owned())))
    }
    async fn to_instant(&mut self, _: wit_types::LocalDay, _: u8, _: u8, _: Option<String>) -> Answered<u64> {
        Ok(Err(wit_types::CallError::Invalid(NO_ZONE.to_owned())))
    }
}

impl wit::conversation::Host for Bare {
    async fn recent(&mut self, _: u32) -> Answered<Vec<wit::conversation::PastMessage>> {
        Ok(Ok(Vec::new()))
    }
}

impl wit::contacts::Host for Bare {
    async fn get(&mut self, _: Option<String>) -> Answered<wit::contacts::Contact> {
        Ok(Ok(wit::contacts::Contact {
            address: "+15552223333".to_owned(),
            consent: "none".to_owned(),
            time_zone: None,
            attributes: Vec::new(),
        }))
    }
}

impl wit::http::Host for Bare {
    async fn fetch(
        &mut self,
        _: wit::http::Request,
    ) -> wasmtime::Result<Result<wit::http::Response, wit::http::Failure>> {
        Ok(Err(wit::http::Failure::Refused("not here".to_owned())))
    }
}

impl wit::settings::Host for Bare {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.0.get(&name).cloned())
    }
    fn all(&mut self) -> wasmtime::Result<Vec<wit_types::AttributeResult>> {
        Ok(Vec::new())
    }
}

impl wit::secrets::Host for Bare {
    fn get(&mut self, _: String) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}

impl wit::log::Host for Bare {
    fn write(&mut self, _: wit::log::Level, _: String) -> wasmtime::Result<()> {
        Ok(())
    }
}
