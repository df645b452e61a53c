//! Being bound to: the SMSC's side.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::client::{open, within};
use super::connection::Greeting;
use super::{Bind, Inbound};
use crate::Error;
use crate::pdu::{self, COctetString, CommandStatus, Outbind};
use crate::session::{BindKind, Closed, Role, SessionConfig, State};

/// How ESMEs are served.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Our name.
    pub system_id: COctetString,
    /// TLS, if it is offered.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Limits and timers.
    pub session: SessionConfig,
    /// Requests of one peer that wait to be looked at; beyond that nothing more is read from it.
    pub inbound_capacity: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            system_id: "signalbox".into(),
            tls: None,
            session: SessionConfig::default(),
            inbound_capacity: super::DEFAULT_INBOUND_CAPACITY,
        }
    }
}

/// An ESME that wants to bind.
#[derive(Clone, Debug)]
pub struct BindRequest {
    /// Which way messages go.
    pub kind: BindKind,
    /// Who it says it is.
    pub bind: pdu::Bind,
}

/// An ESME that is bound.
#[derive(Debug)]
pub struct Served {
    /// The session with it.
    pub bind: Bind,
    /// Its requests.
    pub inbound: mpsc::Receiver<Inbound>,
    /// How it asked.
    pub request: BindRequest,
}

/// Serves one ESME over a stream that is already there: waits for its bind, asks `authenticate`, and answers.
///
/// # Errors
/// [`Error::BindRefused`] with the status that `authenticate` gave; [`Error::Closed`] if the peer went away, or wasn't bound within
/// the bind timeout, however long `authenticate` takes.
pub async fn serve_connection<S, A, F>(stream: S, config: &ServerConfig, authenticate: A) -> Result<Served, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: FnOnce(BindRequest) -> F,
    F: Future<Output = Result<(), CommandStatus>>,
{
    serve(stream, false, config, None, authenticate).await
}

/// Connects to an ESME, asks it by `outbind` to bind as receiver, and serves it.
///
/// # Errors
/// As [`serve_connection`].
pub async fn outbind<S, A, F>(stream: S, config: &ServerConfig, ask: &Outbind, authenticate: A) -> Result<Served, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: FnOnce(BindRequest) -> F,
    F: Future<Output = Result<(), CommandStatus>>,
{
    serve(stream, false, config, Some(ask), authenticate).await
}

async fn serve<S, A, F>(
    stream: S,
    exact: bool,
    config: &ServerConfig,
    ask: Option<&Outbind>,
    authenticate: A,
) -> Result<Served, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: FnOnce(BindRequest) -> F,
    F: Future<Output = Result<(), CommandStatus>>,
{
    let mut opened = open(stream, exact, Role::Smsc, &config.session, config.inbound_capacity);
    if let Some(ask) = ask {
        opened.shared.step(|session| session.outbind(ask))?;
    }
    let request = match opened.greetings.recv().await {
        Some(Greeting::BindRequested { kind, bind }) => BindRequest { kind, bind },
        Some(_) => return Err(Error::Closed(Closed::Aborted)),
        None => return Err(opened.why_closed().await),
    };
    let verdict = tokio::select! {
        verdict = authenticate(request.clone()) => verdict,
        reason = opened.shared.ended() => return Err(Error::Closed(reason)),
    };
    if let Err(status) = verdict {
        // If the peer has gone meanwhile, it is refused all the same.
        let _ = opened.shared.step(|session| session.refuse_bind(status));
        return Err(Error::BindRefused { status });
    }
    if let Err(error) = opened.shared.step(|session| session.accept_bind(&config.system_id)) {
        let gone = opened.shared.peek(|session| session.state()) == State::Closed;
        return Err(if gone { opened.why_closed().await } else { error });
    }
    Ok(Served { bind: opened.handle, inbound: opened.inbound, request })
}

/// Listens for ESMEs.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    config: Arc<ServerConfig>,
}

impl Server {
    /// Listens at an address.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn listen(address: impl ToSocketAddrs, config: ServerConfig) -> Result<Self, Error> {
        let listener = TcpListener::bind(address).await.map_err(|source| Error::Io { doing: "listening", source })?;
        Ok(Self { listener, config: Arc::new(config) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn local_addr(&self) -> Result<SocketAddr, Error> {
        self.listener.local_addr().map_err(|source| Error::Io { doing: "asking for the address", source })
    }

    /// The next connection. Whoever accepts bounds how many there are, and shakes hands in a task of its own, so that a slow
    /// peer doesn't hold up the next.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn accept(&self) -> Result<Incoming, Error> {
        let (stream, peer) = self.listener.accept().await.map_err(|source| Error::Io { doing: "accepting", source })?;
        stream.set_nodelay(true).map_err(|source| Error::Io { doing: "setting TCP_NODELAY", source })?;
        Ok(Incoming { stream, peer, config: self.config.clone() })
    }
}

/// A connection that hasn't spoken yet.
#[derive(Debug)]
pub struct Incoming {
    stream: TcpStream,
    peer: SocketAddr,
    config: Arc<ServerConfig>,
}

impl Incoming {
    /// Who connected.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// TLS if configured, then the bind, as [`serve_connection`] does it.
    ///
    /// # Errors
    /// As [`serve_connection`]; [`Error::Io`] for TLS.
    pub async fn handshake<A, F>(self, authenticate: A) -> Result<Served, Error>
    where
        A: FnOnce(BindRequest) -> F,
        F: Future<Output = Result<(), CommandStatus>>,
    {
        let config = &*self.config;
        let Some(tls) = &config.tls else { return serve(self.stream, true, config, None, authenticate).await };
        let acceptor = TlsAcceptor::from(tls.clone());
        let stream = within(config.session.bind_timeout, "TLS handshake", acceptor.accept(self.stream)).await?;
        serve(stream, false, config, None, authenticate).await
    }
}
