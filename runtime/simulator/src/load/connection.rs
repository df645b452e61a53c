//! One keep-alive HTTP/1.1 connection that has one request at a time.

use bytes::{Buf, BytesMut};
use std::io::{self, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(super) struct Connection {
    authority: String,
    stream: Option<TcpStream>,
    input: BytesMut,
}

/// A whole response.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: BytesMut,
}

/// What a response's head says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    head_bytes: usize,
    body_bytes: usize,
    closes: bool,
}

/// Heads and bodies longer than this are an error.
const MAX_BYTES: usize = 64 << 20;

impl Connection {
    pub(super) fn new(authority: String) -> Self {
        Self { authority, stream: None, input: BytesMut::with_capacity(8 * 1024) }
    }

    /// Sends `request` and reads its response; connects first if need be. After an error the next
    /// exchange begins on a new connection.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> io::Result<Response> {
        // Taken out, so that an error or a timeout leaves no half-used connection behind.
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                self.input.clear();
                let stream = TcpStream::connect(&self.authority).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request).await?;
        let (response, closes) = read(&mut stream, &mut self.input).await?;
        if !closes {
            self.stream = Some(stream);
        }
        Ok(response)
    }
}

async fn read(stream: &mut TcpStream, input: &mut BytesMut) -> io::Result<(Response, bool)> {
    loop {
        if let Some(head) = Head::parse(input)? {
            let whole = head.head_bytes + head.body_bytes;
            while input.len() < whole {
                read_more(stream, input).await?;
            }
            input.advance(head.head_bytes);
            let body = input.split_to(head.body_bytes);
            return Ok((Response { status: head.status, body }, head.closes));
        }
        read_more(stream, input).await?;
    }
}

async fn read_more(stream: &mut TcpStream, input: &mut BytesMut) -> io::Result<()> {
    if input.capacity() - input.len() < 1024 {
        input.reserve(8 * 1024);
    }
    if stream.read_buf(input).await? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

impl Head {
    /// `None` until the head is whole.
    fn parse(input: &[u8]) -> io::Result<Option<Self>> {
        let invalid = |reason: &'static str| io::Error::new(ErrorKind::InvalidData, reason);
        let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") else {
            return if input.len() > MAX_BYTES { Err(invalid("an endless head")) } else { Ok(None) };
        };
        let text = std::str::from_utf8(&input[..end]).map_err(|_| invalid("a head that isn't text"))?;
        let mut lines = text.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1."))
            .and_then(|line| line.get(2..5))
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| invalid("no HTTP/1 status line"))?;
        let mut head = Self { status, head_bytes: end + 4, body_bytes: 0, closes: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.body_bytes = value.parse().map_err(|_| invalid("a content-length that is no number"))?;
            } else if name.eq_ignore_ascii_case("connection") {
                head.closes = value.eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err(invalid("a chunked response: the load generator reads content-length only"));
            }
        }
        if head.body_bytes > MAX_BYTES { Err(invalid("a body too long")) } else { Ok(Some(head)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_once_whole() {
        let text = b"HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\nconnection: close\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(Head::parse(&text[..end]).unwrap(), None);
        }
        let head = Head { status: 202, head_bytes: text.len(), body_bytes: 12, closes: true };
        assert_eq!(Head::parse(text).unwrap(), Some(head));
        for broken in ["SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "HTTP/1.1 20\r\n\r\n"] {
            assert!(Head::parse(broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
