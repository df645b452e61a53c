//! What a message costs on a bind: an ESME and an SMSC, both ours, in one process over loopback.
//! `cargo run --release -p signalbox-smpp --example session_bench`. One JSON object a line.

#![allow(clippy::print_stdout, reason = "its output is its result")]

use std::time::Instant;

use bytes::Bytes;
use signalbox_smpp::pdu::SubmitSm;
use signalbox_smpp::{BindConfig, Client, Error, Server, ServerConfig, SessionConfig, SubmitOutcome};
use tokio::sync::mpsc;

const MESSAGES: u64 = 400_000;
const WINDOW: usize = 100;

fn config() -> SessionConfig {
    SessionConfig { window: WINDOW, ..SessionConfig::default() }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Error> {
    let server = Server::listen("127.0.0.1:0", ServerConfig { session: config(), ..ServerConfig::default() }).await?;
    let client = BindConfig { address: server.local_addr()?.to_string(), session: config(), ..BindConfig::default() };
    tokio::spawn(async move {
        let mut served = server.accept().await?.handshake(|_| async { Ok(()) }).await?;
        let mut next = 0_u64;
        while let Some(inbound) = served.inbound.recv().await {
            next += 1;
            inbound.responder.accept(format!("{next:x}").into())?;
        }
        Ok::<_, Error>(())
    });
    let (bind, _inbound) = Client::connect(client).await?;
    let message = SubmitSm {
        destination_addr: "15550199123".into(),
        short_message: Bytes::from_static(b"Your parcel arrives today between 14:00 and 16:00."),
        ..SubmitSm::default()
    };

    let (tell, mut told) = mpsc::unbounded_channel();
    let start = Instant::now();
    let sender = {
        let (bind, message) = (bind.clone(), message.clone());
        tokio::spawn(async move {
            for tag in 0..MESSAGES {
                bind.permit().await?.submit_tagged(&message, tag, &tell)?;
            }
            Ok::<_, Error>(())
        })
    };
    let mut taken = Vec::with_capacity(WINDOW);
    let mut done = 0;
    while done < MESSAGES && told.recv_many(&mut taken, WINDOW).await > 0 {
        done += taken.drain(..).filter(|(_, fate)| matches!(fate, SubmitOutcome::Response(_))).count() as u64;
    }
    report("submit_tagged", start);
    drop(sender.await);

    let start = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..WINDOW {
        let (bind, message) = (bind.clone(), message.clone());
        senders.spawn(async move {
            for _ in 0..MESSAGES / WINDOW as u64 {
                bind.permit().await?.submit(&message)?.await;
            }
            Ok::<_, Error>(())
        });
    }
    while senders.join_next().await.is_some() {}
    report("submit_awaited", start);
    bind.unbind().await;
    Ok(())
}

fn report(name: &str, start: Instant) {
    let rate = MESSAGES as f64 / start.elapsed().as_secs_f64();
    println!(r#"{{"name":"{name}","value":{rate:.0},"unit":"msg/s, both ends on two threads"}}"#);
}
