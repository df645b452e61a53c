//! The audit log: what was decided, what happened, and who read it; chained, so that no change of it goes unseen.
//!
//! Each tenant has a chain in each partition, for a step is atomic in one partition only: its frame of the log lands in
//! the same commit as what it tells of. A frame's link is the hash of the link before it and of its own body. From time to
//! time the ends of a tenant's chains are written into a signed [checkpoint](mark).
//!
//! What it can't show by itself: that frames behind the last checkpoint were cut off, or, when checkpoints are cut off
//! with them, that there ever were more. Whoever keeps a checkpoint elsewhere (each is also a line of the host's own log)
//! sees that, too.
//!
//! | module | what it holds |
//! |---|---|
//! | [`item`] | what is logged, and a frame's body |
//! | [`chain`] | how frames are linked, written and read |
//! | [`key`] | the key that signs, and the one that hides numbers |
//! | [`mark`] | checkpoints |
//! | [`export`] | a log as lines of JSON, and what verifies it without us |
//! | [`verify`] | finds the first frame that isn't as it was |

pub mod chain;
pub mod export;
pub mod item;
pub mod key;
pub mod mark;
pub mod verify;

pub use chain::{Chain, Frame, Head};
pub use item::{Item, Person};
pub use key::{Keys, PublicKey};
pub use mark::Mark;
pub use verify::{Bad, Summary, Verifier};

/// A SHA-256.
pub type Digest = [u8; 32];

/// Bytes as they are shown.
pub fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// Reads what [`hex`] shows.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).ok()
}

/// The hash of all parts; each part's length is hashed, too, so that nothing can move from one to the next.
pub fn hash(parts: &[&[u8]]) -> Digest {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u32).to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().try_into().expect("a SHA-256 has 32 bytes")
}
