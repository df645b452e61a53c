//! `wasi:clocks`: the event's own time. It stands still but for a microsecond per reading, and for sleeps, which take
//! no real time.

#![allow(unsafe_code, reason = "wasmtime's derive macros for component types")]

use super::io::Pollable;
use super::{Ready, interface};
use crate::call::Call;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource};

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

impl Datetime {
    fn from_ns(ns: u64) -> Self {
        Self { seconds: ns / 1_000_000_000, nanoseconds: (ns % 1_000_000_000) as u32 }
    }
}

type Context<'a> = StoreContextMut<'a, Call>;

/// What the clocks can tell apart: a microsecond.
const RESOLUTION_NS: u64 = 1_000;

pub(super) fn add_to(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut wall = linker.instance(&interface("clocks/wall-clock"))?;
    wall.func_wrap("now", |mut cx: Context<'_>, (): ()| {
        let wasi = &mut cx.data_mut().wasi;
        Ok((Datetime::from_ns(wasi.began_ns.saturating_add(wasi.tick())),))
    })?;
    wall.func_wrap("resolution", |_: Context<'_>, (): ()| Ok((Datetime::from_ns(RESOLUTION_NS),)))?;

    let mut monotonic = linker.instance(&interface("clocks/monotonic-clock"))?;
    monotonic.func_wrap("now", |mut cx: Context<'_>, (): ()| Ok((cx.data_mut().wasi.tick(),)))?;
    monotonic.func_wrap("resolution", |_: Context<'_>, (): ()| Ok((RESOLUTION_NS,)))?;
    monotonic.func_wrap("subscribe-instant", |mut cx: Context<'_>, (at,): (u64,)| {
        Ok((Resource::<Pollable>::new_own(cx.data_mut().wasi.pollable(Ready::At(at))?),))
    })?;
    monotonic.func_wrap("subscribe-duration", |mut cx: Context<'_>, (length,): (u64,)| {
        let wasi = &mut cx.data_mut().wasi;
        let at = wasi.elapsed_ns.saturating_add(length);
        Ok((Resource::<Pollable>::new_own(wasi.pollable(Ready::At(at))?),))
    })
}
