//! A raw ESME: a socket, and PDUs built octet by octet, independent of the crate under test.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const RECEIVER: u32 = 1;
pub const TRANSMITTER: u32 = 2;
pub const TRANSCEIVER: u32 = 9;
pub const SUBMIT_RESP: u32 = 0x8000_0004;
pub const DELIVER: u32 = 5;
pub const NACK: u32 = 0x8000_0000;
pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct Esme {
    pub stream: TcpStream,
    sequence: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    pub command: u32,
    pub status: u32,
    pub sequence: u32,
    pub body: Vec<u8>,
}

/// A `deliver_sm`'s fields.
#[derive(Debug)]
pub struct Deliver {
    pub source: String,
    pub dest: String,
    pub esm_class: u8,
    pub data_coding: u8,
    pub message: Vec<u8>,
    pub tlvs: Vec<(u16, Vec<u8>)>,
}

pub fn pdu(command: u32, status: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = 16 + u32::try_from(body.len()).unwrap();
    let mut bytes: Vec<u8> = [length, command, status, sequence].iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.extend_from_slice(body);
    bytes
}

pub fn bind_body(system_id: &str, password: &str, version: u8) -> Vec<u8> {
    [system_id.as_bytes(), b"\0", password.as_bytes(), b"\0\0", &[version, 0, 0, 0]].concat()
}

/// +15550001 to `dest` (international digits), a receipt asked for.
pub fn submit_body(dest: &str, esm_class: u8, data_coding: u8, message: &[u8], tlvs: &[u8]) -> Vec<u8> {
    let mut body = b"\0\x01\x0115550001\0\x01\x01".to_vec();
    body.extend_from_slice(dest.as_bytes());
    body.extend_from_slice(&[0, esm_class, 0, 0, 0, 0, 1, 0, data_coding, 0, u8::try_from(message.len()).unwrap()]);
    body.extend_from_slice(message);
    body.extend_from_slice(tlvs);
    body
}

impl Esme {
    pub async fn connect(addr: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(addr).await.unwrap(), sequence: 0 }
    }

    /// Connects and binds as "esme", version 3.4.
    pub async fn bound(addr: SocketAddr, kind: u32) -> Self {
        let mut esme = Self::connect(addr).await;
        let answer = esme.bind(kind, "esme", "secret", 0x34).await;
        assert_eq!((answer.command, answer.status), (kind | 0x8000_0000, 0));
        esme
    }

    pub async fn bind(&mut self, kind: u32, system_id: &str, password: &str, version: u8) -> Pdu {
        self.send(kind, &bind_body(system_id, password, version)).await;
        self.read().await
    }

    pub async fn send(&mut self, command: u32, body: &[u8]) -> u32 {
        self.sequence += 1;
        self.stream.write_all(&pdu(command, 0, self.sequence, body)).await.unwrap();
        self.sequence
    }

    pub async fn submit(&mut self, dest: &str, text: &str) -> u32 {
        self.send(4, &submit_body(dest, 0, 0, text.as_bytes(), &[])).await
    }

    /// Submits and reads on to the response; a receipt that comes before is lost to the caller.
    pub async fn submitted(&mut self, dest: &str, text: &str) -> Pdu {
        let sequence = self.submit(dest, text).await;
        loop {
            let pdu = self.read().await;
            if pdu.command == SUBMIT_RESP {
                assert_eq!(pdu.sequence, sequence);
                return pdu;
            }
        }
    }

    pub async fn read(&mut self) -> Pdu {
        self.try_read().await.expect("the carrier closed the connection")
    }

    /// `None` once the carrier closed the connection between two PDUs.
    pub async fn try_read(&mut self) -> Option<Pdu> {
        let read = tokio::time::timeout(PATIENCE, self.read_octets());
        let octets = read.await.expect("a PDU in time")?;
        let word = |at: usize| u32::from_be_bytes(octets[at..at + 4].try_into().unwrap());
        Some(Pdu { command: word(4), status: word(8), sequence: word(12), body: octets[16..].to_vec() })
    }

    async fn read_octets(&mut self) -> Option<Vec<u8>> {
        let mut octets = vec![0; 4];
        if self.stream.read_exact(&mut octets).await.is_err() {
            return None;
        }
        let length = u32::from_be_bytes(octets[..].try_into().unwrap()) as usize;
        octets.resize(length, 0);
        self.stream.read_exact(&mut octets[4..]).await.ok().map(|_| octets)
    }

    /// Everything up to the end of the connection.
    pub async fn rest(&mut self) -> (Vec<u8>, std::io::Result<usize>) {
        let mut octets = Vec::new();
        let end = tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut octets)).await.expect("an end in time");
        (octets, end)
    }

    /// Reads the next `deliver_sm` and answers it.
    pub async fn delivery(&mut self) -> Deliver {
        let pdu = self.delivery_unanswered().await;
        self.answer(&pdu, 0).await;
        parse_deliver(&pdu.body)
    }

    pub async fn delivery_unanswered(&mut self) -> Pdu {
        loop {
            let pdu = self.read().await;
            if pdu.command == DELIVER {
                return pdu;
            }
        }
    }

    pub async fn answer(&mut self, request: &Pdu, status: u32) {
        let bytes = pdu(request.command | 0x8000_0000, status, request.sequence, b"\0");
        self.stream.write_all(&bytes).await.unwrap();
    }
}

impl Pdu {
    pub fn message_id(&self) -> String {
        let end = self.body.iter().position(|octet| *octet == 0).expect("a NUL");
        String::from_utf8(self.body[..end].to_vec()).unwrap()
    }
}

impl Deliver {
    pub fn text(&self) -> String {
        String::from_utf8(self.message.clone()).unwrap()
    }

    pub fn tlv(&self, tag: u16) -> Option<&[u8]> {
        self.tlvs.iter().find(|(known, _)| *known == tag).map(|(_, value)| value.as_slice())
    }

    /// The receipt text's id.
    pub fn receipt_id(&self) -> String {
        let text = self.text();
        text.strip_prefix("id:").expect("a receipt").split(' ').next().unwrap().to_owned()
    }
}

pub fn parse_deliver(body: &[u8]) -> Deliver {
    let mut at = 1; // service_type ""
    let mut address = || {
        at += 2;
        let end = at + body[at..].iter().position(|octet| *octet == 0).unwrap();
        let text = String::from_utf8(body[at..end].to_vec()).unwrap();
        at = end + 1;
        text
    };
    let (source, dest) = (address(), address());
    let (esm_class, data_coding, length) = (body[at], body[at + 7], usize::from(body[at + 9]));
    let message = body[at + 10..at + 10 + length].to_vec();
    let mut rest = &body[at + 10 + length..];
    let mut tlvs = Vec::new();
    while !rest.is_empty() {
        let (tag, size) = (u16::from_be_bytes([rest[0], rest[1]]), u16::from_be_bytes([rest[2], rest[3]]));
        tlvs.push((tag, rest[4..4 + usize::from(size)].to_vec()));
        rest = &rest[4 + usize::from(size)..];
    }
    Deliver { source, dest, esm_class, data_coding, message, tlvs }
}
