//! Native code: how it is made of a component that passed the scan, kept between starts, and loaded.
//!
//! | module | what it holds |
//! |---|---|
//! | `cache`, `key` | native code in files, and the key by which we know that we wrote them |
//! | `child` | a compiler in a process of its own, as its parent sees it |
//! | `worker` | the same from within: its limits, and what it answers |

mod cache;
mod child;
mod key;
mod worker;

pub use cache::Cache;
pub use worker::compile_as_child;

pub(crate) use cache::FileName;
pub(crate) use child::compile;

use std::path::PathBuf;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Who compiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Compiler {
    /// A thread of this process. A compilation can't be ended from outside, nor its memory limited: for tests, tools and
    /// whoever compiles only what they wrote.
    #[default]
    InProcess,
    /// A process for each upload, with limits on its memory, its CPU time and its time in all, and without our
    /// environment.
    Child {
        /// The program, which must be this very one: what it makes is run.
        program: PathBuf,
        /// What makes it call [`compile_as_child`]; one argument is added, for that function.
        arguments: Vec<String>,
    },
}

/// Native code that may be loaded. Only this module and those within make one, and each says why it may.
pub(crate) struct Native(Vec<u8>);

impl Native {
    /// Of a component that this process compiled.
    pub(crate) fn of(component: &Component) -> wasmtime::Result<Self> {
        component.serialize().map(Self)
    }
}

/// Makes a component of native code without compiling.
#[allow(unsafe_code, reason = "wasmtime can't tell whether native code is a compiler's or an attacker's; we can")]
pub(crate) fn load(engine: &Engine, native: &Native) -> wasmtime::Result<Component> {
    // SAFETY: the bytes must be unmodified output of wasmtime's compiler. A `Native` is made in three places:
    // - `Native::of`: this process compiled it, a moment ago;
    // - `child::compile`: a child compiled it just now, which runs the file that this process was started from (its
    //   caller's word, see `Compiler::Child`), and wrote it into a pipe that nobody else holds;
    // - `Cache::read`: it carries a MAC over its file's name and itself, made with a key that only this user can read,
    //   by `Cache::write`, which takes nothing but a `Native`.
    // That it was compiled by this version of wasmtime, for these settings and this processor, wasmtime checks itself.
    unsafe { Component::deserialize(engine, &native.0) }
}
