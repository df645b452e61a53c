//! The path of a message, as readable functions.
