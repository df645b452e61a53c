//! How the host is set up, and the one function that makes wasmtime's settings.

use crate::Error;
use crate::limits::UploadLimits;
use crate::native::{Cache, Compiler};
use std::fs;
use wasmtime::{Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// The host's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many events may be in guests' hands at once. Each costs address space (about 130 MiB), and memory only while
    /// and where a guest wrote to it.
    pub instances: u32,
    /// The most linear memory that any event can be granted (`Limits::memory_bytes`).
    pub max_memory_bytes: usize,
    /// The most table elements that any event can be granted (`Limits::table_elements`).
    pub max_table_elements: usize,
    /// How much of a slot's memory stays with the process between events. More saves page faults for large guests;
    /// it bounds what idle slots hold: `instances` times two memories times this at worst.
    pub keep_resident_bytes: usize,
    /// How many events of one handler compute at once; those that wait for the store or for a server don't count. A
    /// handler's crowd then stands in its own line, not in everybody's.
    pub computing_at_once: usize,
    /// How many events compute at once that took longer than a tick. Fewer than there are processors, so that one is
    /// left for those that are quick.
    pub overtime_at_once: usize,
    /// How many uploads are compiled at once. Each takes a core, and hundreds of megabytes for the largest.
    pub compile_at_once: usize,
    /// What an upload may be.
    pub upload: UploadLimits,
    /// Who compiles uploads.
    pub compiler: Compiler,
    /// Where native code is kept between starts, if it is.
    pub cache: Option<Cache>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            instances: 1_000,
            max_memory_bytes: 64 << 20,
            max_table_elements: 20_000,
            keep_resident_bytes: 1 << 20,
            computing_at_once: processors(),
            overtime_at_once: processors().saturating_sub(1).max(1),
            compile_at_once: 1,
            upload: UploadLimits::default(),
            compiler: Compiler::default(),
            cache: None,
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Native stack for a guest's own calls. 512 KiB is wasmtime's default and some 10,000 plain calls deep.
const WASM_STACK_BYTES: usize = 512 << 10;

/// Stack of the fiber that a guest runs on: its own calls, and the host functions that it calls.
const FIBER_STACK_BYTES: usize = 1 << 20;

/// Core instances of one component: the limit of the design's table.
const CORE_INSTANCES_PER_COMPONENT: u32 = 64;

/// Slots are shared by all components; most have three core instances, two tables and one memory.
const CORE_INSTANCES_PER_SLOT: u32 = 6;
const TABLES_PER_SLOT: u32 = 4;
const MEMORIES_PER_SLOT: u32 = 2;

impl Config {
    /// The engine that guests run in.
    pub(crate) fn engine(&self) -> Result<wasmtime::Engine, Error> {
        let mut config = settings(self.max_memory_bytes);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(self.pool()));
        wasmtime::Engine::new(&config).map_err(Error::Engine)
    }

    fn pool(&self) -> PoolingAllocationConfig {
        let slots = self.instances;
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(slots)
            .total_core_instances(slots.saturating_mul(CORE_INSTANCES_PER_SLOT))
            .total_memories(slots.saturating_mul(MEMORIES_PER_SLOT))
            .total_tables(slots.saturating_mul(TABLES_PER_SLOT))
            .total_stacks(slots)
            .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
            .max_memories_per_component(8)
            .max_tables_per_component(16)
            .max_memory_size(self.max_memory_bytes)
            .table_elements(self.max_table_elements)
            // All of them: a handler whose memory went cold pays for mapping it again. Wasmtime divides the pool, and this
            // number, into up to 16 shares, and a thread looks in its own first: with fewer, a large machine would have
            // most handlers cold on most of its threads.
            .max_unused_warm_slots(slots.saturating_mul(MEMORIES_PER_SLOT));
        if may_scan_pages() {
            pool.pagemap_scan(Enabled::Yes)
                .linear_memory_keep_resident(self.keep_resident_bytes)
                .table_keep_resident(self.keep_resident_bytes.min(256 << 10));
        }
        pool
    }
}

/// An engine for compiling alone: what it makes runs in the engine of a host with the same `max_memory_bytes`. It has no
/// pool, which takes far more address space than a compiler is given.
pub(crate) fn compiling_engine(max_memory_bytes: usize) -> Result<wasmtime::Engine, Error> {
    wasmtime::Engine::new(&settings(max_memory_bytes)).map_err(Error::Engine)
}

/// Wasmtime's settings, for compiling and for running alike: code compiled under other settings would not load.
fn settings(max_memory_bytes: usize) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        .epoch_interruption(true)
        .memory_init_cow(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(FIBER_STACK_BYTES)
        .concurrency_support(false)
        .wasm_memory64(false)
        .shared_memory(false)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16));
    // Explicit bounds checks instead of guard pages: growing a memory is then no system call, which is what lets
    // events scale over threads. The price: native code 1.1 to 2.1 times as large, warm calls 10 to 55 % slower,
    // and no Spectre masking of bounds, which cranelift ties to faults. Guests have no clock that moves, no
    // threads and no shared memory to time anything by.
    config.signals_based_traps(false).memory_guard_size(0).memory_reservation(max_memory_bytes as u64);
    config
}

/// Whether memory may be reset by asking the kernel which pages were written. With swap on, a page that was swapped
/// out would be missed, and one tenant's bytes shown to the next (bytecodealliance/wasmtime#14357).
fn may_scan_pages() -> bool {
    PoolingAllocationConfig::is_pagemap_scan_available() && swap_is_off(&fs::read_to_string("/proc/swaps"))
}

/// `/proc/swaps` has a heading, then a line per swap area. If it can't be read we don't know, and assume the worse.
fn swap_is_off(swaps: &std::io::Result<String>) -> bool {
    swaps.as_ref().is_ok_and(|text| text.lines().skip(1).all(|line| line.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::swap_is_off;

    #[test]
    fn swap_counts_as_off_only_if_the_kernel_lists_no_area() {
        let heading = "Filename\t\t\tType\t\tSize\t\tUsed\t\tPriority\n".to_string();
        assert!(swap_is_off(&Ok(heading.clone())));
        assert!(!swap_is_off(&Ok(heading + "/dev/vdb partition 1048572 0 -2\n")));
        assert!(!swap_is_off(&Err(std::io::ErrorKind::NotFound.into())));
    }
}
