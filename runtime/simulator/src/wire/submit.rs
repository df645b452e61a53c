//! Reading what a peer sends: the fields of a body, and `submit_sm` (3.4 §4.4.1).

use super::tlv::tag;

/// A body that ends before its fields do; names the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) field: &'static str,
}

/// A cursor over a body's fields.
pub(crate) struct Fields<'a>(&'a [u8]);

/// An address as it stands in a PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) ton: u8,
    pub(crate) npi: u8,
    pub(crate) digits: String,
}

/// A `submit_sm`, its message taken from `short_message` or `message_payload`.
#[derive(Debug)]
pub(crate) struct Submit<'a> {
    pub(crate) source: Address,
    pub(crate) dest: Address,
    pub(crate) esm_class: u8,
    pub(crate) registered_delivery: u8,
    pub(crate) data_coding: u8,
    pub(crate) message: &'a [u8],
    pub(crate) sar: Option<Sar>,
}

/// Concatenation told by the three `sar_*` parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sar {
    pub(crate) reference: u16,
    pub(crate) total: u8,
    pub(crate) sequence: u8,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    pub(crate) fn octet(&mut self, field: &'static str) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed { field })?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn octets(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed { field })?;
        self.0 = rest;
        Ok(taken)
    }

    /// A NUL-terminated string of at most `max` octets, NUL included.
    pub(crate) fn c_string(&mut self, max: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let end = self.0.iter().take(max).position(|octet| *octet == 0).ok_or(Malformed { field })?;
        let text = &self.0[..end];
        self.0 = &self.0[end + 1..];
        Ok(text)
    }

    fn address(&mut self, field: &'static str) -> Result<Address, Malformed> {
        let ton = self.octet(field)?;
        let npi = self.octet(field)?;
        let digits = String::from_utf8_lossy(self.c_string(21, field)?).into_owned();
        Ok(Address { ton, npi, digits })
    }

    fn tlv(&mut self) -> Result<Option<(u16, &'a [u8])>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let head = self.octets(4, "tlv")?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        Ok(Some((u16::from_be_bytes([head[0], head[1]]), self.octets(length, "tlv")?)))
    }
}

impl Address {
    /// From a number as people write it: `+` means international, letters mean an alphanumeric sender.
    pub(crate) fn written(number: &str) -> Self {
        if let Some(digits) = number.strip_prefix('+') {
            return Self { ton: 1, npi: 1, digits: digits.to_owned() };
        }
        let alphanumeric = number.bytes().any(|octet| !octet.is_ascii_digit());
        Self { ton: if alphanumeric { 5 } else { 3 }, npi: 0, digits: number.to_owned() }
    }

    /// As people write it: an international number gets its `+`.
    pub(crate) fn number(&self) -> String {
        if self.ton == 1 && !self.digits.starts_with('+') { format!("+{}", self.digits) } else { self.digits.clone() }
    }
}

impl<'a> Submit<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::new(body);
        fields.c_string(6, "service_type")?;
        let source = fields.address("source_addr")?;
        let dest = fields.address("destination_addr")?;
        let esm_class = fields.octet("esm_class")?;
        fields.octets(2, "priority_flag")?;
        fields.c_string(17, "schedule_delivery_time")?;
        fields.c_string(17, "validity_period")?;
        let registered_delivery = fields.octet("registered_delivery")?;
        fields.octet("replace_if_present_flag")?;
        let data_coding = fields.octet("data_coding")?;
        fields.octet("sm_default_msg_id")?;
        let length = usize::from(fields.octet("sm_length")?);
        if length > 254 {
            return Err(Malformed { field: "sm_length" });
        }
        let mut message = fields.octets(length, "short_message")?;
        let (mut reference, mut total, mut sequence) = (None, None, None);
        while let Some((tag, value)) = fields.tlv()? {
            match (tag, value) {
                (tag::MESSAGE_PAYLOAD, payload) if message.is_empty() => message = payload,
                (tag::MESSAGE_PAYLOAD, _) => return Err(Malformed { field: "message_payload" }),
                (tag::SAR_REFERENCE, [high, low]) => reference = Some(u16::from_be_bytes([*high, *low])),
                (tag::SAR_TOTAL, [count]) => total = Some(*count),
                (tag::SAR_SEQUENCE, [number]) => sequence = Some(*number),
                _ => {}
            }
        }
        let sar = match (reference, total, sequence) {
            (Some(reference), Some(total), Some(sequence)) => Some(Sar { reference, total, sequence }),
            _ => None,
        };
        Ok(Self { source, dest, esm_class, registered_delivery, data_coding, message, sar })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// service_type "", +1555 as source, 4420 as destination, esm_class 0, receipt asked, "hi".
    const PLAIN: &[u8] = b"\0\x01\x011555\0\x01\x014420\0\0\0\0\0\0\x01\0\0\0\x02hi";

    #[test]
    fn a_submit_is_read_field_by_field() {
        let submit = Submit::parse(PLAIN).unwrap();
        assert_eq!((submit.source.number().as_str(), submit.dest.number().as_str()), ("+1555", "+4420"));
        assert_eq!((submit.registered_delivery, submit.message), (1, &b"hi"[..]));
    }

    #[test]
    fn every_truncation_is_malformed_and_none_panics() {
        for end in 0..PLAIN.len() {
            assert!(Submit::parse(&PLAIN[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn payload_and_sar_come_from_their_parameters() {
        let mut body = PLAIN[..PLAIN.len() - 3].to_vec();
        body.extend_from_slice(b"\0\x04\x24\0\x04long\x02\x0C\0\x02\0\x09\x02\x0E\0\x01\x03\x02\x0F\0\x01\x02");
        let submit = Submit::parse(&body).unwrap();
        assert_eq!(submit.message, b"long");
        assert_eq!(submit.sar, Some(Sar { reference: 9, total: 3, sequence: 2 }));
    }
}
