//! Outbound: a handler's HTTP requests, let out only to hosts that its manifest declares and the operator granted.
//!
//! ```text
//! guest ─► declared? granted? https? ─► secrets put in ─► outbound ─► secrets masked in the answer ─► guest
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use signalbox_guest::manifest::{HostPattern, Injection};
use signalbox_guest::{HttpAnswer, HttpFailure, HttpRequest, HttpResult, Manifest, Names};
use signalbox_reach::{BadUrl, Client, Failure, Origin, Reach, Request, Target};

/// Answers handlers' HTTP requests: a client, or a script's stubs.
///
/// A request that comes here is allowed: its host is declared and granted, and the secrets that its handler must not
/// hold are in its headers.
pub trait Outbound: Send + Sync + 'static {
    /// Sends a request and reads the whole answer.
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, HttpResult>;

    /// Which schemes and literal addresses may stand in a URL. What a name resolves to is for `send` to check.
    fn reach(&self) -> Reach {
        Reach::default()
    }
}

/// The real world.
pub struct Web {
    client: Client,
    most_bytes: usize,
}

impl Web {
    /// Over this client; answers have `most_bytes` at most, head and body.
    pub fn new(client: Client, most_bytes: usize) -> Self {
        Self { client, most_bytes }
    }
}

impl Outbound for Web {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, HttpResult> {
        async move {
            let answer = self.client.send(wire(request, self.reach(), self.most_bytes)?).await.map_err(failure)?;
            let headers = answer.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
            Ok(HttpAnswer { status: answer.status.as_u16(), headers: headers.collect(), body: answer.body.into() })
        }
        .boxed()
    }

    fn reach(&self) -> Reach {
        self.client.connector().reach()
    }
}

/// Nowhere: every request is denied.
pub struct Nowhere;

impl Outbound for Nowhere {
    fn send(&self, _: HttpRequest) -> BoxFuture<'_, HttpResult> {
        async { Err(HttpFailure::Denied("this host sends no HTTP requests for handlers".to_owned())) }.boxed()
    }
}

/// What one handler of one tenant may do.
pub(crate) struct Permit<'a> {
    /// What the handler declares; nothing without a manifest.
    pub(crate) manifest: Option<&'a Manifest>,
    /// What the operator grants its tenant.
    pub(crate) granted: &'a [HostPattern],
    /// The tenant's secrets, with those that are only put in.
    pub(crate) secrets: &'a BTreeMap<String, String>,
}

impl Permit<'_> {
    /// Sends a request if it may leave.
    pub(crate) async fn send(&self, outbound: &dyn Outbound, mut request: HttpRequest) -> HttpResult {
        let target = Target::parse(&request.url, outbound.reach()).map_err(denied)?;
        self.check(&target.origin)?;
        let injected = self.inject(&target.origin, &mut request)?;
        let mut result = outbound.send(request).await;
        if let Ok(answer) = &mut result {
            mask(answer, &injected);
        }
        result
    }

    fn check(&self, origin: &Origin) -> Result<(), HttpFailure> {
        let host = shown(origin);
        let denied = |why: String| Err(HttpFailure::Denied(why));
        let declared = self.manifest.map_or(&[][..], |manifest| &manifest.hosts);
        if !declared.iter().any(|pattern| means(pattern, origin)) {
            return denied(format!("the handler doesn't declare the host {host}: add it to `hosts` in handler.toml"));
        }
        if !self.granted.iter().any(|pattern| means(pattern, origin)) {
            return denied(format!("the operator hasn't granted the host {host} to this tenant: ask for it"));
        }
        Ok(())
    }

    /// Puts in the secrets that go to this host. What the guest wrote under the same name goes.
    fn inject<'s>(&'s self, origin: &Origin, request: &mut HttpRequest) -> Result<Vec<&'s str>, HttpFailure> {
        let mut injected = Vec::new();
        for (secret, injection) in injections(self.manifest).filter(|(_, to)| means(&to.host, origin)) {
            let Some(value) = self.secrets.get(secret.name.as_str()) else {
                if secret.required {
                    let name = &secret.name;
                    return Err(HttpFailure::Denied(format!(
                        "the secret `{name}` isn't set: the tenant has to give it"
                    )));
                }
                continue;
            };
            request.headers.retain(|(name, _)| *name != injection.header);
            request.headers.push((injection.header.clone(), injection.value(value).into_bytes()));
            injected.push(value.as_str());
        }
        Ok(injected)
    }
}

/// Sends a request as a running house would, where all hosts are granted that the manifest declares: for the handler's
/// developer, who has no operator to ask.
pub async fn send_as_declared(
    manifest: &Manifest,
    secrets: &BTreeMap<String, String>,
    outbound: &dyn Outbound,
    request: HttpRequest,
) -> HttpResult {
    Permit { manifest: Some(manifest), granted: &manifest.hosts, secrets }.send(outbound, request).await
}

/// Of these secrets, those that a handler with this manifest holds.
pub fn held_as_declared(manifest: &Manifest, secrets: &BTreeMap<String, String>) -> Names {
    let declared = secrets.iter().filter(|(name, _)| manifest.secret(name).is_some());
    held(Some(manifest), &Arc::new(declared.map(|(name, value)| (name.clone(), value.clone())).collect()))
}

/// The secrets that a handler holds itself: those that its manifest declares, but for those that are put into requests for
/// it. None without a manifest: nothing would say which of them another handler, or another version, must not hold.
pub(crate) fn held(manifest: Option<&Manifest>, secrets: &Names) -> Names {
    if manifest.is_none() {
        return Names::default();
    }
    if injections(manifest).next().is_none() {
        return secrets.clone();
    }
    let mut held = BTreeMap::clone(secrets);
    for (secret, _) in injections(manifest) {
        held.remove(&secret.name);
    }
    Arc::new(held)
}

fn injections(
    manifest: Option<&Manifest>,
) -> impl Iterator<Item = (&signalbox_guest::manifest::SecretUse, &Injection)> {
    let secrets = manifest.into_iter().flat_map(|manifest| &manifest.secrets);
    secrets.filter_map(|secret| secret.inject.as_ref().map(|injection| (secret, injection)))
}

fn means(pattern: &HostPattern, origin: &Origin) -> bool {
    pattern.matches(&bracketed(&origin.host), origin.port, if origin.secure { 443 } else { 80 })
}

fn shown(origin: &Origin) -> String {
    let host = bracketed(&origin.host);
    let own = if origin.secure { 443 } else { 80 };
    if origin.port == own { host } else { format!("{host}:{}", origin.port) }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// A server that echoes what it got must not tell the guest what the host put in.
fn mask(answer: &mut HttpAnswer, injected: &[&str]) {
    for secret in injected.iter().filter(|secret| !secret.is_empty()) {
        replace(&mut answer.body, secret.as_bytes());
        for (_, value) in &mut answer.headers {
            replace(value, secret.as_bytes());
        }
    }
}

fn replace(bytes: &mut Vec<u8>, secret: &[u8]) {
    // No longer than what it stands for: an answer that fitted fits.
    let mask = &b"[secret]"[..secret.len().min(8)];
    let mut from = 0;
    while let Some(at) = bytes[from..].windows(secret.len()).position(|window| window == secret) {
        bytes.splice(from + at..from + at + secret.len(), mask.iter().copied());
        from += at + mask.len();
    }
}

fn wire(request: HttpRequest, reach: Reach, most_bytes: usize) -> Result<Request, HttpFailure> {
    let no_request = |_| HttpFailure::Denied("the method or a header can't be sent".to_owned());
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        headers.push((
            name.parse().map_err(|error: http::header::InvalidHeaderName| no_request(error.into()))?,
            http::HeaderValue::from_bytes(value).map_err(|error| no_request(http::Error::from(error)))?,
        ));
    }
    Ok(Request {
        method: request.method.parse().map_err(|error: http::method::InvalidMethod| no_request(error.into()))?,
        target: Target::parse(&request.url, reach).map_err(denied)?,
        headers,
        body: Bytes::from(request.body),
        timeout: request.timeout,
        most_bytes,
    })
}

fn denied(error: BadUrl) -> HttpFailure {
    HttpFailure::Denied(format!("the URL {error}"))
}

fn failure(failure: Failure) -> HttpFailure {
    match failure {
        Failure::Resolve => HttpFailure::Dns,
        Failure::Forbidden => HttpFailure::Denied(failure.to_string()),
        Failure::Connect(why) => HttpFailure::Refused(why),
        Failure::Tls(why) => HttpFailure::Tls(why),
        Failure::ConnectTimeout(length) | Failure::Timeout(length) => HttpFailure::Timeout(length),
        Failure::Http(why) => HttpFailure::Protocol(why),
        Failure::TooLarge(most) => HttpFailure::TooLarge { most: most as u64 },
    }
}

#[cfg(test)]
mod tests;
