//! `[audit]`.

use std::path::PathBuf;

use signalbox_engine::AuditConfig;
use signalbox_forms::Section;

use super::secret::Surroundings;

/// Where the key is that signs the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditKey {
    /// `audit.key` in the store's folder; made when it isn't there.
    InStore,
    /// This file; made when it isn't there.
    File(PathBuf),
}

/// The pack whose traffic has to be answered for.
pub const PACK: &str = "us";

/// Reads whether and how the audit log is written; what is wrong was complained of.
pub fn read(
    section: Section<'_, '_>,
    packs: &[String],
    audit: &mut AuditConfig,
    surroundings: &Surroundings<'_>,
) -> Option<AuditKey> {
    let default = packs.iter().any(|pack| pack == PACK);
    let enabled = section.flag("enabled").unwrap_or(default);
    let everybody = section.flag("everybody").unwrap_or(true);
    let file = section.text("key").map(|file| surroundings.path(&file.value));
    if let Some(every) = section.duration("checkpoint_every") {
        audit.checkpoint_every = every;
    }
    if let Some(frames) = section.number("checkpoint_frames", 1..=1_000_000_000) {
        audit.checkpoint_frames = frames.value;
    }
    section.end();
    audit.everybody = enabled && everybody;
    enabled.then(|| file.map_or(AuditKey::InStore, AuditKey::File))
}
