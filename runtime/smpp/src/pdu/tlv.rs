//! Optional parameters (TLVs), kept as the octets they came in and looked at when asked for.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::Tag;
use crate::Fault;

/// Tag and length.
const HEAD: usize = 4;

/// One optional parameter.
#[derive(Clone, PartialEq, Eq)]
pub struct Tlv {
    /// What it is.
    pub tag: Tag,
    /// Its value, as it is on the wire.
    pub value: Bytes,
}

/// A PDU's optional parameters in wire order, known or not, repeated or not.
///
/// One well-formed run of octets: decoding checks it once and shares the frame's buffer, encoding copies it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tlvs(Bytes);

impl Tlvs {
    /// None.
    pub const fn new() -> Self {
        Self(Bytes::new())
    }

    /// Takes a run of octets if every parameter in it is whole; else where the first bad one begins, and why.
    pub(super) fn checked(raw: Bytes) -> Result<Self, (usize, Fault)> {
        let mut at = 0;
        while at < raw.len() {
            let left = raw.len() - at;
            if left < HEAD {
                return Err((at, Fault::Truncated { wanted: HEAD, left }));
            }
            let wanted = HEAD + usize::from(u16::from_be_bytes([raw[at + 2], raw[at + 3]]));
            if wanted > left {
                return Err((at, Fault::Truncated { wanted, left }));
            }
            at += wanted;
        }
        Ok(Self(raw))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The encoded run.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = Tlv> + '_ {
        Spans { raw: &self.0, at: 0 }.map(|(tag, start, end)| Tlv { tag, value: self.0.slice(start..end) })
    }

    /// The first with this tag.
    pub fn get(&self, tag: Tag) -> Option<Bytes> {
        self.find(tag).map(|(_, start, end)| self.0.slice(start..end))
    }

    /// The first with this tag, borrowed.
    pub fn get_ref(&self, tag: Tag) -> Option<&[u8]> {
        self.find(tag).map(|(_, start, end)| &self.0[start..end])
    }

    /// Whether there is one with this tag.
    pub fn contains(&self, tag: Tag) -> bool {
        self.find(tag).is_some()
    }

    /// Appends one, and leaves others of the same tag where they are.
    ///
    /// A value has at most 65,535 octets.
    ///
    /// # Errors
    /// [`Fault::TooLong`] if the value has more.
    pub fn push(&mut self, tag: Tag, value: &[u8]) -> Result<(), Fault> {
        let limit = usize::from(u16::MAX);
        let length = u16::try_from(value.len()).map_err(|_| Fault::TooLong { octets: value.len(), limit })?;
        let mut raw =
            std::mem::take(&mut self.0).try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
        raw.reserve(HEAD + value.len());
        raw.put_u16(tag.0);
        raw.put_u16(length);
        raw.put_slice(value);
        self.0 = raw.freeze();
        Ok(())
    }

    /// Takes all with this tag out.
    pub fn remove(&mut self, tag: Tag) {
        if !self.contains(tag) {
            return;
        }
        let mut kept = BytesMut::with_capacity(self.0.len());
        for (found, start, end) in (Spans { raw: &self.0, at: 0 }) {
            if found != tag {
                kept.put_slice(&self.0[start - HEAD..end]);
            }
        }
        self.0 = kept.freeze();
    }

    /// [`Tlvs::push`] for building in one expression.
    ///
    /// # Errors
    /// As [`Tlvs::push`].
    pub fn with(mut self, tag: Tag, value: &[u8]) -> Result<Self, Fault> {
        self.push(tag, value)?;
        Ok(self)
    }

    fn find(&self, tag: Tag) -> Option<(Tag, usize, usize)> {
        Spans { raw: &self.0, at: 0 }.find(|(found, ..)| *found == tag)
    }
}

/// Walks a checked run: tag, and where the value starts and ends.
struct Spans<'a> {
    raw: &'a [u8],
    at: usize,
}

impl Iterator for Spans<'_> {
    type Item = (Tag, usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let head = self.raw.get(self.at..self.at + HEAD)?;
        let tag = Tag(u16::from_be_bytes([head[0], head[1]]));
        let start = self.at + HEAD;
        let end = start + usize::from(u16::from_be_bytes([head[2], head[3]]));
        self.at = end;
        Some((tag, start, end))
    }
}

impl fmt::Debug for Tlv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: <{} octets>", self.tag, self.value.len())
    }
}

impl fmt::Debug for Tlvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_unknown_parameters_are_kept_in_order() {
        let mut tlvs = Tlvs::new();
        tlvs.push(Tag(0x1501), b"vendor").unwrap();
        tlvs.push(Tag::USER_MESSAGE_REFERENCE, &[0, 7]).unwrap();
        tlvs.push(Tag(0x1501), b"again").unwrap();
        let tags: Vec<_> = tlvs.iter().map(|tlv| tlv.tag.0).collect();
        assert_eq!(tags, [0x1501, 0x0204, 0x1501]);
        assert_eq!(tlvs.get_ref(Tag(0x1501)), Some(b"vendor".as_slice()));
        tlvs.remove(Tag(0x1501));
        assert_eq!(tlvs.as_bytes(), [0x02, 0x04, 0, 2, 0, 7]);
    }

    #[test]
    fn pushing_to_a_shared_run_leaves_the_other_owner_alone() {
        let first = Tlvs::new().with(Tag::MESSAGE_STATE, &[2]).unwrap();
        let second = first.clone().with(Tag::CONGESTION_STATE, &[80]).unwrap();
        assert_eq!(first.iter().count(), 1);
        assert_eq!(second.iter().count(), 2);
    }

    #[test]
    fn a_value_too_long_for_its_length_field_is_refused() {
        let mut tlvs = Tlvs::new();
        assert!(tlvs.push(Tag::MESSAGE_PAYLOAD, &vec![0; 65_535]).is_ok());
        assert_eq!(
            tlvs.push(Tag::MESSAGE_PAYLOAD, &vec![0; 65_536]),
            Err(Fault::TooLong { octets: 65_536, limit: 65_535 })
        );
    }
}
