//! Why the host ended a call from within.

/// An error that a host function gives to wasmtime in order to end the guest; found again at the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the computing time is used up")]
    Cpu,
    #[error("more than {most} {name}")]
    Limit { name: &'static str, most: u64 },
    #[error("the guest called exit")]
    Exit,
    #[error("{0} is not for handlers")]
    Denied(&'static str),
}
