//! Any octets, cut into frames and read: no panic, and no buffer beyond the limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signalbox_smpp::pdu::Frames;

fuzz_target!(|stream: &[u8]| {
    let mut frames = Frames::new(4096);
    for piece in stream.chunks(97) {
        frames.buffer().extend_from_slice(piece);
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => drop(frame.decode()),
                Ok(None) => break,
                Err(_) => return,
            }
        }
        assert!(frames.buffer().len() <= 4096);
    }
});
