//! A small blocking HTTP/1.1 client: one connection, one request at a time, JSON in and out.

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Speaks to one server.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    key: Option<String>,
    timeout: Duration,
    connection: Option<BufReader<TcpStream>>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// Bodies longer than this are an error.
const MAX_BODY_BYTES: usize = 256 << 20;

impl Client {
    /// Speaks to `address`, with a bearer token if there is one.
    pub fn new(address: SocketAddr, key: Option<&str>) -> Self {
        Self { address, key: key.map(str::to_owned), timeout: Duration::from_secs(60), connection: None }
    }

    /// Another one like this, on a connection of its own.
    pub fn another(&self) -> Self {
        Self { address: self.address, key: self.key.clone(), timeout: self.timeout, connection: None }
    }

    /// Whom it speaks to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An answer that takes longer is an error.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
        self.connection = None;
    }

    /// Asks. A connection that the server had closed meanwhile is replaced.
    pub fn request(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<Response> {
        let head = self.head(method, path, kind, body.len());
        let was_open = self.connection.is_some();
        let exchanged = match self.exchange(head.as_bytes(), body) {
            Err(error) if was_open && is_stale(&error) => self.exchange(head.as_bytes(), body),
            exchanged => exchanged,
        };
        exchanged.with_context(|| format!("{method} http://{}{path}", self.address))
    }

    /// GET, and the answer as JSON; another status than 200 is an error.
    pub fn get(&mut self, path: &str) -> Result<Value> {
        let response = self.request("GET", path, "", &[])?;
        ensure!(response.status == 200, "GET {path} was answered {}: {}", response.status, response.text());
        response.json()
    }

    /// Sends JSON; the status and the answer as JSON.
    pub fn send(&mut self, method: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
        let response = self.request(method, path, "application/json", body.to_string().as_bytes())?;
        Ok((response.status, response.json()?))
    }

    fn head(&self, method: &str, path: &str, kind: &str, length: usize) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {length}\r\n", self.address);
        if let Some(key) = &self.key {
            head.push_str(&format!("authorization: Bearer {key}\r\n"));
        }
        if !kind.is_empty() {
            head.push_str(&format!("content-type: {kind}\r\n"));
        }
        head.push_str("\r\n");
        head
    }

    fn exchange(&mut self, head: &[u8], body: &[u8]) -> Result<Response> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let stream = connection.get_mut();
        stream.write_all(head)?;
        stream.write_all(body)?;
        let (response, closes) = read(&mut connection)?;
        if !closes {
            self.connection = Some(connection);
        }
        Ok(response)
    }

    fn connect(&self) -> Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.set_write_timeout(Some(self.timeout))?;
        Ok(BufReader::new(stream))
    }
}

impl Response {
    /// The body as JSON; an empty one is null.
    pub fn json(&self) -> Result<Value> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| anyhow!("an answer that isn't JSON ({error}): {}", self.text()))
    }

    /// The body's beginning, for people.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(600).collect()
    }
}

/// The peer had closed the connection before it read the request.
fn is_stale(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| {
        matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof)
    })
}

fn read(input: &mut impl BufRead) -> Result<(Response, bool)> {
    let status = line(input)?;
    let status = status.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status: u16 = status.context("no HTTP/1.1 answer")?;
    let (mut length, mut chunked, mut closes) = (0, false, false);
    loop {
        let line = line(input)?;
        let Some((name, value)) = line.split_once(':') else { break };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().context("a content-length that is no number")?,
            "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
            "connection" => closes = value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let body = if chunked { chunks(input)? } else { octets(input, length)? };
    Ok((Response { status, body }, closes))
}

fn line(input: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    if input.take(64 << 10).read_line(&mut line)? == 0 {
        return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
    }
    Ok(line.trim_end().to_owned())
}

fn octets(input: &mut impl Read, length: usize) -> Result<Vec<u8>> {
    ensure!(length <= MAX_BODY_BYTES, "a body of {length} bytes");
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    Ok(body)
}

fn chunks(input: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(input)?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or(""), 16).context("a chunk without a size")?;
        if size == 0 {
            while !line(input)?.is_empty() {}
            return Ok(body);
        }
        if body.len() + size > MAX_BODY_BYTES {
            bail!("an endless body");
        }
        body.extend(octets(input, size)?);
        line(input)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn answers_are_read_by_length_and_by_chunks() {
        for (text, status, body, closes) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}rest", 200, "{}", false),
            (
                "HTTP/1.1 422 No\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n",
                422,
                "abc",
                true,
            ),
            ("HTTP/1.1 204 Nothing\r\n\r\n", 204, "", false),
        ] {
            let (response, closed) = read(&mut text.as_bytes()).unwrap();
            assert_eq!((response.status, response.text().as_str(), closed), (status, body, closes));
        }
        for broken in ["", "SSH-2.0\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"] {
            assert!(read(&mut broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_connection_that_the_server_closed_is_replaced() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            for _ in 0..2 {
                let (stream, _) = listener.accept().unwrap();
                let mut stream = BufReader::new(stream);
                while !line(&mut stream).unwrap().is_empty() {}
                stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n7").unwrap();
            }
        });
        let mut client = Client::new(address, Some("key"));
        assert_eq!(client.get("/a").unwrap(), 7);
        assert_eq!(client.get("/b").unwrap(), 7);
        server.join().unwrap();
    }
}
