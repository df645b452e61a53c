//! `wasi:cli`: an empty environment, output to the log, no terminal, and an exit that ends the call.

use super::interface;
use super::io::{InputStream, OutputStream, STDERR, STDOUT};
use crate::call::Call;
use crate::stop::Stop;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};

/// `wasi:cli/terminal-input.terminal-input`. None is ever made.
enum TerminalInput {}
/// `wasi:cli/terminal-output.terminal-output`. None is ever made.
enum TerminalOutput {}

type Context<'a> = StoreContextMut<'a, Call>;

pub(super) fn add_to(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    environment(linker)?;
    streams(linker)?;
    terminals(linker)?;
    let mut exit = linker.instance(&interface("cli/exit"))?;
    exit.func_wrap("exit", |_: Context<'_>, _: (Result<(), ()>,)| Err::<(), _>(Stop::Exit.into()))?;
    exit.func_wrap("exit-with-code", |_: Context<'_>, _: (u8,)| Err::<(), _>(Stop::Exit.into()))
}

fn environment(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut environment = linker.instance(&interface("cli/environment"))?;
    environment.func_wrap("get-environment", |_: Context<'_>, (): ()| Ok((Vec::<(String, String)>::new(),)))?;
    environment.func_wrap("get-arguments", |_: Context<'_>, (): ()| Ok((Vec::<String>::new(),)))?;
    environment.func_wrap("initial-cwd", |_: Context<'_>, (): ()| Ok((None::<String>,)))
}

fn streams(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    linker
        .instance(&interface("cli/stdin"))?
        .func_wrap("get-stdin", |_: Context<'_>, (): ()| Ok((Resource::<InputStream>::new_own(0),)))?;
    linker
        .instance(&interface("cli/stdout"))?
        .func_wrap("get-stdout", |_: Context<'_>, (): ()| Ok((Resource::<OutputStream>::new_own(STDOUT),)))?;
    linker
        .instance(&interface("cli/stderr"))?
        .func_wrap("get-stderr", |_: Context<'_>, (): ()| Ok((Resource::<OutputStream>::new_own(STDERR),)))
}

fn terminals(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    linker.instance(&interface("cli/terminal-input"))?.resource(
        "terminal-input",
        ResourceType::host::<TerminalInput>(),
        |_, _| Ok(()),
    )?;
    linker.instance(&interface("cli/terminal-output"))?.resource(
        "terminal-output",
        ResourceType::host::<TerminalOutput>(),
        |_, _| Ok(()),
    )?;
    linker
        .instance(&interface("cli/terminal-stdin"))?
        .func_wrap("get-terminal-stdin", |_: Context<'_>, (): ()| Ok((None::<Resource<TerminalInput>>,)))?;
    for name in ["stdout", "stderr"] {
        linker
            .instance(&interface(&format!("cli/terminal-{name}")))?
            .func_wrap(&format!("get-terminal-{name}"), |_: Context<'_>, (): ()| {
                Ok((None::<Resource<TerminalOutput>>,))
            })?;
    }
    Ok(())
}
