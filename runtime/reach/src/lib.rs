//! Calls to servers that a tenant named: which of them may be called, and how.
//!
//! A tenant's URL must not make this host its proxy into the operator's network. So names are resolved here, every
//! address is checked, and the connection goes to a checked one; redirects are nobody's to follow.
//!
//! | module | what it holds |
//! |---|---|
//! | [`guard`] | which addresses are other people's |
//! | [`resolve`] | names to addresses |
//! | [`target`] | a URL taken apart |
//! | [`connect`] | from a name to a connection, TLS included |
//! | [`client`] | one request and its whole, bounded answer |
//! | [`failure`] | why there is none |

pub mod client;
pub mod connect;
pub mod failure;
pub mod guard;
pub mod resolve;
pub mod target;

pub use client::{Answer, Client, Request};
pub use connect::{BadRoots, Connector};
pub use failure::Failure;
pub use guard::Reach;
pub use resolve::{Resolve, SystemResolver};
pub use target::{BadUrl, Origin, Target, check_url};
