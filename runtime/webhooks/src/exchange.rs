//! One HTTP/1.1 connection: a request, its answer, bounded, and again.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;

use signalbox_reach::Failure;
use signalbox_reach::connect::Stream;

/// How much of an answer is kept.
const KEPT_BYTES: usize = 1_024;
/// How much of an answer is read so that the connection can be used again; a longer one closes it.
const READ_BYTES: usize = 64 * 1_024;
/// How large the answer's head may be.
const HEAD_BYTES: usize = 16 * 1_024;

/// What an endpoint answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: StatusCode,
    /// The `Retry-After` header as it came.
    pub retry_after: Option<String>,
    /// The first KiB.
    pub body: Bytes,
}

/// An open connection. Whoever has it drives it: it moves only while a request is under way or [`closed`](Self::closed)
/// is awaited, so one task has the whole of a connection.
pub(crate) struct Line {
    sender: SendRequest<Full<Bytes>>,
    driver: Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>,
    over: bool,
    /// It has carried an answer.
    pub used: bool,
}

impl Line {
    pub async fn open(stream: Box<dyn Stream>) -> Result<Self, Failure> {
        let (sender, driver) = Builder::new()
            .max_buf_size(HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Failure::Http(error.to_string()))?;
        Ok(Self { sender, driver, over: false, used: false })
    }

    /// Can another request go out? Looks, so that an end that came with the last answer is seen.
    pub fn is_open(&mut self) -> bool {
        self.over = self.over || (&mut self.driver).now_or_never().is_some();
        !self.over && !self.sender.is_closed()
    }

    /// Returns when the other side has closed it.
    pub async fn closed(&mut self) {
        if !self.over {
            let _ = (&mut self.driver).await;
            self.over = true;
        }
    }

    /// A request and its answer.
    pub async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let Self { sender, driver, over, .. } = self;
        let conversation = async {
            sender.ready().await?;
            read(sender.send_request(request).await?).await
        };
        let answer = drive(driver, over, conversation).await;
        self.used = true;
        match answer {
            Ok((answer, whole)) => {
                self.over |= !whole;
                Ok(answer)
            }
            Err(error) => {
                self.over = true;
                Err(Failure::Http(describe(&error)))
            }
        }
    }
}

/// Keeps the connection moving until `work` is done.
async fn drive<F: Future>(
    driver: &mut Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>,
    over: &mut bool,
    work: F,
) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if let Poll::Ready(output) = work.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        if *over || Pin::new(&mut *driver).poll(cx).is_pending() {
            // What the driver read wakes the work through its own channels.
            return Poll::Pending;
        }
        *over = true;
        // The end of the connection ends the work, too, and it may know of it already.
        work.as_mut().poll(cx)
    })
    .await
}

/// The head and the bounded body; and whether all of it was read.
async fn read(response: http::Response<Incoming>) -> Result<(Answer, bool), hyper::Error> {
    let (head, mut body) = response.into_parts();
    let retry_after = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut kept = Vec::new();
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        // What counts is the status, which is there; a body that breaks off only costs the connection.
        let Ok(frame) = frame else {
            read = READ_BYTES + 1;
            break;
        };
        let Some(data) = frame.data_ref() else { continue };
        kept.extend_from_slice(&data[..data.len().min(KEPT_BYTES - kept.len())]);
        read += data.len();
        if read > READ_BYTES {
            break;
        }
    }
    let answer = Answer { status: head.status, retry_after, body: kept.into() };
    Ok((answer, read <= READ_BYTES))
}

/// In words, with the cause below, and without anything that was sent or received.
fn describe(error: &hyper::Error) -> String {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    match cause {
        Some(io) => format!("{error}: {}", io.kind()),
        None => error.to_string(),
    }
}
