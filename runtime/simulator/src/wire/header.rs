//! The sixteen octets in front of every PDU, and cutting a byte stream into PDUs.

use super::Status;
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Octets in a PDU header (3.4 §3.2).
pub(crate) const HEADER_BYTES: usize = 16;

/// Command ids (3.4 §5.1.2.1).
pub(crate) mod command {
    pub(crate) const BIND_RECEIVER: u32 = 0x01;
    pub(crate) const BIND_TRANSMITTER: u32 = 0x02;
    pub(crate) const SUBMIT_SM: u32 = 0x04;
    pub(crate) const DELIVER_SM: u32 = 0x05;
    pub(crate) const UNBIND: u32 = 0x06;
    pub(crate) const BIND_TRANSCEIVER: u32 = 0x09;
    pub(crate) const ENQUIRE_LINK: u32 = 0x15;
    /// The bit that makes a command id a response.
    pub(crate) const RESPONSE: u32 = 0x8000_0000;
    pub(crate) const GENERIC_NACK: u32 = 0x8000_0000;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) command: u32,
    pub(crate) status: u32,
    pub(crate) sequence: u32,
}

/// A length field that no PDU can have; the stream can't be read past it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameError {
    pub(crate) length: u32,
}

/// Takes the next whole PDU off the front of `input`: its header and its body.
pub(crate) fn next_frame(input: &mut BytesMut, max_bytes: usize) -> Result<Option<(Header, Bytes)>, FrameError> {
    let Some(length) = input.first_chunk::<4>().map(|octets| u32::from_be_bytes(*octets)) else { return Ok(None) };
    let size = length as usize;
    if size < HEADER_BYTES || size > max_bytes {
        return Err(FrameError { length });
    }
    if input.len() < size {
        input.reserve(size - input.len());
        return Ok(None);
    }
    let mut pdu = input.split_to(size).freeze();
    pdu.advance(4);
    let header = Header { command: pdu.get_u32(), status: pdu.get_u32(), sequence: pdu.get_u32() };
    Ok(Some((header, pdu)))
}

/// Appends a PDU whose body `body` writes; the length is filled in afterwards.
pub(crate) fn put_pdu(
    out: &mut BytesMut,
    command: u32,
    status: Status,
    sequence: u32,
    body: impl FnOnce(&mut BytesMut),
) {
    let start = out.len();
    out.put_u32(0);
    out.put_u32(command);
    out.put_u32(status.0);
    out.put_u32(sequence);
    body(out);
    let length = u32::try_from(out.len() - start).expect("the simulator builds no PDU of 4 GiB");
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pdu_is_taken_only_when_it_is_whole() {
        let mut whole = BytesMut::new();
        put_pdu(&mut whole, command::ENQUIRE_LINK, Status::OK, 7, |_| {});
        put_pdu(&mut whole, command::UNBIND, Status::OK, 8, |_| {});
        let mut input = BytesMut::from(&whole[..31]);
        let (first, body) = next_frame(&mut input, 1024).unwrap().unwrap();
        assert_eq!((first.command, first.sequence, body.len()), (command::ENQUIRE_LINK, 7, 0));
        assert_eq!(next_frame(&mut input, 1024), Ok(None));
        input.extend_from_slice(&whole[31..]);
        assert_eq!(next_frame(&mut input, 1024).unwrap().unwrap().0.sequence, 8);
    }

    #[test]
    fn impossible_lengths_are_refused_before_anything_is_allocated() {
        for length in [0_u32, 15, 1025, u32::MAX] {
            let mut input = BytesMut::from(&length.to_be_bytes()[..]);
            assert_eq!(next_frame(&mut input, 1024), Err(FrameError { length }));
        }
    }
}
