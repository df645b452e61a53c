//! The compiler process from within: it limits itself, reads a component, answers with native code or a reason.

use crate::config;
use crate::upload::inner;
use rlimit::Resource;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::process::ExitCode;
use wasmtime::OutOfMemory;

/// What a compiler process is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    /// The setting of the host's on which native code depends.
    pub(super) max_memory_bytes: usize,
    /// Address space that it may take.
    pub(super) address_space_bytes: u64,
    /// CPU time that it may take.
    pub(super) cpu_seconds: u64,
    /// Whether it runs under its limits already.
    pub(super) limited: bool,
}

/// First byte of an answer that goes on with native code.
pub(super) const CODE: u8 = b'N';
/// First byte of an answer that goes on with a [`Reason`] in JSON.
pub(super) const REASON: u8 = b'R';

/// Why there is no native code.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// The component is broken.
    Malformed(String),
    /// It takes more memory than there is.
    OutOfMemory,
    /// The process isn't as it must be.
    Unavailable(String),
}

/// Compiles the component on stdin to native code on stdout: what [`Compiler::Child`](crate::Compiler::Child) starts.
/// `order` is the argument that the host added. Writes nothing else to stdout, and must be all that the process does.
pub fn compile_as_child(order: &str) -> ExitCode {
    let answer = match answer(order) {
        Ok(native) => (CODE, native),
        Err(reason) => (REASON, serde_json::to_vec(&reason).expect("a reason is plain data")),
    };
    let mut out = io::stdout().lock();
    let written = out.write_all(&[answer.0]).and_then(|()| out.write_all(&answer.1)).and_then(|()| out.flush());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn answer(order: &str) -> Result<Vec<u8>, Reason> {
    let unavailable = |what: &str, error: &dyn std::fmt::Display| Reason::Unavailable(format!("{what}: {error}"));
    let order: Order = serde_json::from_str(order).map_err(|e| unavailable("the order can't be read", &e))?;
    if !order.limited {
        return Err(unavailable("the compiler's limits can't be set", &begin_again_limited(order)));
    }
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component).map_err(|e| unavailable("the component can't be read", &e))?;
    let engine = config::compiling_engine(order.max_memory_bytes);
    let engine = engine.map_err(|e| unavailable("the compiler can't be set up", &e))?;
    engine
        .precompile_component(&component)
        .map_err(|error| if error.is::<OutOfMemory>() { Reason::OutOfMemory } else { Reason::Malformed(inner(&error)) })
}

/// Limits this process, and starts its program anew in it: an allocator takes address space in advance, before `main`,
/// and what it took without the limits wouldn't count. Returns only if that fails.
fn begin_again_limited(order: Order) -> io::Error {
    use std::os::unix::process::CommandExt;
    if let Err(error) = limit(&order) {
        return error;
    }
    let order = Order { limited: true, ..order };
    let order = serde_json::to_string(&order).expect("an order is plain data");
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    arguments.pop();
    match super::child::this_program() {
        Ok(program) => std::process::Command::new(program).args(arguments).arg(order).exec(),
        Err(error) => error,
    }
}

fn limit(order: &Order) -> io::Result<()> {
    lower(Resource::CORE, 0, 0)?;
    lower(Resource::AS, order.address_space_bytes, order.address_space_bytes)?;
    // At the first the kernel says which limit it was; the second is for who doesn't hear.
    lower(Resource::CPU, order.cpu_seconds, order.cpu_seconds.saturating_add(1))
}

/// Limits can be lowered by anybody, and raised by few.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let (_, most) = resource.get()?;
    resource.set(soft.min(most), hard.min(most))
}
