//! A connector, and an SMSC that does what the test says and nothing by itself.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use signalbox_carriers::smpp::{Config, Smpp};
use signalbox_carriers::{Brought, Carrier, Incoming, Outcome, Slot, Submission, Verdict};
use signalbox_model::{Chance, Encoding};
use signalbox_smpp::pdu::{CommandStatus, DeliverSm, Pdu, SubmitSm};
use signalbox_smpp::{Inbound, Responder, Served, Server, ServerConfig, SessionConfig};
use signalbox_text::{Smart, prepare};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub const OK: CommandStatus = CommandStatus::ESME_ROK;

/// Far longer than anything here takes: a test that waits so long has failed.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), what).await.expect("within ten seconds")
}

pub struct Rig {
    pub carrier: Arc<Smpp>,
    pub incoming: mpsc::Receiver<Incoming>,
}

pub fn config(address: SocketAddr) -> Config {
    Config {
        name: "acme".into(),
        host: address.ip().to_string(),
        port: address.port(),
        system_id: "us".into(),
        password: "hush".into(),
        reconnect_min: Duration::from_millis(5),
        reconnect_max: Duration::from_millis(20),
        ..Config::default()
    }
}

impl Rig {
    pub fn start(config: Config) -> Self {
        let (intake, incoming) = mpsc::channel(64);
        Self { carrier: Smpp::start(config, intake, Chance::seeded(1)).unwrap(), incoming }
    }

    pub async fn slot(&self, parts: u8) -> Box<dyn Slot> {
        soon(async {
            loop {
                if let Some(slot) = self.carrier.try_slot(parts) {
                    return slot;
                }
                self.carrier.ready(parts).await;
            }
        })
        .await
    }

    /// Submits at once; the outcome comes by itself.
    pub async fn submit(&self, text: &str) -> JoinHandle<Outcome> {
        let submission = submission(text);
        tokio::spawn(self.slot(submission.segments).await.submit(submission))
    }

    pub async fn send(&self, text: &str) -> Outcome {
        soon(self.submit(text).await).await.unwrap()
    }

    pub async fn brought(&mut self, verdict: Verdict) -> Brought {
        let Incoming { what, answer, .. } = soon(self.incoming.recv()).await.unwrap();
        answer.give(verdict);
        what
    }
}

pub fn submission(text: &str) -> Submission {
    let prepared = prepare(text, Smart::Off).unwrap();
    Submission {
        from: "+14155550123".parse().unwrap(),
        to: "+14155550199".parse().unwrap(),
        encoding: prepared.encoding,
        segments: prepared.segments,
        text: text.to_owned(),
        reference: 0x0107,
        validity: Duration::from_secs(3_600),
    }
}

/// A text of so many parts.
pub fn text_of(parts: usize) -> String {
    assert_eq!(Encoding::Gsm7, submission("x").encoding);
    if parts == 1 { "x".into() } else { "x".repeat(153 * parts) }
}

pub struct Smsc {
    pub server: Server,
}

impl Smsc {
    pub async fn listen() -> Self {
        Self::listen_as(|_| ()).await
    }

    pub async fn listen_as(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = ServerConfig {
            session: SessionConfig { window: 1_000, ..SessionConfig::default() },
            ..ServerConfig::default()
        };
        change(&mut config);
        Self { server: Server::listen("127.0.0.1:0", config).await.unwrap() }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.local_addr().unwrap()
    }

    pub async fn accept(&self) -> Served {
        let incoming = soon(self.server.accept()).await.unwrap();
        soon(incoming.handshake(|_| async { Ok(()) })).await.unwrap()
    }

    /// One connector bound to one SMSC.
    pub async fn bound(change: impl FnOnce(&mut Config)) -> (Self, Served, Rig) {
        let smsc = Self::listen().await;
        let mut config = config(smsc.address());
        change(&mut config);
        let rig = Rig::start(config);
        let served = smsc.accept().await;
        (smsc, served, rig)
    }
}

pub async fn submitted(served: &mut Served) -> (SubmitSm, Responder) {
    let Inbound { request, responder } = soon(served.inbound.recv()).await.expect("a request");
    match request {
        Pdu::SubmitSm(submit) => (submit, responder),
        _ => panic!("no submit_sm"),
    }
}

/// A round trip: whatever the connector wrote before it has come.
pub async fn round_trip(served: &Served, rig: &mut Rig) {
    let pending = served.bind.try_permit().unwrap().request(&deliver("ping")).unwrap();
    rig.brought(Verdict::Durable).await;
    soon(pending).await;
}

pub fn deliver(text: &str) -> DeliverSm {
    DeliverSm {
        source_addr_ton: 1,
        source_addr: "14155550199".into(),
        dest_addr_ton: 1,
        destination_addr: "14155550123".into(),
        short_message: text.to_owned().into_bytes().into(),
        ..DeliverSm::default()
    }
}

/// The place in its message that a part's header says.
pub fn place(submit: &SubmitSm) -> (u8, u8) {
    assert!(submit.has_udh());
    (submit.short_message[5], submit.short_message[4])
}
