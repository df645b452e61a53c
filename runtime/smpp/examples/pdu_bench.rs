//! How many PDUs a second one core reads and writes: `cargo run --release -p signalbox-smpp --example pdu_bench`.
//!
//! The mix is a carrier's day: of four PDUs two are `submit_sm` with a one-part text, one is a `submit_sm_resp`, and one is a
//! `deliver_sm` with a receipt in text and in TLVs. Decoding is what the driver does: frames cut from a stream, then read.
//! One JSON object a line; the best of several rounds, since whatever else the machine does only ever takes away.

#![allow(clippy::print_stdout, reason = "its output is its result")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use signalbox_smpp::pdu::*;

const PDUS_A_PASS: usize = 4096;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(300);

fn mix() -> Vec<Command> {
    let submit_sm = SubmitSm {
        source_addr_ton: 1,
        source_addr_npi: 1,
        source_addr: "15550100".into(),
        dest_addr_ton: 1,
        dest_addr_npi: 1,
        destination_addr: "15550199123".into(),
        registered_delivery: registered_delivery::FINAL,
        short_message: Bytes::from_static(
            b"Your parcel arrives today between 14:00 and 16:00. Reply 1 to confirm, 2 to choose another day.",
        ),
        ..SubmitSm::default()
    };
    let mut tlvs = Tlvs::new();
    tlvs.set_cstr(Tag::RECEIPTED_MESSAGE_ID, &"0a1b2c3d4e5f".into()).expect("it is short");
    tlvs.set_u8(Tag::MESSAGE_STATE, MessageState::DELIVERED.0);
    let receipt = DeliverSm {
        source_addr_ton: 1,
        source_addr_npi: 1,
        source_addr: "15550199123".into(),
        dest_addr_ton: 1,
        dest_addr_npi: 1,
        destination_addr: "15550100".into(),
        esm_class: esm_class::RECEIPT,
        short_message: Bytes::from_static(
            b"id:0a1b2c3d4e5f sub:001 dlvrd:001 submit date:2608011200 done date:2608011201 stat:DELIVRD err:000 text:Your parcel",
        ),
        tlvs,
        ..DeliverSm::default()
    };
    let answer = SubmitSmResp { message_id: "0a1b2c3d4e5f".into(), ..SubmitSmResp::default() };
    let one_of_each = [
        Command::new(1, submit_sm.clone()),
        Command::new(2, answer),
        Command::new(3, submit_sm),
        Command::new(4, receipt),
    ];
    one_of_each.into_iter().cycle().take(PDUS_A_PASS).collect()
}

fn encode_all(commands: &[Command], out: &mut BytesMut) {
    out.clear();
    for command in commands {
        command.encode(Dialect::V3_4, out).expect("the mix fits");
    }
}

/// In the pieces that a socket gives.
fn decode_all(stream: &[u8]) -> usize {
    let mut frames = Frames::default();
    let mut seen = 0;
    for piece in stream.chunks(16 * 1024) {
        frames.buffer().extend_from_slice(piece);
        while let Some(frame) = frames.next_frame().expect("the stream is in step") {
            black_box(frame.decode().expect("the mix is well-formed"));
            seen += 1;
        }
    }
    seen
}

/// PDUs a second: the best of several rounds.
fn measure(mut pass: impl FnMut() -> usize) -> f64 {
    let round = |pass: &mut dyn FnMut() -> usize| {
        let start = Instant::now();
        let mut done = 0;
        while start.elapsed() < ROUND {
            done += pass();
        }
        done as f64 / start.elapsed().as_secs_f64()
    };
    round(&mut pass);
    (0..ROUNDS).map(|_| round(&mut pass)).fold(0.0, f64::max)
}

fn report(name: &str, value: f64) {
    println!(r#"{{"name":"{name}","value":{value:.0},"unit":"PDU/s/core"}}"#);
}

fn main() {
    let commands = mix();
    let mut wire = BytesMut::new();
    encode_all(&commands, &mut wire);
    let stream = wire.clone().freeze();
    report("pdu_decode", measure(|| decode_all(&stream)));
    report(
        "pdu_encode",
        measure(|| {
            encode_all(black_box(&commands), &mut wire);
            black_box(&wire);
            commands.len()
        }),
    );
}
