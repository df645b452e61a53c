//! Whatever can be read and written is read again as the same.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use signalbox_smpp::pdu::{Command, Dialect};

fuzz_target!(|input: (u32, u32, u32, &[u8])| {
    let (id, status, sequence_number, body) = input;
    let mut wire = BytesMut::new();
    for word in [16 + body.len() as u32, id, status, sequence_number] {
        wire.extend_from_slice(&word.to_be_bytes());
    }
    wire.extend_from_slice(body);
    let Ok(command) = Command::decode(wire.freeze()) else { return };
    for dialect in [Dialect::V3_3, Dialect::V3_4] {
        let mut again = BytesMut::new();
        if command.encode(dialect, &mut again).is_ok() {
            let read: Result<Command, _> = Command::decode(Bytes::from(again));
            if dialect.tlvs {
                assert_eq!(read.ok().as_ref(), Some(&command));
            } else {
                assert!(read.is_ok());
            }
        }
    }
});
