//! Words with facts in them.

use crate::facts::{Fact, FactSet, Facts};

/// What `explain` and `fix` are read into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Words(String),
    Fact(Fact),
}

/// As it was written.
impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Words(words) => f.write_str(&words.replace('{', "{{").replace('}', "}}"))?,
                Piece::Fact(fact) => write!(f, "{{{}}}", fact.name())?,
            }
        }
        Ok(())
    }
}

impl Template {
    /// The facts in it.
    pub(crate) fn reads(&self) -> FactSet {
        self.0.iter().filter_map(|piece| if let Piece::Fact(fact) = piece { Some(*fact) } else { None }).collect()
    }

    /// Reads `{fact}` placeholders; `{{` and `}}` are braces. An error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut words) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            words.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(tail) = rest.strip_prefix(brace) {
                words.push_str(brace);
                rest = tail;
                continue;
            }
            let Some((name, tail)) = rest.split_once('}').filter(|_| brace == "{") else {
                return Err(format!("`{brace}` without its partner; write `{brace}{brace}` for the brace itself"));
            };
            let Some(fact) = Fact::named(name) else {
                let names: Vec<&str> = Fact::ALL.iter().map(|fact| fact.name()).collect();
                return Err(format!("there is no fact `{name}` to put in; facts are {}", names.join(", ")));
            };
            if !words.is_empty() {
                pieces.push(Piece::Words(std::mem::take(&mut words)));
            }
            pieces.push(Piece::Fact(fact));
            rest = tail;
        }
        words.push_str(rest);
        if !words.is_empty() {
            pieces.push(Piece::Words(words));
        }
        Ok(Self(pieces))
    }

    /// The words, with what is known of the facts.
    pub(crate) fn fill(&self, facts: &Facts) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Fact(fact) => fact.show(facts.get(*fact)),
        };
        self.0.iter().map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_with_facts() {
        let facts = Facts { segments: Some(7), ..Facts::default() };
        let fill = |text: &str| Template::parse(text).map(|t| t.fill(&facts));
        assert_eq!(fill("{segments} of {{10}}, {category}"), Ok("7 of {10}, unknown".into()));
        assert_eq!(fill(""), Ok(String::new()));
        assert!(fill("{segmnts}").unwrap_err().contains("no fact `segmnts`"));
        assert!(fill("a } b").unwrap_err().contains("without its partner"));
        assert!(fill("{segments").is_err());
    }
}
