//! What is said about a call that broke off.

use crate::call::Call;
use crate::event::Kind;
use crate::limits::Limits;
use crate::outcome::FailureKind;
use crate::stop::Stop;
use crate::upload::inner;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

/// How many functions of the guest's stack are named.
const FRAMES_NAMED: usize = 4;

/// So many calls of one function from itself are a recursion. Wasmtime keeps 16 frames.
const FRAMES_COMPARED: usize = 12;

/// Finds the kind of an error and the words for it: what happened, where, what to do.
pub(crate) fn explain(error: &wasmtime::Error, call: &Call, kind: Kind, limits: &Limits) -> (FailureKind, String) {
    let (failure, what) = classify(error, call, limits);
    let message = match &failure {
        FailureKind::Unavailable => what,
        _ => format!("{what} (in {}{})", kind.function(), stack(error)),
    };
    (failure, message)
}

/// What is said when the wall clock ran out.
pub(crate) fn over_wall_limit(limits: &Limits) -> (FailureKind, String) {
    let message = format!(
        "the event took longer than {:?} in all, waiting included: read less state and history, or answer first and \
         go on in a timer",
        limits.wall
    );
    (FailureKind::WallLimit, message)
}

fn classify(error: &wasmtime::Error, call: &Call, limits: &Limits) -> (FailureKind, String) {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stopped(*stop, limits);
    }
    if call.meter.refused() {
        let most = limits.memory_bytes >> 20;
        return (
            FailureKind::Memory,
            format!(
                "the handler wanted more memory than the {most} MiB (or table elements than the {}) of an event: \
                     hold less at once",
                limits.table_elements
            ),
        );
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        // A language that keeps its stack in linear memory runs out of bounds where others run out of native stack.
        let ran_over = *trap == Trap::MemoryOutOfBounds && calls_itself(error);
        return trapped(if ran_over { Trap::StackOverflow } else { *trap });
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return (
            FailureKind::Unavailable,
            "all of the host's slots for handlers are taken; the event is tried again".into(),
        );
    }
    let text = inner(error);
    // The type of this error is wasmtime's own; its words are all that there is to know it by.
    if text.contains("too much data is being copied between the host and the guest") {
        return (
            FailureKind::HostLimit("bytes in one call"),
            format!("the handler gave the host more than {} bytes in one call: give it less", limits.host_call_bytes),
        );
    }
    (FailureKind::Trap, format!("the handler broke down: {text}"))
}

fn stopped(stop: Stop, limits: &Limits) -> (FailureKind, String) {
    match stop {
        Stop::Cpu => (
            FailureKind::CpuLimit,
            format!(
                "the handler computed for more than {:?}: look for a loop that doesn't end, or do less per event",
                limits.cpu
            ),
        ),
        Stop::Limit { name, most } => (
            FailureKind::HostLimit(name),
            format!("the handler went over the limit of {most} {name} per event, so none of what it asked for is done"),
        ),
        Stop::Exit => (
            FailureKind::Trap,
            "the handler called exit, or its language's runtime did after an error; its log may say why".into(),
        ),
        Stop::Denied(what) => (FailureKind::Trap, format!("the handler used {what}, which handlers don't have")),
    }
}

fn trapped(trap: Trap) -> (FailureKind, String) {
    match trap {
        Trap::StackOverflow => {
            (FailureKind::Stack, "the handler ran out of stack: look for a recursion that doesn't end".into())
        }
        Trap::UnreachableCodeReached => (
            FailureKind::Trap,
            "the handler gave up (in most languages a panic or a failed assertion); its log may say why".into(),
        ),
        other => {
            let text = other.to_string();
            (FailureKind::Trap, format!("the handler trapped: {}", text.trim_start_matches("wasm trap: ")))
        }
    }
}

/// Whether the innermost frames are all of one function.
fn calls_itself(error: &wasmtime::Error) -> bool {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return false };
    let innermost = backtrace.frames().get(..FRAMES_COMPARED);
    innermost.is_some_and(|frames| frames.windows(2).all(|pair| pair[0].func_index() == pair[1].func_index()))
}

/// The innermost functions that have names, each once.
fn stack(error: &wasmtime::Error) -> String {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let mut names: Vec<&str> = backtrace.frames().iter().filter_map(|frame| frame.func_name()).collect();
    names.dedup();
    names.truncate(FRAMES_NAMED);
    names.iter().fold(String::new(), |text, name| format!("{text}, in {:#}", rustc_demangle::demangle(name)))
}
