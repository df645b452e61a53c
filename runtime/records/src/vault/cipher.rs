//! The one AEAD.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use signalbox_model::Chance;

/// A key that seals and opens.
pub(super) struct Key(LessSafeKey);

/// Of a key, in bytes.
pub(super) const KEY_LEN: usize = 32;

impl Key {
    pub(super) fn new(bytes: &[u8; KEY_LEN]) -> Self {
        Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("AES-256 has keys of 32 bytes")))
    }

    /// Nonce, sealed text, tag. The nonce is random; why that is safe stands in [`super`].
    pub(super) fn seal(&self, about: &[&[u8]], mut text: Vec<u8>, chance: &Chance) -> Vec<u8> {
        let random = chance.bytes32();
        let nonce: [u8; NONCE_LEN] = *random.first_chunk().expect("32 bytes are more than 12");
        let tag = self.0.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad(about), &mut text);
        let tag = tag.expect("no text of ours is near the 64 GiB that GCM takes");
        let mut sealed = Vec::with_capacity(NONCE_LEN + text.len() + tag.as_ref().len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// The text, if it was sealed by this key and about this.
    pub(super) fn open(&self, about: &[&[u8]], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = rest.to_vec();
        let length = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), aad(about), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

/// What a text is bound to. Each part is preceded by its length, so that two of them can't be taken for others.
fn aad(about: &[&[u8]]) -> Aad<Vec<u8>> {
    let mut bytes = Vec::with_capacity(about.iter().map(|part| part.len() + 4).sum());
    for part in about {
        bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    Aad::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_about_the_same_thing_opens_what_wasn_t_changed() {
        let chance = Chance::seeded(1);
        let key = Key::new(&[1; 32]);
        let sealed = key.seal(&[b"a", b"bc"], b"hello".to_vec(), &chance);
        assert_eq!(key.open(&[b"a", b"bc"], &sealed).as_deref(), Some(&b"hello"[..]));
        assert_eq!(key.open(&[b"ab", b"c"], &sealed), None);
        assert_eq!(Key::new(&[2; 32]).open(&[b"a", b"bc"], &sealed), None);
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert_eq!(key.open(&[b"a", b"bc"], &changed), None, "byte {i}");
            assert_eq!(key.open(&[b"a", b"bc"], &sealed[..i]), None, "cut at {i}");
        }
    }

    #[test]
    fn the_same_text_is_sealed_otherwise_each_time() {
        let (chance, key) = (Chance::seeded(1), Key::new(&[1; 32]));
        assert_ne!(key.seal(&[], b"hello".to_vec(), &chance), key.seal(&[], b"hello".to_vec(), &chance));
    }
}
