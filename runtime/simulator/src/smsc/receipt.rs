//! A receipt in each of the dialects that carriers speak.

use crate::scenario::{Dialect, MessageIds, Outcome};
use crate::time::Calendar;
use crate::wire::{Address, Deliver, tag};
use std::fmt::Write;

/// What a receipt is about.
#[derive(Clone, Debug)]
pub(super) struct Receipt {
    pub(super) ids: (String, String),
    pub(super) source: Address,
    pub(super) dest: Address,
    pub(super) outcome: Outcome,
    pub(super) error: u16,
    pub(super) dialect: Dialect,
    pub(super) submitted_us: u64,
    pub(super) done_us: u64,
    /// The first 20 characters of the message, in ASCII.
    pub(super) excerpt: String,
}

/// `esm_class` of a receipt (3.4 §5.2.12).
const RECEIPT_CLASS: u8 = 0x04;

/// The id as the response says it, and as the receipt's text does.
pub(super) fn ids(rule: MessageIds, id: u64, speaks_tlvs: bool) -> (String, String) {
    if speaks_tlvs {
        return (rule.form.in_response(id), rule.form.in_receipt(id));
    }
    // 3.3 has room for eight octets.
    let short = format!("{:08}", id % 100_000_000);
    (short.clone(), short)
}

pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(20).map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '.' }).collect()
}

impl Receipt {
    /// A peer of 3.3 is told everything in text.
    pub(super) fn deliver(&self, speaks_tlvs: bool) -> Deliver {
        let dialect = match self.dialect {
            Dialect::Tlv | Dialect::Standard | Dialect::Payload if !speaks_tlvs => Dialect::Text,
            dialect => dialect,
        };
        let mut tlvs = Vec::new();
        if matches!(dialect, Dialect::Tlv | Dialect::Standard) {
            let [high, low] = self.error.to_be_bytes();
            tlvs.push((tag::RECEIPTED_MESSAGE_ID, [self.ids.0.as_bytes(), b"\0"].concat()));
            tlvs.push((tag::MESSAGE_STATE, vec![self.outcome.message_state()]));
            tlvs.push((tag::NETWORK_ERROR_CODE, vec![3, high, low])); // 3: GSM
        }
        let mut text = self.text(dialect).into_bytes();
        if dialect == Dialect::Payload {
            tlvs.push((tag::MESSAGE_PAYLOAD, std::mem::take(&mut text)));
        }
        let esm_class = if dialect == Dialect::TextPlainClass { 0 } else { RECEIPT_CLASS };
        Deliver {
            source: self.dest.clone(),
            dest: self.source.clone(),
            esm_class,
            data_coding: 0,
            short_message: text,
            tlvs,
        }
    }

    /// 3.4 appendix B, or what carriers make of it.
    fn text(&self, dialect: Dialect) -> String {
        let mut text = String::with_capacity(140);
        if matches!(dialect, Dialect::Tlv | Dialect::None) {
            return text;
        }
        let id = &self.ids.1;
        let stat = if dialect == Dialect::TextLongState { self.outcome.long_stat() } else { self.outcome.stat() };
        if dialect == Dialect::TextShort {
            return format!("id:{id} stat:{stat}");
        }
        text.push_str("id:");
        text.push_str(id);
        if dialect != Dialect::TextNoSub {
            text.push_str(if self.outcome == Outcome::Delivered { " sub:001 dlvrd:001" } else { " sub:001 dlvrd:000" });
        }
        for (name, micros) in [(" submit date:", self.submitted_us), (" done date:", self.done_us)] {
            text.push_str(name);
            put_date(&mut text, micros, dialect);
        }
        text.push_str(" stat:");
        text.push_str(stat);
        self.put_error(&mut text, dialect);
        match dialect {
            Dialect::TextNoText => {}
            Dialect::TextLowercase => text.extend([" text:", &self.excerpt]),
            _ => text.extend([" Text:", &self.excerpt]),
        }
        text
    }

    fn put_error(&self, text: &mut String, dialect: Dialect) {
        let error = self.error;
        let written = match dialect {
            Dialect::TextNoErr => return,
            Dialect::TextNonnumericErr => write!(text, " err:U{error:X}F"),
            Dialect::Text4digitErr => write!(text, " err:{error:04}"),
            _ => write!(text, " err:{error:03}"),
        };
        written.expect("a String takes what is written");
    }
}

fn put_date(text: &mut String, micros: u64, dialect: Dialect) {
    let Calendar { year, month, day, hour, minute, second } = Calendar::of_micros(micros);
    if dialect == Dialect::Text14digitDate {
        put_digits(text, year / 100);
    }
    for pair in [year % 100, month, day, hour, minute] {
        put_digits(text, pair);
    }
    if matches!(dialect, Dialect::Text12digitDate | Dialect::Text14digitDate) {
        put_digits(text, second);
    }
}

fn put_digits(text: &mut String, pair: u64) {
    for digit in [pair / 10 % 10, pair % 10] {
        text.push(char::from(b"0123456789"[usize::try_from(digit).expect("one digit")]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(dialect: Dialect) -> Receipt {
        Receipt {
            ids: ("abc".to_owned(), "2748".to_owned()),
            source: Address::written("+1555"),
            dest: Address::written("+4420"),
            outcome: Outcome::Undelivered,
            error: 33,
            dialect,
            submitted_us: 1_798_761_599_000_000,
            done_us: 1_798_761_660_000_000,
            excerpt: excerpt("Grüße\nan alle dort draußen"),
        }
    }

    #[test]
    fn each_dialect_is_written_as_carriers_write_it() {
        let head = "id:2748 sub:001 dlvrd:000 submit date:2612312359 done date:2701010001 stat:UNDELIV";
        let tail = "Text:Gr..e.an alle dort d";
        for (dialect, text) in [
            (Dialect::Text, format!("{head} err:033 {tail}")),
            (Dialect::TextNoSub, format!("{} err:033 {tail}", head.replace(" sub:001 dlvrd:000", ""))),
            (Dialect::TextNonnumericErr, format!("{head} err:U21F {tail}")),
            (Dialect::Text4digitErr, format!("{head} err:0033 {tail}")),
            (Dialect::TextNoErr, format!("{head} {tail}")),
            (Dialect::TextLowercase, format!("{head} err:033 {}", tail.replace("Text", "text"))),
            (Dialect::TextNoText, format!("{head} err:033")),
            (Dialect::TextShort, "id:2748 stat:UNDELIV".to_owned()),
            (Dialect::TextLongState, format!("{} err:033 {tail}", head.replace("UNDELIV", "UNDELIVERABLE"))),
            (Dialect::None, String::new()),
            (Dialect::Tlv, String::new()),
        ] {
            let deliver = receipt(dialect).deliver(true);
            assert_eq!(String::from_utf8(deliver.short_message).unwrap(), text, "{dialect:?}");
        }
        let long = receipt(Dialect::Text14digitDate).text(Dialect::Text14digitDate);
        assert!(long.contains("submit date:20261231235959 done date:20270101000100 "), "{long}");
        let long = receipt(Dialect::Text12digitDate).text(Dialect::Text12digitDate);
        assert!(long.contains("submit date:261231235959 "), "{long}");
    }

    #[test]
    fn parameters_carry_the_response_s_id_and_go_to_no_peer_of_3_3() {
        let with = receipt(Dialect::Tlv).deliver(true);
        assert_eq!(with.tlvs[0], (tag::RECEIPTED_MESSAGE_ID, b"abc\0".to_vec()));
        assert_eq!(with.tlvs[1], (tag::MESSAGE_STATE, vec![5]));
        let without = receipt(Dialect::Tlv).deliver(false);
        assert!(without.tlvs.is_empty() && without.short_message.starts_with(b"id:2748"));
        assert_eq!(ids(MessageIds::default(), 1_234_567_890, false).0, "34567890");
    }
}
