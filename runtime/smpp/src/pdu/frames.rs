//! Cutting a stream of octets into frames.

use bytes::{Buf, Bytes, BytesMut};

use super::{Command, CommandId, CommandStatus};
use crate::Error;

/// Length of the header that every PDU begins with.
pub const HEADER_OCTETS: usize = 16;

/// The default for the longest PDU taken: a `message_payload` as long as its length field allows, and the rest.
pub const DEFAULT_MAX_PDU_OCTETS: usize = 64 * 1024;

/// The four integers that every PDU begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Length of the whole PDU, header included.
    pub command_length: u32,
    /// What it is.
    pub command_id: CommandId,
    /// 0 in requests.
    pub command_status: CommandStatus,
    /// Ties an answer to its request.
    pub sequence_number: u32,
}

impl Header {
    /// Reads a header, if there are enough octets for one.
    pub fn parse(mut octets: &[u8]) -> Option<Header> {
        if octets.len() < HEADER_OCTETS {
            return None;
        }
        Some(Header {
            command_length: octets.get_u32(),
            command_id: CommandId(octets.get_u32()),
            command_status: CommandStatus(octets.get_u32()),
            sequence_number: octets.get_u32(),
        })
    }
}

/// One PDU's octets, with the header read.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its header.
    pub header: Header,
    octets: Bytes,
}

impl Frame {
    /// Reads the body.
    ///
    /// # Errors
    /// [`Error::Decode`]; the header is then still good to answer with.
    pub fn decode(self) -> Result<Command, Error> {
        Command::decode_body(self.header, self.octets)
    }
}

/// Takes octets as they come and gives whole frames.
#[derive(Debug)]
pub struct Frames {
    buffer: BytesMut,
    max_pdu_octets: usize,
}

impl Frames {
    /// Takes PDUs of at most `max_pdu_octets`.
    pub fn new(max_pdu_octets: usize) -> Self {
        Self { buffer: BytesMut::new(), max_pdu_octets }
    }

    /// Where to append what was read.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Whether a PDU has begun and not ended.
    pub fn mid_pdu(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The next whole frame, if one is there.
    ///
    /// # Errors
    /// [`Error::FrameLength`]: the stream can't be read any further.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        let Some(length) = self.buffer.first_chunk::<4>().map(|octets| u32::from_be_bytes(*octets)) else {
            return Ok(None);
        };
        let wanted = length as usize;
        if !(HEADER_OCTETS..=self.max_pdu_octets).contains(&wanted) {
            return Err(Error::FrameLength { length, max: self.max_pdu_octets });
        }
        if self.buffer.len() < wanted {
            // Bounded by the check above, whatever the peer claims.
            self.buffer.reserve(wanted - self.buffer.len());
            return Ok(None);
        }
        let octets = self.buffer.split_to(wanted).freeze();
        Ok(Header::parse(&octets).map(|header| Frame { header, octets }))
    }
}

impl Default for Frames {
    fn default() -> Self {
        Self::new(DEFAULT_MAX_PDU_OCTETS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENQUIRE_LINK: [u8; 16] = [0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 9];

    #[test]
    fn frames_come_out_whole_however_the_octets_come_in() {
        let stream = [ENQUIRE_LINK, ENQUIRE_LINK, ENQUIRE_LINK].concat();
        for step in 1..=stream.len() {
            let mut frames = Frames::default();
            let mut seen = 0;
            for piece in stream.chunks(step) {
                frames.buffer().extend_from_slice(piece);
                while let Some(frame) = frames.next_frame().unwrap() {
                    assert_eq!(frame.header.command_id, CommandId::ENQUIRE_LINK);
                    assert_eq!(frame.header.sequence_number, 9);
                    seen += 1;
                }
            }
            assert_eq!((seen, frames.mid_pdu()), (3, false), "in pieces of {step}");
        }
    }

    #[test]
    fn a_length_that_no_pdu_has_is_fatal_and_named() {
        for (length, max) in [(0, 64), (15, 64), (65, 64), (u32::MAX, 64 * 1024)] {
            let mut frames = Frames::new(max);
            frames.buffer().extend_from_slice(&u32::to_be_bytes(length));
            let error = frames.next_frame().unwrap_err().to_string();
            assert_eq!(error, format!("command_length {length} is outside 16..={max}"));
        }
    }

    #[test]
    fn a_claimed_length_takes_no_more_memory_than_allowed() {
        let mut frames = Frames::new(1024);
        frames.buffer().extend_from_slice(&1024_u32.to_be_bytes());
        assert!(frames.next_frame().unwrap().is_none());
        assert!(frames.buffer().capacity() <= 2048);
    }
}
