//! `settings` and `secrets`: what the tenant gave to the handler.

use super::wit;
use crate::call::Call;
use wit::types::AttributeResult;
use wit::{secrets, settings};

impl settings::Host for Call {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.enter();
        Ok(self.settings.get(&name).cloned())
    }

    fn all(&mut self) -> wasmtime::Result<Vec<AttributeResult>> {
        self.enter();
        let all = self.settings.iter();
        Ok(all.map(|(name, value)| AttributeResult { name: name.clone(), value: value.clone() }).collect())
    }
}

impl secrets::Host for Call {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.enter();
        Ok(self.secrets.get(&name).cloned())
    }
}
