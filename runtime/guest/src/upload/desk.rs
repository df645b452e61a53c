//! The way of an upload: scanned, compiled or taken from the cache, held against the contract.

use super::handler::{self, Handler};
use super::refusal::Refusal;
use super::scan::scan;
use super::{contract, inner};
use crate::call::Call;
use crate::config::Config;
use crate::native::{self, Cache, Compiler, FileName, Native};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

/// Where uploads become handlers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Inner>);

struct Inner {
    engine: Engine,
    offered: Linker<Call>,
    at_once: Arc<Semaphore>,
    config: Config,
}

/// The permit to work on an upload. Who works on a thread that can't be stopped holds a part of it until the end.
type Permit = Arc<OwnedSemaphorePermit>;

impl Desk {
    /// For this engine, which was made with `config`.
    pub(crate) fn new(engine: Engine, config: Config) -> wasmtime::Result<Self> {
        let offered = contract::offers(&engine)?;
        let at_once = Arc::new(Semaphore::new(config.compile_at_once.max(1)));
        Ok(Self(Arc::new(Inner { engine, offered, at_once, config })))
    }

    /// Makes a handler of uploaded bytes.
    pub(crate) async fn handler(&self, bytes: Arc<[u8]>) -> Result<Handler, Refusal> {
        let permit = Arc::clone(&self.0.at_once).acquire_owned().await;
        let permit = Arc::new(permit.map_err(|e| Refusal::Unavailable { reason: e.to_string() })?);
        let upload = Arc::clone(&bytes);
        let digest = self.work(&permit, move |inner| inner.look(&upload)).await??;
        let name = FileName::new(&digest, &self.0.engine);
        let began = Instant::now();
        let kept = name.clone();
        let (component, from_cache) = match self.work(&permit, move |inner| inner.kept(&kept)).await? {
            Some(component) => (component, true),
            None => (self.compile(&permit, Arc::clone(&bytes), name).await?, false),
        };
        let compile_time = began.elapsed();
        let origin = handler::Origin { digest, size_bytes: bytes.len(), compile_time, from_cache };
        let join =
            move |inner: &Inner| handler::join(&inner.engine, &inner.offered, component, origin, &inner.config.upload);
        self.work(&permit, join).await?
    }

    async fn compile(&self, permit: &Permit, bytes: Arc<[u8]>, name: FileName) -> Result<Component, Refusal> {
        let Config { compiler, upload, max_memory_bytes, .. } = &self.0.config;
        match compiler {
            Compiler::InProcess => {
                let work = self.work(permit, move |inner| inner.compile(&bytes, &name));
                timeout(upload.compile, work).await.map_err(|_| Refusal::CompileTooLong { most: upload.compile })??
            }
            Compiler::Child { program, arguments } => {
                let native = native::compile(program, arguments, *max_memory_bytes, bytes, upload).await?;
                self.work(permit, move |inner| inner.load_and_keep(&native, &name)).await?
            }
        }
    }

    /// Does heavy work on a thread that may block.
    async fn work<T: Send + 'static>(
        &self,
        permit: &Permit,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (inner, permit) = (Arc::clone(&self.0), Arc::clone(permit));
        let work = move || {
            let done = work(&inner);
            drop(permit);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|e| Refusal::Unavailable { reason: e.to_string() })
    }
}

impl Inner {
    /// Scans an upload; its digest.
    fn look(&self, bytes: &[u8]) -> Result<String, Refusal> {
        scan(bytes, &self.config.upload)?;
        Ok(handler::hex(&Sha256::digest(bytes)))
    }

    fn cache(&self) -> Option<&Cache> {
        self.config.cache.as_ref()
    }

    /// What was compiled before.
    fn kept(&self, name: &FileName) -> Option<Component> {
        let native = self.cache()?.read(name, self.config.upload.native_bytes)?;
        let loaded = native::load(&self.engine, &native);
        loaded.inspect_err(|error| tracing::warn!(%error, "kept native code doesn't fit; compiling again")).ok()
    }

    fn compile(&self, bytes: &[u8], name: &FileName) -> Result<Component, Refusal> {
        let component = Component::from_binary(&self.engine, bytes);
        let component =
            component.map_err(|e| over_slot(&e).unwrap_or_else(|| Refusal::Malformed { reason: inner(&e) }))?;
        handler::check_native(&component, &self.config.upload)?;
        if let Some(cache) = self.cache() {
            match Native::of(&component) {
                Ok(native) => cache.write(name, &native),
                Err(error) => tracing::warn!(%error, "native code can't be kept; it is compiled again next time"),
            }
        }
        Ok(component)
    }

    fn load_and_keep(&self, native: &Native, name: &FileName) -> Result<Component, Refusal> {
        let component = native::load(&self.engine, native);
        let component =
            component.map_err(|e| over_slot(&e).unwrap_or_else(|| Refusal::Unavailable { reason: inner(&e) }))?;
        if let Some(cache) = self.cache() {
            cache.write(name, native);
        }
        Ok(component)
    }
}

/// A component that no slot of the pool has room for: its tables, memories or instances. A compiler in a process of its own
/// has no pool, so this is found here; the type of the error is wasmtime's own, and its words are all there is to know it by.
fn over_slot(error: &wasmtime::Error) -> Option<Refusal> {
    let text = inner(error);
    if !text.contains("pooling allocator") {
        return None;
    }
    let reason = text.rsplit_once("pooling allocator requirements: ").map_or(text.as_str(), |(_, what)| what);
    Some(Refusal::OverSlot { reason: reason.trim_end_matches(" in the pooling allocator").to_owned() })
}
