use signalbox_carriers::{Brought, Incoming, Verdict};
use signalbox_smpp::Outcome;
use signalbox_smpp::pdu::{Command, CommandStatus, DeliverSm, esm_class};

use crate::rig::*;

fn status(outcome: Outcome) -> CommandStatus {
    match outcome {
        Outcome::Response(Command { command_status, .. }) => command_status,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_request_is_answered_when_its_own_verdict_comes() {
    let (_smsc, served, mut rig) = Smsc::bound(|_| ()).await;
    let mut pending = Vec::new();
    let mut answers = Vec::new();
    for text in ["a", "b", "c", "d"] {
        pending.push(served.bind.permit().await.unwrap().request(&deliver(text)).unwrap());
        let Incoming { what, answer, carrier } = soon(rig.incoming.recv()).await.unwrap();
        assert_eq!(&*carrier, "acme");
        assert!(matches!(what, Brought::Part(part) if part.octets == text.as_bytes()));
        answers.push(answer);
    }
    let fourth = answers.pop().unwrap();
    let verdicts = [Verdict::Durable, Verdict::Later, Verdict::Refused];
    // The last one first: none waits for another.
    drop(fourth);
    assert_eq!(status(soon(pending.pop().unwrap()).await), CommandStatus::ESME_RX_T_APPN);
    for (answer, verdict) in answers.into_iter().zip(verdicts).rev() {
        let wanted = match verdict {
            Verdict::Durable => OK,
            Verdict::Later => CommandStatus::ESME_RX_T_APPN,
            Verdict::Refused => CommandStatus::ESME_RX_R_APPN,
        };
        answer.give(verdict);
        assert_eq!(status(soon(pending.pop().unwrap()).await), wanted);
    }
}

#[tokio::test]
async fn more_than_the_intake_holds_is_answered_as_it_is_taken() {
    let (_smsc, served, mut rig) = Smsc::bound(|_| ()).await;
    let pending: Vec<_> =
        (0..300).map(|n| served.bind.try_permit().unwrap().request(&deliver(&n.to_string())).unwrap()).collect();
    for n in 0..300 {
        let Brought::Part(part) = rig.brought(Verdict::Durable).await else { panic!("no part") };
        assert_eq!(part.octets, n.to_string().as_bytes());
    }
    for pending in pending {
        assert_eq!(status(soon(pending).await), OK);
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_counted_and_the_session_lives() {
    let (_smsc, served, mut rig) = Smsc::bound(|_| ()).await;
    let send = |deliver: DeliverSm| served.bind.try_permit().unwrap().request(&deliver).unwrap();
    let header = DeliverSm { esm_class: esm_class::UDHI, ..deliver("\u{7f}") };
    assert_eq!(status(soon(send(header)).await), CommandStatus::ESME_RINVMSGLEN);
    let receipt = DeliverSm { esm_class: esm_class::RECEIPT, ..deliver("nothing") };
    assert_eq!(status(soon(send(receipt)).await), CommandStatus::ESME_RX_R_APPN);
    assert_eq!(rig.carrier.malformed(), 2);
    round_trip(&served, &mut rig).await;
}
