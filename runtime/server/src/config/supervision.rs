//! `[tenants.supervision]`.

use std::time::Duration;

use signalbox_forms::Section;
use signalbox_model::directory::{Lapse, SupervisionPlan};

/// Words and phrases of one tenant: each is looked for in every text of its messages.
const MAX_WORDS: usize = 500;
/// A working day and the night before it.
const WITHIN: Duration = Duration::from_secs(24 * 3_600);

/// Reads which messages a supervisor looks at, where rules have them wait (`ruled`); what is wrong was complained of.
pub fn read(section: Section<'_, '_>, ruled: bool) -> SupervisionPlan {
    if !ruled {
        section.complain(
            "needs rules that read it: `packs = [\"us\"]` in [policy], or a `folder` with your own; without them no message \
             would wait for a supervisor",
        );
    }
    let words = section.texts("words").unwrap_or_default();
    for word in words.iter().filter(|word| !word.value.chars().any(char::is_alphanumeric)) {
        section.complain_of(word, "has neither a letter nor a digit: it would be found everywhere or nowhere");
    }
    if words.len() > MAX_WORDS {
        section.complain_at("words", format!("has more than {MAX_WORDS} words"));
    }
    let sample = section.number("sample_percent", 0..=100).and_then(|sample| u8::try_from(sample.value).ok());
    let sample_percent = sample.unwrap_or_default();
    if words.is_empty() && sample_percent == 0 {
        section.complain("names no `words` and no `sample_percent`: there is nothing to look at");
    }
    let within = section.duration("within").unwrap_or(WITHIN);
    if within < Duration::from_secs(60) {
        section.complain_at("within", "must be at least \"1m\": somebody has to read it");
    }
    let then = [("reject", Lapse::Reject), ("send", Lapse::Send)];
    let then = section.one_of("then", &then).map_or(Lapse::default(), |then| then.value);
    section.end();
    let words = words.into_iter().map(|word| word.value).collect();
    SupervisionPlan { words, sample_percent, within, then }
}
