//! What one event may use. The same in development as in production.

use crate::event::Kind;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Computing time, in whole milliseconds. Enough for an interpreter's handler (under 2 ms) many times over; it
    /// keeps a loop from holding a worker.
    pub cpu: Duration,
    /// Time in all. A conversation waits behind its event, so this bounds how long one stands still.
    pub wall: Duration,
    /// Linear memory, summed. Python and StarlingMonkey need 16 MiB; four times that leaves room for their heaps.
    pub memory_bytes: usize,
    /// Table elements, summed. StarlingMonkey has 7,690.
    pub table_elements: usize,
    /// Bytes that the guest may hand over, or be handed, in one call to the host.
    pub host_call_bytes: usize,
    /// Handles that it may hold at once.
    pub handles: usize,
    /// Messages that it may send. A handler that answers with more than ten texts annoys its reader.
    pub sends: u32,
    /// Timers that it may set or unset.
    pub timers: u32,
    /// State reads and writes. Each read may be a round trip to the store.
    pub state_ops: u32,
    /// Bytes of state that it may write; all of it goes into one commit.
    pub state_bytes: usize,
    /// Remarks on the record; they are kept as long as the record.
    pub notes: u32,
    /// HTTP requests that it may send. Each is waited for, with the conversation behind it.
    pub http_calls: u32,
    /// Bytes of a request's headers and body, and of an answer's.
    pub http_bytes: usize,
    /// How long one may take.
    pub http_time: Duration,
    /// Log lines, after which the log is cut.
    pub log_lines: usize,
    /// Log bytes, after which the log is cut.
    pub log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_millis(50),
            wall: Duration::from_secs(5),
            memory_bytes: 64 << 20,
            table_elements: 20_000,
            host_call_bytes: 1 << 20,
            handles: 1_000,
            sends: 10,
            timers: 10,
            state_ops: 100,
            state_bytes: 256 << 10,
            notes: 64,
            http_calls: 5,
            http_bytes: 256 << 10,
            http_time: Duration::from_secs(2),
            log_lines: 64,
            log_bytes: 16 << 10,
        }
    }
}

impl Limits {
    /// A draft handler is on every message's way: it gets 10 ms of computing and 100 ms in all.
    pub fn for_drafts() -> Self {
        Self { cpu: Duration::from_millis(10), wall: Duration::from_millis(100), ..Self::default() }
    }

    /// The defaults for a kind of event.
    pub fn for_kind(kind: Kind) -> Self {
        match kind {
            Kind::Draft => Self::for_drafts(),
            Kind::Message | Kind::Receipt | Kind::Timer => Self::default(),
        }
    }
}

/// The limits of an upload, all down to `modules` read from the bytes before anything is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimits {
    /// Size. The largest that a known toolchain makes is 18 MB (Python).
    pub bytes: usize,
    /// Functions, over all modules.
    pub functions: u32,
    /// Bytes of one function's body.
    pub body_bytes: usize,
    /// Locals of one function. The register allocator's work grows with them times the blocks: a byte limit alone
    /// let a small upload compile for half a minute.
    pub locals: u32,
    /// Locals times blocks of one function.
    pub locals_by_blocks: u64,
    /// Core modules and nested components.
    pub modules: u32,
    /// Imports, and functions of imported interfaces: each is looked for among what is offered, outside of the compiler's
    /// own bounds. The largest known toolchain's handler has 300.
    pub imports: u32,
    /// Bytes of native code, known after compiling.
    pub native_bytes: usize,
    /// Time to compile.
    pub compile: Duration,
    /// CPU time of a compiler in a process of its own, in whole seconds: it ends by itself even if nobody waits for it.
    pub compile_cpu: Duration,
    /// Address space of a compiler in a process of its own. Python's 18 MB take 650 MiB of memory, and more of space.
    pub compile_memory_bytes: u64,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self {
            bytes: 24 << 20,
            functions: 60_000,
            body_bytes: 1 << 20,
            locals: 2_000,
            locals_by_blocks: 2_000_000,
            modules: 64,
            imports: 4_000,
            native_bytes: 64 << 20,
            compile: Duration::from_secs(60),
            compile_cpu: Duration::from_secs(60),
            compile_memory_bytes: 3 << 30,
        }
    }
}
