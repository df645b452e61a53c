//! `wasi:filesystem`: languages' runtimes import it; there is none.
//!
//! The list of preopened directories is empty. All else works on a directory or a file, and so can't be called: those
//! functions are linked by the types that the component itself gives, and end the call if reached after all.

use super::io::{InputStream, IoError, OutputStream, Pollable};
use crate::call::Call;
use crate::stop::Stop;
use wasmtime::Engine;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Linker, ResourceType, Val};

/// A directory, a file, a stream of entries: none is ever made.
enum Nothing {}

/// Whether an import is linked here.
pub(crate) fn is_denied(import: &str) -> bool {
    import.starts_with("wasi:filesystem/")
}

/// Links an import of which [`is_denied`] holds.
pub(crate) fn add_denied(
    linker: &mut Linker<Call>,
    engine: &Engine,
    import: &str,
    instance: &ComponentInstance,
) -> wasmtime::Result<()> {
    let mut linked = linker.instance(import)?;
    for (name, item) in instance.exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(_) if name == "get-directories" => {
                linked.func_new(name, |_, _, _, results| {
                    results[0] = Val::List(Vec::new());
                    Ok(())
                })?;
            }
            ComponentItem::ComponentFunc(_) => {
                linked.func_new(name, |_, _, _, _| Err(Stop::Denied("the filesystem").into()))?;
            }
            ComponentItem::Resource(_) => linked.resource(name, resource(name), |_, _| Ok(()))?,
            _ => {}
        }
    }
    Ok(())
}

/// The interface passes on some of `wasi:io`'s own types, which have to stay the same.
fn resource(name: &str) -> ResourceType {
    match name {
        "error" => ResourceType::host::<IoError>(),
        "pollable" => ResourceType::host::<Pollable>(),
        "input-stream" => ResourceType::host::<InputStream>(),
        "output-stream" => ResourceType::host::<OutputStream>(),
        _ => ResourceType::host::<Nothing>(),
    }
}
