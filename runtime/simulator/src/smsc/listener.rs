//! The carrier's sockets: one task a connection, one for the agenda.

use super::carrier::Carrier;
use super::session::Ending;
use crate::net;
use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The carrier, shared by its connections, its agenda and its handles.
///
/// One plain mutex: every step under it is short, computes only and never awaits.
pub(crate) struct Shared {
    carrier: Mutex<Carrier>,
    agenda: Notify,
    changed: Notify,
}

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;
/// Written bytes that a peer may leave unread before the carrier stops reading it.
const BACKLOG_BYTES: usize = 4 << 20;

impl Shared {
    pub(crate) fn new(carrier: Carrier) -> Self {
        Self { carrier: Mutex::new(carrier), agenda: Notify::new(), changed: Notify::new() }
    }

    /// One step of the carrier; afterwards tells those who wait for what it changed.
    pub(crate) fn step<T>(&self, step: impl FnOnce(&mut Carrier) -> T) -> T {
        let mut carrier = self.carrier.lock();
        let result = step(&mut carrier);
        carrier.flush_ledger();
        let wake = carrier.take_wake();
        drop(carrier);
        if wake {
            self.agenda.notify_one();
        }
        self.changed.notify_waiters();
        result
    }

    /// Looks without changing anything.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Carrier) -> T) -> T {
        look(&self.carrier.lock())
    }

    /// Resolves at the next change after it is enabled.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }
}

/// Serves until `stop` says so, then lets every connection go.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    let mut tasks = JoinSet::new();
    tasks.spawn(keep_agenda(Arc::clone(&shared)));
    net::serve(listener, tasks, stop, |stream| connection(stream, Arc::clone(&shared))).await;
}

async fn keep_agenda(shared: Arc<Shared>) {
    loop {
        let next = shared.step(|carrier| carrier.tick(Instant::now()));
        let woken = shared.agenda.notified();
        match next {
            Some(next) => {
                let _ = tokio::time::timeout_at(next, woken).await;
            }
            None => woken.await,
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let Some((id, wake)) = shared.step(Carrier::open) else { return };
    let _gone = Gone { id, shared: &shared };
    if let Err(error) = converse(stream, id, &wake, &shared).await {
        tracing::debug!(bind = id, %error, "a simulated connection broke");
    }
}

/// Tells the carrier that a connection is gone, also when its task is aborted.
struct Gone<'a> {
    id: u64,
    shared: &'a Shared,
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.shared.step(|carrier| carrier.closed(self.id, Instant::now()));
    }
}

/// Reads and writes at once, in batches: neither side can stall the other.
async fn converse(mut stream: TcpStream, id: u64, wake: &Notify, shared: &Shared) -> io::Result<()> {
    let mut input = BytesMut::with_capacity(READ_BYTES);
    let mut out = BytesMut::new();
    let ending = loop {
        let (mut reader, mut writer) = stream.split();
        let got = tokio::select! {
            biased;
            written = writer.write(&out), if !out.is_empty() => {
                out.advance(written?);
                0
            }
            read = reader.read_buf(&mut input), if out.len() < BACKLOG_BYTES => match read? {
                0 => return Ok(()),
                count => count,
            },
            () = wake.notified() => 0,
        };
        let ending = shared.step(|carrier| {
            if got > 0 {
                carrier.feed(id, &mut input, Instant::now());
            }
            carrier.collect(id, &mut out)
        });
        if got > 0 {
            input.reserve(READ_BYTES / 4);
        }
        if let Some(ending) = ending {
            break ending;
        }
    };
    finish(stream, &out, ending).await
}

/// Time for a peer to take the last bytes.
const FINISH: Duration = Duration::from_secs(2);

async fn finish(mut stream: TcpStream, out: &[u8], ending: Ending) -> io::Result<()> {
    if ending == Ending::Reset {
        return stream.set_zero_linger();
    }
    let write = async {
        stream.write_all(out).await?;
        stream.shutdown().await?;
        // Unread input would turn the close into a reset, and the peer might lose our last bytes.
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        Ok(())
    };
    tokio::time::timeout(FINISH, write).await.unwrap_or(Ok(()))
}
