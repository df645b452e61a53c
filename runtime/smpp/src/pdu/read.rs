//! Reading fields out of one frame.

use bytes::Bytes;

use super::{COctetString, CommandId, Tlvs};
use crate::{Error, Fault};

/// A cursor over a whole frame, header included, so that offsets in errors count from the PDU's first octet.
///
/// Strings are taken however long they are: the frame bounds them, and a receipt with an over-long id is still a receipt.
pub struct Reader {
    command: CommandId,
    frame: Bytes,
    at: usize,
}

impl Reader {
    pub(super) fn new(command: CommandId, frame: Bytes, at: usize) -> Self {
        Self { command, frame, at }
    }

    fn rest(&self) -> &[u8] {
        &self.frame[self.at..]
    }

    fn fail<T>(&self, field: &'static str, offset: usize, fault: Fault) -> Result<T, Error> {
        Err(Error::Decode { command: self.command, field, offset, fault })
    }

    fn octets(&mut self, field: &'static str, wanted: usize) -> Result<&[u8], Error> {
        let left = self.rest().len();
        if wanted > left {
            return self.fail(field, self.at, Fault::Truncated { wanted, left });
        }
        let start = self.at;
        self.at += wanted;
        Ok(&self.frame[start..start + wanted])
    }

    /// A one-octet integer.
    #[inline]
    pub(super) fn int(&mut self, field: &'static str) -> Result<u8, Error> {
        Ok(self.octets(field, 1)?[0])
    }

    /// A four-octet integer.
    pub(super) fn int4(&mut self, field: &'static str) -> Result<u32, Error> {
        let o = self.octets(field, 4)?;
        Ok(u32::from_be_bytes([o[0], o[1], o[2], o[3]]))
    }

    /// A C-octet string; the limit binds the writer only.
    #[inline]
    pub(super) fn cstr(&mut self, field: &'static str, _limit: usize) -> Result<COctetString, Error> {
        let rest = self.rest();
        let Some(len) = rest.iter().position(|&octet| octet == 0) else {
            return match rest.len() {
                0 => self.fail(field, self.at, Fault::Truncated { wanted: 1, left: 0 }),
                _ => self.fail(field, self.at, Fault::Unterminated),
            };
        };
        let string = COctetString::from(&rest[..len]);
        self.at += len + 1;
        Ok(string)
    }

    /// The message id of a request.
    pub(super) fn message_id(&mut self, field: &'static str) -> Result<COctetString, Error> {
        self.cstr(field, 0)
    }

    /// The string that begins an answer: it may be missing, or end with the PDU instead of a NUL. Peers do both.
    pub(super) fn answer_cstr(&mut self, field: &'static str, limit: usize) -> Result<COctetString, Error> {
        if self.rest().contains(&0) {
            return self.cstr(field, limit);
        }
        let string = COctetString::from(self.rest());
        self.at = self.frame.len();
        Ok(string)
    }

    /// The message id of an answer.
    pub(super) fn answer_id(&mut self, field: &'static str) -> Result<COctetString, Error> {
        self.answer_cstr(field, 0)
    }

    /// `sm_length` and `short_message`; the octets stay in the frame's buffer.
    #[inline]
    pub(super) fn short_message(&mut self, field: &'static str) -> Result<Bytes, Error> {
        let wanted = usize::from(self.int("sm_length")?);
        let start = self.at;
        self.octets(field, wanted)?;
        Ok(if wanted == 0 { Bytes::new() } else { self.frame.slice(start..start + wanted) })
    }

    /// All that is left, as optional parameters.
    #[inline]
    pub(super) fn tlvs(&mut self, field: &'static str) -> Result<Tlvs, Error> {
        if self.rest().is_empty() {
            return Ok(Tlvs::default());
        }
        let start = self.at;
        self.at = self.frame.len();
        match Tlvs::checked(self.frame.slice(start..)) {
            Ok(tlvs) => Ok(tlvs),
            Err((at, fault)) => self.fail(field, start + at, fault),
        }
    }

    /// A list behind a one-octet count. Nothing is set aside from the count alone.
    pub(super) fn list<T>(
        &mut self,
        field: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let count = self.int(field)?;
        (0..count).map(|_| item(self)).collect()
    }

    pub(super) fn unknown_value<T>(&self, field: &'static str, value: u8) -> Result<T, Error> {
        self.fail(field, self.at - 1, Fault::UnknownValue(value))
    }
}
