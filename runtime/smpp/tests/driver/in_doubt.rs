use bytes::Bytes;
use signalbox_smpp::pdu::*;
use signalbox_smpp::{SubmitOutcome, Written};
use tokio::sync::mpsc;

use crate::peer::*;

/// More than any socket buffers on the way hold.
const MESSAGES: u64 = 60_000;

#[tokio::test]
async fn what_was_never_written_is_told_apart_from_what_may_have_arrived() {
    let (bind, _inbound, mut peer) = bound_with(|config| config.session.window = MESSAGES as usize).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let long = SubmitSm { short_message: Bytes::from(vec![b'x'; 254]), ..SubmitSm::default() };
    for tag in 0..MESSAGES {
        bind.permit().await.unwrap().submit_tagged(&long, tag, &tell).unwrap();
    }
    // The peer reads one and no more, so the connection fills up; then it is dropped.
    peer.expect(CommandId::SUBMIT_SM).await;
    bind.abort();
    bind.closed().await;
    let mut arrived = 1;
    while peer.read().await.is_some() {
        arrived += 1;
    }
    let mut fates = Vec::new();
    told.recv_many(&mut fates, MESSAGES as usize).await;
    assert_eq!(fates.len() as u64, MESSAGES);
    for (tag, fate) in &fates {
        let SubmitOutcome::Disconnected { written } = fate else { panic!("{fate:?}") };
        if *tag < arrived {
            assert_eq!(*written, Written::MayHave, "message {tag} of {arrived} that arrived");
        }
    }
    let never = fates.iter().filter(|(_, fate)| *fate == SubmitOutcome::Disconnected { written: Written::Never });
    assert!(never.count() > 0, "{arrived} arrived");
}

#[tokio::test]
async fn a_message_for_a_session_that_has_ended_was_never_written() {
    let (bind, _inbound, peer) = bound().await;
    let permit = bind.permit().await.unwrap();
    drop(peer);
    bind.closed().await;
    let outcome = permit.submit(&message("x")).unwrap().await;
    assert_eq!(outcome, SubmitOutcome::Disconnected { written: Written::Never });
}
