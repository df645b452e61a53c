//! Requests on their way out.

use super::fields::{self, Fields};
use super::incoming::Future;
use super::types::{ErrorCode, Method, Scheme};
use super::{Asked, Web};
use crate::call::Call;
use crate::http::HttpRequest;
use crate::stop::Stop;
use crate::wasi::Context;
use crate::wasi::io::{BODIES, OutputStream};
use std::time::Duration;
use wasmtime::component::{LinkerInstance, Resource, ResourceType};

/// A request under construction.
pub(crate) struct Request {
    method: Method,
    scheme: Option<Scheme>,
    authority: Option<String>,
    path: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<usize>,
}

/// Timeouts in nanoseconds.
#[derive(Default)]
pub(crate) struct Options {
    times: [Option<u64>; 3],
}

/// A body that is written.
pub(crate) struct Body {
    place: usize,
    writing: bool,
}

type Done = (Result<(), ()>,);

pub(super) fn add_to(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    request(types)?;
    setters(types)?;
    options(types)?;
    body(types)
}

fn request(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type This = Resource<Request>;
    types.resource("outgoing-request", ResourceType::host::<Request>(), |mut cx, rep| {
        cx.data_mut().web.table.delete(This::new_own(rep))?;
        Ok(())
    })?;
    types.func_wrap("[constructor]outgoing-request", |mut cx: Context<'_>, (headers,): (Resource<Fields>,)| {
        let web = &mut cx.data_mut().web;
        let headers = web.table.delete(headers)?.entries;
        let request = Request { method: Method::Get, scheme: None, authority: None, path: None, headers, body: None };
        Ok((web.push(request)?,))
    })?;
    types.func_wrap("[method]outgoing-request.body", |mut cx: Context<'_>, (this,): (This,)| {
        let web = &mut cx.data_mut().web;
        if web.table.get(&this)?.body.is_some() {
            return Ok((Err(()),));
        }
        let place = web.new_body()?;
        web.table.get_mut(&this)?.body = Some(place);
        Ok((Ok(web.push(Body { place, writing: false })?),))
    })?;
    types.func_wrap("[method]outgoing-request.method", |mut cx: Context<'_>, (this,): (This,)| {
        Ok((cx.data_mut().web.table.get(&this)?.method.clone(),))
    })?;
    types.func_wrap("[method]outgoing-request.scheme", |mut cx: Context<'_>, (this,): (This,)| {
        Ok((cx.data_mut().web.table.get(&this)?.scheme.clone(),))
    })?;
    types.func_wrap("[method]outgoing-request.authority", |mut cx: Context<'_>, (this,): (This,)| {
        Ok((cx.data_mut().web.table.get(&this)?.authority.clone(),))
    })?;
    types.func_wrap("[method]outgoing-request.path-with-query", |mut cx: Context<'_>, (this,): (This,)| {
        Ok((cx.data_mut().web.table.get(&this)?.path.clone(),))
    })?;
    types.func_wrap("[method]outgoing-request.headers", |mut cx: Context<'_>, (this,): (This,)| {
        let headers = cx.data_mut().web.table.get(&this)?.headers.clone();
        Ok((fields::new(&mut cx, headers, true)?,))
    })
}

fn setters(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type This = Resource<Request>;
    types.func_wrap("[method]outgoing-request.set-method", |cx: Context<'_>, (this, to): (This, Method)| {
        set(cx, &this, to.name().len(), |request| request.method = to)
    })?;
    types.func_wrap("[method]outgoing-request.set-scheme", |cx: Context<'_>, (this, to): (This, Option<Scheme>)| {
        let bytes = to.as_ref().map_or(0, |scheme| scheme.name().len());
        set(cx, &this, bytes, |request| request.scheme = to)
    })?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |cx: Context<'_>, (this, to): (This, Option<String>)| {
            set(cx, &this, to.as_ref().map_or(0, String::len), |request| request.authority = to)
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |cx: Context<'_>, (this, to): (This, Option<String>)| {
            set(cx, &this, to.as_ref().map_or(0, String::len), |request| request.path = to)
        },
    )
}

/// What is no method, path or host is refused when the request is sent, in words.
fn set(
    mut cx: Context<'_>,
    this: &Resource<Request>,
    bytes: usize,
    change: impl FnOnce(&mut Request),
) -> wasmtime::Result<Done> {
    let web = &mut cx.data_mut().web;
    web.hold(bytes)?;
    change(web.table.get_mut(this)?);
    Ok((Ok(()),))
}

fn options(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type This = Resource<Options>;
    types.resource("request-options", ResourceType::host::<Options>(), |mut cx, rep| {
        cx.data_mut().web.table.delete(This::new_own(rep))?;
        Ok(())
    })?;
    types.func_wrap("[constructor]request-options", |mut cx: Context<'_>, (): ()| {
        Ok((cx.data_mut().web.push(Options::default())?,))
    })?;
    for (place, name) in ["connect", "first-byte", "between-bytes"].into_iter().enumerate() {
        types.func_wrap(
            &format!("[method]request-options.{name}-timeout"),
            move |mut cx: Context<'_>, (this,): (This,)| Ok((cx.data_mut().web.table.get(&this)?.times[place],)),
        )?;
        types.func_wrap(
            &format!("[method]request-options.set-{name}-timeout"),
            move |mut cx: Context<'_>, (this, to): (This, Option<u64>)| -> wasmtime::Result<Done> {
                cx.data_mut().web.table.get_mut(&this)?.times[place] = to;
                Ok((Ok(()),))
            },
        )?;
    }
    Ok(())
}

fn body(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type This = Resource<Body>;
    types.resource("outgoing-body", ResourceType::host::<Body>(), |mut cx, rep| {
        cx.data_mut().web.table.delete(This::new_own(rep))?;
        Ok(())
    })?;
    types.func_wrap("[method]outgoing-body.write", |mut cx: Context<'_>, (this,): (This,)| {
        let body = cx.data_mut().web.table.get_mut(&this)?;
        if std::mem::replace(&mut body.writing, true) {
            return Ok((Err(()),));
        }
        let stream = BODIES + u32::try_from(body.place).unwrap_or(0);
        Ok((Ok(Resource::<OutputStream>::new_own(stream)),))
    })?;
    types.func_wrap(
        "[static]outgoing-body.finish",
        |mut cx: Context<'_>, (this, trailers): (This, Option<Resource<Fields>>)| {
            let web = &mut cx.data_mut().web;
            let body = web.table.delete(this)?;
            web.finished[body.place] = true;
            if let Some(trailers) = trailers {
                // Nobody reads a request's trailers.
                web.table.delete(trailers)?;
            }
            Ok((Ok::<(), ErrorCode>(()),))
        },
    )
}

pub(super) fn add_handler(handler: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    type Given = (Resource<Request>, Option<Resource<Options>>);
    handler.func_wrap("handle", |mut cx: Context<'_>, (request, options): Given| {
        let web = &mut cx.data_mut().web;
        let Request { method, scheme, authority, path, headers, body } = web.table.delete(request)?;
        let options = options.map(|options| web.table.delete(options)).transpose()?.unwrap_or_default();
        let Some(authority) = authority else {
            return Ok((Err(ErrorCode::HttpRequestUriInvalid),));
        };
        let scheme = scheme.as_ref().map_or("https", Scheme::name);
        let url = format!("{scheme}://{authority}{}", path.as_deref().unwrap_or("/"));
        let timeout = options.times[1].map_or(Duration::MAX, Duration::from_nanos);
        let request = HttpRequest { method: method.name().to_owned(), url, headers, body: Vec::new(), timeout };
        if web.asked.len() >= web.most_bodies {
            return Err(Stop::Limit { name: "HTTP requests", most: web.most_bodies as u64 }.into());
        }
        web.asked.push(Asked::Waiting { request, body });
        Ok((Ok(web.push(Future { asked: web.asked.len() - 1 })?),))
    })
}

impl Web {
    fn new_body(&mut self) -> Result<usize, Stop> {
        if self.outgoing.len() >= self.most_bodies {
            return Err(Stop::Limit { name: "HTTP requests", most: self.most_bodies as u64 });
        }
        self.outgoing.push(Vec::new());
        self.finished.push(false);
        Ok(self.outgoing.len() - 1)
    }
}
