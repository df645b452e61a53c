//! `wasi:io`: streams that go to the log, and pollables that are ready as soon as they are asked.

#![allow(unsafe_code, reason = "wasmtime's derive macros for component types")]

use super::interface;
use crate::call::Call;
use crate::logs::Stream;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType};

/// `wasi:io/error.error`. None is ever made.
pub(super) enum IoError {}
/// `wasi:io/poll.pollable`. Its number is a place in [`super::Wasi`].
pub(super) enum Pollable {}
/// `wasi:io/streams.input-stream`: always at its end.
pub(super) enum InputStream {}
/// `wasi:io/streams.output-stream`: one of [`STDOUT`] and [`STDERR`].
pub(super) enum OutputStream {}

pub(super) const STDOUT: u32 = 1;
pub(super) const STDERR: u32 = 2;

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
    poll.func_wrap("[method]pollable.ready", |mut cx: Context<'_>, (pollable,): (Resource<Pollable>,)| {
        let wasi = &mut cx.data_mut().wasi;
        let now = wasi.tick();
        Ok((wasi.ready_at(pollable.rep()) <= now,))
    })?;
    poll.func_wrap("[method]pollable.block", |mut cx: Context<'_>, (pollable,): (Resource<Pollable>,)| {
        let wasi = &mut cx.data_mut().wasi;
        wasi.sleep_until(wasi.ready_at(pollable.rep()));
        Ok(())
    })?;
    poll.func_wrap("poll", |mut cx: Context<'_>, (pollables,): (Vec<Resource<Pollable>>,)| {
        let wasi = &mut cx.data_mut().wasi;
        let ready_at = |p: &Resource<Pollable>| wasi.ready_at(p.rep());
        let first = pollables.iter().map(ready_at).min().ok_or_else(|| {
            wasmtime::Error::msg("wasi:io/poll.poll was called with an empty list, which its contract forbids")
        })?;
        wasi.sleep_until(first);
        let now = wasi.elapsed_ns;
        let ready = pollables.iter().zip(0_u32..).filter(|(p, _)| wasi.ready_at(p.rep()) <= now);
        Ok((ready.map(|(_, place)| place).collect::<Vec<_>>(),))
    })
}

fn input(streams: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type ReadAt = (Resource<InputStream>, u64);
    streams.resource("input-stream", ResourceType::host::<InputStream>(), |_, _| Ok(()))?;
    for name in ["read", "blocking-read"] {
        streams.func_wrap(&format!("[method]input-stream.{name}"), |_: Context<'_>, _: ReadAt| {
            Ok::<Streamed<Vec<u8>>, _>((Err(StreamError::Closed),))
        })?;
    }
    for name in ["skip", "blocking-skip"] {
        streams.func_wrap(&format!("[method]input-stream.{name}"), |_: Context<'_>, _: ReadAt| {
            Ok::<Streamed<u64>, _>((Err(StreamError::Closed),))
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
            cx.data_mut().log.bytes(stream(&to), &bytes);
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
        streams.func_wrap(&format!("[method]output-stream.{name}"), |_: Context<'_>, _: (Output, u64)| {
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

fn ready_pollable(mut cx: Context<'_>) -> wasmtime::Result<(Resource<Pollable>,)> {
    Ok((Resource::new_own(cx.data_mut().wasi.pollable(0)?),))
}
