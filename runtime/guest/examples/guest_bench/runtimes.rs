//! What languages' runtimes ask of WASI before a handler runs, answered with constants.

use crate::bare::Bare;
use wasmtime::StoreContextMut;
use wasmtime::component::{Component, Linker, LinkerInstance, Resource, Val};

type Context<'a> = StoreContextMut<'a, Bare>;
/// A stream, a terminal, a folder: nothing stands behind it. It is of the type that unknown resources are given, so that
/// these fit.
type Handle = Resource<()>;

/// Links it under the version that the component names: one that is named exactly goes before one that would do.
pub fn add_to(linker: &mut Linker<Bare>, component: &Component) -> wasmtime::Result<()> {
    let engine = component.engine().clone();
    for (name, _) in component.component_type().imports(&engine) {
        let Some((interface, _)) = name.split_once('@').filter(|(interface, _)| interface.starts_with("wasi:")) else {
            continue;
        };
        let instance = &mut linker.instance(name)?;
        match interface {
            "wasi:cli/environment" => environment(instance)?,
            "wasi:cli/stdin" => handle(instance, "get-stdin")?,
            "wasi:cli/stdout" => handle(instance, "get-stdout")?,
            "wasi:cli/stderr" => handle(instance, "get-stderr")?,
            "wasi:cli/terminal-stdin" => no_terminal(instance, "get-terminal-stdin")?,
            "wasi:cli/terminal-stdout" => no_terminal(instance, "get-terminal-stdout")?,
            "wasi:cli/terminal-stderr" => no_terminal(instance, "get-terminal-stderr")?,
            "wasi:clocks/monotonic-clock" => instance.func_wrap("now", |_: Context<'_>, (): ()| Ok((1_000_u64,)))?,
            "wasi:clocks/wall-clock" => wall_clock(instance)?,
            "wasi:filesystem/preopens" => no_folders(instance)?,
            "wasi:random/random" => random(instance)?,
            _ => {}
        }
    }
    Ok(())
}

fn environment(instance: &mut LinkerInstance<'_, Bare>) -> wasmtime::Result<()> {
    instance.func_wrap("get-environment", |_: Context<'_>, (): ()| Ok((Vec::<(String, String)>::new(),)))?;
    instance.func_wrap("get-arguments", |_: Context<'_>, (): ()| Ok((Vec::<String>::new(),)))
}

fn handle(instance: &mut LinkerInstance<'_, Bare>, name: &str) -> wasmtime::Result<()> {
    instance.func_wrap(name, |_: Context<'_>, (): ()| Ok((Handle::new_own(0),)))
}

fn no_terminal(instance: &mut LinkerInstance<'_, Bare>, name: &str) -> wasmtime::Result<()> {
    instance.func_wrap(name, |_: Context<'_>, (): ()| Ok((None::<Handle>,)))
}

fn wall_clock(instance: &mut LinkerInstance<'_, Bare>) -> wasmtime::Result<()> {
    instance.func_new("now", |_, _, _, results| {
        let fields = [("seconds", Val::U64(crate::NOW / 1_000_000)), ("nanoseconds", Val::U32(0))];
        results[0] = Val::Record(fields.map(|(name, value)| (name.to_owned(), value)).into());
        Ok(())
    })
}

fn no_folders(instance: &mut LinkerInstance<'_, Bare>) -> wasmtime::Result<()> {
    instance.func_wrap("get-directories", |_: Context<'_>, (): ()| Ok((Vec::<(Handle, String)>::new(),)))
}

fn random(instance: &mut LinkerInstance<'_, Bare>) -> wasmtime::Result<()> {
    instance.func_wrap("get-random-bytes", |_: Context<'_>, (length,): (u64,)| {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok((vec![7_u8; length],))
    })?;
    instance.func_wrap("get-random-u64", |_: Context<'_>, (): ()| Ok((7_u64,)))
}
