//! What handlers may ask of the host: one file per interface of `wit/imports.wit`.

mod calendar;
mod contacts;
mod conversation;
mod http;
mod log;
mod notes;
mod outbox;
mod settings;
mod state;
mod timers;

use crate::bindings::signalbox::messaging as wit;
use crate::call::Call;
use wasmtime::component::{HasSelf, Linker};
use wit::types::CallError;

impl wit::types::Host for Call {}

/// Offers all of them to a component.
pub(crate) fn add_to(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    fn all(call: &mut Call) -> &mut Call {
        call
    }
    wit::outbox::add_to_linker::<_, HasSelf<Call>>(linker, all)?;
    wit::state::add_to_linker::<_, HasSelf<Call>>(linker, all)?;
    wit::timers::add_to_linker::<_, HasSelf<Call>>(linker, all)?;
    wit::calendar::add_to_linker::<_, HasSelf<Call>>(linker, all)?;
    wit::http::add_to_linker::<_, HasSelf<Call>>(linker, all)?;
    wit::conversation::add_to_linker::<_, HasSelf<Call>>(linker, all)?;
    wit::contacts::add_to_linker::<_, HasSelf<Call>>(linker, all)?;
    wit::notes::add_to_linker::<_, HasSelf<Call>>(linker, all)?;
    wit::settings::add_to_linker::<_, HasSelf<Call>>(linker, all)?;
    wit::secrets::add_to_linker::<_, HasSelf<Call>>(linker, all)?;
    wit::log::add_to_linker::<_, HasSelf<Call>>(linker, all)
}

fn invalid(why: impl Into<String>) -> CallError {
    CallError::Invalid(why.into())
}

/// A name that a handler gives to something: not empty, not longer than an index key should be.
fn check_name(what: &str, name: &str, most: usize) -> Result<(), CallError> {
    if name.is_empty() || name.len() > most {
        return Err(invalid(format!("{what} has {} bytes: give 1 to {most}", name.len())));
    }
    Ok(())
}

fn attributes(pairs: Vec<(String, String)>) -> Vec<wit::types::AttributeResult> {
    pairs.into_iter().map(|(name, value)| wit::types::AttributeResult { name, value }).collect()
}

fn pairs_len(pairs: &[(String, String)]) -> usize {
    pairs.iter().map(|(name, value)| name.len() + value.len()).sum()
}
