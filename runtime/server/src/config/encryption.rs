//! `[encryption]`.

use signalbox_engine::SealingConfig;
use signalbox_forms::Section;
use signalbox_records::vault::Master;

use super::secret::Surroundings;

/// Reads whether and with which key bodies are sealed.
pub fn read(section: Section<'_, '_>, sealing: &mut SealingConfig, surroundings: &Surroundings<'_>) {
    sealing.master = key(&section, "key", surroundings);
    sealing.old = key(&section, "old_key", surroundings);
    sealing.everybody = section.flag("everybody").unwrap_or(true);
    section.end();
}

fn key(section: &Section<'_, '_>, name: &'static str, surroundings: &Surroundings<'_>) -> Option<Master> {
    let text = section.text(name)?;
    let read = match text.value.strip_prefix("file:") {
        Some(path) => Master::read(&surroundings.path(path)),
        None if text.value.starts_with("env:") => {
            Master::parse(&format!("in {}", text.value), &surroundings.resolve(section, &text)?)
        }
        None => {
            let reason = "stands in a file or in the environment rather than here: \"file:master.key\" or \"env:NAME\"";
            section.complain_of(&text, reason.to_owned());
            return None;
        }
    };
    read.map_err(|error| section.complain_of(&text, error.to_string())).ok()
}
