//! Addresses as SMPP writes them: type of number, numbering plan, digits.

use signalbox_model::Address;
use signalbox_smpp::pdu::COctetString;

const TON_INTERNATIONAL: u8 = 1;
const TON_NETWORK_SPECIFIC: u8 = 3;
const TON_ALPHANUMERIC: u8 = 5;
const NPI_UNKNOWN: u8 = 0;
const NPI_E164: u8 = 1;

/// An address with its two numbers.
pub(super) struct Number {
    pub ton: u8,
    pub npi: u8,
    pub digits: COctetString,
}

/// Writes an address; `ton` and `npi` hold instead of what its kind says, where they are set.
pub(super) fn write(address: &Address, ton: Option<u8>, npi: Option<u8>) -> Number {
    let (own_ton, own_npi, digits) = match address {
        Address::E164(number) => (TON_INTERNATIONAL, NPI_E164, digits(number.as_u64())),
        Address::ShortCode(code) => (TON_NETWORK_SPECIFIC, NPI_UNKNOWN, (&**code).into()),
        Address::Alphanumeric(name) => (TON_ALPHANUMERIC, NPI_UNKNOWN, (&**name).into()),
    };
    Number { ton: ton.unwrap_or(own_ton), npi: npi.unwrap_or(own_npi), digits }
}

fn digits(mut number: u64) -> COctetString {
    let mut text = [0; 20];
    let mut at = text.len();
    while number > 0 {
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    text[at..].into()
}

/// Reads an address. The type of number is believed as far as the text bears it out: carriers send short codes as
/// international and numbers as names.
pub(super) fn read(ton: u8, digits: &COctetString) -> Option<Address> {
    let text = digits.as_str()?.trim();
    let plain = || Address::from_carrier(text, false, false);
    match ton {
        TON_INTERNATIONAL => Address::from_carrier(text, true, false).or_else(|_| plain()).ok(),
        TON_ALPHANUMERIC => Address::from_carrier(text, false, true).or_else(|_| plain()).ok(),
        _ => plain().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn each_kind_has_its_type_of_number_unless_the_operator_says_otherwise() {
        for (text, ton, npi, digits) in
            [("+14155550123", 1, 1, "14155550123"), ("72345", 3, 0, "72345"), ("Acme Bank", 5, 0, "Acme Bank")]
        {
            let number = write(&address(text), None, None);
            assert_eq!((number.ton, number.npi), (ton, npi));
            assert_eq!(number.digits, digits);
        }
        let number = write(&address("72345"), Some(6), Some(9));
        assert_eq!((number.ton, number.npi), (6, 9));
    }

    #[test]
    fn addresses_are_read_whatever_the_carrier_calls_them() {
        for (ton, text, wanted) in [
            (1, "14155550123", "+14155550123"),
            (1, "+14155550123", "+14155550123"),
            (0, "14155550123", "+14155550123"),
            (1, "72345", "72345"),
            (3, "72345", "72345"),
            (5, "Acme", "Acme"),
            (5, "72345", "72345"),
        ] {
            assert_eq!(read(ton, &text.into()), Some(address(wanted)), "{ton} {text}");
        }
        for (ton, text) in [(1, ""), (0, "12"), (5, "na\u{ef}ve"), (1, "1x")] {
            let read = read(ton, &text.into());
            assert!(read.is_none() || text == "1x", "{text}");
        }
    }
}
