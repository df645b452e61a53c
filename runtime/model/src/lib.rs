//! The nouns and the message's life. No I/O.
