//! Writing fields. Nothing is ever cut to fit: what doesn't fit is an error.

use bytes::{Bytes, BytesMut};

use super::{COctetString, CommandId, Dialect, Tlvs};
use crate::{Error, Fault};

/// The most octets of `short_message`; longer bodies go into the `message_payload` TLV.
pub const SHORT_MESSAGE_OCTETS: usize = 254;

/// Appends one PDU's fields to a buffer.
pub struct Writer<'a> {
    command: CommandId,
    dialect: Dialect,
    out: &'a mut BytesMut,
}

impl<'a> Writer<'a> {
    pub(super) fn new(command: CommandId, dialect: Dialect, out: &'a mut BytesMut) -> Self {
        Self { command, dialect, out }
    }

    pub(super) fn command(&self) -> CommandId {
        self.command
    }

    fn fail(&self, field: &'static str, fault: Fault) -> Result<(), Error> {
        Err(Error::Encode { command: self.command, field, fault })
    }

    #[inline]
    pub(super) fn int(&mut self, _field: &'static str, value: &u8) -> Result<(), Error> {
        self.out.extend_from_slice(&[*value]);
        Ok(())
    }

    pub(super) fn int4(&mut self, _field: &'static str, value: &u32) -> Result<(), Error> {
        self.out.extend_from_slice(&value.to_be_bytes());
        Ok(())
    }

    /// `limit` is the specification's maximum, which counts the NUL.
    #[inline]
    pub(super) fn cstr(&mut self, field: &'static str, value: &COctetString, limit: usize) -> Result<(), Error> {
        let octets = value.as_bytes();
        if octets.len() >= limit {
            return self.fail(field, Fault::TooLong { octets: octets.len(), limit: limit - 1 });
        }
        if octets.contains(&0) {
            return self.fail(field, Fault::InteriorNul);
        }
        self.out.extend_from_slice(octets);
        self.out.extend_from_slice(&[0]);
        Ok(())
    }

    pub(super) fn message_id(&mut self, field: &'static str, value: &COctetString) -> Result<(), Error> {
        self.cstr(field, value, self.dialect.message_id_octets + 1)
    }

    pub(super) fn answer_cstr(&mut self, field: &'static str, value: &COctetString, limit: usize) -> Result<(), Error> {
        self.cstr(field, value, limit)
    }

    pub(super) fn answer_id(&mut self, field: &'static str, value: &COctetString) -> Result<(), Error> {
        self.message_id(field, value)
    }

    #[inline]
    pub(super) fn short_message(&mut self, field: &'static str, value: &Bytes) -> Result<(), Error> {
        if value.len() > SHORT_MESSAGE_OCTETS {
            return self.fail(field, Fault::TooLong { octets: value.len(), limit: SHORT_MESSAGE_OCTETS });
        }
        self.out.extend_from_slice(&[value.len() as u8]);
        self.out.extend_from_slice(value);
        Ok(())
    }

    /// To a peer that takes no TLVs, those that only add something are left out; those that change what the message is
    /// are an error.
    #[inline]
    pub(super) fn tlvs(&mut self, field: &'static str, value: &Tlvs) -> Result<(), Error> {
        if self.dialect.tlvs {
            self.out.extend_from_slice(value.as_bytes());
            return Ok(());
        }
        match value.iter().find(|tlv| tlv.tag.is_essential()) {
            Some(tlv) => self.fail(field, Fault::NeedsTlvs(tlv.tag.0)),
            None => Ok(()),
        }
    }

    pub(super) fn list<T>(
        &mut self,
        field: &'static str,
        items: &[T],
        mut item: impl FnMut(&mut Self, &T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let limit = usize::from(u8::MAX);
        if items.len() > limit {
            return self.fail(field, Fault::TooMany { items: items.len(), limit });
        }
        self.out.extend_from_slice(&[items.len() as u8]);
        items.iter().try_for_each(|one| item(self, one))
    }
}
