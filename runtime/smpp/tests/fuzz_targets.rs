//! The fuzz targets, as they are, run on what a seeded mutator makes of good PDUs. A long search is `cargo fuzz`'s; this
//! keeps them compiling and true.

use bytes::BytesMut;
use signalbox_smpp::pdu::*;

// To the targets this test is the library that they are written for.
extern crate self as libfuzzer_sys;

/// What a target does, as a function.
#[macro_export]
macro_rules! fuzz_target {
    (|$input:ident: $kind:ty| $body:block) => {
        pub fn run($input: $kind) $body
    };
}

#[path = "../fuzz/fuzz_targets/decode.rs"]
#[allow(unused_attributes, unused_imports, reason = "a target is a program of its own, with a library of its own")]
mod decode;
#[path = "../fuzz/fuzz_targets/round_trip.rs"]
#[allow(unused_attributes, unused_imports, reason = "a target is a program of its own, with a library of its own")]
mod round_trip;
#[path = "../fuzz/fuzz_targets/session.rs"]
#[allow(unused_attributes, unused_imports, reason = "a target is a program of its own, with a library of its own")]
mod session;

/// Enough to meet each field of each PDU, broken; a second or two.
const ROUNDS: u32 = 20_000;

/// Chance with a seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }
}

/// Good PDUs, one of each kind that either side sends.
fn corpus() -> Vec<Vec<u8>> {
    let mut tlvs = Tlvs::new();
    tlvs.set_sar(Sar { msg_ref_num: 7, total_segments: 2, segment_seqnum: 1 });
    tlvs.set_cstr(Tag::RECEIPTED_MESSAGE_ID, &"id-7".into()).expect("it fits");
    let submit = SubmitSm {
        source_addr: "14155550100".into(),
        destination_addr: "14155550199".into(),
        short_message: "hello".into(),
        tlvs: tlvs.clone(),
        ..SubmitSm::default()
    };
    let deliver = DeliverSm { short_message: "id:7 stat:DELIVRD".into(), tlvs, ..DeliverSm::default() };
    let commands = [
        Command::new(1, submit),
        Command::new(2, deliver),
        Command::new(3, DataSm::default()),
        Command::new(4, Pdu::BindTransceiver(Bind { system_id: "us".into(), ..Bind::default() })),
        Command::new(5, Pdu::EnquireLink),
        Command::new(6, Pdu::Unbind),
        Command::new(1, SubmitSmResp { message_id: "7".into(), ..SubmitSmResp::default() }),
    ];
    let encoded = commands.into_iter().map(|command| {
        let mut wire = BytesMut::new();
        command.encode(Dialect::V3_4, &mut wire).expect("it is a good one");
        wire.to_vec()
    });
    encoded.collect()
}

/// A few PDUs after one another, with a few things done to them.
fn mutated(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut stream = Vec::new();
    for _ in 0..=chance.below(3) {
        stream.extend_from_slice(&corpus[chance.below(corpus.len())]);
    }
    for _ in 0..chance.below(5) {
        mutate(&mut stream, chance);
    }
    stream
}

fn mutate(stream: &mut Vec<u8>, chance: &mut Chance) {
    if stream.is_empty() {
        return;
    }
    let at = chance.below(stream.len());
    match chance.below(6) {
        0 => stream[at] ^= 1 << chance.below(8),
        1 => stream[at] = [0, 1, 0x7F, 0x80, 0xFF][chance.below(5)],
        2 => stream.truncate(at),
        3 => stream.insert(at, chance.next() as u8),
        4 => drop(stream.remove(at)),
        // A length or a status that is far from the truth.
        _ => stream.iter_mut().skip(at & !3).take(4).for_each(|octet| *octet = [0, 0xFF, 0x10][at % 3]),
    }
}

#[test]
fn any_octets_are_read_without_a_panic_or_a_large_buffer() {
    let (corpus, mut chance) = (corpus(), Chance(1));
    for _ in 0..ROUNDS {
        decode::run(&mutated(&corpus, &mut chance));
    }
}

#[test]
fn what_can_be_read_and_written_is_read_again_as_the_same() {
    let (corpus, mut chance) = (corpus(), Chance(2));
    for _ in 0..ROUNDS {
        let stream = mutated(&corpus, &mut chance);
        let Some((head, body)) = stream.split_at_checked(16) else { continue };
        let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("four octets"));
        round_trip::run((word(4), word(8), word(12), body));
    }
}

#[test]
fn a_session_of_either_role_keeps_its_books_whatever_comes() {
    let (corpus, mut chance) = (corpus(), Chance(3));
    for round in 0..ROUNDS {
        let stream = mutated(&corpus, &mut chance);
        let mut steps = Vec::new();
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at((1 + chance.below(60)).min(rest.len()));
            steps.push((chance.next() as u8, piece));
            rest = behind;
        }
        session::run((round % 2 == 0, steps));
    }
}
