//! Content: what a message may say and name, whoever wrote it: a caller of the API, or a handler.

use signalbox_media::Schemes;
use signalbox_text as text;

use crate::engine::Engine;
use crate::error::FieldError;

/// Labels on one message; more is a database.
const MAX_TAGS: usize = 10;
/// The longest tag, and the longest name of a campaign.
const MAX_LABEL_BYTES: usize = 64;

/// What somebody wrote.
pub(crate) struct Written<'w> {
    pub(crate) text: &'w str,
    pub(crate) smart: text::Smart,
    pub(crate) media_urls: &'w [String],
    pub(crate) campaign: Option<&'w str>,
    pub(crate) tags: &'w [String],
}

/// Checks all of it, and makes the text ready to be sent. What is wrong is added to `wrong`, all at once.
pub(crate) fn prepare<'w>(
    engine: &Engine,
    written: &Written<'w>,
    wrong: &mut Vec<FieldError>,
) -> Option<text::Prepared<'w>> {
    let prepared = prepare_text(engine, written, wrong);
    labels(written, wrong);
    let schemes = if engine.reach.allow_http { Schemes::HttpToo } else { Schemes::Https };
    if let Err(error) = signalbox_media::check_urls(written.media_urls, schemes) {
        wrong.push(field("media_urls", "media.url", error.to_string()));
    }
    prepared
}

/// Likewise for what a handler wrote: its tenant reads one sentence.
pub(crate) fn prepare_handlers<'w>(engine: &Engine, written: &Written<'w>) -> Result<text::Prepared<'w>, String> {
    let mut wrong = Vec::new();
    let prepared = prepare(engine, written, &mut wrong);
    match prepared {
        Some(prepared) if wrong.is_empty() => Ok(prepared),
        _ => Err(wrong.into_iter().map(|wrong| wrong.detail).collect::<Vec<_>>().join("; ")),
    }
}

pub(crate) fn field(name: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError { field: name.to_owned(), code, detail: detail.into() }
}

fn prepare_text<'w>(engine: &Engine, written: &Written<'w>, wrong: &mut Vec<FieldError>) -> Option<text::Prepared<'w>> {
    let (chars, limit) = (written.text.chars().count(), engine.config.max_text_chars);
    if chars == 0 && written.media_urls.is_empty() {
        wrong.push(field("text", "text.empty", "`text` is empty and there is no media; say something"));
        return None;
    }
    if chars > limit {
        let detail = format!("`text` has {chars} characters; at most {limit} are taken");
        wrong.push(field("text", "text.too_long", detail));
        return None;
    }
    if written.text.contains('\0') {
        wrong.push(field("text", "text.control", "`text` has a NUL character, which no handset shows; leave it out"));
        return None;
    }
    match text::prepare_within(written.text, written.smart, engine.config.max_segments) {
        Ok(prepared) => Some(prepared),
        Err(error) => {
            wrong.push(field("text", "text.too_long", error.to_string()));
            None
        }
    }
}

fn labels(written: &Written<'_>, wrong: &mut Vec<FieldError>) {
    let is_out = |text: &str| text.is_empty() || text.len() > MAX_LABEL_BYTES;
    if written.tags.len() > MAX_TAGS || written.tags.iter().any(|tag| is_out(tag)) {
        let detail = format!("`tags` are at most {MAX_TAGS}, each of 1 to {MAX_LABEL_BYTES} bytes");
        wrong.push(field("tags", "tags.out_of_range", detail));
    }
    if written.campaign.is_some_and(is_out) {
        let detail = format!("`campaign` is a name of 1 to {MAX_LABEL_BYTES} bytes");
        wrong.push(field("campaign", "campaign.out_of_range", detail));
    }
}
