//! MMS content: which media a message may carry.
