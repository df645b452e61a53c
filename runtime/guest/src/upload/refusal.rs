//! Why an upload is refused: each says what is wrong, where, and how to mend it.

use crate::limits::UploadLimits;
use std::time::Duration;

/// An upload that can't become a handler. The text is for the tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is larger than any that is taken.
    #[error(
        "the component has {bytes} bytes, {most} are the most: build it for release, optimize for size, and strip its \
         debug information"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// It isn't WebAssembly.
    #[error("this is no WebAssembly component: {found}. Upload the `.wasm` file that your toolchain made")]
    NotWasm {
        /// What it looks like.
        found: &'static str,
    },
    /// It is a core module.
    #[error(
        "this is a core WebAssembly module, not a component: in Rust, build for the target `wasm32-wasip2`; elsewhere, \
         make a component of it with `wasm-tools component new`"
    )]
    CoreModule,
    /// It is broken, or uses what this host has switched off.
    #[error(
        "the component can't be read: {reason}. It may be cut off, or use a feature of WebAssembly that is off here"
    )]
    Malformed {
        /// What is wrong, with the offset in the file where it is known.
        reason: String,
    },
    /// A part of it is larger than any that is compiled.
    #[error("{place} has {found} {what}, {most} are the most: {mend}")]
    OverLimit {
        /// Of what there is too much.
        what: &'static str,
        /// Where.
        place: String,
        /// How much there is.
        found: u64,
        /// The limit.
        most: u64,
        /// What to do about it.
        mend: &'static str,
    },
    /// It exports no handler.
    #[error(
        "the component exports none of message-handler, draft-handler, receipt-handler and timer-handler of \
         signalbox:messaging@{offered}; {}. Build it against the `handler` world, or one of the thin ones, in `wit/`",
        found(exports)
    )]
    NoHandler {
        /// What it does export.
        exports: Vec<String>,
        /// The contract's version here.
        offered: &'static str,
    },
    /// It exports a handler of a contract that this host doesn't speak.
    #[error(
        "the component exports `{}`, and this host speaks signalbox:messaging@{offered}: build it against that \
         version, or wait until the host is upgraded",
        short(export)
    )]
    OtherContract {
        /// The export.
        export: String,
        /// The contract's version here.
        offered: &'static str,
    },
    /// It imports what this host doesn't offer.
    #[error(
        "the component imports what this host doesn't offer: {}. Handlers have no files, sockets or programs; leave \
         out the library that wants them, and see `wit/imports.wit` for what there is",
        listed(names)
    )]
    UnknownImports {
        /// All of them.
        names: Vec<String>,
    },
    /// Its imports or exports have the right names and the wrong types.
    #[error("the component doesn't fit the contract: {reason}. Generate its bindings again from `wit/`")]
    WrongShape {
        /// What differs.
        reason: String,
    },
    /// An instance of it can't be made.
    #[error("the component can't be started: {reason}")]
    FailsToStart {
        /// Why.
        reason: String,
    },
    /// An instance of it needs more than one event has.
    #[error(
        "an event has no room for this component: {reason}. Declare smaller tables and memories, and fewer instances"
    )]
    OverSlot {
        /// Of what there is too much.
        reason: String,
    },
    /// Compiling it took too long.
    #[error("compiling took longer than {most:?}: split the largest functions, or compile with less inlining")]
    CompileTooLong {
        /// The limit.
        most: Duration,
    },
    /// Compiling it took too much memory.
    #[error(
        "compiling took more than {} MiB of memory: split the largest functions, or leave out code that isn't used",
        most >> 20
    )]
    CompileTooLarge {
        /// The limit, in bytes.
        most: u64,
    },
    /// The compiler broke down over it.
    #[error(
        "the compiler broke down over this component ({how}), which no component should make it do: tell the operator, \
         and try a build with other optimizations"
    )]
    CompilerFails {
        /// How its process ended.
        how: String,
    },
    /// The host's fault, not the upload's.
    #[error("the host could not compile now: {reason}. Try again")]
    Unavailable {
        /// What happened.
        reason: String,
    },
}

impl Refusal {
    pub(crate) fn native_over_limit(bytes: usize, limits: &UploadLimits) -> Self {
        Self::OverLimit {
            what: "bytes of native code",
            place: "the component".into(),
            found: bytes as u64,
            most: limits.native_bytes as u64,
            mend: "leave out code that isn't used",
        }
    }
}

fn found(exports: &[String]) -> String {
    match exports {
        [] => "it exports nothing at all".into(),
        some => format!("it exports {}", listed(some)),
    }
}

/// Names that are told, and bytes of one: an upload says how many there are and how long, and the answer is for a person.
const MOST_NAMES: usize = 20;
const MOST_NAME_BYTES: usize = 200;

fn listed(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(MOST_NAMES).map(|name| short(name)).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn short(name: &str) -> String {
    let cut = name.floor_char_boundary(MOST_NAME_BYTES);
    if cut < name.len() { format!("{}…", &name[..cut]) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_and_long_names_are_cut_and_counted() {
        let names = |count: usize| (0..count).map(|n| format!("acme:tools/t{n}")).collect::<Vec<_>>();
        assert_eq!(listed(&names(2)), "acme:tools/t0, acme:tools/t1");
        assert!(listed(&names(20)).ends_with(", acme:tools/t19"));
        assert!(listed(&names(50_000)).ends_with(", acme:tools/t19 and 49980 more"));
        assert_eq!(short(&"é".repeat(1_000)), format!("{}…", "é".repeat(100)));
    }
}
