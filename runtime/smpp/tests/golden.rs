//! Each PDU against octets written out from the specification's field tables, never from the encoder.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use bytes::{Bytes, BytesMut};
use signalbox_smpp::pdu::*;

/// Octets from a hand-written dump: hex pairs, `'…'` for ASCII, `#` to the end of a line is a comment.
fn octets(dump: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for line in dump.lines() {
        let line = line.split('#').next().unwrap();
        for (index, part) in line.split('\'').enumerate() {
            match index % 2 {
                1 => out.extend_from_slice(part.as_bytes()),
                _ => out.extend(part.split_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap())),
            }
        }
    }
    out
}

fn both_ways(dump: &str, command: Command) {
    let wire = octets(dump);
    assert_eq!(wire.len(), u32::from_be_bytes(wire[..4].try_into().unwrap()) as usize, "the dump's own length");
    let decoded = Command::decode(Bytes::from(wire.clone())).unwrap();
    assert!(decoded == command, "decoded {decoded:?}, wanted {command:?}");
    let mut out = BytesMut::new();
    command.encode(Dialect::V3_4, &mut out).unwrap();
    assert_eq!(out.as_ref(), wire.as_slice(), "{:?}", command);
}

fn bind() -> Bind {
    Bind {
        system_id: "SMPP3TEST".into(),
        password: "secret08".into(),
        system_type: "SUBMIT1".into(),
        interface_version: 0x34,
        addr_ton: 1,
        addr_npi: 1,
        ..Bind::default()
    }
}

const BIND_BODY: &str = "
    'SMPP3TEST' 00
    'secret08' 00
    'SUBMIT1' 00
    34 01 01
    00                           # address_range";

#[test]
fn binds() {
    let head = |id: &str| format!("00 00 00 2F  00 00 00 {id}  00 00 00 00  00 00 00 01 {BIND_BODY}");
    both_ways(&head("01"), Command::new(1, Pdu::BindReceiver(bind())));
    both_ways(&head("02"), Command::new(1, Pdu::BindTransmitter(bind())));
    both_ways(&head("09"), Command::new(1, Pdu::BindTransceiver(bind())));
}

#[test]
fn bind_answers() {
    let body =
        BindResp { system_id: "SMSC".into(), tlvs: Tlvs::new().with(Tag::SC_INTERFACE_VERSION, &[0x34]).unwrap() };
    let head = |id: &str| format!("00 00 00 1A  80 00 00 {id}  00 00 00 00  00 00 00 02  'SMSC' 00  02 10 00 01 34");
    both_ways(&head("01"), Command::new(2, Pdu::BindReceiverResp(body.clone())));
    both_ways(&head("02"), Command::new(2, Pdu::BindTransmitterResp(body.clone())));
    both_ways(&head("09"), Command::new(2, Pdu::BindTransceiverResp(body)));
    both_ways(
        "00 00 00 10  80 00 00 02  00 00 00 0E  00 00 00 03",
        Command::new(3, Pdu::BindTransmitterResp(BindResp::default())).with_status(CommandStatus::ESME_RINVPASWD),
    );
}

#[test]
fn outbind() {
    both_ways(
        "00 00 00 18  00 00 00 0B  00 00 00 00  00 00 00 01  'SMSC' 00  'pw' 00",
        Command::new(1, Outbind { system_id: "SMSC".into(), password: "pw".into() }),
    );
}

#[test]
fn header_only_commands() {
    for (id, pdu) in [
        ("80 00 00 00", Pdu::GenericNack),
        ("00 00 00 06", Pdu::Unbind),
        ("80 00 00 06", Pdu::UnbindResp),
        ("80 00 00 07", Pdu::ReplaceSmResp),
        ("80 00 00 08", Pdu::CancelSmResp),
        ("00 00 00 15", Pdu::EnquireLink),
        ("80 00 00 15", Pdu::EnquireLinkResp),
    ] {
        both_ways(&format!("00 00 00 10  {id}  00 00 00 00  7F FF FF FF"), Command::new(0x7FFF_FFFF, pdu));
    }
    both_ways(
        "00 00 00 10  80 00 00 00  00 00 00 03  00 00 00 05",
        Command::new(5, Pdu::GenericNack).with_status(CommandStatus::ESME_RINVCMDID),
    );
}

#[test]
fn submit_sm_with_a_short_message() {
    both_ways(
        "00 00 00 50  00 00 00 04  00 00 00 00  00 00 00 05
         'CMT' 00                     # service_type
         05 00 'Signalbox' 00         # source: alphanumeric
         01 01 '15550100' 00          # destination: international, E.164
         00 00 01                     # esm_class, protocol_id, priority_flag
         00                           # schedule_delivery_time
         '000001000000000R' 00        # validity_period: a day from now
         01 00 00 00                  # registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id
         0B 'hello world'             # sm_length, short_message
        ",
        Command::new(
            5,
            SubmitSm {
                service_type: "CMT".into(),
                source_addr_ton: 5,
                source_addr: "Signalbox".into(),
                dest_addr_ton: 1,
                dest_addr_npi: 1,
                destination_addr: "15550100".into(),
                priority_flag: 1,
                validity_period: "000001000000000R".into(),
                registered_delivery: registered_delivery::FINAL,
                short_message: Bytes::from_static(b"hello world"),
                ..SubmitSm::default()
            },
        ),
    );
}

#[test]
fn submit_sm_with_its_body_in_message_payload_and_a_vendor_tlv() {
    both_ways(
        "00 00 00 3B  00 00 00 04  00 00 00 00  00 00 00 05
         00                           # service_type
         00 00 00                     # source: left to the SMSC
         01 01 '15550100' 00
         00 00 00 00 00 00 00 08 00   # … data_coding 8
         00                           # sm_length
         04 24 00 04 26 03 26 03      # message_payload
         02 04 00 02 00 2A            # user_message_reference
         15 01 00 00                  # a vendor's, empty
        ",
        Command::new(
            5,
            SubmitSm {
                dest_addr_ton: 1,
                dest_addr_npi: 1,
                destination_addr: "15550100".into(),
                data_coding: 8,
                tlvs: Tlvs::new()
                    .with(Tag::MESSAGE_PAYLOAD, &[0x26, 0x03, 0x26, 0x03])
                    .and_then(|tlvs| tlvs.with(Tag::USER_MESSAGE_REFERENCE, &[0, 42]))
                    .and_then(|tlvs| tlvs.with(Tag(0x1501), &[]))
                    .unwrap(),
                ..SubmitSm::default()
            },
        ),
    );
}

#[test]
fn submit_sm_resp() {
    both_ways(
        "00 00 00 1E  80 00 00 04  00 00 00 00  00 00 00 05
         '0a1b2c3d' 00
         04 28 00 01 55               # congestion_state 85
        ",
        Command::new(
            5,
            SubmitSmResp {
                message_id: "0a1b2c3d".into(),
                tlvs: Tlvs::new().with(Tag::CONGESTION_STATE, &[85]).unwrap(),
            },
        ),
    );
}

#[test]
fn submit_sm_resp_that_refuses_has_no_body() {
    both_ways(
        "00 00 00 10  80 00 00 04  00 00 00 58  00 00 00 05
        ",
        Command::new(5, SubmitSmResp::default()).with_status(CommandStatus::ESME_RTHROTTLED),
    );
}

#[test]
fn deliver_sm_with_a_receipt() {
    both_ways(
        "00 00 00 63  00 00 00 05  00 00 00 00  00 00 00 05
         00                           # service_type
         01 01 '15550100' 00
         05 00 'Signalbox' 00
         04 00 00                     # esm_class: receipt
         00 00                        # the two times
         00 00 00 00
         1C 'id:0a1b stat:DELIVRD err:000'
         00 1E 00 05 '0a1b' 00        # receipted_message_id
         04 27 00 01 02               # message_state: delivered
         04 23 00 03 03 00 00         # network_error_code: GSM, 0
        ",
        Command::new(
            5,
            DeliverSm {
                source_addr_ton: 1,
                source_addr_npi: 1,
                source_addr: "15550100".into(),
                dest_addr_ton: 5,
                destination_addr: "Signalbox".into(),
                esm_class: esm_class::RECEIPT,
                short_message: Bytes::from_static(b"id:0a1b stat:DELIVRD err:000"),
                tlvs: Tlvs::new()
                    .with(Tag::RECEIPTED_MESSAGE_ID, b"0a1b\0")
                    .and_then(|tlvs| tlvs.with(Tag::MESSAGE_STATE, &[2]))
                    .and_then(|tlvs| tlvs.with(Tag::NETWORK_ERROR_CODE, &[3, 0, 0]))
                    .unwrap(),
                ..DeliverSm::default()
            },
        ),
    );
}

#[test]
fn deliver_sm_resp_keeps_its_nul_even_when_it_refuses() {
    both_ways(
        "00 00 00 11  80 00 00 05  00 00 00 64  00 00 00 05
         00
        ",
        Command::new(5, DeliverSmResp::default()).with_status(CommandStatus::ESME_RX_T_APPN),
    );
}

#[test]
fn data_sm() {
    both_ways(
        "00 00 00 3C  00 00 01 03  00 00 00 00  00 00 00 05
         00
         01 01 '15550100' 00
         01 01 '15550101' 00
         40 01 04                     # esm_class: UDHI, registered_delivery, data_coding
         04 24 00 08 06 05 04 0B 84 23 F0 01
         02 0B 00 02 0B 84            # destination_port
        ",
        Command::new(
            5,
            DataSm {
                source_addr_ton: 1,
                source_addr_npi: 1,
                source_addr: "15550100".into(),
                dest_addr_ton: 1,
                dest_addr_npi: 1,
                destination_addr: "15550101".into(),
                esm_class: esm_class::UDHI,
                registered_delivery: 1,
                data_coding: 4,
                tlvs: Tlvs::new()
                    .with(Tag::MESSAGE_PAYLOAD, &[6, 5, 4, 0x0B, 0x84, 0x23, 0xF0, 1])
                    .and_then(|tlvs| tlvs.with(Tag::DESTINATION_PORT, &[0x0B, 0x84]))
                    .unwrap(),
                ..DataSm::default()
            },
        ),
    );
}

#[test]
fn data_sm_resp_with_a_reason() {
    both_ways(
        "00 00 00 18  80 00 01 03  00 00 00 FE  00 00 00 05
         'x1' 00
         04 25 00 01 00               # delivery_failure_reason: unavailable
        ",
        Command::new(
            5,
            DataSmResp { message_id: "x1".into(), tlvs: Tlvs::new().with(Tag::DELIVERY_FAILURE_REASON, &[0]).unwrap() },
        )
        .with_status(CommandStatus::ESME_RDELIVERYFAILURE),
    );
}

#[test]
fn submit_multi() {
    both_ways(
        "00 00 00 3F  00 00 00 21  00 00 00 00  00 00 00 05
         00
         05 00 'Signalbox' 00
         02                           # number_of_dests
         01 01 01 '15550100' 00       # an address
         02 'friends' 00              # a distribution list
         00 00 00 00 00 00 00 00 00   # esm_class … sm_default_msg_id
         02 'hi'
        ",
        Command::new(
            5,
            SubmitMulti {
                source_addr_ton: 5,
                source_addr: "Signalbox".into(),
                dest_address: vec![
                    DestAddress::SmeAddress { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: "15550100".into() },
                    DestAddress::DistributionList { dl_name: "friends".into() },
                ],
                short_message: Bytes::from_static(b"hi"),
                ..SubmitMulti::default()
            },
        ),
    );
}

#[test]
fn submit_multi_resp() {
    both_ways(
        "00 00 00 23  80 00 00 21  00 00 00 00  00 00 00 05
         'm1' 00
         01                           # no_unsuccess
         01 01 '15550100' 00 00 00 00 0B
        ",
        Command::new(
            5,
            SubmitMultiResp {
                message_id: "m1".into(),
                unsuccess_sme: vec![UnsuccessSme {
                    address: UnsuccessAddress {
                        dest_addr_ton: 1,
                        dest_addr_npi: 1,
                        destination_addr: "15550100".into(),
                    },
                    error_status_code: 0x0B,
                }],
                tlvs: Tlvs::new(),
            },
        ),
    );
}

#[test]
fn query_sm() {
    both_ways(
        "00 00 00 21  00 00 00 03  00 00 00 00  00 00 00 05
         '0a1b' 00
         05 00 'Signalbox' 00
        ",
        Command::new(
            5,
            QuerySm {
                message_id: "0a1b".into(),
                source_addr_ton: 5,
                source_addr_npi: 0,
                source_addr: "Signalbox".into(),
            },
        ),
    );
}

#[test]
fn query_sm_resp() {
    both_ways(
        "00 00 00 28  80 00 00 03  00 00 00 00  00 00 00 05
         '0a1b' 00
         '260801120000000+' 00
         02 00                        # delivered, no error
        ",
        Command::new(
            5,
            QuerySmResp {
                message_id: "0a1b".into(),
                final_date: "260801120000000+".into(),
                message_state: MessageState::DELIVERED.0,
                ..QuerySmResp::default()
            },
        ),
    );
}

#[test]
fn cancel_sm() {
    both_ways(
        "00 00 00 30  00 00 00 08  00 00 00 00  00 00 00 05
         'CMT' 00
         '0a1b' 00
         05 00 'Signalbox' 00
         01 01 '15550100' 00
        ",
        Command::new(
            5,
            CancelSm {
                service_type: "CMT".into(),
                message_id: "0a1b".into(),
                source_addr_ton: 5,
                source_addr_npi: 0,
                source_addr: "Signalbox".into(),
                dest_addr_ton: 1,
                dest_addr_npi: 1,
                destination_addr: "15550100".into(),
            },
        ),
    );
}

#[test]
fn replace_sm() {
    both_ways(
        "00 00 00 29  00 00 00 07  00 00 00 00  00 00 00 05
         '0a1b' 00
         05 00 'Signalbox' 00
         00 00                        # the two times
         01 00                        # registered_delivery, sm_default_msg_id
         03 'new'
        ",
        Command::new(
            5,
            ReplaceSm {
                message_id: "0a1b".into(),
                source_addr_ton: 5,
                source_addr: "Signalbox".into(),
                registered_delivery: 1,
                short_message: Bytes::from_static(b"new"),
                ..ReplaceSm::default()
            },
        ),
    );
}

#[test]
fn alert_notification() {
    both_ways(
        "00 00 00 2C  00 00 01 02  00 00 00 00  00 00 00 05
         01 01 '15550100' 00
         05 00 'Signalbox' 00
         04 22 00 01 00               # ms_availability_status: available
        ",
        Command::new(
            5,
            AlertNotification {
                source_addr_ton: 1,
                source_addr_npi: 1,
                source_addr: "15550100".into(),
                esme_addr_ton: 5,
                esme_addr_npi: 0,
                esme_addr: "Signalbox".into(),
                tlvs: Tlvs::new().with(Tag::MS_AVAILABILITY_STATUS, &[0]).unwrap(),
            },
        ),
    );
}
