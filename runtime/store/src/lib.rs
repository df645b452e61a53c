//! The storage seam: trait, batches, table layout, conformance suite and an in-memory model that can crash.
