//! The model: an engine in memory that can crash at any commit.
