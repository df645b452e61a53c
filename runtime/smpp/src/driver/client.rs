//! Binding to an SMSC.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connection::{Connection, Greeting};
use super::shared::{Shared, now};
use super::{Bind, Inbound, Tls};
use crate::Error;
use crate::pdu::{self, COctetString, CommandStatus, Outbind};
use crate::session::{BindKind, Closed, Role, Session, SessionConfig};

/// Where and as whom to bind. `Debug` shows no password.
#[derive(Clone, Debug)]
pub struct BindConfig {
    /// `host:port`.
    pub address: String,
    /// TLS, if the carrier takes it.
    pub tls: Option<Tls>,
    /// Which way messages go.
    pub kind: BindKind,
    /// Our name.
    pub system_id: COctetString,
    /// Our password.
    pub password: COctetString,
    /// The kind of ESME; usually empty.
    pub system_type: COctetString,
    /// Type of number of `address_range`.
    pub addr_ton: u8,
    /// Numbering plan of `address_range`.
    pub addr_npi: u8,
    /// The addresses that we serve; usually empty.
    pub address_range: COctetString,
    /// Limits and timers.
    pub session: SessionConfig,
    /// Requests of the peer that wait to be looked at; beyond that nothing more is read. 256 by default: several windows of any
    /// usual carrier, so reading stops only when handling them has really fallen behind.
    pub inbound_capacity: usize,
}

impl Default for BindConfig {
    fn default() -> Self {
        Self {
            address: String::new(),
            tls: None,
            kind: BindKind::default(),
            system_id: COctetString::new(),
            password: COctetString::new(),
            system_type: COctetString::new(),
            addr_ton: 0,
            addr_npi: 0,
            address_range: COctetString::new(),
            session: SessionConfig::default(),
            inbound_capacity: super::DEFAULT_INBOUND_CAPACITY,
        }
    }
}

impl BindConfig {
    fn pdu(&self) -> pdu::Bind {
        pdu::Bind {
            system_id: self.system_id.clone(),
            password: self.password.clone(),
            system_type: self.system_type.clone(),
            interface_version: self.session.version.octet(),
            addr_ton: self.addr_ton,
            addr_npi: self.addr_npi,
            address_range: self.address_range.clone(),
        }
    }
}

/// Binds to an SMSC. Reconnecting is the caller's: it knows what else it is bound to.
#[derive(Debug)]
pub struct Client;

impl Client {
    /// Connects and binds, within the bind timeout. Must be called within a tokio runtime, which then runs the connection's task.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::BindRefused`], [`Error::Closed`] (the peer went away or said nothing in time), [`Error::Encode`].
    pub async fn connect(config: BindConfig) -> Result<(Bind, mpsc::Receiver<Inbound>), Error> {
        let limit = config.session.bind_timeout;
        let stream = within(limit, "connecting", TcpStream::connect(&config.address)).await?;
        stream.set_nodelay(true).map_err(|source| Error::Io { doing: "setting TCP_NODELAY", source })?;
        let Some(tls) = &config.tls else { return Self::bind(stream, true, &config).await };
        let connector = TlsConnector::from(tls.config.clone());
        let stream = within(limit, "TLS handshake", connector.connect(tls.server_name.clone(), stream)).await?;
        Self::bind(stream, false, &config).await
    }

    /// Binds over a stream that is already there.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn bind_over<S>(stream: S, config: &BindConfig) -> Result<(Bind, mpsc::Receiver<Inbound>), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::bind(stream, false, config).await
    }

    /// Waits on a stream that an SMSC opened for its `outbind`, and binds as receiver if `trusts` says that it is the right one.
    ///
    /// # Errors
    /// As [`Client::connect`]; [`Error::BindRefused`] also if it isn't trusted.
    pub async fn answer_outbind<S>(
        stream: S,
        config: &BindConfig,
        trusts: impl FnOnce(&Outbind) -> bool,
    ) -> Result<(Bind, mpsc::Receiver<Inbound>), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut opened = open(stream, false, Role::Esme, &config.session, config.inbound_capacity);
        match opened.greetings.recv().await {
            Some(Greeting::Outbind(outbind)) if trusts(&outbind) => {}
            Some(_) => return Err(Error::BindRefused { status: CommandStatus::ESME_RBINDFAIL }),
            None => return Err(opened.why_closed().await),
        }
        opened.bind(BindKind::Receiver, config).await
    }

    async fn bind<S>(stream: S, exact: bool, config: &BindConfig) -> Result<(Bind, mpsc::Receiver<Inbound>), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let opened = open(stream, exact, Role::Esme, &config.session, config.inbound_capacity);
        opened.bind(config.kind, config).await
    }
}

pub(super) async fn within<R>(
    limit: Duration,
    doing: &'static str,
    work: impl Future<Output = std::io::Result<R>>,
) -> Result<R, Error> {
    let result = timeout(limit, work).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
    result.map_err(|source| Error::Io { doing, source })
}

/// A connection whose task runs, not yet bound. Dropped, it is closed.
pub(super) struct Opened {
    pub shared: Arc<Shared>,
    pub handle: Bind,
    pub inbound: mpsc::Receiver<Inbound>,
    pub greetings: mpsc::UnboundedReceiver<Greeting>,
}

pub(super) fn open<S>(stream: S, exact: bool, role: Role, config: &SessionConfig, inbound_capacity: usize) -> Opened
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let shared = Arc::new(Shared::new(Session::new(role, config.clone(), now()), config.window));
    let (to_inbound, inbound) = mpsc::channel(inbound_capacity.max(1));
    let (greet, greetings) = mpsc::unbounded_channel();
    let connection = Connection {
        shared: shared.clone(),
        stream,
        exact,
        max_pdu_octets: config.max_pdu_octets,
        tick: config.tick(),
        inbound: to_inbound,
        greetings: greet,
    };
    tokio::spawn(connection.run());
    Opened { handle: Bind::new(shared.clone()), shared, inbound, greetings }
}

impl Opened {
    async fn bind(mut self, kind: BindKind, config: &BindConfig) -> Result<(Bind, mpsc::Receiver<Inbound>), Error> {
        self.shared.step(|session| session.bind(kind, &config.pdu(), now()))?;
        match self.greetings.recv().await {
            Some(Greeting::Bound) => Ok((self.handle, self.inbound)),
            Some(_) => Err(Error::Closed(Closed::Aborted)),
            None => Err(self.why_closed().await),
        }
    }

    pub async fn why_closed(&self) -> Error {
        match self.shared.ended().await {
            Closed::BindRefused(status) => Error::BindRefused { status },
            reason => Error::Closed(reason),
        }
    }
}
