//! What handlers take out of a request: who asks, the path's segment, the idempotency key, the body.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Multipart, RawPathParams, Request};
use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use signalbox_engine::registry::registration::Event;
use signalbox_engine::{Caller, MAX_REASON_CHARS, Registrar};
use signalbox_model::{TenantId, Timestamp};
use subtle::ConstantTimeEq;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::App;
use crate::code::Code;
use crate::problem::Problem;
use crate::query::{Parameters, Params};
use crate::shape::{self, Shape};

/// Who asks.
pub(crate) struct Tenant(pub(crate) Caller);

impl FromRequestParts<App> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Some(header) = parts.headers.get(AUTHORIZATION) else {
            return Err(Problem::new(Code::AuthMissing, "send the header `Authorization: Bearer sb_<id>_<secret>`"));
        };
        let token = header
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .and_then(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()));
        let caller = token.and_then(|token| app.handle.authenticate(token));
        caller.map(Self).ok_or_else(|| {
            Problem::new(Code::AuthInvalid, "the key in `Authorization` isn't known here, or was withdrawn")
        })
    }
}

/// The one parameter in the path, decoded.
pub(crate) struct Segment(pub(crate) String);

impl FromRequestParts<App> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let malformed = |_| Problem::new(Code::PathMalformed, "the path isn't UTF-8 once its % signs are decoded");
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(malformed)?;
        let first = params.iter().next();
        first.map(|(_, value)| Self(value.to_owned())).ok_or_else(|| Problem::internal("a path without its parameter"))
    }
}

/// The parameters in the path, decoded, in their order.
pub(crate) struct Segments<const N: usize>(pub(crate) [String; N]);

impl<const N: usize> FromRequestParts<App> for Segments<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let malformed = |_| Problem::new(Code::PathMalformed, "the path isn't UTF-8 once its % signs are decoded");
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(malformed)?;
        let all: Vec<String> = params.iter().map(|(_, value)| value.to_owned()).collect();
        all.try_into().map(Self).map_err(|_| Problem::internal("a path without its parameters"))
    }
}

/// The idempotency key, if one came.
pub(crate) struct Key(pub(crate) Option<String>);

impl FromRequestParts<App> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let mut keys = parts.headers.get_all("idempotency-key").iter();
        let Some(key) = keys.next() else { return Ok(Self(None)) };
        let legal = |text: &&str| (1..=255).contains(&text.len());
        match key.to_str().ok().filter(legal) {
            Some(key) if keys.next().is_none() => Ok(Self(Some(key.to_owned()))),
            _ => {
                let detail = "`Idempotency-Key` is there once, and is 1 to 255 printable ASCII characters";
                Err(Problem::field(Code::HeaderInvalid, "Idempotency-Key", "header.malformed", detail))
            }
        }
    }
}

/// Why something redacted should be shown, if it should.
pub(crate) struct Reveal(pub(crate) Option<String>);

/// The header in which [`Reveal`] comes: unlike a query it isn't written into the logs of proxies.
const REVEAL: &str = "signalbox-reveal";

impl FromRequestParts<App> for Reveal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let mut reasons = parts.headers.get_all(REVEAL).iter();
        let Some(reason) = reasons.next() else { return Ok(Self(None)) };
        let text = reason.to_str().ok().map(str::trim).filter(|text| (1..=MAX_REASON_CHARS).contains(&text.len()));
        match text {
            Some(text) if reasons.next().is_none() => Ok(Self(Some(text.to_owned()))),
            _ => {
                let detail = format!(
                    "`Signalbox-Reveal` is there once, and gives the reason in 1 to {MAX_REASON_CHARS} printable ASCII characters"
                );
                Err(Problem::field(Code::HeaderInvalid, "Signalbox-Reveal", "header.malformed", detail))
            }
        }
    }
}

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Shape> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        expect_json(request.headers())?;
        let bytes = collect(request.into_body(), app.config.max_json_bytes, app.config.body_timeout).await?;
        shape::read(&bytes).map(Self)
    }
}

/// A large JSON body, not yet read, with its share of memory.
pub(crate) struct LargeJson {
    pub(crate) bytes: Bytes,
    /// Held until the answer is made: what the body became is in memory as long.
    pub(crate) _share: OwnedSemaphorePermit,
}

impl FromRequest<App> for LargeJson {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        expect_json(request.headers())?;
        let (limit, timeout) = (app.config.max_batch_bytes, app.config.body_timeout);
        let (bytes, share) = collect_large(request.into_body(), app, limit, timeout).await?;
        Ok(Self { bytes, _share: share })
    }
}

/// A component.
pub(crate) struct Component {
    pub(crate) bytes: Bytes,
    pub(crate) _share: OwnedSemaphorePermit,
}

impl FromRequest<App> for Component {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        match essence(request.headers()).as_deref() {
            None | Some("application/wasm" | "application/octet-stream") => {}
            Some(_) => {
                let detail = "the body is the component itself: send `Content-Type: application/wasm` (with curl: \
                              `-T handler.wasm -H 'Content-Type: application/wasm'`)";
                return Err(Problem::new(Code::TypeUnsupported, detail));
            }
        }
        let (limit, timeout) = (app.config.max_component_bytes, app.config.component_timeout);
        let (bytes, share) = collect_large(request.into_body(), app, limit, timeout).await?;
        Ok(Self { bytes, _share: share })
    }
}

/// A version that is uploaded as a form.
pub(crate) struct Upload {
    pub(crate) manifest: Option<String>,
    pub(crate) component: Bytes,
    pub(crate) _share: OwnedSemaphorePermit,
}

/// What a form has besides the component: boundaries, headers, the manifest.
const FORM_BYTES: usize = 128 << 10;

impl FromRequest<App> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if essence(request.headers()).as_deref() != Some("multipart/form-data") {
            let detail = "the body is a form with `component` and perhaps `manifest`: send `Content-Type: \
                          multipart/form-data` (with curl: `-F component=@handler.wasm -F manifest=@handler.toml`)";
            return Err(Problem::new(Code::TypeUnsupported, detail));
        }
        let (parts, body) = request.into_parts();
        let (limit, timeout) = (app.config.max_component_bytes + FORM_BYTES, app.config.component_timeout);
        let (bytes, share) = collect_large(body, app, limit, timeout).await?;
        // Its size was bounded right now, by us.
        let mut request = Request::from_parts(parts, Body::from(bytes));
        DefaultBodyLimit::disable().apply(&mut request);
        let mut form =
            Multipart::from_request(request, app).await.map_err(|error| malformed_form(&error.body_text()))?;
        let (mut manifest, mut component) = (None, None);
        while let Some(field) = form.next_field().await.map_err(|error| malformed_form(&error.body_text()))? {
            let name = field.name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(|error| malformed_form(&error.body_text()))?;
            match name.as_str() {
                "manifest" if manifest.is_none() => {
                    let text = String::from_utf8(bytes.into());
                    manifest = Some(text.map_err(|_| malformed_form("the manifest isn't UTF-8"))?);
                }
                "component" if component.is_none() => component = Some(bytes),
                "manifest" | "component" => return Err(malformed_form(&format!("`{name}` is there twice"))),
                _ => return Err(malformed_form("it has a field that is neither `component` nor `manifest`")),
            }
        }
        let component = component.ok_or_else(|| malformed_form("`component` is missing"))?;
        Ok(Self { manifest, component, _share: share })
    }
}

fn malformed_form(what: &str) -> Problem {
    Problem::new(Code::RequestMalformed, format!("the form can't be read: {what}"))
}

/// A CSV file.
pub(crate) struct Csv {
    pub(crate) bytes: Bytes,
    pub(crate) _share: OwnedSemaphorePermit,
}

impl FromRequest<App> for Csv {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if essence(request.headers()).as_deref() != Some("text/csv") {
            let detail = "the body is the file itself: send `Content-Type: text/csv` (with curl: `-T consents.csv -H \
                          'Content-Type: text/csv'`)";
            return Err(Problem::new(Code::TypeUnsupported, detail));
        }
        let (limit, timeout) = (app.config.max_import_bytes, app.config.component_timeout);
        let (bytes, share) = collect_large(request.into_body(), app, limit, timeout).await?;
        Ok(Self { bytes, _share: share })
    }
}

/// A suppression list: the same as [`Csv`], and larger.
pub(crate) struct List {
    pub(crate) bytes: Bytes,
    pub(crate) _share: OwnedSemaphorePermit,
}

impl FromRequest<App> for List {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if !matches!(essence(request.headers()).as_deref(), Some("text/csv" | "text/plain")) {
            let detail = "the body is the file itself: send `Content-Type: text/csv` (with curl: `-T list.csv -H \
                          'Content-Type: text/csv'`)";
            return Err(Problem::new(Code::TypeUnsupported, detail));
        }
        let (limit, timeout) = (app.config.max_list_bytes, app.config.component_timeout);
        let (bytes, share) = collect_large(request.into_body(), app, limit, timeout).await?;
        Ok(Self { bytes, _share: share })
    }
}

fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json") {
        return Ok(());
    }
    match essence(headers).as_deref() {
        Some("application/json") => Ok(()),
        Some(kind) if kind.starts_with("application/") && kind.ends_with("+json") => Ok(()),
        _ => Err(Problem::new(Code::TypeUnsupported, "the body is JSON: send `Content-Type: application/json`")),
    }
}

/// The media type without its parameters, in small letters.
fn essence(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?;
    // What isn't text is no type that we know.
    let kind = kind.to_str().unwrap_or("?");
    Some(kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Collects a body that is bounded only loosely, once there is memory for it; until then it isn't read.
async fn collect_large(
    body: Body,
    app: &App,
    limit: usize,
    timeout: Duration,
) -> Result<(Bytes, OwnedSemaphorePermit), Problem> {
    let announced = announced(&body, limit)?;
    let kib = announced.unwrap_or(limit).div_ceil(1 << 10).max(1);
    let share = app.large.clone().acquire_many_owned(u32::try_from(kib).unwrap_or(u32::MAX));
    let busy = || Problem::new(Code::Busy, "too many large bodies are being read; send this one again");
    let share = tokio::time::timeout(app.config.body_timeout, share).await.map_err(|_| busy())?;
    let share = share.map_err(|_| busy())?;
    Ok((collect(body, limit, timeout).await?, share))
}

/// Collects a body of at most `limit` bytes. Nothing is read of one that announces more.
async fn collect(body: Body, limit: usize, timeout: Duration) -> Result<Bytes, Problem> {
    let announced = announced(&body, limit)?;
    let gathered = gather(body, limit, announced.unwrap_or(0));
    tokio::time::timeout(timeout, gathered).await.unwrap_or_else(|_| {
        let detail = format!("the body wasn't there after {} seconds", timeout.as_secs_f32());
        Err(Problem::new(Code::BodyTimeout, detail))
    })
}

/// How long a body says that it is, if it says so.
fn announced(body: &Body, limit: usize) -> Result<Option<usize>, Problem> {
    let exact = body.size_hint().exact();
    match exact.map(usize::try_from) {
        None => Ok(None),
        Some(Ok(length)) if length <= limit => Ok(Some(length)),
        Some(_) => Err(too_large(limit)),
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("at most {limit} bytes are taken here"))
}

async fn gather(body: Body, limit: usize, announced: usize) -> Result<Bytes, Problem> {
    let broken = |_| Problem::new(Code::RequestMalformed, "the body broke off, or its framing is wrong");
    let mut chunks = body.into_data_stream();
    let first = chunks.next().await.transpose().map_err(broken)?.unwrap_or_default();
    // Usually the body came with the head, in one piece.
    if first.len() == announced && announced > 0 {
        return Ok(first);
    }
    // Room is made for what comes, not for what is promised.
    let mut whole = Vec::with_capacity(announced.min(256 << 10).max(first.len()));
    let mut chunk = first;
    loop {
        if whole.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&chunk);
        match chunks.next().await.transpose().map_err(broken)? {
            Some(next) => chunk = next,
            None => return Ok(whole.into()),
        }
    }
}

/// Who registers, and for whom: a tenant for itself, or the operator for the tenant that the query names.
pub(crate) struct Registering {
    pub(crate) tenant: TenantId,
    pub(crate) registrar: Registrar,
}

/// The query of [`Registering`].
#[derive(Debug, Default)]
struct ForTenant(Option<TenantId>);

impl Params for ForTenant {
    const NAMES: &'static [&'static str] = &["tenant"];

    fn take(&mut self, _: &str, value: &str) -> Result<(), String> {
        self.0 = Some(value.parse().map_err(|_| "isn't a tenant's name".to_owned())?);
        Ok(())
    }
}

impl FromRequestParts<App> for Registering {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = parts.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let token = token.and_then(|text| text.split_once(' ')).map_or("", |(_, token)| token.trim());
        let operator = app.config.operator_key.as_ref().is_some_and(|key| key.is(token));
        if !operator {
            let Tenant(caller) = Tenant::from_request_parts(parts, app).await?;
            let Parameters(ForTenant(named)) = Parameters::from_request_parts(parts, app).await?;
            if named.is_some_and(|named| named != caller.tenant) {
                let detail = "only the operator's key speaks for another tenant; leave `tenant` out";
                return Err(Problem::field(Code::QueryInvalid, "tenant", "tenant.foreign", detail));
            }
            return Ok(Self { tenant: caller.tenant, registrar: Registrar::Tenant(caller.key) });
        }
        let Parameters(ForTenant(tenant)) = Parameters::from_request_parts(parts, app).await?;
        let known = tenant.filter(|tenant| app.handle.tenants().iter().any(|known| known.id == *tenant));
        let tenant = known.ok_or_else(|| {
            let detail = "the operator's key speaks for the tenant that the query names: ?tenant=NAME, one of the configuration's";
            Problem::field(Code::QueryInvalid, "tenant", "tenant.unknown", detail)
        })?;
        Ok(Self { tenant, registrar: Registrar::Operator })
    }
}

/// A file of brands, campaigns or numbers.
pub(crate) struct Table {
    pub(crate) bytes: Bytes,
    /// TOML rather than CSV.
    pub(crate) toml: bool,
    pub(crate) _share: OwnedSemaphorePermit,
}

impl FromRequest<App> for Table {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let toml = match essence(request.headers()).as_deref() {
            Some("text/csv") => false,
            Some("application/toml" | "text/toml" | "text/x-toml") => true,
            _ => {
                let detail = "the body is the file itself: send `Content-Type: text/csv` or `application/toml`";
                return Err(Problem::new(Code::TypeUnsupported, detail));
            }
        };
        let (limit, timeout) = (app.config.max_import_bytes, app.config.component_timeout);
        let (bytes, share) = collect_large(request.into_body(), app, limit, timeout).await?;
        Ok(Self { bytes, toml, _share: share })
    }
}

/// How far a signed event's time may be from ours, either way: who recorded one can't send it again later.
const SIGNED_WITHIN: Duration = Duration::from_secs(300);

/// An event of The Campaign Registry whose signature is good.
pub(crate) struct SignedEvent(pub(crate) Event);

impl FromRequest<App> for SignedEvent {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let (id, time, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        let (Some(id), Some(time), Some(signature)) = (id, time, signature) else {
            let detail =
                "send the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` (Standard Webhooks)";
            return Err(Problem::new(Code::AuthMissing, detail));
        };
        let Some(signer) = &app.config.registry_secret else {
            let detail = "no secret for the registry's events is configured: `registry_secret` in [operator]";
            return Err(Problem::new(Code::SignatureInvalid, detail));
        };
        let bytes = collect(body, app.config.max_json_bytes, app.config.body_timeout).await?;
        let (now, seconds) = (app.handle.now(), time.parse::<u64>().ok());
        let seconds = seconds.filter(|seconds| *seconds < 1 << 40).ok_or_else(|| {
            Problem::new(Code::SignatureInvalid, "`webhook-timestamp` isn't a number of seconds since 1970")
        })?;
        let signed = signer.sign(id, seconds, &bytes);
        let same = |(ours, theirs): (&str, &str)| bool::from(ours.as_bytes().ct_eq(theirs.as_bytes()));
        let pairs = signed.split(' ').flat_map(|ours| signature.split(' ').map(move |theirs| (ours, theirs)));
        if !pairs.map(same).fold(false, |any, same| any | same) {
            return Err(Problem::new(
                Code::SignatureInvalid,
                "`webhook-signature` isn't one of this body with our secret",
            ));
        }
        let sent_at = Timestamp::from_millis(seconds * 1_000);
        let off = now.since(sent_at).max(sent_at.since(now));
        if off > SIGNED_WITHIN {
            let most = SIGNED_WITHIN.as_secs();
            let detail = format!("the event was signed {} s from our time; at most {most} s are taken", off.as_secs());
            return Err(Problem::new(Code::SignatureInvalid, detail));
        }
        let event = Event::read(&bytes, sent_at);
        event
            .map(|event| Self(event.called(id)))
            .map_err(|error| Problem::new(Code::RequestMalformed, error.to_string()))
    }
}
