//! `wasi:http`, outgoing only, for languages that have it built in. It comes down to whole requests and answers, the same
//! that `signalbox:messaging/http` sends.
//!
//! A request leaves when its answer is first waited for: by then its body is written. Guests that would write a body
//! while they read the answer find the body cut off where they began to wait.

mod fields;
mod incoming;
mod outgoing;
mod types;

use crate::call::Call;
use crate::http::{HttpRequest, HttpResult};
use crate::limits::Limits;
use crate::stop::Stop;
use wasmtime::component::{Linker, Resource, ResourceTable};

pub(super) use types::ErrorCode;

/// What a guest may have the host hold in headers and bodies: of so many requests.
const HELD_REQUESTS: usize = 16;

/// The HTTP of one event.
pub(crate) struct Web {
    table: ResourceTable,
    /// What was written into requests' bodies.
    outgoing: Vec<Vec<u8>>,
    finished: Vec<bool>,
    /// Answers' bodies, and how far they were read.
    incoming: Vec<(Vec<u8>, usize)>,
    asked: Vec<Asked>,
    held: usize,
    most_held: usize,
    most_bodies: usize,
}

/// A request that was handed over.
enum Asked {
    Waiting { request: HttpRequest, body: Option<usize> },
    Answered(HttpResult),
    Taken,
}

impl Web {
    pub(crate) fn new(limits: &Limits) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            table,
            outgoing: Vec::new(),
            finished: Vec::new(),
            incoming: Vec::new(),
            asked: Vec::new(),
            held: 0,
            most_held: limits.http_bytes.saturating_mul(HELD_REQUESTS),
            most_bodies: limits.handles,
        }
    }

    /// Counts what the host holds for the guest; nothing is counted off again, since an event is short.
    fn hold(&mut self, bytes: usize) -> Result<(), Stop> {
        self.held = self.held.saturating_add(bytes);
        if self.held > self.most_held {
            return Err(Stop::Limit { name: "bytes of HTTP headers and bodies", most: self.most_held as u64 });
        }
        Ok(())
    }

    fn push<T: Send + 'static>(&mut self, entry: T) -> Result<Resource<T>, Stop> {
        let most = self.table.max_capacity() as u64;
        self.table.push(entry).map_err(|_| Stop::Limit { name: "handles", most })
    }

    /// Bytes for a request's body.
    pub(super) fn write(&mut self, body: usize, bytes: &[u8]) -> Result<bool, Stop> {
        if self.finished.get(body).is_none_or(|finished| *finished) {
            return Ok(false);
        }
        self.hold(bytes.len())?;
        self.outgoing[body].extend_from_slice(bytes);
        Ok(true)
    }

    /// The next bytes of an answer's body; none at its end.
    pub(super) fn read(&mut self, body: usize, most: usize) -> Option<Vec<u8>> {
        let (bytes, at) = self.incoming.get_mut(body)?;
        let end = at.saturating_add(most).min(bytes.len());
        if *at == bytes.len() {
            return None;
        }
        let read = bytes[*at..end].to_vec();
        *at = end;
        Some(read)
    }

    /// Whether an answer is there.
    pub(super) fn is_answered(&self, asked: usize) -> bool {
        !matches!(self.asked.get(asked), Some(Asked::Waiting { .. }))
    }

    /// Whether a request is whole, so that it may leave.
    pub(super) fn is_whole(&self, asked: usize) -> bool {
        match self.asked.get(asked) {
            Some(Asked::Waiting { body: Some(body), .. }) => self.finished[*body],
            _ => true,
        }
    }
}

impl Call {
    /// Sends a request that was handed over, unless it is answered already.
    pub(super) async fn answer(&mut self, asked: usize) -> wasmtime::Result<()> {
        let Some(slot) = self.web.asked.get_mut(asked) else { return Ok(()) };
        match std::mem::replace(slot, Asked::Taken) {
            Asked::Waiting { mut request, body } => {
                if let Some(body) = body {
                    self.web.finished[body] = true;
                    request.body = std::mem::take(&mut self.web.outgoing[body]);
                }
                let result = self.request(request).await?;
                self.web.asked[asked] = Asked::Answered(result);
            }
            other => *slot = other,
        }
        Ok(())
    }
}

pub(super) fn add_to(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut types = linker.instance(&super::interface("http/types"))?;
    types.func_wrap("http-error-code", |_: super::Context<'_>, (_,): (Resource<super::io::IoError>,)| {
        Ok((None::<ErrorCode>,))
    })?;
    fields::add_to(&mut types)?;
    outgoing::add_to(&mut types)?;
    incoming::add_to(&mut types)?;
    outgoing::add_handler(&mut linker.instance(&super::interface("http/outgoing-handler"))?)
}
