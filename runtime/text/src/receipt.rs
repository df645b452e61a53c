//! The text of a delivery receipt (SMPP 3.4 appendix B), which is vendor-specific: read in every dialect met so far.
//!
//! `id:IIII sub:001 dlvrd:001 submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DELIVRD err:000 text:…` is the model. In
//! the wild fields are missing, keys come in any case, with `_`, `-` or nothing for their space and with spaces around the
//! colon, dates have 10 to 14 digits, `err` has 4 or is a word, and `stat` is cut or spelled out.

use signalbox_model::{Receipt, ReceiptState, Timestamp};

/// A receipt's text as it was understood; all of it optional.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceiptText {
    /// The carrier's id, as written.
    pub id: Option<String>,
    /// What `stat` says, when it is a word that is known.
    pub state: Option<ReceiptState>,
    /// `stat` as written.
    pub stat: Option<String>,
    /// `err` as written.
    pub err: Option<String>,
    /// When it was submitted, the carrier's clock taken for UTC.
    pub submitted_at: Option<Timestamp>,
    /// When it was done, the carrier's clock taken for UTC.
    pub done_at: Option<Timestamp>,
}

/// What a receipt's PDU says beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiptTlvs<'a> {
    /// `receipted_message_id` (0x001E).
    pub id: Option<&'a str>,
    /// `message_state` (0x0427).
    pub state: Option<u8>,
    /// `network_error_code` (0x0423): type of network, code.
    pub network_error: Option<(u8, u16)>,
}

impl ReceiptText {
    /// Reads a receipt's text. Never fails: what isn't there is `None`.
    pub fn parse(text: &str) -> Self {
        let mut receipt = Self::default();
        let mut next = next_field(text, 0);
        while let Some(field) = next {
            let known = receipt.id.is_some() || receipt.stat.is_some();
            if field.key == Key::Text && known {
                // The rest is the message's own words, which may look like anything.
                break;
            }
            next = next_field(text, field.value_at);
            let end = next.as_ref().map_or(text.len(), |following| following.at);
            receipt.set(field.key, clean(&text[field.value_at..end]));
        }
        receipt
    }

    fn set(&mut self, key: Key, value: &str) {
        if value.is_empty() {
            return;
        }
        match key {
            Key::Id => set_once(&mut self.id, value),
            Key::Stat => {
                self.state = self.state.or_else(|| state_of_word(value));
                set_once(&mut self.stat, value);
            }
            Key::Err => set_once(&mut self.err, value),
            Key::SubmitDate => self.submitted_at = self.submitted_at.or_else(|| date(value)),
            Key::DoneDate => self.done_at = self.done_at.or_else(|| date(value)),
            Key::Sub | Key::Dlvrd | Key::Text => {}
        }
    }

    /// The receipt that text and parameters make together; the parameters win. `None` without an id: it can't be told
    /// whose receipt it is. A receipt without any state says [`ReceiptState::Unknown`].
    pub fn with(self, tlvs: ReceiptTlvs<'_>) -> Option<Receipt> {
        let id = tlvs.id.map(clean).filter(|id| !id.is_empty()).map(ToOwned::to_owned).or(self.id)?;
        let state = tlvs.state.and_then(state_of_code).or(self.state).unwrap_or(ReceiptState::Unknown);
        let network_error = || tlvs.network_error.map(|(network, code)| format!("{network}:{code}"));
        let raw_code = self.err.filter(|err| err.bytes().any(|c| c != b'0')).or_else(network_error);
        Some(Receipt { carrier_id: id, state, raw_code, carrier_time: self.done_at })
    }
}

fn set_once(field: &mut Option<String>, value: &str) {
    field.get_or_insert_with(|| value.to_owned());
}

/// Without the blanks, quotes, separators and NULs that stand around values.
fn clean(value: &str) -> &str {
    value.trim_matches(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | ',' | ';'))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Stat,
    Err,
    Text,
}

/// Keys in lower case, their space left out.
const KEYS: [(&str, Key); 12] = [
    ("id", Key::Id),
    ("sub", Key::Sub),
    ("dlvrd", Key::Dlvrd),
    ("submitdate", Key::SubmitDate),
    ("donedate", Key::DoneDate),
    ("stat", Key::Stat),
    ("status", Key::Stat),
    ("state", Key::Stat),
    ("err", Key::Err),
    ("error", Key::Err),
    ("text", Key::Text),
    ("msg", Key::Text),
];

struct Field {
    key: Key,
    at: usize,
    value_at: usize,
}

/// The next known key with its colon, at or after `from`.
fn next_field(text: &str, from: usize) -> Option<Field> {
    let bytes = text.as_bytes();
    let boundary = |at: usize| at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    (from..bytes.len()).filter(|at| boundary(*at)).find_map(|at| {
        let (key, value_at) =
            KEYS.iter().find_map(|(name, key)| Some((*key, match_key(bytes, at, name.as_bytes())?)))?;
        Some(Field { key, at, value_at })
    })
}

/// Where the value begins when `name` and a colon stand at `at`; one space, `_` or `-` may stand within the name.
fn match_key(bytes: &[u8], mut at: usize, name: &[u8]) -> Option<usize> {
    for (i, letter) in name.iter().enumerate() {
        let joint = i > 0 && name.len() > 6 && name[i..] == *b"date";
        if joint && matches!(bytes.get(at), Some(b' ' | b'_' | b'-')) {
            at += 1;
        }
        if bytes.get(at).map(u8::to_ascii_lowercase) != Some(*letter) {
            return None;
        }
        at += 1;
    }
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    matches!(bytes.get(at), Some(b':' | b'=')).then_some(at + 1)
}

/// What SMPP's `message_state` means.
pub const fn state_of_code(code: u8) -> Option<ReceiptState> {
    Some(match code {
        0 => ReceiptState::Scheduled,
        1 => ReceiptState::Enroute,
        2 => ReceiptState::Delivered,
        3 => ReceiptState::Expired,
        4 => ReceiptState::Deleted,
        5 => ReceiptState::Undeliverable,
        6 => ReceiptState::Accepted,
        7 => ReceiptState::Unknown,
        8 => ReceiptState::Rejected,
        9 => ReceiptState::Skipped,
        _ => return None,
    })
}

/// Stems, so that cut and spelled-out words are both known.
const STEMS: [(&str, ReceiptState); 17] = [
    ("DELI", ReceiptState::Delivered),
    ("DLVR", ReceiptState::Delivered),
    ("UNDE", ReceiptState::Undeliverable),
    ("FAIL", ReceiptState::Undeliverable),
    ("EXPI", ReceiptState::Expired),
    ("DELE", ReceiptState::Deleted),
    ("ACCE", ReceiptState::Accepted),
    ("ACPT", ReceiptState::Accepted),
    ("UNKN", ReceiptState::Unknown),
    ("REJE", ReceiptState::Rejected),
    ("REJC", ReceiptState::Rejected),
    ("ENRO", ReceiptState::Enroute),
    ("BUFF", ReceiptState::Enroute),
    ("QUEU", ReceiptState::Enroute),
    ("SENT", ReceiptState::Enroute),
    ("SCHE", ReceiptState::Scheduled),
    ("SKIP", ReceiptState::Skipped),
];

/// What a `stat` means: a word of the specification, cut or spelled out, or the number of `message_state`.
fn state_of_word(word: &str) -> Option<ReceiptState> {
    if let Ok(code) = word.parse::<u8>() {
        return state_of_code(code);
    }
    let head = word.as_bytes().get(..4)?;
    STEMS.iter().find(|(stem, _)| head.eq_ignore_ascii_case(stem.as_bytes())).map(|(_, state)| *state)
}

/// Reads 10 (`YYMMDDhhmm`), 12 (`YYMMDDhhmmss` or `YYYYMMDDhhmm`) or 14 digits with whatever stands between them, SMPP's
/// 16 characters (`YYMMDDhhmmsstnn+`), or RFC 3339.
fn date(value: &str) -> Option<Timestamp> {
    if let Some(exact) = Timestamp::parse_rfc3339(value) {
        return Some(exact);
    }
    let absolute = value.len() == 16 && matches!(value.as_bytes()[15], b'+' | b'-' | b'R');
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let others = |c: char| c.is_ascii_digit() || matches!(c, '-' | '/' | ':' | '.' | ' ' | 'T' | 'Z');
    match digits.len() {
        15 if absolute => {
            let quarters: u32 = digits[13..].parse().ok()?;
            let (hours, minutes) = (quarters / 4, quarters % 4 * 15);
            let sign = if value.ends_with('-') { '-' } else { '+' };
            civil(&format!("20{}", &digits[..12]), &format!("{sign}{hours:02}:{minutes:02}"))
        }
        _ if !value.chars().all(others) => None,
        10 => civil(&format!("20{digits}00"), "Z"),
        12 => civil(&format!("20{digits}"), "Z").or_else(|| civil(&format!("{digits}00"), "Z")),
        14 => civil(&digits, "Z"),
        _ => None,
    }
}

/// `YYYYMMDDhhmmss` and an offset.
fn civil(d: &str, offset: &str) -> Option<Timestamp> {
    let (year, month, day) = (&d[..4], &d[4..6], &d[6..8]);
    let parts = [year, "-", month, "-", day, "T", &d[8..10], ":", &d[10..12], ":", &d[12..14], offset];
    Timestamp::parse_rfc3339(&parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(Timestamp::parse_rfc3339(text).unwrap())
    }

    #[test]
    fn the_model_of_the_specification() {
        let receipt = ReceiptText::parse(
            "id:0123456789 sub:001 dlvrd:001 submit date:2611231400 done date:2611231401 stat:DELIVRD err:000 text:hello id:9",
        );
        assert_eq!(receipt.id.as_deref(), Some("0123456789"));
        assert_eq!(receipt.state, Some(ReceiptState::Delivered));
        assert_eq!(receipt.err.as_deref(), Some("000"));
        assert_eq!(receipt.submitted_at, at("2026-11-23T14:00:00Z"));
        assert_eq!(receipt.done_at, at("2026-11-23T14:01:00Z"));
    }

    #[test]
    fn dialects_met_in_the_wild() {
        use ReceiptState::{Accepted, Delivered, Enroute, Expired, Rejected, Undeliverable};
        type Row = (&'static str, Option<&'static str>, Option<ReceiptState>, Option<&'static str>);
        let table: [Row; 16] = [
            (
                "id:7 submit date:2611231400 done date:2611231401 stat:UNDELIV err:0023",
                Some("7"),
                Some(Undeliverable),
                Some("0023"),
            ),
            ("id:7 stat:REJECTD err:EC_SPAM", Some("7"), Some(Rejected), Some("EC_SPAM")),
            ("ID:7 STAT:EXPIRED ERR:5 TEXT:", Some("7"), Some(Expired), Some("5")),
            ("id: 7 sub: 001 stat: DELIVRD err: 000 Text: none", Some("7"), Some(Delivered), Some("000")),
            ("id :7 stat :DELIVERED err :", Some("7"), Some(Delivered), None),
            ("id:7 submit_date:2611231400 done_date:2611231401 stat:DELIV", Some("7"), Some(Delivered), None),
            ("id:7,sub:001,stat:ACCEPTD,err:0", Some("7"), Some(Accepted), Some("0")),
            ("id:\"7\" stat:\"ENROUTE\"", Some("7"), Some(Enroute), None),
            ("stat:DELIVRD id:7", Some("7"), Some(Delivered), None),
            ("id:7 status:delivered error:none", Some("7"), Some(Delivered), Some("none")),
            ("id:7 stat:2 err:0", Some("7"), Some(Delivered), Some("0")),
            ("id:3f2a-11 a sub:001 stat:DELIVRD", Some("3f2a-11 a"), Some(Delivered), None),
            ("id:7 stat:WEIRD", Some("7"), None, None),
            ("text:hi id:7 stat:DELIVRD", Some("7"), Some(Delivered), None),
            ("", None, None, None),
            ("Your parcel is here", None, None, None),
        ];
        for (text, id, state, err) in table {
            let receipt = ReceiptText::parse(text);
            assert_eq!((receipt.id.as_deref(), receipt.state, receipt.err.as_deref()), (id, state, err), "{text}");
        }
    }

    #[test]
    fn the_quoted_message_says_nothing_about_the_receipt() {
        let receipt = ReceiptText::parse("id:7 stat:DELIVRD text:stat:REJECTD err:1 id:8");
        assert_eq!(
            (receipt.id.as_deref(), receipt.state, receipt.err),
            (Some("7"), Some(ReceiptState::Delivered), None)
        );
    }

    #[test]
    fn keys_are_whole_words() {
        let receipt = ReceiptText::parse("id:12id:3 paid:4 stat:DELIVRD");
        assert_eq!(receipt.id.as_deref(), Some("12id:3 paid:4"));
    }

    #[test]
    fn every_length_of_date() {
        let whole = at("2026-11-23T14:01:00Z");
        assert_eq!(date("2611231401"), whole);
        assert_eq!(date("261123140100"), whole);
        assert_eq!(date("202611231401"), whole);
        assert_eq!(date("20261123140100"), whole);
        assert_eq!(date("2026-11-23 14:01:00"), whole);
        assert_eq!(date("2026-11-23T14:01:00Z"), whole);
        assert_eq!(date("261123160100008+"), whole);
        assert_eq!(date("0000000000"), None);
        assert_eq!(date("2613231401"), None);
        assert_eq!(date("NaN"), None);
    }

    #[test]
    fn parameters_win_over_text_and_fill_in_for_it() {
        let tlvs = ReceiptTlvs { id: Some("abc\0"), state: Some(5), network_error: Some((3, 21)) };
        let receipt = ReceiptText::parse("id:7 stat:DELIVRD err:000").with(tlvs).unwrap();
        assert_eq!((receipt.carrier_id.as_str(), receipt.state), ("abc", ReceiptState::Undeliverable));
        assert_eq!(receipt.raw_code.as_deref(), Some("3:21"));
        assert!(ReceiptText::parse("").with(tlvs).is_some());
        assert!(ReceiptText::parse("stat:DELIVRD").with(ReceiptTlvs::default()).is_none());
        let vague = ReceiptText::parse("id:7").with(ReceiptTlvs::default()).unwrap();
        assert_eq!(vague.state, ReceiptState::Unknown);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(?s).{0,200}") {
            let _ = ReceiptText::parse(&text);
        }

        #[test]
        fn any_mixture_of_fields_is_read(fields in prop::collection::vec(
            prop::sample::select(vec!["id:", "ID :", "stat:", "done date:", "err:", "text:", "2611231400", "é", "DELIVRD ", " ", "0"]), 0..20)) {
            let _ = ReceiptText::parse(&fields.concat());
        }
    }
}
