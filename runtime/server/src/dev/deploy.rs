//! A handler's file and manifest: uploaded and bound at the start, uploaded again when one of them changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use signalbox_engine::Handle;
use signalbox_guest::{Host, Limits, Manifest};
use signalbox_model::{Address, TenantId};
use signalbox_rehearsal::Project as Found;

use super::say::Voice;
use crate::exit::Error;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// A handler and the file that it comes from.
pub struct Deployment {
    of: Of,
    name: String,
    /// Where the component is now: a manifest may say otherwise later.
    file: PathBuf,
    /// The component and the manifest as they were when they were last read.
    read: Looks,
}

/// What is deployed, and where.
pub struct Of {
    pub file: PathBuf,
    /// The folder and the manifest that it had at the start, if it comes from a project.
    pub project: Option<(PathBuf, Manifest)>,
    pub host: Arc<Host>,
    pub handle: Handle,
    pub tenant: TenantId,
    pub number: Address,
    pub voice: Voice,
}

/// How a file looks from outside: when one of these changes, it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    changed: Option<SystemTime>,
    bytes: u64,
}

/// Of the component, and of the manifest if there is one.
type Looks = (Option<Look>, Option<Look>);

impl Look {
    async fn at(file: &Path) -> Option<Self> {
        let meta = tokio::fs::metadata(file).await.ok()?;
        Some(Self { changed: meta.modified().ok(), bytes: meta.len() })
    }
}

impl Deployment {
    /// Not deployed yet.
    pub fn new(of: Of) -> Self {
        let name = of.project.as_ref().map_or_else(|| name_of(&of.file), |(_, manifest)| manifest.name.clone());
        Self { name, file: of.file.clone(), read: (None, None), of }
    }

    /// The handler's name: the manifest's, or the file's, made fit.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Uploads it for the first time and binds it. A handler that is refused now ends the command: there is no older one
    /// to go on with.
    pub async fn first(&mut self) -> Result<(), Error> {
        let file = self.of.file.display().to_string();
        let refused = |reason: String| Error::Handler { file: file.clone(), reason };
        let look = self.look().await;
        self.upload().await.map_err(refused)?;
        let bound = self.of.handle.bind(&self.of.tenant, &self.of.number, &self.name).await;
        bound.map_err(|error| refused(error.to_string()))?;
        self.read = look;
        Ok(())
    }

    /// Uploads it whenever it has changed and stands still.
    pub async fn watch(mut self) {
        let mut clock = tokio::time::interval(LOOK);
        let mut before = self.read;
        loop {
            clock.tick().await;
            let now = self.look().await;
            // Compilers write in pieces: a file is read once it looks the same twice. One that is away may be on its
            // way to being replaced.
            if now.0.is_some() && now == before && now != self.read {
                self.read = now;
                if let Err(reason) = self.upload().await {
                    self.of.voice.refused(&self.name, &reason);
                }
            }
            before = now;
        }
    }

    async fn look(&self) -> Looks {
        let manifest = match &self.of.project {
            Some((folder, _)) => Look::at(&folder.join(signalbox_rehearsal::MANIFEST)).await,
            None => None,
        };
        (Look::at(&self.file).await, manifest)
    }

    async fn upload(&mut self) -> Result<(), String> {
        let manifest = self.manifest().await?;
        let component = tokio::fs::read(&self.file).await.map_err(|error| error.to_string())?;
        let code = self.of.host.compile(component.as_slice()).await.map_err(|error| error.to_string())?;
        let handler = self.of.handle.put_compiled(&self.of.tenant, &self.name, manifest, component, code).await;
        self.of.voice.deployed(&handler.map_err(|error| error.to_string())?);
        Ok(())
    }
}

impl Deployment {
    /// The project's manifest as it is now; what it asks for is granted, and where it says that the component is, it is.
    async fn manifest(&mut self) -> Result<Option<Manifest>, String> {
        let Some((folder, first)) = &self.of.project else { return Ok(None) };
        let manifest = signalbox_rehearsal::manifest(folder).map_err(|error| error.to_string())?;
        let again = "stop `signalbox dev` and start it again";
        if manifest.name != first.name {
            return Err(format!(
                "the manifest has another name, `{}` instead of `{}`: {again}",
                manifest.name, first.name
            ));
        }
        // Slots were made for so much at the start.
        let memory = |manifest: &Manifest| manifest.limits.memory_bytes.unwrap_or_default();
        if memory(&manifest) > memory(first).max(Limits::default().memory_bytes as u64) {
            return Err(format!("the manifest asks for more memory than at the start: {again}"));
        }
        let found = Found { folder: Some(folder.clone()), manifest, scripts: Vec::new() };
        self.file = found.component().map_err(|error| error.to_string())?;
        self.of.handle.set_up(super::tenant(&found.manifest)).await;
        Ok(Some(found.manifest))
    }
}

/// A handler's name from its file's: small letters, digits, `-` and `_`, beginning with a letter.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let fit = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let name: String = stem.chars().map(fit).skip_while(|c| !c.is_ascii_alphabetic()).take(64).collect();
    if name.is_empty() { "handler".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_becomes_a_handlers() {
        let name = |file: &str| name_of(Path::new(file));
        assert_eq!(name("target/echo-support.wasm"), "echo-support");
        assert_eq!(name("Echo Support.v2.wasm"), "echo-support-v2");
        assert_eq!(name("42_answers.wasm"), "answers");
        assert_eq!(name("42.wasm"), "handler");
        assert_eq!(name("ünder.wasm"), "nder");
    }
}
