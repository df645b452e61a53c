//! Receipts and message ids: what they say, when they come and how they are written.

use super::{Delay, OneOrMore, Pattern, Rate, Span};
use serde::{Deserialize, Serialize};

/// Delivery receipts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Receipts {
    /// Wait between the submit and its receipt.
    pub delay: Delay,
    /// How they are written; of a list, one is drawn for each receipt.
    pub dialect: OneOrMore<Dialect>,
    /// Share that comes before its `submit_sm_resp`.
    pub early_rate: Rate,
    /// How much later the response to such a submit comes.
    pub early_by: Span,
    /// Share sent twice.
    pub duplicate_rate: Rate,
    /// Share never sent.
    pub lost_rate: Rate,
}

/// How a receipt is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Parameters, and the text of 3.4 appendix B.
    #[default]
    Standard,
    /// Parameters only.
    Tlv,
    /// Text only, as in appendix B: ten-digit dates, three-digit error.
    Text,
    /// Text without `sub` and `dlvrd`.
    TextNoSub,
    /// Text whose error has letters.
    TextNonnumericErr,
    /// Text whose error has four digits.
    #[serde(rename = "text-4digit-err")]
    Text4digitErr,
    /// Text without an error.
    TextNoErr,
    /// Text with dates of 12 digits (seconds).
    #[serde(rename = "text-12digit-date")]
    Text12digitDate,
    /// Text with dates of 14 digits (century and seconds).
    #[serde(rename = "text-14digit-date")]
    Text14digitDate,
    /// Text that ends in `text:` with a small letter.
    TextLowercase,
    /// Text without its `Text:` field.
    TextNoText,
    /// Text of nothing but `id` and `stat`.
    TextShort,
    /// Text whose state is spelled out (`DELIVERED`).
    TextLongState,
    /// Text with an `esm_class` that doesn't say receipt.
    TextPlainClass,
    /// The text in `message_payload`.
    Payload,
    /// Neither text nor parameters: says that it is a receipt, not of what.
    None,
}

/// What becomes of accepted messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRule {
    /// Destinations it applies to.
    #[serde(default)]
    pub to: Pattern,
    /// Share of them.
    #[serde(default = "Rate::always")]
    pub rate: Rate,
    /// What the receipt says.
    pub state: Outcome,
    /// The network's error code.
    #[serde(default)]
    pub error: u16,
}

/// A final state (3.4 §5.2.28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Reached the phone.
    Delivered,
    /// Its validity ran out.
    Expired,
    /// Removed by the carrier.
    Deleted,
    /// Could not be delivered.
    Undelivered,
    /// The carrier took it and says no more.
    Accepted,
    /// The carrier doesn't know.
    Unknown,
    /// Refused after all.
    Rejected,
}

/// How message ids are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MessageIds {
    /// Their form. A peer of 3.3 gets eight decimal digits whatever this says.
    pub form: IdForm,
    /// The first id; drawn from the seed by default, so that a new run doesn't repeat the last one's ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
}

/// The form of message ids, in the response and in the receipt's text. `receipted_message_id` has the
/// response's, as 3.4 §5.3.2.12 wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdForm {
    /// Decimal in both.
    #[default]
    Decimal,
    /// Hexadecimal in both.
    Hex,
    /// Hexadecimal in the response, decimal in the receipt.
    HexInResponse,
    /// Decimal in the response, hexadecimal in the receipt.
    HexInReceipt,
    /// Hexadecimal in both, with capitals in the receipt only.
    HexCapitalsInReceipt,
    /// Decimal in both, padded with zeros to 20 digits in the receipt only.
    PaddedInReceipt,
    /// Decimal in both, padded with zeros to 20 digits in the response only.
    PaddedInResponse,
    /// Letters, digits and dashes without a number behind them.
    Opaque,
}

impl Default for Receipts {
    fn default() -> Self {
        Self {
            delay: Delay { min: Span::from_millis(20), max: Span::from_millis(100) },
            dialect: OneOrMore::one(Dialect::Standard),
            early_rate: Rate::NEVER,
            early_by: Span::from_millis(20),
            duplicate_rate: Rate::NEVER,
            lost_rate: Rate::NEVER,
        }
    }
}

impl Outcome {
    /// `message_state` (3.4 §5.2.28).
    pub(crate) fn message_state(self) -> u8 {
        match self {
            Self::Delivered => 2,
            Self::Expired => 3,
            Self::Deleted => 4,
            Self::Undelivered => 5,
            Self::Accepted => 6,
            Self::Unknown => 7,
            Self::Rejected => 8,
        }
    }

    /// `stat` of the receipt's text (3.4 appendix B).
    pub(crate) fn stat(self) -> &'static str {
        match self {
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undelivered => "UNDELIV",
            Self::Accepted => "ACCEPTD",
            Self::Unknown => "UNKNOWN",
            Self::Rejected => "REJECTD",
        }
    }

    /// `stat` as carriers write it that don't keep to seven letters.
    pub(crate) fn long_stat(self) -> &'static str {
        match self {
            Self::Delivered => "DELIVERED",
            Self::Undelivered => "UNDELIVERABLE",
            Self::Accepted => "ACCEPTED",
            Self::Rejected => "REJECTED",
            Self::Expired | Self::Deleted | Self::Unknown => self.stat(),
        }
    }
}

impl IdForm {
    /// As the response says it.
    pub(crate) fn in_response(self, id: u64) -> String {
        match self {
            Self::Decimal | Self::HexInReceipt | Self::PaddedInReceipt => id.to_string(),
            Self::Hex | Self::HexInResponse | Self::HexCapitalsInReceipt => format!("{id:x}"),
            Self::PaddedInResponse => format!("{id:020}"),
            Self::Opaque => opaque(id),
        }
    }

    /// As the receipt's text says it.
    pub(crate) fn in_receipt(self, id: u64) -> String {
        match self {
            Self::Decimal | Self::HexInResponse | Self::PaddedInResponse => id.to_string(),
            Self::Hex | Self::HexInReceipt => format!("{id:x}"),
            Self::HexCapitalsInReceipt => format!("{id:X}"),
            Self::PaddedInReceipt => format!("{id:020}"),
            Self::Opaque => opaque(id),
        }
    }
}

/// Mixed by a bijection (odd multiplier, xor-shift), so two ids never share a text.
fn opaque(id: u64) -> String {
    let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = mixed ^ (mixed >> 29);
    format!("sim-{:08x}-{:08x}-z", mixed >> 32, mixed & 0xFFFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_writes_the_id_as_it_says() {
        for (form, response, receipt) in [
            (IdForm::Decimal, "2748", "2748"),
            (IdForm::Hex, "abc", "abc"),
            (IdForm::HexInResponse, "abc", "2748"),
            (IdForm::HexInReceipt, "2748", "abc"),
            (IdForm::HexCapitalsInReceipt, "abc", "ABC"),
            (IdForm::PaddedInReceipt, "2748", "00000000000000002748"),
            (IdForm::PaddedInResponse, "00000000000000002748", "2748"),
        ] {
            assert_eq!((form.in_response(2748).as_str(), form.in_receipt(2748).as_str()), (response, receipt));
        }
        assert_eq!(IdForm::Opaque.in_response(1), IdForm::Opaque.in_receipt(1));
        assert_ne!(IdForm::Opaque.in_response(1), IdForm::Opaque.in_response(2));
    }
}
