//! A session of either role, whatever the peer sends and whenever: no panic, every request has exactly one outcome, and
//! nothing comes after the end.
#![no_main]

use std::time::{Duration, Instant};

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use signalbox_smpp::SessionConfig;
use signalbox_smpp::pdu::{Bind, CommandStatus, DeliverSm, Frames, SubmitSm};
use signalbox_smpp::session::{BindKind, Event, Role, Session};

fuzz_target!(|input: (bool, Vec<(u8, &[u8])>)| {
    let (esme, steps) = input;
    let mut now = Instant::now();
    let role = if esme { Role::Esme } else { Role::Smsc };
    let mut session = Session::new(role, SessionConfig { window: 4, ..SessionConfig::default() }, now);
    if esme {
        session.bind(BindKind::Transceiver, &Bind::default(), now).expect("an open session binds");
    }
    let (mut frames, mut sent, mut told, mut ended) = (Frames::new(4096), 0_u32, 0_u32, false);
    for (step, octets) in steps {
        now += Duration::from_millis(u64::from(step) * 100);
        match step % 5 {
            0 => session.tick(now),
            1 => drop(session.request(&SubmitSm::default(), (), now).map(|_| sent += 1)),
            2 => drop(session.request(&DeliverSm::default(), (), now).map(|_| sent += 1)),
            3 => {
                let mut out = BytesMut::new();
                session.take_output(&mut out);
                session.wrote(out.len() / 2);
            }
            _ => session.unbind(now),
        }
        frames.buffer().extend_from_slice(octets);
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => session.receive_frame(frame, now),
                Ok(None) => break,
                Err(_) => {
                    session.out_of_step(0);
                    frames = Frames::new(4096);
                }
            }
        }
        while let Some(event) = session.poll_event() {
            assert!(!ended, "an event after the end");
            match event {
                Event::Answered { .. } | Event::TimedOut { .. } | Event::Lost { .. } => told += 1,
                Event::BindRequested { .. } => drop(session.accept_bind(&"fuzz".into())),
                Event::Request { sequence_number, .. } => {
                    drop(session.respond(&DeliverSm::default(), CommandStatus::ESME_ROK, sequence_number, now));
                }
                Event::Closed(_) => ended = true,
                _ => {}
            }
        }
        assert_eq!(sent - told, session.in_flight() as u32);
    }
});
