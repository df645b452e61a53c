//! The session machine with no sockets and no clock: two sessions talk to each other, or one to PDUs written by the test.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use bytes::BytesMut;
use signalbox_smpp::pdu::*;
use signalbox_smpp::session::*;
use signalbox_smpp::{Error, SessionConfig};

/// One end, with the stream that comes to it.
struct End {
    session: Session<u32>,
    frames: Frames,
}

impl End {
    fn new(role: Role, config: SessionConfig, now: Instant) -> Self {
        Self { session: Session::new(role, config, now), frames: Frames::default() }
    }

    fn hear(&mut self, octets: &[u8], now: Instant) {
        self.frames.buffer().extend_from_slice(octets);
        while let Some(frame) = self.frames.next_frame().unwrap() {
            self.session.receive_frame(frame, now);
        }
    }

    /// Takes the output as a driver does that writes all of it.
    fn speak(&mut self) -> BytesMut {
        let mut out = BytesMut::new();
        self.session.take_output(&mut out);
        self.session.wrote(out.len());
        out
    }

    fn said(&mut self) -> Vec<Command> {
        let mut frames = Frames::default();
        frames.buffer().extend_from_slice(&self.speak());
        std::iter::from_fn(|| frames.next_frame().unwrap()).map(|frame| frame.decode().unwrap()).collect()
    }

    fn told(&mut self, command: Command, now: Instant) {
        let mut wire = BytesMut::new();
        command.encode(Dialect::V3_4, &mut wire).unwrap();
        self.hear(&wire, now);
    }

    fn events(&mut self) -> Vec<Event<u32>> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    fn closed(&mut self) -> Option<Closed> {
        self.events().into_iter().find_map(|event| match event {
            Event::Closed(reason) => Some(reason),
            _ => None,
        })
    }
}

fn config() -> SessionConfig {
    SessionConfig { window: 3, ..SessionConfig::default() }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An ESME bound to a peer that the test plays.
fn bound(kind: BindKind, version: Option<u8>, now: Instant) -> End {
    let mut esme = End::new(Role::Esme, config(), now);
    esme.session.bind(kind, &Bind { interface_version: 0x34, ..Bind::default() }, now).unwrap();
    let ask = esme.said().remove(0);
    let mut tlvs = Tlvs::new();
    if let Some(octet) = version {
        tlvs.set_u8(Tag::SC_INTERFACE_VERSION, octet);
    }
    let body = BindResp { system_id: "SMSC".into(), tlvs };
    let answer = match kind {
        BindKind::Transmitter => Pdu::BindTransmitterResp(body),
        BindKind::Receiver => Pdu::BindReceiverResp(body),
        BindKind::Transceiver => Pdu::BindTransceiverResp(body),
    };
    esme.told(Command::new(ask.sequence_number, answer), now);
    assert!(matches!(esme.events().as_slice(), [Event::Bound]));
    assert_eq!(esme.session.state(), State::Bound(kind));
    esme
}

fn trx(now: Instant) -> End {
    bound(BindKind::Transceiver, Some(0x34), now)
}

#[test]
fn two_sessions_bind_exchange_and_unbind() {
    let now = Instant::now();
    let mut esme = End::new(Role::Esme, config(), now);
    let mut smsc = End::new(Role::Smsc, config(), now);
    let bind = Bind { system_id: "esme".into(), interface_version: 0x34, ..Bind::default() };
    esme.session.bind(BindKind::Transceiver, &bind, now).unwrap();
    smsc.hear(&esme.speak(), now);
    assert!(matches!(smsc.events().as_slice(), [Event::BindRequested { kind: BindKind::Transceiver, .. }]));
    smsc.session.accept_bind(&"smsc".into()).unwrap();
    esme.hear(&smsc.speak(), now);
    assert_eq!(esme.session.peer_version(), Some(Version::V3_4));
    esme.events();

    esme.session.request(&SubmitSm::default(), 7, now).unwrap();
    smsc.hear(&esme.speak(), now);
    let events = smsc.events();
    let Some(Event::Request { sequence_number, request: Pdu::SubmitSm(_) }) = events.last() else {
        panic!("{events:?}")
    };
    let answer = SubmitSmResp { message_id: "m1".into(), ..SubmitSmResp::default() };
    smsc.session.respond(&answer, CommandStatus::ESME_ROK, *sequence_number, now).unwrap();
    esme.hear(&smsc.speak(), now);
    let events = esme.events();
    let [Event::Answered { token: 7, answer }] = events.as_slice() else { panic!("{events:?}") };
    assert!(matches!(&answer.pdu, Pdu::SubmitSmResp(body) if body.message_id == "m1"));

    esme.session.unbind(now);
    smsc.hear(&esme.speak(), now);
    assert_eq!(smsc.closed(), Some(Closed::PeerUnbound));
    esme.hear(&smsc.speak(), now);
    assert_eq!(esme.closed(), Some(Closed::Unbound));
}

#[test]
fn what_a_peer_may_be_sent_follows_from_the_version_that_it_names() {
    let now = Instant::now();
    let tlvs = Tlvs::new().with(Tag::USER_MESSAGE_REFERENCE, &[0, 1]).unwrap();
    let sm = SubmitSm { tlvs, ..SubmitSm::default() };
    for (version, tlvs) in
        [(Some(0x34), true), (Some(0x50), true), (Some(0x33), false), (Some(0), false), (None, false)]
    {
        let mut esme = bound(BindKind::Transmitter, version, now);
        esme.session.request(&sm, 1, now).unwrap();
        let Pdu::SubmitSm(sent) = esme.said().remove(0).pdu else { panic!() };
        assert_eq!(!sent.tlvs.is_empty(), tlvs, "{version:?}");
    }
}

#[test]
fn a_3_3_esme_gets_neither_tlvs_nor_long_ids() {
    let now = Instant::now();
    let mut smsc = End::new(Role::Smsc, config(), now);
    let bind = Bind { interface_version: 0x33, ..Bind::default() };
    smsc.told(Command::new(1, Pdu::BindTransmitter(bind)), now);
    smsc.session.accept_bind(&"smsc".into()).unwrap();
    assert!(matches!(&smsc.said()[0].pdu, Pdu::BindTransmitterResp(body) if body.tlvs.is_empty()));
    smsc.told(Command::new(2, SubmitSm::default()), now);
    let answer = |id: &str| SubmitSmResp { message_id: id.into(), ..SubmitSmResp::default() };
    let ok = CommandStatus::ESME_ROK;
    assert!(matches!(smsc.session.respond(&answer("123456789"), ok, 2, now), Err(Error::Encode { .. })));
    smsc.session.respond(&answer("12345678"), ok, 2, now).unwrap();
}

#[test]
fn the_window_holds_and_opens_with_each_answer() {
    let now = Instant::now();
    let mut esme = trx(now);
    let numbers: Vec<u32> = (0..3).map(|i| esme.session.request(&SubmitSm::default(), i, now).unwrap()).collect();
    assert!(matches!(esme.session.request(&SubmitSm::default(), 3, now), Err(Error::WindowFull { window: 3 })));
    esme.told(Command::new(numbers[1], SubmitSmResp::default()), now);
    assert!(matches!(esme.events().as_slice(), [Event::Answered { token: 1, .. }]));
    esme.session.request(&SubmitSm::default(), 3, now).unwrap();
    esme.told(Command::new(numbers[2], SubmitSmResp::default()), now);
    esme.told(Command::new(numbers[0], SubmitSmResp::default()), now);
    let events = esme.events();
    assert!(matches!(events.as_slice(), [Event::Answered { token: 2, .. }, Event::Answered { token: 0, .. }]));
}

#[test]
fn an_answer_too_late_is_an_unknown_outcome_and_then_matches_nothing() {
    let now = Instant::now();
    let mut esme = trx(now);
    let number = esme.session.request(&SubmitSm::default(), 9, now).unwrap();
    esme.told(Command::new(1, Pdu::EnquireLink), now + secs(59));
    esme.session.tick(now + secs(59));
    assert!(esme.events().is_empty());
    esme.session.tick(now + secs(60));
    assert!(matches!(esme.events().as_slice(), [Event::TimedOut { token: 9 }]));
    assert_eq!(esme.session.in_flight(), 0);
    esme.told(Command::new(number, SubmitSmResp::default()), now + secs(61));
    assert!(matches!(esme.events().as_slice(), [Event::Unmatched(_)]));
    assert_eq!(esme.session.state(), State::Bound(BindKind::Transceiver));
}

#[test]
fn generic_nack_answers_a_request() {
    let now = Instant::now();
    let mut esme = trx(now);
    let number = esme.session.request(&SubmitSm::default(), 1, now).unwrap();
    esme.told(Command::new(number, Pdu::GenericNack).with_status(CommandStatus::ESME_RINVCMDID), now);
    let events = esme.events();
    let [Event::Answered { token: 1, answer }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(answer.command_status, CommandStatus::ESME_RINVCMDID);
}

#[test]
fn congestion_is_remembered_from_any_answer() {
    let now = Instant::now();
    let mut esme = trx(now);
    let number = esme.session.request(&SubmitSm::default(), 1, now).unwrap();
    let tlvs = Tlvs::new().with(Tag::CONGESTION_STATE, &[85]).unwrap();
    let answer = Command::new(number, SubmitSmResp { tlvs, ..SubmitSmResp::default() });
    esme.told(answer.with_status(CommandStatus::ESME_RTHROTTLED), now);
    assert_eq!(esme.session.congestion(), Some(85));
}

#[test]
fn an_idle_link_is_asked_and_a_dead_one_closed() {
    let now = Instant::now();
    let mut esme = trx(now);
    esme.session.tick(now + secs(29));
    assert!(esme.said().is_empty());
    esme.session.tick(now + secs(30));
    let said = esme.said();
    assert!(matches!(said.as_slice(), [Command { pdu: Pdu::EnquireLink, .. }]));
    esme.told(Command::new(said[0].sequence_number, Pdu::EnquireLinkResp), now + secs(31));
    esme.session.tick(now + secs(60));
    assert!(esme.said().is_empty(), "heard a second less than the interval ago");

    esme.session.tick(now + secs(61));
    assert_eq!(esme.said().len(), 1);
    esme.session.request(&SubmitSm::default(), 5, now + secs(62)).unwrap();
    esme.session.tick(now + secs(91));
    let events = esme.events();
    assert!(
        matches!(
            events.as_slice(),
            [Event::Lost { token: 5, written: Written::Never }, Event::Closed(Closed::EnquireLinkUnanswered)]
        ),
        "{events:?}"
    );
}

#[test]
fn any_pdu_is_a_sign_of_life() {
    let now = Instant::now();
    let mut esme = trx(now);
    esme.session.tick(now + secs(30));
    assert_eq!(esme.said().len(), 1);
    esme.told(Command::new(1, DeliverSm::default()), now + secs(45));
    esme.session.tick(now + secs(60));
    assert_eq!(esme.session.state(), State::Bound(BindKind::Transceiver));
    esme.session.tick(now + secs(75));
    assert_eq!(esme.said().len(), 1, "asked again");
}

#[test]
fn no_timer_runs_while_we_do_not_listen() {
    let now = Instant::now();
    let mut esme = trx(now);
    esme.session.request(&SubmitSm::default(), 1, now).unwrap();
    esme.session.listening(false, now + secs(10));
    esme.session.tick(now + secs(300));
    assert!(esme.events().is_empty() && esme.session.state() != State::Closed);
    esme.session.listening(true, now + secs(300));
    esme.session.tick(now + secs(349));
    assert!(esme.events().is_empty());
    esme.session.tick(now + secs(350));
    assert!(matches!(esme.events().as_slice(), [Event::TimedOut { token: 1 }]));
}

#[test]
fn a_request_is_in_doubt_only_once_its_first_octet_was_written() {
    let now = Instant::now();
    let mut esme = trx(now);
    for token in 1..=3 {
        esme.session.request(&SubmitSm::default(), token, now).unwrap();
    }
    let mut out = BytesMut::new();
    esme.session.take_output(&mut out);
    let one = out.len() / 3;
    esme.session.wrote(one + 1);
    esme.session.close(Closed::PeerClosed { mid_pdu: false });
    let fates: Vec<_> = esme
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Lost { token, written } => Some((token, written)),
            _ => None,
        })
        .collect();
    assert_eq!(fates, [(1, Written::MayHave), (2, Written::MayHave), (3, Written::Never)]);
    assert_eq!(esme.session.pending_output(), 0);
}

#[test]
fn last_words_are_written_without_the_requests_that_waited_before_them() {
    let now = Instant::now();
    let mut esme = trx(now);
    esme.session.request(&SubmitSm::default(), 1, now).unwrap();
    esme.told(Command::new(4, Pdu::EnquireLink), now);
    esme.session.request(&SubmitSm::default(), 2, now).unwrap();
    esme.told(Command::new(5, Pdu::Unbind), now);
    let written: Vec<_> = esme.said().into_iter().map(|command| command.pdu).collect();
    assert_eq!(written, [Pdu::EnquireLinkResp, Pdu::UnbindResp]);
    let events = esme.events();
    assert!(matches!(
        events.as_slice(),
        [
            Event::Lost { token: 1, written: Written::Never },
            Event::Lost { token: 2, written: Written::Never },
            Event::Closed(Closed::PeerUnbound)
        ]
    ));
}

#[test]
fn unbinding_waits_for_both_directions_and_refuses_what_is_new() {
    let now = Instant::now();
    let mut esme = trx(now);
    let number = esme.session.request(&SubmitSm::default(), 1, now).unwrap();
    esme.told(Command::new(8, DeliverSm::default()), now);
    esme.said();
    esme.session.unbind(now);
    assert!(esme.said().is_empty(), "two things are in flight");
    assert!(matches!(esme.session.request(&SubmitSm::default(), 2, now), Err(Error::Illegal { .. })));
    esme.told(Command::new(9, DeliverSm::default()), now);
    let refused = esme.said().remove(0);
    assert_eq!((refused.sequence_number, refused.command_status), (9, CommandStatus::ESME_RX_T_APPN));
    esme.told(Command::new(number, SubmitSmResp::default()), now);
    assert!(esme.said().is_empty(), "one thing is in flight");
    esme.session.respond(&DeliverSmResp::default(), CommandStatus::ESME_ROK, 8, now).unwrap();
    let said = esme.said();
    assert!(matches!(&said[0].pdu, Pdu::DeliverSmResp(_)) && said[1].pdu == Pdu::Unbind);
    esme.session.tick(now + secs(60));
    assert_eq!(esme.closed(), Some(Closed::UnbindUnanswered));
}

#[test]
fn unbinding_does_not_wait_for_ever() {
    let now = Instant::now();
    let mut esme = trx(now);
    esme.told(Command::new(8, DeliverSm::default()), now);
    esme.session.unbind(now);
    esme.session.tick(now + secs(59));
    assert!(!esme.said().iter().any(|command| command.pdu == Pdu::Unbind));
    esme.session.tick(now + secs(60));
    assert!(esme.said().iter().any(|command| command.pdu == Pdu::Unbind));
}

#[test]
fn requests_are_turned_away_by_state() {
    let now = Instant::now();
    let status_of = |end: &mut End, request: Pdu| {
        end.told(Command::new(3, request), now);
        let answer = end.said().remove(0);
        (answer.pdu.command_id(), answer.command_status)
    };
    let mut smsc = End::new(Role::Smsc, config(), now);
    assert_eq!(
        status_of(&mut smsc, Pdu::SubmitSm(SubmitSm::default())),
        (CommandId::SUBMIT_SM_RESP, CommandStatus::ESME_RINVBNDSTS)
    );
    smsc.told(Command::new(1, Pdu::BindReceiver(Bind::default())), now);
    assert_eq!(
        status_of(&mut smsc, Pdu::BindReceiver(Bind::default())),
        (CommandId::BIND_RECEIVER_RESP, CommandStatus::ESME_RALYBND)
    );
    smsc.session.accept_bind(&"smsc".into()).unwrap();
    smsc.said();
    assert_eq!(
        status_of(&mut smsc, Pdu::SubmitSm(SubmitSm::default())),
        (CommandId::SUBMIT_SM_RESP, CommandStatus::ESME_RINVBNDSTS)
    );
    let mut tx = bound(BindKind::Transmitter, Some(0x34), now);
    assert_eq!(
        status_of(&mut tx, Pdu::DeliverSm(DeliverSm::default())),
        (CommandId::DELIVER_SM_RESP, CommandStatus::ESME_RINVBNDSTS)
    );
    assert_eq!(
        status_of(&mut tx, Pdu::Unknown(CommandId(0x999))),
        (CommandId::GENERIC_NACK, CommandStatus::ESME_RINVCMDID)
    );
    assert!(matches!(tx.session.request(&DeliverSm::default(), 0, now), Err(Error::Illegal { .. })));
    assert_eq!(tx.session.state(), State::Bound(BindKind::Transmitter));
}

#[test]
fn a_request_that_cannot_be_read_is_answered_and_the_session_lives() {
    let now = Instant::now();
    let mut esme = trx(now);
    esme.hear(&[0, 0, 0, 19, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 44, b'C', b'M', b'T'], now);
    let events = esme.events();
    let [Event::Malformed(error)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(error.to_string(), "deliver_sm: service_type at octet 16: no terminating NUL");
    let answer = esme.said().remove(0);
    assert_eq!((answer.sequence_number, answer.command_status), (44, CommandStatus::ESME_RINVCMDLEN));
    assert_eq!(esme.session.state(), State::Bound(BindKind::Transceiver));
}

#[test]
fn an_answer_that_cannot_be_read_still_answers_by_its_status() {
    let now = Instant::now();
    let mut esme = trx(now);
    let number = esme.session.request(&SubmitSm::default(), 6, now).unwrap();
    let mut wire = vec![0, 0, 0, 19, 0x80, 0, 0, 4, 0, 0, 0, 0x58];
    wire.extend_from_slice(&number.to_be_bytes());
    wire.extend_from_slice(&[0, 4, 0x24]);
    esme.hear(&wire, now);
    let events = esme.events();
    let [Event::Malformed(_), Event::Answered { token: 6, answer }] = events.as_slice() else { panic!("{events:?}") };
    assert!(answer.command_status.is_throttle());
}

#[test]
fn the_end_is_the_last_event_even_when_the_answer_that_ends_it_cannot_be_read() {
    let now = Instant::now();
    let mut esme = End::new(Role::Esme, config(), now);
    esme.session.bind(BindKind::Receiver, &Bind::default(), now).unwrap();
    let number = esme.said().remove(0).sequence_number;
    let mut wire = vec![0, 0, 0, 19, 0x80, 0, 0, 1, 0, 0, 0, 0x0D];
    wire.extend_from_slice(&number.to_be_bytes());
    wire.extend_from_slice(&[0, 2, 0x10]);
    esme.hear(&wire, now);
    let events = esme.events();
    let refused = Closed::BindRefused(CommandStatus::ESME_RBINDFAIL);
    assert!(
        matches!(events.as_slice(), [Event::Malformed(_), Event::Closed(reason)] if *reason == refused),
        "{events:?}"
    );
}

#[test]
fn a_session_out_of_step_says_so_and_ends() {
    let now = Instant::now();
    let mut esme = trx(now);
    esme.session.out_of_step(7);
    let said = esme.said();
    assert!(matches!(said.as_slice(), [Command { pdu: Pdu::GenericNack, command_status: CommandStatus(2), .. }]));
    assert_eq!(esme.closed(), Some(Closed::BadFrame { length: 7 }));
}

#[test]
fn a_session_that_is_not_bound_in_time_ends() {
    let now = Instant::now();
    for role in [Role::Esme, Role::Smsc] {
        let mut end = End::new(role, config(), now);
        if role == Role::Esme {
            end.session.bind(BindKind::Receiver, &Bind::default(), now).unwrap();
            assert!(end.session.bind(BindKind::Receiver, &Bind::default(), now).is_err(), "once is enough");
        }
        end.session.tick(now + secs(29));
        assert_eq!(end.session.state(), State::Open);
        end.session.tick(now + secs(30));
        assert_eq!(end.closed(), Some(Closed::BindTimeout));
    }
}

#[test]
fn refusals_end_the_session_on_both_sides() {
    let now = Instant::now();
    let mut esme = End::new(Role::Esme, config(), now);
    let mut smsc = End::new(Role::Smsc, config(), now);
    esme.session.bind(BindKind::Receiver, &Bind::default(), now).unwrap();
    smsc.hear(&esme.speak(), now);
    smsc.session.refuse_bind(CommandStatus::ESME_RINVPASWD).unwrap();
    esme.hear(&smsc.speak(), now);
    let refused = Some(Closed::BindRefused(CommandStatus::ESME_RINVPASWD));
    assert_eq!((esme.closed(), smsc.closed()), (refused.clone(), refused));
}

#[test]
fn letting_an_esme_in_that_has_gone_is_an_error_and_brings_nothing_back() {
    let now = Instant::now();
    let mut smsc = End::new(Role::Smsc, config(), now);
    smsc.told(Command::new(1, Pdu::BindReceiver(Bind::default())), now);
    smsc.session.close(Closed::PeerClosed { mid_pdu: false });
    assert!(matches!(smsc.session.accept_bind(&"smsc".into()), Err(Error::Illegal { state: State::Closed, .. })));
    assert_eq!(smsc.session.state(), State::Closed);
    assert!(matches!(smsc.events().last(), Some(Event::Closed(_))));
}

#[test]
fn outbind_leads_to_a_receiver() {
    let now = Instant::now();
    let mut esme = End::new(Role::Esme, config(), now);
    let mut smsc = End::new(Role::Smsc, config(), now);
    smsc.session.outbind(&Outbind { system_id: "smsc".into(), password: "pw".into() }).unwrap();
    esme.hear(&smsc.speak(), now);
    assert!(matches!(esme.events().as_slice(), [Event::Outbind(ask)] if ask.system_id == "smsc"));
    esme.session.bind(BindKind::Receiver, &Bind::default(), now).unwrap();
    smsc.hear(&esme.speak(), now);
    smsc.session.accept_bind(&"smsc".into()).unwrap();
    esme.hear(&smsc.speak(), now);
    assert_eq!(esme.session.state(), State::Bound(BindKind::Receiver));
    smsc.session.request(&DeliverSm::default(), 1, now).unwrap();
    smsc.session.alert(&AlertNotification::default()).unwrap();
    esme.hear(&smsc.speak(), now);
    let events = esme.events();
    assert!(matches!(events.as_slice(), [Event::Bound, Event::Request { .. }, Event::Alert(_)]), "{events:?}");
}
