//! A submission as `submit_sm`s.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use signalbox_model::Encoding;
use signalbox_smpp::pdu::{COctetString, Sar, SubmitSm, Tag, Tlvs, esm_class, registered_delivery};
use signalbox_text::{
    Concatenation, DefaultAlphabet, Error, Part, Place, ReferenceKind, data_coding, segment_count, split_for,
};

use super::config::{Config, LongText};
use super::number;
use crate::Submission;

/// What all messages to one carrier have in common.
pub(super) struct Composer {
    service_type: COctetString,
    source: (Option<u8>, Option<u8>),
    dest: (Option<u8>, Option<u8>),
    alphabet: DefaultAlphabet,
    long_text: LongText,
    validity_period: bool,
}

impl Composer {
    pub fn new(config: &Config) -> Self {
        Self {
            service_type: config.service_type.as_str().into(),
            source: (config.source_ton, config.source_npi),
            dest: (config.dest_ton, config.dest_npi),
            alphabet: config.default_alphabet.into(),
            long_text: config.concatenation,
            validity_period: config.validity_period,
        }
    }

    /// The parts, in order. How many there are may differ from what was counted: a carrier's own alphabet may lack a character,
    /// and then the text goes as UCS-2; headers differ in size; `message_payload` needs no parts.
    ///
    /// # Errors
    /// Text that takes more parts than can be numbered.
    pub fn compose(&self, submission: &Submission, takes_tlvs: bool) -> Result<Vec<SubmitSm>, Error> {
        let Submission { text, encoding, .. } = submission;
        let kind = self.long_text.reference_kind(takes_tlvs);
        // Without a header of ours the parts' octets are the text's.
        let cut = |encoding| {
            split_for(text, encoding, self.alphabet, kind.unwrap_or(ReferenceKind::Sar), submission.reference)
        };
        let (encoding, parts) = match cut(*encoding) {
            Err(Error::NotInAlphabet { .. }) => (Encoding::Ucs2, cut(Encoding::Ucs2)?),
            parts => (*encoding, parts?),
        };
        let common = self.common(submission, encoding);
        if takes_tlvs && parts.len() > 1 && encoding == Encoding::Gsm7 && segment_count(text) == 1 {
            // One segment on the air, whose UTF-8 is too long for `short_message`: to cut it would make two of it.
            let bare = split_for(text, encoding, self.alphabet, ReferenceKind::Sar, submission.reference)?;
            return Ok(vec![whole(common, &bare)]);
        }
        match parts.len() {
            0 | 1 => Ok(parts.into_iter().map(|part| with(&common, part)).collect()),
            _ if kind.is_none() => Ok(vec![whole(common, &parts)]),
            _ => Ok(parts.into_iter().map(|part| with(&common, part)).collect()),
        }
    }

    fn common(&self, submission: &Submission, encoding: Encoding) -> SubmitSm {
        let source = number::write(&submission.from, self.source.0, self.source.1);
        let dest = number::write(&submission.to, self.dest.0, self.dest.1);
        SubmitSm {
            service_type: self.service_type.clone(),
            source_addr_ton: source.ton,
            source_addr_npi: source.npi,
            source_addr: source.digits,
            dest_addr_ton: dest.ton,
            dest_addr_npi: dest.npi,
            destination_addr: dest.digits,
            validity_period: if self.validity_period { relative(submission.validity) } else { COctetString::new() },
            registered_delivery: registered_delivery::FINAL,
            data_coding: data_coding(encoding),
            ..SubmitSm::default()
        }
    }
}

fn with(common: &SubmitSm, part: Part) -> SubmitSm {
    let mut submit = SubmitSm { short_message: part.octets, ..common.clone() };
    match part.place {
        Place::Alone => {}
        Place::Udh(_) => submit.esm_class |= esm_class::UDHI,
        Place::Sar(Concatenation { reference, total, number, .. }) => {
            submit.tlvs.set_sar(Sar { msg_ref_num: reference, total_segments: total, segment_seqnum: number });
        }
    }
    submit
}

fn whole(common: SubmitSm, parts: &[Part]) -> SubmitSm {
    let octets: BytesMut = parts.iter().flat_map(|part| part.octets.iter().copied()).collect();
    let tlvs = Tlvs::new().with(Tag::MESSAGE_PAYLOAD, &octets);
    let tlvs = tlvs.expect("255 parts of 160 octets are shorter than a parameter may be");
    SubmitSm { short_message: Bytes::new(), tlvs, ..common }
}

/// The longest that is told: the relative form has months of no certain length.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// A relative time (3.4 §7.1.1.2): `YYMMDDhhmmss000R`. At least a second: nothing at all would be the carrier's default.
fn relative(validity: Duration) -> COctetString {
    let seconds = validity.clamp(Duration::from_secs(1), LONGEST).as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    format!("0000{days:02}{hours:02}{:02}{:02}000R", seconds / 60 % 60, seconds % 60).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submission(text: &str, encoding: Encoding) -> Submission {
        Submission {
            from: "+14155550123".parse().unwrap(),
            to: "+14155550199".parse().unwrap(),
            text: text.to_owned(),
            encoding,
            segments: 1,
            reference: 0x0102,
            validity: Duration::from_secs(90_061),
        }
    }

    fn composer(config: Config) -> Composer {
        Composer::new(&config)
    }

    #[test]
    fn a_short_text_is_one_message_that_asks_for_a_receipt() {
        let parts = composer(Config::default()).compose(&submission("a@", Encoding::Gsm7), true).unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!((&parts[0].short_message[..], parts[0].esm_class, parts[0].data_coding), (&[0x61, 0][..], 0, 0));
        assert_eq!((parts[0].registered_delivery, parts[0].tlvs.is_empty()), (1, true));
        assert_eq!(parts[0].validity_period, "000001010101000R");
        let config = Config { validity_period: false, ..Config::default() };
        assert!(
            composer(config).compose(&submission("a", Encoding::Gsm7), true).unwrap()[0].validity_period.is_empty()
        );
    }

    #[test]
    fn header_and_parameters_never_meet() {
        let text = "x".repeat(400);
        for (concatenation, takes_tlvs, parts, udhi, sar, payload) in [
            (LongText::Udh8, true, 3, true, false, false),
            (LongText::Udh16, true, 3, true, false, false),
            (LongText::Sar, true, 3, false, true, false),
            (LongText::Sar, false, 3, true, false, false),
            (LongText::MessagePayload, true, 1, false, false, true),
            (LongText::MessagePayload, false, 3, true, false, false),
        ] {
            let composed = composer(Config { concatenation, ..Config::default() })
                .compose(&submission(&text, Encoding::Gsm7), takes_tlvs)
                .unwrap();
            assert_eq!(composed.len(), parts, "{concatenation:?}");
            for part in composed {
                assert_eq!(part.has_udh(), udhi);
                assert_eq!(part.tlvs.sar().is_some(), sar);
                assert_eq!(part.tlvs.message_payload().map(|octets| octets.len()), payload.then_some(400));
                assert!(takes_tlvs || part.tlvs.is_empty());
            }
        }
    }

    #[test]
    fn what_the_carriers_alphabet_lacks_goes_as_ucs2() {
        let latin1 = composer(Config { default_alphabet: super::super::config::Alphabet::Latin1, ..Config::default() });
        let parts = latin1.compose(&submission("@é", Encoding::Gsm7), true).unwrap();
        assert_eq!((&parts[0].short_message[..], parts[0].data_coding), (&[0x40, 0xE9][..], 0));
        let parts = latin1.compose(&submission("5 €", Encoding::Gsm7), true).unwrap();
        assert_eq!((parts[0].short_message.len(), parts[0].data_coding), (6, 8));
    }

    #[test]
    fn one_segment_whose_utf8_is_too_long_for_a_short_message_goes_whole_where_that_can_be_said() {
        let utf8 = composer(Config { default_alphabet: super::super::config::Alphabet::Utf8, ..Config::default() });
        let text = "é".repeat(160);
        let parts = utf8.compose(&submission(&text, Encoding::Gsm7), true).unwrap();
        assert_eq!((parts.len(), parts[0].short_message.len(), parts[0].has_udh()), (1, 0, false));
        assert_eq!(parts[0].tlvs.message_payload().unwrap(), text);
        let parts = utf8.compose(&submission(&text, Encoding::Gsm7), false).unwrap();
        assert_eq!(parts.len(), 2);
        assert!(parts.iter().all(|part| part.has_udh() && part.tlvs.is_empty() && part.short_message.len() <= 254));
        let parts = utf8.compose(&submission(&"é".repeat(161), Encoding::Gsm7), true).unwrap();
        assert!(parts.len() == 2 && parts.iter().all(|part| part.short_message.len() <= 254));
    }

    #[test]
    fn times_are_told_within_what_the_form_can_say() {
        assert_eq!(relative(Duration::ZERO), "000000000001000R");
        assert_eq!(relative(Duration::from_secs(600)), "000000001000000R");
        assert_eq!(relative(Duration::MAX), "000030000000000R");
    }
}
