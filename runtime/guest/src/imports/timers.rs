//! `timers`: calls to come back later.

use super::{check_name, invalid, wit};
use crate::call::Call;
use crate::effects::TimerSet;
use wit::timers;
use wit::types::{CallError, LocalDay};

/// A name is part of the store's key.
const MAX_NAME_BYTES: usize = 128;

/// A payload says what the timer is about; anything larger belongs into state.
const MAX_PAYLOAD_BYTES: usize = 16 << 10;

impl timers::Host for Call {
    fn set_at(&mut self, name: String, at: u64, payload: Vec<u8>) -> wasmtime::Result<Result<(), CallError>> {
        self.enter();
        self.set(name, at, payload)
    }

    fn set_after(&mut self, name: String, after_ms: u64, payload: Vec<u8>) -> wasmtime::Result<Result<(), CallError>> {
        self.enter();
        let at = self.now.saturating_add(after_ms.saturating_mul(1_000));
        self.set(name, at, payload)
    }

    async fn set_local(
        &mut self,
        name: String,
        day: LocalDay,
        hour: u8,
        minute: u8,
        time_zone: Option<String>,
        payload: Vec<u8>,
    ) -> wasmtime::Result<Result<u64, CallError>> {
        self.enter();
        let at = match self.local_instant(day, hour, minute, time_zone).await? {
            Ok(at) if at > self.now => at,
            Ok(_) => return Ok(Err(invalid("that time is past there: give a later day, or `next`"))),
            Err(refused) => return Ok(Err(refused)),
        };
        Ok(self.set(name, at, payload)?.map(|()| at))
    }

    fn cancel(&mut self, name: String) -> wasmtime::Result<Result<(), CallError>> {
        self.enter();
        if let Err(refused) = check_name("the timer's name", &name, MAX_NAME_BYTES) {
            return Ok(Err(refused));
        }
        self.staging.timer(name, None)?;
        Ok(Ok(()))
    }
}

impl Call {
    fn set(&mut self, name: String, at: u64, payload: Vec<u8>) -> wasmtime::Result<Result<(), CallError>> {
        if let Err(refused) = check_name("the timer's name", &name, MAX_NAME_BYTES) {
            return Ok(Err(refused));
        }
        if payload.len() > MAX_PAYLOAD_BYTES {
            let bytes = payload.len();
            return Ok(Err(invalid(format!("the payload has {bytes} bytes: {MAX_PAYLOAD_BYTES} are the most"))));
        }
        self.staging.timer(name, Some(TimerSet { at, payload }))?;
        Ok(Ok(()))
    }
}
