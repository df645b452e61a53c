//! Whatever is split is the same when it is put together again.

use proptest::prelude::*;
use signalbox_model::Encoding;

use crate::segment::{part_limit, single_limit};
use crate::{
    Assembly, DefaultAlphabet, Part, Place, ReferenceKind, Smart, coding, gsm, parse_header, prepare_within,
    segment_count_with, split,
};

fn kinds() -> impl Strategy<Value = ReferenceKind> {
    prop::sample::select(vec![ReferenceKind::Udh8, ReferenceKind::Udh16, ReferenceKind::Sar])
}

/// Texts full of what goes wrong at the edges: two-septet characters, surrogate pairs, typography.
fn texts() -> impl Strategy<Value = String> {
    let gsm = "[a-z€{}\\[\\]@Δñ\n ]{0,700}";
    let folding = "[a-z€’“”— ]{0,400}";
    let mixed = "[a-zя😀€]{0,400}";
    prop_oneof![gsm, folding, mixed, "(?s).{0,300}"]
}

/// A part's text, and its place; the header is read as an inbound one would be.
fn payload(part: &Part) -> Vec<u8> {
    match part.place {
        Place::Alone | Place::Sar(_) => part.octets.to_vec(),
        Place::Udh(place) => {
            let (header, payload) = parse_header(&part.octets).unwrap();
            assert_eq!(header.concatenation, Some(place));
            payload.to_vec()
        }
    }
}

/// Decoding a part by itself fails where a pair was split.
fn assert_whole(encoding: Encoding, octets: &[u8]) {
    let decoded = coding::decode(coding::data_coding(encoding), octets, DefaultAlphabet::Gsm);
    assert_eq!(decoded.replaced, 0, "a pair was split");
}

fn assert_fits(encoding: Encoding, kind: ReferenceKind, place: Place, octets: &[u8]) {
    let units = match encoding {
        Encoding::Gsm7 => octets.len(),
        Encoding::Ucs2 => octets.len() / 2,
    };
    let limit = if place == Place::Alone { single_limit(encoding) } else { part_limit(encoding, kind) };
    assert!(units <= limit && (units > 0 || place == Place::Alone));
}

proptest! {
    #[test]
    fn split_and_put_together(text in texts(), kind in kinds(), reference: u16, shuffle: u64) {
        let prepared = prepare_within(&text, Smart::On, 255).unwrap();
        let mut parts = split(&prepared.text, prepared.encoding, kind, reference).unwrap();
        prop_assert_eq!(parts.len(), segment_count_with(&prepared.text, kind));
        if kind == ReferenceKind::Udh8 {
            prop_assert_eq!(parts.len(), usize::from(prepared.segments));
        }
        let coding = coding::data_coding(prepared.encoding);
        for part in &parts {
            let octets = payload(part);
            assert_whole(prepared.encoding, &octets);
            assert_fits(prepared.encoding, kind, part.place, &octets);
        }
        if let [alone] = &parts[..] {
            prop_assert_eq!(alone.place, Place::Alone);
            prop_assert_eq!(coding::decode(coding, &alone.octets, DefaultAlphabet::Gsm).text, prepared.text);
            return Ok(());
        }
        let turn = usize::try_from(shuffle % parts.len() as u64).unwrap();
        parts.rotate_left(turn);
        let mut assembly = Assembly::new(u8::try_from(parts.len()).unwrap());
        for part in &parts {
            let (Place::Udh(place) | Place::Sar(place)) = part.place else { panic!("a part of several stands alone") };
            prop_assert!(!assembly.is_complete());
            assembly.add(place, coding, &payload(part)).unwrap();
        }
        prop_assert!(assembly.is_complete());
        let decoded = assembly.text(DefaultAlphabet::Gsm);
        prop_assert_eq!((decoded.text.as_str(), decoded.replaced), (&*prepared.text, 0));
    }

    #[test]
    fn smart_encoding_never_costs_more(text in texts()) {
        let smart = prepare_within(&text, Smart::On, 255).unwrap();
        let plain = prepare_within(&text, Smart::Off, 255).unwrap();
        prop_assert!(smart.segments <= plain.segments);
        prop_assert_eq!(smart.encoding == Encoding::Gsm7, gsm::is_gsm(&smart.text));
        prop_assert_eq!(&*plain.text, text.as_str());
    }

    #[test]
    fn any_octets_are_decoded(data_coding: u8, octets in prop::collection::vec(any::<u8>(), 0..200)) {
        for default in [DefaultAlphabet::Gsm, DefaultAlphabet::Latin1, DefaultAlphabet::Ascii, DefaultAlphabet::Utf8] {
            let _ = coding::decode(data_coding, &octets, default);
        }
    }
}
