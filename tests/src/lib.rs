//! The harness that every story stands on.
