//! A name for each request, to find it again in our log.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

/// The header that carries it.
pub(crate) const X_REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-request-id");

/// Makes them: `req_` and 16 hexadecimal digits, different for each request of a process and, by chance, of others.
pub(crate) struct RequestIds(AtomicU64);

impl RequestIds {
    pub(crate) fn new() -> Self {
        // A name, not a secret: the seed of a hash map is chance enough.
        Self(AtomicU64::new(RandomState::new().build_hasher().finish()))
    }

    pub(crate) fn next(&self) -> RequestId {
        // SplitMix64 visits every value once before it repeats one.
        let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let mut text = *b"req_0000000000000000";
        for (i, digit) in text[4..].iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(z >> (60 - 4 * i)) as usize & 15];
        }
        RequestId(text)
    }
}

/// A request's name.
#[derive(Clone, Copy)]
pub(crate) struct RequestId([u8; 20]);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the digits are ASCII")
    }

    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).expect("the digits are ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_requests_have_one_name() {
        let ids = RequestIds::new();
        let names: std::collections::HashSet<_> = (0..10_000).map(|_| ids.next().0).collect();
        assert_eq!(names.len(), 10_000);
        assert!(ids.next().as_str().starts_with("req_"));
    }
}
