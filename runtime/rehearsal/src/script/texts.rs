//! What a text, or a value, has to be.

use regex::Regex;
use signalbox_forms::{Scalar, Section};

/// What a text has to be: all of it.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    equals: Option<String>,
    contains: Vec<String>,
    excludes: Vec<String>,
    matches: Vec<Regex>,
}

/// What a value has to be.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    absent: bool,
    equals: Option<Scalar>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    texts: Texts,
}

impl Texts {
    pub(super) fn read(section: &Section<'_, '_>) -> Self {
        Self { equals: section.text("equals").map(|text| text.value), ..Self::read_loose(section) }
    }

    /// All but `equals`, which may be more than a text.
    fn read_loose(section: &Section<'_, '_>) -> Self {
        let texts = |key| section.text_or_texts(key).into_iter().map(|text| text.value).collect();
        let mut matches = Vec::new();
        for pattern in section.text_or_texts("matches") {
            match Regex::new(&pattern.value) {
                Ok(regex) => matches.push(regex),
                Err(error) => section.complain_of(&pattern, format!("is no regular expression: {error}")),
            }
        }
        Self { equals: None, contains: texts("contains"), excludes: texts("excludes"), matches }
    }

    /// What `text` lacks, in words; nothing if it is as wanted.
    pub fn lack(&self, text: &str) -> Option<String> {
        let equals = self.equals.iter().filter(|wanted| *wanted != text).map(|wanted| format!("to be {wanted:?}"));
        let missing = |wanted: &&String| !contains(text, wanted);
        let contains_all = self.contains.iter().filter(missing).map(|wanted| format!("to contain {wanted:?}"));
        let excluded = |unwanted: &&String| contains(text, unwanted);
        let excludes = self.excludes.iter().filter(excluded).map(|unwanted| format!("not to contain {unwanted:?}"));
        let unmatched = |regex: &&Regex| !regex.is_match(text);
        let matches = self.matches.iter().filter(unmatched).map(|regex| format!("to match /{regex}/"));
        let lacks: Vec<_> = equals.chain(contains_all).chain(excludes).chain(matches).collect();
        (!lacks.is_empty()).then(|| lacks.join(" and "))
    }

    /// What it asks for, in words.
    pub fn words(&self) -> String {
        let quoted = |how: &str, texts: &[String]| texts.iter().map(|t| format!("{how} {t:?}")).collect::<Vec<_>>();
        let mut words: Vec<_> = self.equals.iter().map(|text| format!("being {text:?}")).collect();
        words.extend(quoted("containing", &self.contains));
        words.extend(quoted("without", &self.excludes));
        words.extend(self.matches.iter().map(|regex| format!("matching /{regex}/")));
        words.join(", ")
    }
}

/// Case is part of what is expected, typographic characters aren't: the path folds them so that a text fits its alphabet.
fn contains(text: &str, wanted: &str) -> bool {
    text.contains(wanted)
}

impl Wanted {
    pub(super) fn read(section: &Section<'_, '_>) -> Self {
        let number = |key| {
            let scalar = section.scalar(key)?;
            let number = scalar.value.to_string().parse::<f64>().ok();
            if number.is_none() {
                section.complain_of(&scalar, "is no number");
            }
            number
        };
        let wanted = Self {
            absent: section.flag("absent").unwrap_or(false),
            equals: section.scalar("equals").map(|scalar| scalar.value),
            at_least: number("at_least"),
            at_most: number("at_most"),
            texts: Texts::read_loose(section),
        };
        if wanted.absent && wanted.asks() {
            section.complain_at("absent", "leaves nothing to be compared; give either it or what the value has to be");
        }
        wanted
    }

    fn asks(&self) -> bool {
        let Texts { equals, contains, excludes, matches } = &self.texts;
        self.equals.is_some()
            || self.at_least.is_some()
            || self.at_most.is_some()
            || equals.is_some()
            || !(contains.is_empty() && excludes.is_empty() && matches.is_empty())
    }

    /// Does it ask for nothing in particular?
    pub fn is_anything(&self) -> bool {
        !self.absent && !self.asks()
    }

    /// Is there to be nothing?
    pub fn is_absent(&self) -> bool {
        self.absent
    }

    /// What a value lacks, in words; nothing if it is as wanted.
    pub fn lack(&self, value: &str) -> Option<String> {
        let number = value.parse::<f64>().ok();
        let is = |wanted: &Scalar| match wanted {
            Scalar::Whole(_) | Scalar::Fraction(_) => number.is_some() && number == wanted.to_string().parse().ok(),
            Scalar::Text(_) | Scalar::Flag(_) => wanted.to_string() == value,
        };
        let mut lacks: Vec<_> =
            self.equals.iter().filter(|wanted| !is(wanted)).map(|wanted| format!("to be {}", shown(wanted))).collect();
        if let Some(least) = self.at_least.filter(|least| number.is_none_or(|number| number < *least)) {
            lacks.push(format!("to be at least {least}"));
        }
        if let Some(most) = self.at_most.filter(|most| number.is_none_or(|number| number > *most)) {
            lacks.push(format!("to be at most {most}"));
        }
        lacks.extend(self.texts.lack(value));
        (!lacks.is_empty()).then(|| lacks.join(" and "))
    }
}

fn shown(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(equals: Scalar) -> Wanted {
        Wanted { equals: Some(equals), ..Wanted::default() }
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_texts_as_texts() {
        assert_eq!(wanted(Scalar::Whole("2".into())).lack("2.0"), None);
        assert_eq!(wanted(Scalar::Text("2".into())).lack("2.0").as_deref(), Some("to be \"2\""));
        assert_eq!(wanted(Scalar::Fraction(0.9)).lack("words").as_deref(), Some("to be 0.9"));
        let range = Wanted { at_least: Some(1.0), at_most: Some(2.0), ..Wanted::default() };
        assert_eq!((range.lack("1.5"), range.lack("3").as_deref()), (None, Some("to be at most 2")));
    }

    #[test]
    fn everything_that_a_text_lacks_is_said() {
        let texts = Texts {
            contains: vec!["tea".into()],
            excludes: vec!["coffee".into()],
            matches: vec![Regex::new("^[a-z ]+$").unwrap()],
            ..Texts::default()
        };
        assert_eq!(texts.lack("some tea"), None);
        let lack = texts.lack("Coffee, coffee").unwrap();
        assert_eq!(lack, "to contain \"tea\" and not to contain \"coffee\" and to match /^[a-z ]+$/");
    }
}
