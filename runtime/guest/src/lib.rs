//! Wasmtime: compile, pool, limit, run. Turns one event into one set of effects.
