//! `wasi:io`: streams to the log and of HTTP bodies, and pollables that are ready as soon as they are asked.

#![allow(unsafe_code, reason = "wasmtime's derive macros for component types")]

use super::{Ready, interface};
use crate::call::Call;
use crate::logs::Stream;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType};

/// `wasi:io/error.error`. None is ever made.
pub(super) enum IoError {}
/// `wasi:io/poll.pollable`. Its number is a place in [`super::Wasi`].
pub(super) enum Pollable {}
/// `wasi:io/streams.input-stream`: 0 is the standard input, always at its end; the rest are bodies of HTTP answers.
pub(super) enum InputStream {}
/// `wasi:io/streams.output-stream`: [`STDOUT`], [`STDERR`], and from [`BODIES`] on the bodies of HTTP requests.
pub(super) enum OutputStream {}

pub(super) const STDOUT: u32 = 1;
pub(super) const STDERR: u32 = 2;
pub(super) const BODIES: u32 = 16;

/// What a guest may write at once. What goes over the log's limit is counted there, not refused.
const WRITE_BYTES: u64 = 64 << 10;

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "the shape is given; no operation here fails")]
enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

type Streamed<T> = (Result<T, StreamError>,);
type Context<'a> = StoreContextMut<'a, Call>;

pub(super) fn add_to(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut error = linker.instance(&interface("io/error"))?;
    error.resource("error", ResourceType::host::<IoError>(), |_, _| Ok(()))?;
    error.func_wrap("[method]error.to-debug-string", |_: Context<'_>, (_,): (Resource<IoError>,)| {
        Ok((String::new(),))
    })?;
    poll(&mut linker.instance(&interface("io/poll"))?)?;
    let mut streams = linker.instance(&interface("io/streams"))?;
    input(&mut streams)?;
    output(&mut streams)
}

fn poll(poll: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    poll.resource("pollable", ResourceType::host::<Pollable>(), |_, _| Ok(()))?;
    poll.func_wrap_async("[method]pollable.ready", |mut cx: Context<'_>, (pollable,): (Resource<Pollable>,)| {
        Box::new(async move {
            let call = cx.data_mut();
            let now = call.wasi.tick();
            call.send_whole(&[pollable.rep()]).await?;
            Ok((call.is_ready(pollable.rep(), now),))
        })
    })?;
    poll.func_wrap_async("[method]pollable.block", |mut cx: Context<'_>, (pollable,): (Resource<Pollable>,)| {
        Box::new(async move { cx.data_mut().wait_for(&[pollable.rep()]).await })
    })?;
    poll.func_wrap_async("poll", |mut cx: Context<'_>, (pollables,): (Vec<Resource<Pollable>>,)| {
        Box::new(async move {
            let call = cx.data_mut();
            let pollables: Vec<u32> = pollables.iter().map(Resource::rep).collect();
            if pollables.is_empty() {
                let why = "wasi:io/poll.poll was called with an empty list, which its contract forbids";
                return Err(wasmtime::Error::msg(why));
            }
            call.wait_for(&pollables).await?;
            let now = call.wasi.elapsed_ns;
            let ready = pollables.iter().zip(0_u32..).filter(|(pollable, _)| call.is_ready(**pollable, now));
            Ok((ready.map(|(_, place)| place).collect::<Vec<_>>(),))
        })
    })
}

impl Call {
    fn is_ready(&self, pollable: u32, now: u64) -> bool {
        match self.wasi.ready(pollable) {
            Ready::At(at) => at <= now,
            Ready::Answered(asked) => self.web.is_answered(asked),
        }
    }

    /// Sends the requests among these whose bodies are written.
    async fn send_whole(&mut self, pollables: &[u32]) -> wasmtime::Result<()> {
        for pollable in pollables {
            if let Ready::Answered(asked) = self.wasi.ready(*pollable)
                && self.web.is_whole(asked)
            {
                self.answer(asked).await?;
            }
        }
        Ok(())
    }

    /// Returns when one of these is ready. Only an answer takes real time.
    async fn wait_for(&mut self, pollables: &[u32]) -> wasmtime::Result<()> {
        self.send_whole(pollables).await?;
        let now = self.wasi.elapsed_ns;
        if pollables.iter().any(|pollable| self.is_ready(*pollable, now)) {
            return Ok(());
        }
        let mut first = None;
        for pollable in pollables {
            match self.wasi.ready(*pollable) {
                // Nothing else can happen: what was written so far is the body.
                Ready::Answered(asked) => return self.answer(asked).await,
                Ready::At(at) => first = Some(first.map_or(at, |first: u64| first.min(at))),
            }
        }
        self.wasi.sleep_until(first.unwrap_or(now));
        Ok(())
    }
}

fn input(streams: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type ReadAt = (Resource<InputStream>, u64);
    // The most that is handed over in one read.
    const READ_BYTES: u64 = 64 << 10;
    streams.resource("input-stream", ResourceType::host::<InputStream>(), |_, _| Ok(()))?;
    for name in ["read", "blocking-read"] {
        streams.func_wrap(&format!("[method]input-stream.{name}"), |mut cx: Context<'_>, (from, most): ReadAt| {
            let most = most.min(READ_BYTES) as usize;
            Ok::<Streamed<Vec<u8>>, _>((read(&mut cx, &from, most).ok_or(StreamError::Closed),))
        })?;
    }
    for name in ["skip", "blocking-skip"] {
        streams.func_wrap(&format!("[method]input-stream.{name}"), |mut cx: Context<'_>, (from, most): ReadAt| {
            let skipped = read(&mut cx, &from, most.min(READ_BYTES) as usize);
            Ok::<Streamed<u64>, _>((skipped.map(|bytes| bytes.len() as u64).ok_or(StreamError::Closed),))
        })?;
    }
    streams.func_wrap("[method]input-stream.subscribe", |cx: Context<'_>, (_,): (Resource<InputStream>,)| {
        ready_pollable(cx)
    })
}

fn output(streams: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type Output = Resource<OutputStream>;
    type SpliceFrom = (Output, Resource<InputStream>, u64);
    streams.resource("output-stream", ResourceType::host::<OutputStream>(), |_, _| Ok(()))?;
    streams.func_wrap("[method]output-stream.check-write", |_: Context<'_>, (_,): (Output,)| {
        Ok::<Streamed<u64>, _>((Ok(WRITE_BYTES),))
    })?;
    for name in ["write", "blocking-write-and-flush"] {
        let name = format!("[method]output-stream.{name}");
        streams.func_wrap(&name, |mut cx: Context<'_>, (to, bytes): (Output, Vec<u8>)| {
            let call = cx.data_mut();
            if let Some(body) = to.rep().checked_sub(BODIES) {
                let open = call.web.write(body as usize, &bytes)?;
                return Ok::<Streamed<()>, _>((if open { Ok(()) } else { Err(StreamError::Closed) },));
            }
            call.log.bytes(stream(&to), &bytes);
            Ok::<Streamed<()>, _>((Ok(()),))
        })?;
    }
    for name in ["flush", "blocking-flush"] {
        streams.func_wrap(&format!("[method]output-stream.{name}"), |_: Context<'_>, (_,): (Output,)| {
            Ok::<Streamed<()>, _>((Ok(()),))
        })?;
    }
    // Zeros would be noise in a log.
    for name in ["write-zeroes", "blocking-write-zeroes-and-flush"] {
        let name = format!("[method]output-stream.{name}");
        streams.func_wrap(&name, |mut cx: Context<'_>, (to, length): (Output, u64)| {
            if let Some(body) = to.rep().checked_sub(BODIES) {
                cx.data_mut().web.write(body as usize, &vec![0; length.min(WRITE_BYTES) as usize])?;
            }
            Ok::<Streamed<()>, _>((Ok(()),))
        })?;
    }
    for name in ["splice", "blocking-splice"] {
        streams.func_wrap(&format!("[method]output-stream.{name}"), |_: Context<'_>, _: SpliceFrom| {
            Ok::<Streamed<u64>, _>((Err(StreamError::Closed),))
        })?;
    }
    streams.func_wrap("[method]output-stream.subscribe", |cx: Context<'_>, (_,): (Output,)| ready_pollable(cx))
}

fn stream(output: &Resource<OutputStream>) -> Stream {
    if output.rep() == STDERR { Stream::Stderr } else { Stream::Stdout }
}

/// The next bytes of an answer's body; none at its end, and of the standard input.
fn read(cx: &mut Context<'_>, from: &Resource<InputStream>, most: usize) -> Option<Vec<u8>> {
    cx.data_mut().web.read((from.rep() as usize).checked_sub(1)?, most)
}

pub(super) fn ready_pollable(mut cx: Context<'_>) -> wasmtime::Result<(Resource<Pollable>,)> {
    Ok((Resource::new_own(cx.data_mut().wasi.pollable(Ready::At(0))?),))
}
