//! Properties of the codec over generated PDUs and generated damage.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use signalbox_smpp::pdu::*;

fn cstr(limit: usize) -> impl Strategy<Value = COctetString> {
    vec(1_u8..=255, 0..limit).prop_map(|octets| COctetString::from(octets.as_slice()))
}

fn tlvs() -> impl Strategy<Value = Tlvs> {
    vec((any::<u16>(), vec(any::<u8>(), 0..80)), 0..5).prop_map(|items| {
        items.into_iter().fold(Tlvs::new(), |tlvs, (tag, value)| tlvs.with(Tag(tag), &value).unwrap())
    })
}

prop_compose! {
    fn submit_sm()(
        strings in (cstr(6), cstr(21), cstr(21), cstr(17), cstr(17)),
        octets in any::<[u8; 11]>(),
        body in vec(any::<u8>(), 0..=254),
        tlvs in tlvs(),
    ) -> SubmitSm {
        let (service_type, source_addr, destination_addr, schedule_delivery_time, validity_period) = strings;
        SubmitSm {
            service_type,
            source_addr_ton: octets[0],
            source_addr_npi: octets[1],
            source_addr,
            dest_addr_ton: octets[2],
            dest_addr_npi: octets[3],
            destination_addr,
            esm_class: octets[4],
            protocol_id: octets[5],
            priority_flag: octets[6],
            schedule_delivery_time,
            validity_period,
            registered_delivery: octets[7],
            replace_if_present_flag: octets[8],
            data_coding: octets[9],
            sm_default_msg_id: octets[10],
            short_message: body.into(),
            tlvs,
        }
    }
}

prop_compose! {
    fn deliver_sm()(sm in submit_sm()) -> DeliverSm {
        DeliverSm {
            source_addr: sm.source_addr,
            destination_addr: sm.destination_addr,
            esm_class: sm.esm_class,
            data_coding: sm.data_coding,
            short_message: sm.short_message,
            tlvs: sm.tlvs,
            ..DeliverSm::default()
        }
    }
}

prop_compose! {
    fn data_sm()(sm in submit_sm(), source_addr in cstr(65)) -> DataSm {
        DataSm { source_addr, destination_addr: sm.destination_addr, esm_class: sm.esm_class, tlvs: sm.tlvs, ..DataSm::default() }
    }
}

fn dest_address() -> impl Strategy<Value = DestAddress> {
    prop_oneof![
        (any::<u8>(), any::<u8>(), cstr(21)).prop_map(|(dest_addr_ton, dest_addr_npi, destination_addr)| {
            DestAddress::SmeAddress { dest_addr_ton, dest_addr_npi, destination_addr }
        }),
        cstr(21).prop_map(|dl_name| DestAddress::DistributionList { dl_name }),
    ]
}

prop_compose! {
    fn submit_multi()(sm in submit_sm(), dest_address in vec(dest_address(), 0..6)) -> SubmitMulti {
        SubmitMulti { source_addr: sm.source_addr, dest_address, short_message: sm.short_message, tlvs: sm.tlvs, ..SubmitMulti::default() }
    }
}

fn pdu() -> impl Strategy<Value = Pdu> {
    prop_oneof![
        4 => submit_sm().prop_map(Pdu::SubmitSm),
        4 => deliver_sm().prop_map(Pdu::DeliverSm),
        2 => data_sm().prop_map(Pdu::DataSm),
        2 => submit_multi().prop_map(Pdu::SubmitMulti),
        2 => (cstr(65), tlvs()).prop_map(|(message_id, tlvs)| Pdu::SubmitSmResp(SubmitSmResp { message_id, tlvs })),
        1 => (cstr(16), cstr(9), cstr(13), any::<u8>(), cstr(41)).prop_map(
            |(system_id, password, system_type, interface_version, address_range)| Pdu::BindTransceiver(Bind {
                system_id, password, system_type, interface_version, address_range, ..Bind::default()
            })
        ),
        1 => (cstr(16), tlvs()).prop_map(|(system_id, tlvs)| Pdu::BindReceiverResp(BindResp { system_id, tlvs })),
        1 => (cstr(65), cstr(17)).prop_map(|(message_id, final_date)| Pdu::QuerySmResp(QuerySmResp {
            message_id, final_date, ..QuerySmResp::default()
        })),
        1 => (cstr(65), cstr(21)).prop_map(|(message_id, source_addr)| Pdu::CancelSm(CancelSm {
            message_id, source_addr, ..CancelSm::default()
        })),
        1 => Just(Pdu::EnquireLink),
    ]
}

fn encoded(sequence_number: u32, pdu: Pdu) -> (Command, BytesMut) {
    let command = Command::new(sequence_number, pdu);
    let mut wire = BytesMut::new();
    command.encode(Dialect::V3_4, &mut wire).unwrap();
    (command, wire)
}

/// The frame cut to `length` octets, which its header then claims.
fn cut(wire: &[u8], length: usize) -> Bytes {
    let mut short = wire[..length].to_vec();
    short[..4].copy_from_slice(&(length as u32).to_be_bytes());
    short.into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(sequence_number in 1_u32..=0x7FFF_FFFF, pdu in pdu()) {
        let (command, wire) = encoded(sequence_number, pdu);
        prop_assert_eq!(Command::decode(wire.freeze()).unwrap(), command);
    }

    #[test]
    fn what_is_read_is_written_back(pdu in pdu(), flips in vec((any::<prop::sample::Index>(), 0_u8..8), 1..4)) {
        let (_, wire) = encoded(1, pdu);
        let mut damaged = wire.to_vec();
        for (at, bit) in flips {
            damaged[at.index(wire.len())] ^= 1 << bit;
        }
        let length = damaged.len();
        // Whatever decodes after damage is either refused by the encoder or decodes to the same again.
        if let Ok(command) = Command::decode(cut(&damaged, length)) {
            let mut again = BytesMut::new();
            if command.encode(Dialect::V3_4, &mut again).is_ok() {
                prop_assert_eq!(Command::decode(again.freeze()).unwrap(), command);
            }
        }
    }

    #[test]
    fn a_message_cut_anywhere_is_an_error_unless_only_whole_tlvs_are_gone(sm in submit_sm()) {
        let mandatory = {
            let (_, bare) = encoded(1, Pdu::SubmitSm(SubmitSm { tlvs: Tlvs::new(), ..sm.clone() }));
            bare.len()
        };
        let mut whole_tlvs = vec![mandatory];
        for tlv in sm.tlvs.iter() {
            whole_tlvs.push(whole_tlvs.last().unwrap() + 4 + tlv.value.len());
        }
        let (_, wire) = encoded(1, Pdu::SubmitSm(sm));
        for length in HEADER_OCTETS..=wire.len() {
            let result = Command::decode(cut(&wire, length));
            prop_assert_eq!(result.is_ok(), whole_tlvs.contains(&length), "cut to {} of {}", length, wire.len());
        }
    }

    #[test]
    fn any_pdu_cut_anywhere_never_panics(pdu in pdu()) {
        let (_, wire) = encoded(1, pdu);
        for length in HEADER_OCTETS..wire.len() {
            let _ = Command::decode(cut(&wire, length));
            prop_assert!(Command::decode(wire.clone().freeze().slice(..length)).is_err());
        }
    }

    #[test]
    fn noise_never_panics_the_stream(noise in vec(any::<u8>(), 0..600), id in any::<u32>()) {
        let mut frames = Frames::new(512);
        // Half of the time a plausible header comes first, so that the noise reaches a body.
        if id % 2 == 0 {
            let length = (HEADER_OCTETS + noise.len()) as u32;
            let ids = [4, 5, 0x21, 0x103, 0x102, 9, 3, 7, 8, 0x8000_0004, 0x8000_0009, 0x8000_0021, 0x8000_0003];
            let word = ids[id as usize / 2 % ids.len()];
            for word in [length, word, 0, 1_u32] {
                frames.buffer().extend_from_slice(&word.to_be_bytes());
            }
        }
        frames.buffer().extend_from_slice(&noise);
        while let Ok(Some(frame)) = frames.next_frame() {
            let _ = frame.decode();
        }
    }
}
