//! What a text says and how: one pass of folding, one automaton of words, links and numbers by their shape.

mod fingerprint;
mod links;
mod phones;
mod phrases;
pub mod rewrite;

pub use fingerprint::fingerprint;
pub use links::hosts;
pub use phones::phones;
pub use phrases::Phrases;

use std::borrow::Cow;

use crate::data::{Fold, Tables};
use crate::facts::{Fact, FactSet};

/// What the campaign declared, against which a text is held.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declared<'a> {
    /// The brand's name, if it is known.
    pub brand: Option<&'a str>,
    /// Domains of its links, in lower case; `None` if nobody said.
    pub domains: Option<&'a [String]>,
}

/// The facts that a look at the text gives.
pub const FACTS: FactSet = FactSet::of(&[
    Fact::HasLink,
    Fact::HasShortener,
    Fact::HasBadLink,
    Fact::LinksDeclared,
    Fact::HasPhone,
    Fact::HasLookalikes,
    Fact::HasBrand,
    Fact::HasOptOutHint,
    Fact::SaysLoans,
    Fact::SaysDebt,
    Fact::SaysLeads,
    Fact::SaysGetRich,
    Fact::SaysCrypto,
    Fact::SaysGambling,
    Fact::SaysCannabis,
    Fact::SaysDrugs,
    Fact::SaysFirearms,
    Fact::SaysVaping,
    Fact::SaysAlcohol,
    Fact::SaysTobacco,
    Fact::SaysPhishing,
    Fact::SaysAdult,
    Fact::SaysHate,
]);

/// What was found, and what couldn't be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Findings {
    /// What is so.
    pub found: FactSet,
    /// What can't be told, since nobody declared anything to hold it against.
    pub unknown: FactSet,
}

impl Findings {
    /// Whether it is so; `None` where it can't be told.
    pub fn get(self, fact: Fact) -> Option<bool> {
        (!self.unknown.has(fact)).then(|| self.found.has(fact))
    }
}

impl Tables {
    /// Looks at a text.
    pub fn scan(&self, text: &str, declared: Declared<'_>) -> Findings {
        let folded = self.folding.fold(text);
        let mut found = self.terms.find(&folded);
        let mut add = |fact, so: bool| {
            if so {
                found = found.union(FactSet::of(&[fact]));
            }
        };
        let mut declared_all = true;
        let seen = as_dialled(text);
        for host in hosts(&seen, &self.links) {
            add(Fact::HasLink, true);
            add(Fact::HasShortener, self.links.is_shortener(&host));
            add(Fact::HasBadLink, self.links.is_bad(&host));
            declared_all &= declared.domains.unwrap_or_default().iter().any(|domain| is_below(&host, domain));
        }
        add(Fact::LinksDeclared, declared_all);
        add(Fact::HasPhone, phones(&seen).next().is_some());
        add(Fact::HasLookalikes, self.has_lookalikes(text));
        add(Fact::HasBrand, declared.brand.is_some_and(|brand| self.names(&folded, brand)));
        let unknown = |so: bool, fact| if so { FactSet::of(&[fact]) } else { FactSet::EMPTY };
        let links_unknown = declared.domains.is_none() && found.has(Fact::HasLink);
        Findings {
            found,
            unknown: unknown(links_unknown, Fact::LinksDeclared)
                .union(unknown(declared.brand.is_none(), Fact::HasBrand)),
        }
    }

    /// Whether the folded text has the brand's name as words of its own.
    fn names(&self, folded: &str, brand: &str) -> bool {
        let name = self.folding.fold(brand);
        name.trim() != "" && folded.contains(&name)
    }

    /// Whether a word mixes plain letters with look-alikes, or a letter is from the alphabets for formulas.
    fn has_lookalikes(&self, text: &str) -> bool {
        if text.is_ascii() {
            return false;
        }
        let (mut plain, mut alike) = (false, false);
        for character in text.chars() {
            if character.is_ascii() {
                if character.is_ascii_alphabetic() {
                    plain = true;
                } else {
                    (plain, alike) = (false, false);
                }
            } else {
                match self.folding.of(character) {
                    Some(Fold::Lookalike(_)) if ('\u{1D400}'..='\u{1D7FF}').contains(&character) => return true,
                    Some(Fold::Lookalike(letter)) => alike |= letter.is_ascii_alphabetic(),
                    Some(Fold::Accent(letter)) => plain |= letter.is_ascii_alphabetic(),
                    None if character.is_alphanumeric() => {}
                    None => (plain, alike) = (false, false),
                }
            }
            if plain && alike {
                return true;
            }
        }
        false
    }
}

/// A text as browsers and diallers take it: without what has no width, and with full-width signs and ideographic dots as what
/// they stand for. `bit\u{200b}.ly` leads to a shortener as `bit.ly` does.
fn as_dialled(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let character = |c: char| match c {
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{FEFF}' => None,
        '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => None,
        '\u{FE00}'..='\u{FE0F}' | '\u{E0000}'..='\u{E0FFF}' => None,
        '\u{3002}' | '\u{FF61}' => Some('.'),
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0),
        other => Some(other),
    };
    Cow::Owned(text.chars().filter_map(character).collect())
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::built_in().unwrap());

    fn shown(text: &str, declared: Declared<'_>) -> String {
        let findings = TABLES.scan(text, declared);
        findings.found.iter().map(Fact::name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_text_is_held_against_what_was_declared() {
        let domains = ["acme.example".to_owned()];
        let acme = Declared { brand: Some("Acme Home"), domains: Some(&domains) };
        let table = [
            ("ACME home: sale at https://shop.acme.example/x", "has_link links_declared has_brand"),
            ("Acme Homes: see https://notacme.example", "has_link"),
            ("Acme Home: bit.ly/3x or call (305) 555-0123", "has_link has_shortener has_phone has_brand"),
            ("Acme Home: bit\u{200B}.l\u{2060}y/3x", "has_link has_shortener has_brand"),
            ("Acme Home: ｂｉｔ．ly/3x or ３０５ 555 0123", "has_link has_shortener has_phone has_brand"),
            ("See phishing.example now", "has_link has_bad_link"),
            ("Hello", "links_declared"),
            ("Your pаckage", "links_declared has_lookalikes"),
            ("Привет, как дела", "links_declared"),
            ("café naïve mañana", "links_declared"),
            ("𝐅𝐑𝐄𝐄 gift", "links_declared has_lookalikes"),
            ("20 m², 5°, nº 4", "links_declared"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text, acme), expected, "{text}");
        }
    }

    #[test]
    fn what_nobody_declared_is_unknown() {
        let get = |text, fact| TABLES.scan(text, Declared::default()).get(fact);
        assert_eq!(get("see acme.example", Fact::LinksDeclared), None);
        assert_eq!(get("see nothing", Fact::LinksDeclared), Some(true));
        assert_eq!(get("see nothing", Fact::HasBrand), None);
        assert_eq!(get("see nothing", Fact::HasLink), Some(false));
    }

    proptest! {
        #[test]
        fn any_text_is_looked_at(text in "(?s).{0,200}") {
            let findings = TABLES.scan(&text, Declared { brand: Some(&text), domains: Some(&[]) });
            prop_assert!(findings.found.iter().all(|fact| FACTS.has(fact)));
            fingerprint(&text);
        }
    }
}
