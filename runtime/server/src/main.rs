//! The `signalbox` binary. All of it is in the library, so that tests can reach it.

use std::process::ExitCode;

/// Allocations on many threads at once are what the path does all day.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    signalbox_server::main()
}
