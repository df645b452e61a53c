//! Carriers' message ids. They are opaque, except that some carriers write one id in hexadecimal in the answer and in
//! decimal in the receipt, or pad it with zeros in one of them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// How a carrier writes its ids, where that is known. Answers and receipts may differ: it is two settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdForm {
    /// As it is.
    #[default]
    Opaque,
    /// A number in hexadecimal.
    Hex,
    /// A number in decimal, perhaps padded with zeros.
    Decimal,
}

/// The form that two ways of writing one id share: a decimal number without leading zeros for the numeric forms, the id
/// itself for the opaque one and for what turns out not to be such a number.
pub fn canonical(id: &str, form: IdForm) -> Cow<'_, str> {
    match form {
        IdForm::Opaque => Cow::Borrowed(id),
        IdForm::Decimal if is_decimal(id) => Cow::Borrowed(trim_zeros(id)),
        IdForm::Hex => match hex_value(id) {
            Some(value) => Cow::Owned(value.to_string()),
            None => Cow::Borrowed(id),
        },
        IdForm::Decimal => Cow::Borrowed(id),
    }
}

/// The forms under which a receipt's id may have been written in the answer, the likeliest first, each once: as it is,
/// without leading zeros, from hexadecimal to decimal, from decimal to hexadecimal in both cases.
///
/// Only for a carrier whose form isn't known, and then only the first match that also agrees on the recipient: hexadecimal
/// `1234` is decimal `4660`, and that may be another message.
pub fn candidates(id: &str) -> Vec<String> {
    let mut forms = vec![id.to_owned()];
    let mut offer = |form: String| {
        if !forms.contains(&form) {
            forms.push(form);
        }
    };
    if id.bytes().all(|c| c.is_ascii_hexdigit()) {
        offer(trim_zeros(id).to_owned());
    }
    if let Some(value) = hex_value(id) {
        offer(value.to_string());
    }
    if let Some(value) = is_decimal(id).then(|| id.parse::<u128>().ok()).flatten() {
        offer(format!("{value:x}"));
        offer(format!("{value:X}"));
    }
    forms
}

fn is_decimal(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|c| c.is_ascii_digit())
}

fn trim_zeros(id: &str) -> &str {
    let trimmed = id.trim_start_matches('0');
    if trimmed.is_empty() { &id[id.len().saturating_sub(1)..] } else { trimmed }
}

fn hex_value(id: &str) -> Option<u128> {
    let digits = id.strip_prefix("0x").or_else(|| id.strip_prefix("0X")).unwrap_or(id);
    // from_str_radix takes a sign, which no id has.
    (!digits.is_empty() && digits.bytes().all(|c| c.is_ascii_hexdigit()))
        .then(|| u128::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_opaque_unless_said_otherwise() {
        assert_eq!(canonical("00FF", IdForm::default()), "00FF");
    }

    #[test]
    fn an_answer_in_hexadecimal_meets_a_receipt_in_decimal() {
        assert_eq!(canonical("000004D2", IdForm::Hex), canonical("0000001234", IdForm::Decimal));
        assert_eq!(canonical("0x4d2", IdForm::Hex), "1234");
        assert_eq!(canonical("0000", IdForm::Decimal), "0");
    }

    #[test]
    fn what_is_no_number_stays_as_it_is() {
        assert_eq!(canonical("a1b2-c3", IdForm::Hex), "a1b2-c3");
        assert_eq!(canonical("12ab", IdForm::Decimal), "12ab");
        assert_eq!(canonical("", IdForm::Hex), "");
        assert_eq!(canonical("+1f", IdForm::Hex), "+1f");
        let long = "f".repeat(33);
        assert_eq!(canonical(&long, IdForm::Hex), long);
    }

    #[test]
    fn candidates_begin_with_the_id_itself() {
        assert_eq!(candidates("0000001234"), ["0000001234", "1234", "4660", "4d2", "4D2"]);
        assert_eq!(candidates("4D2"), ["4D2", "1234"]);
        assert_eq!(candidates("0x4d2"), ["0x4d2", "1234"]);
        assert_eq!(candidates("").len(), 1);
        assert_eq!(candidates("8f3b-11"), ["8f3b-11"]);
        assert_eq!(candidates("7"), ["7"]);
        assert_eq!(candidates("0"), ["0"]);
    }
}
