//! An SMSC that does what the test says and nothing by itself.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use signalbox_smpp::pdu::*;
use signalbox_smpp::{Bind, BindConfig, Client, Error, Inbound, SessionConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

pub struct Peer {
    pub stream: TcpStream,
    frames: Frames,
}

impl Peer {
    pub async fn accept(listener: &TcpListener) -> Self {
        Self { stream: listener.accept().await.unwrap().0, frames: Frames::default() }
    }

    pub async fn read(&mut self) -> Option<Command> {
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                return Some(frame.decode().unwrap());
            }
            match self.stream.read_buf(self.frames.buffer()).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub async fn expect(&mut self, command: CommandId) -> Command {
        let read = self.read().await.expect("a PDU");
        assert_eq!(read.pdu.command_id(), command);
        read
    }

    pub async fn send(&mut self, command: Command) {
        let mut wire = BytesMut::new();
        command.encode(Dialect::V3_4, &mut wire).unwrap();
        self.stream.write_all(&wire).await.unwrap();
    }

    pub async fn answer(&mut self, request: &Command, message_id: &str) {
        let body = SubmitSmResp { message_id: message_id.into(), ..SubmitSmResp::default() };
        self.send(Command::new(request.sequence_number, body)).await;
    }

    pub async fn accept_bind(&mut self) {
        let ask = self.expect(CommandId::BIND_TRANSCEIVER).await;
        let tlvs = Tlvs::new().with(Tag::SC_INTERFACE_VERSION, &[0x34]).unwrap();
        let body = BindResp { system_id: "peer".into(), tlvs };
        self.send(Command::new(ask.sequence_number, Pdu::BindTransceiverResp(body))).await;
    }
}

pub async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub fn config(address: SocketAddr) -> BindConfig {
    BindConfig { address: address.to_string(), system_id: "esme".into(), ..BindConfig::default() }
}

pub fn quick() -> SessionConfig {
    let short = Duration::from_millis(80);
    SessionConfig { response_timeout: short, enquire_link: None, bind_timeout: short, ..SessionConfig::default() }
}

pub type Bound = (Bind, mpsc::Receiver<Inbound>, Peer);

pub async fn bound_with(change: impl FnOnce(&mut BindConfig)) -> Bound {
    let (listener, address) = listen().await;
    let mut config = config(address);
    change(&mut config);
    let smsc = async {
        let mut peer = Peer::accept(&listener).await;
        peer.accept_bind().await;
        peer
    };
    let (bound, peer): (Result<_, Error>, _) = tokio::join!(Client::connect(config), smsc);
    let (bind, inbound) = bound.unwrap();
    (bind, inbound, peer)
}

pub async fn bound() -> Bound {
    bound_with(|_| ()).await
}

pub fn message(text: &str) -> SubmitSm {
    SubmitSm {
        destination_addr: "15550100".into(),
        short_message: Bytes::copy_from_slice(text.as_bytes()),
        ..SubmitSm::default()
    }
}

impl Peer {
    pub async fn expect_any(&mut self) -> CommandId {
        self.read().await.expect("a PDU").pdu.command_id()
    }
}
