//! What the host answers to keywords by itself.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::error::Error;
use crate::intent::Intent;
use crate::source::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerFile {
    stop: Spanned<String>,
    start: Spanned<String>,
    help: Spanned<String>,
    source: Spanned<String>,
    #[serde(rename = "as_of")]
    _as_of: String,
    confirm_within_minutes: Spanned<u32>,
}

/// The answers in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    stop: String,
    start: String,
    help: String,
    confirm_within: Duration,
}

/// A day later nobody knows any more what is confirmed.
const MAX_CONFIRM_MINUTES: u32 = 1_440;

const PLACEHOLDERS: [&str; 3] = ["{brand}", "{help}", "{reach}"];

impl Answers {
    /// Reads a file of answers.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let source = Source { name, text };
        let file: AnswerFile = source.read().map_err(|complaint| Error::Refused(vec![complaint]))?;
        let wrong = |answer: &Spanned<String>| wrong(answer.get_ref()).map(|reason| source.complain_of(answer, reason));
        let mut complaints: Vec<_> = [&file.stop, &file.start, &file.help].into_iter().filter_map(wrong).collect();
        if file.source.get_ref().trim().is_empty() {
            complaints.push(source.complain_of(&file.source, "is empty: say where the time to confirm is from"));
        }
        let minutes = &file.confirm_within_minutes;
        if !(1..=MAX_CONFIRM_MINUTES).contains(minutes.get_ref()) {
            complaints.push(source.complain_of(minutes, format!("isn't 1 to {MAX_CONFIRM_MINUTES} minutes")));
        }
        if !complaints.is_empty() {
            return Err(Error::Refused(complaints));
        }
        let confirm_within = Duration::from_secs(u64::from(*file.confirm_within_minutes.get_ref()) * 60);
        let take = Spanned::into_inner;
        Ok(Self { stop: take(file.stop), start: take(file.start), help: take(file.help), confirm_within })
    }

    /// How long after a keyword its answer may still go; later it would only surprise.
    pub fn confirm_within(&self) -> Duration {
        self.confirm_within
    }

    /// The answer to a keyword, the tenant's name and contact filled in, and what there will be no more of after a STOP.
    pub fn answer(&self, intent: Intent, brand: &str, help: &str, reach: &str) -> String {
        let template = match intent {
            Intent::Stop => &self.stop,
            Intent::Start => &self.start,
            Intent::Help => &self.help,
        };
        let mut out = String::with_capacity(template.len() + brand.len() + help.len());
        let mut rest = template.as_str();
        // Piece by piece, so that a brand named `{help}` stays what it is.
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            let (value, length) = match &rest[at..] {
                rest if rest.starts_with("{brand}") => (brand, 7),
                rest if rest.starts_with("{reach}") => (reach, 7),
                _ => (help, 6),
            };
            out.push_str(value);
            rest = &rest[at + length..];
        }
        out.push_str(rest);
        out
    }
}

fn wrong(answer: &str) -> Option<String> {
    let rest = PLACEHOLDERS.iter().fold(answer.to_owned(), |rest, placeholder| rest.replace(placeholder, ""));
    if rest.contains(['{', '}']) {
        return Some(format!("braces are for {} only", PLACEHOLDERS.join(" and ")));
    }
    (!answer.contains("{brand}")).then(|| "an answer says who it is from: put {brand} in".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Answers {
        Answers::parse("answers.toml", crate::BUILT_IN_ANSWERS).unwrap()
    }

    #[test]
    fn answers_name_the_brand_and_fit_one_segment() {
        for intent in [Intent::Stop, Intent::Start, Intent::Help] {
            let answer = answers().answer(
                intent,
                "Acme Home & Garden Stores",
                "Call +1 800 555 0100 or see acme.example/help.",
                "messages from this number",
            );
            assert!(answer.starts_with("Acme Home & Garden Stores: "), "{answer}");
            assert!(answer.is_ascii() && answer.len() <= 160, "{answer}");
        }
        assert_eq!(answers().answer(Intent::Help, "{help}", "x", "y").matches("{help}").count(), 1);
        assert_eq!(answers().confirm_within(), Duration::from_secs(300));
    }

    #[test]
    fn the_time_to_confirm_says_where_it_is_from() {
        let with = |from: &str, to: &str| {
            Answers::parse("a.toml", &crate::BUILT_IN_ANSWERS.replace(from, to)).unwrap_err().to_string()
        };
        assert!(with("source = \"47 CFR", "source = \" \" #").contains("is empty"));
        assert!(with("_minutes = 5", "_minutes = 0").contains("1 to 1440"));
        assert!(with("confirm_within_minutes = 5", "").contains("missing field"));
    }

    #[test]
    fn other_braces_are_refused() {
        let parse = |stop: &str| {
            let said = "source = \"a test\"\nas_of = \"2026-11-23\"\nconfirm_within_minutes = 5";
            let text = format!("stop = \"{stop}\"\nstart = \"{{brand}}\"\nhelp = \"{{brand}}\"\n{said}");
            Answers::parse("a.toml", &text)
        };
        assert!(parse("{brand} bye").is_ok());
        assert!(parse("{brnd} bye").is_err());
        assert!(parse("bye").unwrap_err().to_string().starts_with("a.toml:1:8: "));
    }
}
