//! A carrier that misbehaves on purpose.
