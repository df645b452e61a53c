use super::*;
use signalbox_model::ReceiptState;
use signalbox_smpp::pdu::{Sar, Tag};

fn reader(ids: super::super::MessageIdForm, receipt_ids: super::super::MessageIdForm) -> Reader {
    Reader::new(&Config { message_id: ids, receipt_message_id: Some(receipt_ids), ..Config::default() })
}

fn opaque() -> Reader {
    Reader::new(&Config::default())
}

fn deliver(body: &[u8]) -> DeliverSm {
    DeliverSm {
        source_addr_ton: 1,
        source_addr: "14155550199".into(),
        dest_addr_ton: 1,
        destination_addr: "14155550123".into(),
        short_message: Bytes::copy_from_slice(body),
        ..DeliverSm::default()
    }
}

fn receipt_of(deliver: DeliverSm, reader: &Reader) -> Receipt {
    match reader.read(Pdu::DeliverSm(deliver)).unwrap() {
        Brought::Receipt { receipt, ours, theirs } => {
            assert_eq!(ours.unwrap().to_string(), "+14155550123");
            assert_eq!(theirs.unwrap().to_string(), "+14155550199");
            receipt
        }
        Brought::Part(part) => panic!("{part:?}"),
    }
}

fn part_of(pdu: Pdu) -> InboundPart {
    match opaque().read(pdu).unwrap() {
        Brought::Part(part) => part,
        Brought::Receipt { .. } => panic!("no receipt"),
    }
}

#[test]
fn a_receipt_is_one_because_its_class_or_its_parameters_say_so() {
    let text = b"id:a_1 stat:DELIVRD err:000 text:hi";
    for class in [esm_class::RECEIPT, esm_class::INTERMEDIATE] {
        let receipt = receipt_of(DeliverSm { esm_class: class, ..deliver(text) }, &opaque());
        assert_eq!((receipt.carrier_id.as_str(), receipt.state), ("a_1", ReceiptState::Delivered));
    }
    let mut with_tlv = deliver(b"");
    with_tlv.tlvs.set_cstr(Tag::RECEIPTED_MESSAGE_ID, &"b2".into()).unwrap();
    with_tlv.tlvs.set_u8(Tag::MESSAGE_STATE, 5);
    assert_eq!(receipt_of(with_tlv, &opaque()).state, ReceiptState::Undeliverable);
    // Somebody may write just that.
    assert_eq!(&part_of(Pdu::DeliverSm(deliver(text))).octets[..], text);
}

#[test]
fn a_receipt_without_any_mark_is_taken_only_from_a_carrier_that_is_said_to_send_such() {
    let tolerant = Reader::new(&Config { receipts_without_esm_class: true, ..Config::default() });
    let text = b"id:a_1 sub:001 dlvrd:001 submit date:2606011200 done date:2606011201 stat:DELIVRD err:000 text:hi";
    let receipt = receipt_of(deliver(text), &tolerant);
    assert_eq!((receipt.carrier_id.as_str(), receipt.state), ("a_1", ReceiptState::Delivered));
    assert_eq!(receipt_of(deliver(b"ID:7 STAT:UNDELIV"), &tolerant).state, ReceiptState::Undeliverable);
    // What people write stays what they wrote.
    for text in ["hello", "id:7", "stat:DELIVRD", "my id:7 stat:DELIVRD", "id: stat:DELIVRD", "id:7 stat:"] {
        let read = tolerant.read(Pdu::DeliverSm(deliver(text.as_bytes()))).unwrap();
        assert!(matches!(read, Brought::Part(_)), "{text}");
    }
}

#[test]
fn a_receipts_id_in_another_form_becomes_the_answers() {
    use super::super::MessageIdForm::{Decimal, Hex};
    let receipt =
        |id: &str| DeliverSm { esm_class: esm_class::RECEIPT, ..deliver(format!("id:{id} stat:DELIVRD").as_bytes()) };
    let reader_hd = reader(Hex, Decimal);
    let id = receipt_of(receipt("0000001234"), &reader_hd).carrier_id;
    assert_eq!(reader_hd.canonical_id(&id), reader_hd.canonical_id("4D2"));
    let reader_dh = reader(Decimal, Hex);
    let id = receipt_of(receipt("4D2"), &reader_dh).carrier_id;
    assert_eq!(reader_dh.canonical_id(&id), reader_dh.canonical_id("001234"));
    // The parameter has the answer's form already.
    let mut both = receipt("0000001234");
    both.tlvs.set_cstr(Tag::RECEIPTED_MESSAGE_ID, &"4d2".into()).unwrap();
    assert_eq!(receipt_of(both, &reader_hd).carrier_id, "4d2");
}

#[test]
fn parts_say_their_place_by_header_or_by_parameters() {
    let udh = DeliverSm { esm_class: esm_class::UDHI, ..deliver(&[5, 0, 3, 7, 2, 1, b'h', b'i']) };
    let part = part_of(Pdu::DeliverSm(udh));
    assert_eq!(part.place.map(|place| (place.reference, place.total, place.number)), Some((7, 2, 1)));
    assert_eq!(&part.octets[..], b"hi");
    let mut sar = deliver(b"ho");
    sar.tlvs.set_sar(Sar { msg_ref_num: 9, total_segments: 2, segment_seqnum: 2 });
    assert_eq!(part_of(Pdu::DeliverSm(sar)).place.map(|place| (place.reference, place.number)), Some((9, 2)));
    let mut data = DataSm {
        source_addr: "14155550199".into(),
        destination_addr: "72345".into(),
        data_coding: 8,
        ..DataSm::default()
    };
    data.tlvs.set(Tag::MESSAGE_PAYLOAD, &[0, 0x41]).unwrap();
    let part = part_of(Pdu::DataSm(data));
    assert_eq!((&part.octets[..], part.data_coding, part.to.to_string()), (&[0, 0x41][..], 8, "72345".to_owned()));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_status_that_says_why() {
    let status = |deliver: DeliverSm| opaque().read(Pdu::DeliverSm(deliver)).unwrap_err().status;
    let cut_header = DeliverSm { esm_class: esm_class::UDHI, ..deliver(&[9, 0, 3]) };
    assert_eq!(status(cut_header), CommandStatus::ESME_RINVMSGLEN);
    let nobody = DeliverSm { source_addr: COctetString::new(), ..deliver(b"x") };
    assert_eq!(status(nobody), CommandStatus::ESME_RINVSRCADR);
    let to_nobody = DeliverSm { destination_addr: "1".into(), ..deliver(b"x") };
    assert_eq!(status(to_nobody), CommandStatus::ESME_RINVDSTADR);
    let of_nothing = DeliverSm { esm_class: esm_class::RECEIPT, ..deliver(b"") };
    assert_eq!(status(of_nothing), CommandStatus::ESME_RX_R_APPN);
    assert_eq!(opaque().read(Pdu::EnquireLink).unwrap_err().status, CommandStatus::ESME_RINVCMDID);
}

#[test]
fn a_receipt_whose_addresses_are_none_is_still_a_receipt() {
    let deliver =
        DeliverSm { esm_class: esm_class::RECEIPT, source_addr: COctetString::new(), ..deliver(b"id:1 stat:EXPIRED") };
    let brought = opaque().read(Pdu::DeliverSm(deliver)).unwrap();
    assert!(matches!(brought, Brought::Receipt { theirs: None, ours: Some(_), .. }));
}
