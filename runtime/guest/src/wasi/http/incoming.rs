//! Answers, and what this host never has: requests that come in.

use super::Asked;
use super::fields::{self, Fields};
use super::types::ErrorCode;
use crate::call::Call;
use crate::stop::Stop;
use crate::wasi::io::{InputStream, Pollable, ready_pollable};
use crate::wasi::{Context, Ready};
use wasmtime::component::{LinkerInstance, Resource, ResourceType};

/// An answer to come.
pub(crate) struct Future {
    pub(super) asked: usize,
}

/// An answer.
pub(crate) struct Response {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<usize>,
}

/// An answer's body.
pub(crate) struct Body {
    place: usize,
    reading: bool,
}

/// What would follow a body. There is nothing, and it is told once.
pub(crate) struct Trailers {
    told: bool,
}

/// `incoming-request`, `response-outparam`, `outgoing-response`: none is ever made.
enum Nothing {}

pub(super) fn add_to(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    future(types)?;
    response(types)?;
    body(types)?;
    trailers(types)?;
    serving(types)
}

fn future(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type This = Resource<Future>;
    type Got = Option<Result<Result<Resource<Response>, ErrorCode>, ()>>;
    types.resource("future-incoming-response", ResourceType::host::<Future>(), |mut cx, rep| {
        cx.data_mut().web.table.delete(This::new_own(rep))?;
        Ok(())
    })?;
    types.func_wrap("[method]future-incoming-response.subscribe", |mut cx: Context<'_>, (this,): (This,)| {
        let call = cx.data_mut();
        let asked = call.web.table.get(&this)?.asked;
        Ok((Resource::<Pollable>::new_own(call.wasi.pollable(Ready::Answered(asked))?),))
    })?;
    types.func_wrap_async("[method]future-incoming-response.get", |mut cx: Context<'_>, (this,): (This,)| {
        Box::new(async move {
            let call = cx.data_mut();
            let asked = call.web.table.get(&this)?.asked;
            if call.web.is_whole(asked) {
                call.answer(asked).await?;
            }
            if !call.web.is_answered(asked) {
                return Ok((None as Got,));
            }
            let web = &mut call.web;
            Ok((Some(match std::mem::replace(&mut web.asked[asked], Asked::Taken) {
                Asked::Answered(Ok(answer)) => {
                    web.incoming.push((answer.body, 0));
                    let body = Some(web.incoming.len() - 1);
                    Ok(Ok(web.push(Response { status: answer.status, headers: answer.headers, body })?))
                }
                Asked::Answered(Err(failure)) => Ok(Err(failure.into())),
                Asked::Waiting { .. } | Asked::Taken => Err(()),
            }),))
        })
    })
}

fn response(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type This = Resource<Response>;
    types.resource("incoming-response", ResourceType::host::<Response>(), |mut cx, rep| {
        cx.data_mut().web.table.delete(This::new_own(rep))?;
        Ok(())
    })?;
    types.func_wrap("[method]incoming-response.status", |mut cx: Context<'_>, (this,): (This,)| {
        Ok((cx.data_mut().web.table.get(&this)?.status,))
    })?;
    types.func_wrap("[method]incoming-response.headers", |mut cx: Context<'_>, (this,): (This,)| {
        let headers = cx.data_mut().web.table.get(&this)?.headers.clone();
        Ok((fields::new(&mut cx, headers, true)?,))
    })?;
    types.func_wrap("[method]incoming-response.consume", |mut cx: Context<'_>, (this,): (This,)| {
        let web = &mut cx.data_mut().web;
        let Some(place) = web.table.get_mut(&this)?.body.take() else { return Ok((Err(()),)) };
        Ok((Ok(web.push(Body { place, reading: false })?),))
    })
}

fn body(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type This = Resource<Body>;
    types.resource("incoming-body", ResourceType::host::<Body>(), |mut cx, rep| {
        cx.data_mut().web.table.delete(This::new_own(rep))?;
        Ok(())
    })?;
    types.func_wrap("[method]incoming-body.stream", |mut cx: Context<'_>, (this,): (This,)| {
        let body = cx.data_mut().web.table.get_mut(&this)?;
        if std::mem::replace(&mut body.reading, true) {
            return Ok((Err(()),));
        }
        // 0 is the standard input.
        let stream = u32::try_from(body.place + 1).unwrap_or(0);
        Ok((Ok(Resource::<InputStream>::new_own(stream)),))
    })?;
    types.func_wrap("[static]incoming-body.finish", |mut cx: Context<'_>, (this,): (This,)| {
        let web = &mut cx.data_mut().web;
        web.table.delete(this)?;
        Ok((web.push(Trailers { told: false })?,))
    })
}

fn trailers(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type This = Resource<Trailers>;
    type Got = Option<Result<Result<Option<Resource<Fields>>, ErrorCode>, ()>>;
    types.resource("future-trailers", ResourceType::host::<Trailers>(), |mut cx, rep| {
        cx.data_mut().web.table.delete(This::new_own(rep))?;
        Ok(())
    })?;
    types.func_wrap("[method]future-trailers.subscribe", |cx: Context<'_>, (_,): (This,)| ready_pollable(cx))?;
    types.func_wrap("[method]future-trailers.get", |mut cx: Context<'_>, (this,): (This,)| {
        let trailers = cx.data_mut().web.table.get_mut(&this)?;
        let told = std::mem::replace(&mut trailers.told, true);
        Ok((Some(if told { Err(()) } else { Ok(Ok(None)) }) as Got,))
    })
}

/// What only a server uses. Languages' runtimes import it all the same.
fn serving(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    for name in ["incoming-request", "response-outparam", "outgoing-response"] {
        types.resource(name, ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
    }
    for name in [
        "[method]incoming-request.method",
        "[method]incoming-request.path-with-query",
        "[method]incoming-request.scheme",
        "[method]incoming-request.authority",
        "[method]incoming-request.headers",
        "[method]incoming-request.consume",
        "[method]response-outparam.send-informational",
        "[static]response-outparam.set",
        "[constructor]outgoing-response",
        "[method]outgoing-response.status-code",
        "[method]outgoing-response.set-status-code",
        "[method]outgoing-response.headers",
        "[method]outgoing-response.body",
    ] {
        types.func_new(name, |_, _, _, _| Err(Stop::Denied("incoming HTTP").into()))?;
    }
    Ok(())
}
