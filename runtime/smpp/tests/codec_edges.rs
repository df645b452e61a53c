//! What the decoder tolerates, what it refuses and how it says so; what the encoder refuses.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use bytes::{Bytes, BytesMut};
use signalbox_smpp::pdu::*;
use signalbox_smpp::{Error, Fault};

fn frame(id: u32, status: u32, body: &[u8]) -> Bytes {
    let mut wire = BytesMut::new();
    for word in [16 + body.len() as u32, id, status, 7] {
        wire.extend_from_slice(&word.to_be_bytes());
    }
    wire.extend_from_slice(body);
    wire.freeze()
}

fn decode(id: u32, status: u32, body: &[u8]) -> Result<Command, Error> {
    Command::decode(frame(id, status, body))
}

fn encode_error(pdu: Pdu, dialect: Dialect) -> String {
    let mut out = BytesMut::from(&b"before"[..]);
    let error = Command::new(1, pdu).encode(dialect, &mut out).unwrap_err();
    assert_eq!(out.as_ref(), b"before", "a refused PDU leaves nothing behind");
    error.to_string()
}

#[test]
fn answers_are_read_with_a_body_cut_short() {
    for (status, body, id) in [
        (0x58, &b""[..], ""),
        (0, b"", ""),
        (0, b"\0", ""),
        (0, b"abc\0", "abc"),
        (0, b"abc", "abc"),
        (0x45, b"\0", ""),
    ] {
        let command = decode(0x8000_0004, status, body).unwrap();
        assert_eq!(command.command_status.0, status);
        let Pdu::SubmitSmResp(answer) = command.pdu else { panic!("{:?}", command.pdu) };
        assert_eq!(answer.message_id, id);
    }
    for id in [0x8000_0001, 0x8000_0002, 0x8000_0009, 0x8000_0003, 0x8000_0005, 0x8000_0021, 0x8000_0103] {
        assert!(decode(id, 8, b"").is_ok(), "0x{id:08x} without a body");
    }
}

#[test]
fn only_answers_go_without_a_body() {
    for (pdu, octets) in [
        (Pdu::Outbind(Outbind::default()), 18),
        (Pdu::SubmitSmResp(SubmitSmResp::default()), 16),
        (Pdu::DeliverSmResp(DeliverSmResp::default()), 17),
    ] {
        let command = Command::new(1, pdu).with_status(CommandStatus::ESME_RSYSERR);
        let mut wire = BytesMut::new();
        command.encode(Dialect::V3_4, &mut wire).unwrap();
        assert_eq!(wire.len(), octets);
        assert_eq!(Command::decode(wire.freeze()).unwrap(), command);
    }
}

#[test]
fn header_only_commands_ignore_what_follows_them() {
    assert_eq!(decode(0x15, 0, b"junk").unwrap().pdu, Pdu::EnquireLink);
}

#[test]
fn unknown_commands_are_a_pdu_and_not_an_error() {
    let command = decode(0x0001_0203, 0, b"whatever").unwrap();
    assert_eq!(command.pdu, Pdu::Unknown(CommandId(0x0001_0203)));
    assert_eq!(command.sequence_number, 7);
}

#[test]
fn errors_name_pdu_field_and_offset() {
    let addresses = b"\0\x01\x01111\0\x01\x01222\0";
    let sm = |rest: &[u8]| [addresses.as_slice(), rest].concat();
    for (body, message) in [
        (b"CMT".to_vec(), "submit_sm: service_type at octet 16: no terminating NUL"),
        (b"".to_vec(), "submit_sm: service_type at octet 16: 1 octets wanted, 0 left"),
        (b"\0\x01".to_vec(), "submit_sm: source_addr_npi at octet 18: 1 octets wanted, 0 left"),
        (b"\0\x01\x01111".to_vec(), "submit_sm: source_addr at octet 19: no terminating NUL"),
        (sm(b"\0\0\0\0\0\0\0\0\0"), "submit_sm: sm_length at octet 38: 1 octets wanted, 0 left"),
        (sm(b"\0\0\0\0\0\0\0\0\0\x05four"), "submit_sm: short_message at octet 39: 5 octets wanted, 4 left"),
        (sm(b"\0\0\0\0\0\0\0\0\0\0\x04\x24\x00"), "submit_sm: tlvs at octet 39: 4 octets wanted, 3 left"),
        (
            sm(b"\0\0\0\0\0\0\0\0\0\0\x04\x27\x00\x01\x02\x04\x24\xFF\xFFx"),
            "submit_sm: tlvs at octet 44: 65539 octets wanted, 5 left",
        ),
    ] {
        assert_eq!(decode(4, 0, &body).unwrap_err().to_string(), message);
    }
    assert_eq!(
        decode(0x21, 0, b"\0\0\0\0\x02\x02list\0\x03").unwrap_err().to_string(),
        "submit_multi: dest_flag at octet 27: value 3 is not known"
    );
}

#[test]
fn a_frame_that_is_not_as_long_as_it_says_is_refused() {
    let whole = frame(0x15, 0, b"");
    for cut in 0..whole.len() {
        assert!(matches!(Command::decode(whole.slice(..cut)), Err(Error::FrameLength { .. })));
    }
}

#[test]
fn over_long_strings_are_read_and_not_written() {
    let mut body = vec![b'9'; 100];
    body.push(0);
    let Pdu::SubmitSmResp(answer) = decode(0x8000_0004, 0, &body).unwrap().pdu else { panic!() };
    assert_eq!(answer.message_id.len(), 100);
    assert_eq!(
        encode_error(Pdu::SubmitSmResp(answer), Dialect::V3_4),
        "submit_sm_resp: message_id: 100 octets, at most 64 allowed"
    );
}

#[test]
fn the_encoder_refuses_what_does_not_fit() {
    let sm = |change: fn(&mut SubmitSm)| {
        let mut sm = SubmitSm::default();
        change(&mut sm);
        encode_error(Pdu::SubmitSm(sm), Dialect::V3_4)
    };
    assert_eq!(sm(|sm| sm.service_type = "123456".into()), "submit_sm: service_type: 6 octets, at most 5 allowed");
    assert_eq!(
        sm(|sm| sm.destination_addr = "123456789012345678901".into()),
        "submit_sm: destination_addr: 21 octets, at most 20 allowed"
    );
    assert_eq!(sm(|sm| sm.source_addr = "1\u{0}2".into()), "submit_sm: source_addr: a NUL inside the string");
    assert_eq!(
        sm(|sm| sm.short_message = Bytes::from(vec![b'x'; 255])),
        "submit_sm: short_message: 255 octets, at most 254 allowed"
    );
    let bind = Bind { system_id: "sixteen_octets__".into(), ..Bind::default() };
    assert_eq!(
        encode_error(Pdu::BindTransceiver(bind), Dialect::V3_4),
        "bind_transceiver: system_id: 16 octets, at most 15 allowed"
    );
    let list = DestAddress::DistributionList { dl_name: "x".into() };
    let multi = SubmitMulti { dest_address: vec![list; 256], ..SubmitMulti::default() };
    assert_eq!(
        encode_error(Pdu::SubmitMulti(multi), Dialect::V3_4),
        "submit_multi: number_of_dests: 256 items, at most 255 allowed"
    );
}

#[test]
fn a_3_3_peer_gets_no_tlvs_and_short_ids() {
    let tlvs = Tlvs::new().with(Tag::USER_MESSAGE_REFERENCE, &[0, 1]).unwrap();
    let sm = SubmitSm { tlvs, ..SubmitSm::default() };
    let (mut with, mut without) = (BytesMut::new(), BytesMut::new());
    encode(&sm, CommandStatus::ESME_ROK, 1, Dialect::V3_4, &mut with).unwrap();
    encode(&sm, CommandStatus::ESME_ROK, 1, Dialect::V3_3, &mut without).unwrap();
    assert_eq!(with.len() - without.len(), 6);
    assert_eq!(without[..4], (without.len() as u32).to_be_bytes());

    let payload = SubmitSm { tlvs: Tlvs::new().with(Tag::MESSAGE_PAYLOAD, b"x").unwrap(), ..SubmitSm::default() };
    assert_eq!(
        encode_error(Pdu::SubmitSm(payload), Dialect::V3_3),
        "submit_sm: tlvs: TLV 0x0424 is needed, but the peer takes no TLVs"
    );
    let answer = SubmitSmResp { message_id: "123456789".into(), ..SubmitSmResp::default() };
    assert_eq!(
        encode_error(Pdu::SubmitSmResp(answer), Dialect::V3_3),
        "submit_sm_resp: message_id: 9 octets, at most 8 allowed"
    );
}

#[test]
fn each_fault_has_a_status_to_answer_with() {
    assert_eq!(Fault::Unterminated.status("source_addr"), CommandStatus::ESME_RINVCMDLEN);
    assert_eq!(Fault::Truncated { wanted: 5, left: 4 }.status("short_message"), CommandStatus::ESME_RINVMSGLEN);
    assert_eq!(Fault::Truncated { wanted: 4, left: 3 }.status("tlvs"), CommandStatus::ESME_RINVOPTPARSTREAM);
}

#[test]
fn debug_output_shows_no_body_number_or_password() {
    let sm = SubmitSm {
        destination_addr: "15550199".into(),
        short_message: Bytes::from_static(b"a private word"),
        tlvs: Tlvs::new().with(Tag::MESSAGE_PAYLOAD, b"another private word").unwrap(),
        ..SubmitSm::default()
    };
    let bind = Bind { password: "hunter2".into(), ..Bind::default() };
    let shown = format!("{:?} {:?}", Command::new(1, sm), Command::new(2, Pdu::BindReceiver(bind)));
    for secret in ["15550199", "private", "hunter2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("destination_addr: <8 octets>") && shown.contains("message_payload: <20 octets>"));
}
