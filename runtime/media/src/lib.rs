//! MMS content: which media a message may carry.
//!
//! | module | what it holds |
//! |---|---|
//! | [`urls`] | what a message's `media_urls` may be |
//! | [`error`] | what is wrong with them |

pub mod error;
pub mod urls;

pub use error::{Error, Fault};
pub use urls::{MAX_URL_OCTETS, MAX_URLS, Schemes, check_urls};
