//! A bare socket, for what no HTTP library would send.

use crate::wait::{PATIENCE, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection.
pub struct Raw(TcpStream);

impl Raw {
    /// To `http://host:port`.
    pub async fn connect(url: &str) -> Self {
        let address = url.strip_prefix("http://").expect("an address of ours");
        Self(TcpStream::connect(address).await.expect("the house listens"))
    }

    /// Writes octets; false when the other side no longer takes them.
    pub async fn write(&mut self, octets: impl AsRef<[u8]>) -> bool {
        within(PATIENCE, "a write to be taken", self.0.write_all(octets.as_ref())).await.is_ok()
    }

    /// Reads until the other side closes.
    pub async fn read_to_end(&mut self) -> String {
        let mut octets = Vec::new();
        // A reset ends the answer as well as a close does.
        let _ = within(PATIENCE, "the connection to be closed", self.0.read_to_end(&mut octets)).await;
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// Reads until this text came; answers all that came.
    pub async fn read_until(&mut self, text: &str) -> String {
        let mut octets = Vec::new();
        let found = async {
            while !String::from_utf8_lossy(&octets).contains(text) {
                let more = self.0.read_buf(&mut octets).await.expect("the connection holds");
                assert_ne!(more, 0, "it was closed before `{text}` came: {}", String::from_utf8_lossy(&octets));
            }
        };
        within(PATIENCE, text, found).await;
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// Both halves, to write while reading.
    pub fn split(self) -> (tokio::net::tcp::OwnedReadHalf, tokio::net::tcp::OwnedWriteHalf) {
        self.0.into_split()
    }
}
