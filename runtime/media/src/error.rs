//! What is wrong with a message's media. Never shows a URL: it may hold a token or a number.

/// The sender's mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many.
    #[error("there are {count} media URLs, {limit} are allowed")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// One of them can't be used.
    #[error("media URL {index} {fault}")]
    Url {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What is wrong with a media URL; reads on after "media URL 0".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Too long.
    #[error("is longer than {} octets", crate::MAX_URL_OCTETS)]
    TooLong,
    /// Another scheme, or none.
    #[error("doesn't begin with https://")]
    Scheme,
    /// `http:` where it isn't allowed.
    #[error("is http, which isn't allowed here; use https")]
    PlainHttp,
    /// A user or password.
    #[error("has a user name or password before the host; sign the URL in its query instead")]
    UserInfo,
    /// No host.
    #[error("has no host")]
    NoHost,
    /// A host that can't be one.
    #[error("has a host that can't be one")]
    BadHost,
    /// A port that can't be one.
    #[error("has a port that isn't 1 to 65535")]
    BadPort,
    /// A character that has to be escaped.
    #[error("has a character at octet {at} that has to be percent-encoded")]
    BadCharacter {
        /// Where, in octets from 0.
        at: usize,
    },
    /// A fragment.
    #[error("has a fragment (#…), which isn't sent to a server")]
    Fragment,
}
