//! A handler: a compiled component whose imports are linked and whose exports are looked up.

use super::contract;
use super::refusal::Refusal;
use crate::bindings::exports::signalbox::messaging as exports;
use crate::call::Call;
use crate::event::Kind;
use crate::limits::UploadLimits;
use crate::turn::{Room, room};
use crate::wasi;
use std::fmt;
use std::time::Duration;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre, Linker};

/// A handler that is ready to be called, by any number of events at once.
pub struct Handler {
    pub(crate) pre: InstancePre<Call>,
    pub(crate) exports: Exports,
    /// Where its events compute; how large it is, the host knows.
    pub(crate) room: Room,
    info: HandlerInfo,
}

/// Where the four functions are, if they are there.
#[derive(Default)]
pub(crate) struct Exports {
    pub(crate) message: Option<exports::message_handler::GuestIndices>,
    pub(crate) draft: Option<exports::draft_handler::GuestIndices>,
    pub(crate) receipt: Option<exports::receipt_handler::GuestIndices>,
    pub(crate) timer: Option<exports::timer_handler::GuestIndices>,
}

/// What is known of a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerInfo {
    /// SHA-256 of the uploaded bytes, in hex: the handler's name for good.
    pub digest: String,
    /// Size of the upload.
    pub size_bytes: usize,
    /// Size of the native code.
    pub native_bytes: usize,
    /// How long compiling took, or loading what was compiled before.
    pub compile_time: Duration,
    /// Whether it was compiled before.
    pub from_cache: bool,
    /// The handlers it exports.
    pub exports: Vec<Export>,
    /// The interfaces it imports.
    pub imports: Vec<String>,
}

/// A handler interface that a component exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Which.
    pub kind: Kind,
    /// Of which version of the contract.
    pub version: String,
}

impl Handler {
    /// What is known of it.
    pub fn info(&self) -> &HandlerInfo {
        &self.info
    }

    /// Whether it handles events of a kind.
    pub fn handles(&self, kind: Kind) -> bool {
        self.info.exports.iter().any(|export| export.kind == kind)
    }

    /// The component, for measurements against bare wasmtime.
    #[doc(hidden)]
    pub fn component(&self) -> &Component {
        self.pre.component()
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("info", &self.info).finish_non_exhaustive()
    }
}

/// Where a component comes from.
pub(super) struct Origin {
    pub(super) digest: String,
    pub(super) size_bytes: usize,
    pub(super) compile_time: Duration,
    pub(super) from_cache: bool,
}

/// Holds a component against the contract and links it. For a thread that may block.
pub(super) fn join(
    engine: &Engine,
    offered: &Linker<Call>,
    component: Component,
    origin: Origin,
    limits: &UploadLimits,
) -> Result<Handler, Refusal> {
    let native_bytes = check_native(&component, limits)?;
    let exported = contract::exports(engine, &component)?;
    let imports = contract::imports(engine, offered, &component, limits)?;
    let pre = link(engine, offered, &component).map_err(|e| Refusal::WrongShape { reason: inner(&e) })?;
    let exports = find(&pre, &exported).map_err(|e| Refusal::WrongShape { reason: inner(&e) })?;
    // Here rather than at the first event.
    component.initialize_copy_on_write_image().map_err(|e| Refusal::Unavailable { reason: inner(&e) })?;
    let Origin { digest, size_bytes, compile_time, from_cache } = origin;
    let info = HandlerInfo { digest, size_bytes, native_bytes, compile_time, from_cache, exports: exported, imports };
    Ok(Handler { pre, exports, room: room(1), info })
}

/// The size of its native code.
pub(super) fn check_native(component: &Component, limits: &UploadLimits) -> Result<usize, Refusal> {
    let native = component.image_range();
    let bytes = native.end.addr() - native.start.addr();
    if bytes > limits.native_bytes { Err(Refusal::native_over_limit(bytes, limits)) } else { Ok(bytes) }
}

fn link(engine: &Engine, offered: &Linker<Call>, component: &Component) -> wasmtime::Result<InstancePre<Call>> {
    let mut linker = offered.clone();
    for (name, item) in component.component_type().imports(engine) {
        if let ComponentItem::ComponentInstance(instance) = item.ty
            && wasi::is_denied(name)
        {
            wasi::add_denied(&mut linker, engine, name, &instance)?;
        }
    }
    linker.instantiate_pre(component)
}

fn find(pre: &InstancePre<Call>, exported: &[Export]) -> wasmtime::Result<Exports> {
    let mut found = Exports::default();
    for export in exported {
        match export.kind {
            Kind::Message => found.message = Some(exports::message_handler::GuestIndices::new(pre)?),
            Kind::Draft => found.draft = Some(exports::draft_handler::GuestIndices::new(pre)?),
            Kind::Receipt => found.receipt = Some(exports::receipt_handler::GuestIndices::new(pre)?),
            Kind::Timer => found.timer = Some(exports::timer_handler::GuestIndices::new(pre)?),
        }
    }
    Ok(found)
}

/// An error and its causes in one line, without what only matters to wasmtime.
pub(crate) fn inner(error: &wasmtime::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        let line = cause.lines().next().unwrap_or_default().trim().to_owned();
        if !line.is_empty() && texts.last() != Some(&line) {
            texts.push(line);
        }
    }
    texts.join(": ")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String doesn't fail");
        text
    })
}
