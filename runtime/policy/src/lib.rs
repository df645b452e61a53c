//! Compliance as a pure function: rules and facts in, a decision with reasons out.
