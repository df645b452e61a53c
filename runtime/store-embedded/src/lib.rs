//! The default engine: one process, one folder, one committer with group commit.
