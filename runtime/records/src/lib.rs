//! Message records: timelines, listing and queries.
