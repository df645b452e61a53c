//! CEL source to [`Expr`]: type-checked against the schema of facts; what can't be lowered is refused with its place.

use cel::common::ast::{CallExpr, Expr as Cel, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::parser::Parser;

use super::expr::{Expr, Number, Op};
use crate::facts::{Fact, Kind};

const ALLOWED: &str = "allowed are facts, true, false, whole numbers, \"words\", ! && || == != < <= > >= and in [...]";

/// What is wrong with a source, and at which character of it, from 0.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) at: usize,
    pub(crate) reason: String,
}

/// Parses and lowers a condition.
pub(crate) fn lower(source: &str) -> Result<Expr, Refusal> {
    let (tree, info) = Parser::new().parse_with_source_info(source).map_err(|errors| syntax(source, &errors))?;
    let lowering = Lowering { info: &info };
    match lowering.term(&tree)? {
        Term::Bool(expr) => Ok(expr),
        other => Err(lowering.refuse(&tree, format!("a condition is true or false, this is {}", other.describe()))),
    }
}

fn syntax(source: &str, errors: &cel::ParseErrors) -> Refusal {
    let Some(first) = errors.errors.first() else {
        return Refusal { at: 0, reason: format!("isn't CEL; {ALLOWED}") };
    };
    let (line, column) = (usize::try_from(first.pos.0).unwrap_or(0), usize::try_from(first.pos.1).unwrap_or(0));
    let before: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(|l| l.chars().count()).sum();
    let at = (before + column.saturating_sub(1)).min(source.chars().count());
    Refusal { at, reason: format!("isn't CEL: {}; {ALLOWED}", first.msg) }
}

/// A part of a condition with its type.
enum Term {
    Bool(Expr),
    Number(Number),
    /// A fact that is one of some words.
    WordFact(Fact, &'static [&'static str]),
    Word(String),
}

impl Term {
    fn describe(&self) -> &'static str {
        match self {
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::WordFact(..) => "a fact that is a word",
            Self::Word(_) => "a word",
        }
    }
}

struct Lowering<'a> {
    info: &'a SourceInfo,
}

impl Lowering<'_> {
    fn refuse(&self, node: &IdedExpr, reason: impl Into<String>) -> Refusal {
        let at = self.info.offset_for(node.id).map_or(0, |(start, _)| start as usize);
        Refusal { at, reason: reason.into() }
    }

    fn term(&self, node: &IdedExpr) -> Result<Term, Refusal> {
        match &node.expr {
            Cel::Ident(name) => self.fact(node, name),
            Cel::Literal(literal) => self.literal(node, literal),
            Cel::Call(call) => self.call(node, call),
            Cel::List(_) => Err(self.refuse(node, "a list stands only after `in`")),
            Cel::Select(select) => {
                let hint = "facts have plain names, without a dot";
                Err(self.refuse(node, format!("`.{}` can't be used: {hint}", select.field)))
            }
            Cel::Comprehension(_) => Err(self.refuse(node, format!("macros can't be used; {ALLOWED}"))),
            Cel::Map(_) | Cel::Struct(_) => Err(self.refuse(node, format!("maps can't be used; {ALLOWED}"))),
            Cel::Unspecified => Err(self.refuse(node, format!("nothing is here; {ALLOWED}"))),
        }
    }

    fn fact(&self, node: &IdedExpr, name: &str) -> Result<Term, Refusal> {
        let Some(fact) = Fact::named(name) else {
            let names: Vec<&str> = Fact::ALL.iter().map(|fact| fact.name()).collect();
            let near = nearest(name, &names).map_or(String::new(), |near| format!(" (perhaps `{near}`?)"));
            let reason = format!("there is no fact `{name}`{near}; facts are {}", names.join(", "));
            return Err(self.refuse(node, reason));
        };
        Ok(match fact.kind() {
            Kind::Bool => Term::Bool(Expr::Fact(fact)),
            Kind::Int => Term::Number(Number::Fact(fact)),
            Kind::Word(words) => Term::WordFact(fact, words),
        })
    }

    fn literal(&self, node: &IdedExpr, literal: &LiteralValue) -> Result<Term, Refusal> {
        let unfit = |what: &str| Err(self.refuse(node, format!("{what} can't be used; {ALLOWED}")));
        match literal {
            LiteralValue::Boolean(truth) => Ok(Term::Bool(Expr::Const(*truth.inner()))),
            LiteralValue::Int(number) => Ok(Term::Number(Number::Literal(*number.inner()))),
            LiteralValue::String(word) => Ok(Term::Word(word.inner().to_owned())),
            LiteralValue::UInt(_) => unfit("an unsigned number (leave the `u` out)"),
            LiteralValue::Double(_) => unfit("a fraction"),
            LiteralValue::Bytes(_) => unfit("a string of bytes"),
            LiteralValue::Null => unfit("null (a fact that isn't known takes the rule's `on_unknown`)"),
        }
    }

    fn call(&self, node: &IdedExpr, call: &CallExpr) -> Result<Term, Refusal> {
        let op = match (call.func_name.as_str(), &call.args[..]) {
            (operators::LOGICAL_NOT, [inner]) => return Ok(Term::Bool(self.bool(inner)?.not())),
            (operators::LOGICAL_AND, [a, b]) => {
                return Ok(Term::Bool(Expr::And(Box::new(self.bool(a)?), Box::new(self.bool(b)?))));
            }
            (operators::LOGICAL_OR, [a, b]) => {
                return Ok(Term::Bool(Expr::Or(Box::new(self.bool(a)?), Box::new(self.bool(b)?))));
            }
            (operators::IN, [item, list]) => return self.one_of(item, list).map(Term::Bool),
            (operators::NEGATE, [inner]) => return self.negative(node, inner),
            (operators::EQUALS, [_, _]) => Op::Equal,
            (operators::NOT_EQUALS, [_, _]) => Op::NotEqual,
            (operators::LESS, [_, _]) => Op::Less,
            (operators::LESS_EQUALS, [_, _]) => Op::LessOrEqual,
            (operators::GREATER, [_, _]) => Op::Greater,
            (operators::GREATER_EQUALS, [_, _]) => Op::GreaterOrEqual,
            (name, _) => return Err(self.refuse(node, format!("{} can't be used; {ALLOWED}", describe(name)))),
        };
        self.compare(node, &call.args[0], op, &call.args[1]).map(Term::Bool)
    }

    fn bool(&self, node: &IdedExpr) -> Result<Expr, Refusal> {
        match self.term(node)? {
            Term::Bool(expr) => Ok(expr),
            other => Err(self.refuse(node, format!("true or false has to stand here, this is {}", other.describe()))),
        }
    }

    fn negative(&self, node: &IdedExpr, inner: &IdedExpr) -> Result<Term, Refusal> {
        match self.term(inner)? {
            Term::Number(Number::Literal(number)) => Ok(Term::Number(Number::Literal(number.saturating_neg()))),
            _ => Err(self.refuse(node, "`-` stands only before a number")),
        }
    }

    fn compare(&self, node: &IdedExpr, a: &IdedExpr, op: Op, b: &IdedExpr) -> Result<Expr, Refusal> {
        let equality = matches!(op, Op::Equal | Op::NotEqual);
        let equal = match (self.term(a)?, self.term(b)?) {
            (Term::Number(a), Term::Number(b)) => return Ok(Expr::Compare(a, op, b)),
            (left, right) if !equality => {
                let (left, right) = (left.describe(), right.describe());
                return Err(
                    self.refuse(node, format!("only numbers are less or greater, these are {left} and {right}"))
                );
            }
            (Term::WordFact(fact, words), Term::Word(word)) => Expr::WordIn(fact, self.word(b, fact, words, &word)?),
            (Term::Word(word), Term::WordFact(fact, words)) => Expr::WordIn(fact, self.word(a, fact, words, &word)?),
            (Term::Bool(a), Term::Bool(b)) => Expr::Same(Box::new(a), Box::new(b)),
            (left, right) => {
                let (left, right) = (left.describe(), right.describe());
                return Err(self.refuse(node, format!("{left} and {right} can't be compared")));
            }
        };
        Ok(if op == Op::NotEqual { equal.not() } else { equal })
    }

    /// The bit of a word among those that its fact can be.
    fn word(&self, node: &IdedExpr, fact: Fact, words: &[&str], word: &str) -> Result<u64, Refusal> {
        word_bit(fact.name(), words, word).map_err(|reason| self.refuse(node, reason))
    }

    fn one_of(&self, item: &IdedExpr, list: &IdedExpr) -> Result<Expr, Refusal> {
        let Cel::List(elements) = &list.expr else {
            return Err(self.refuse(list, "a list like [1, 2] or [\"otp\", \"marketing\"] has to stand after `in`"));
        };
        let terms = elements.elements.iter().map(|node| Ok((node, self.term(node)?)));
        match self.term(item)? {
            Term::WordFact(fact, words) => {
                let mut bits = 0;
                for term in terms {
                    match term? {
                        (node, Term::Word(word)) => bits |= self.word(node, fact, words, &word)?,
                        (node, other) => {
                            return Err(
                                self.refuse(node, format!("a word has to stand here, this is {}", other.describe()))
                            );
                        }
                    }
                }
                Ok(Expr::WordIn(fact, bits))
            }
            Term::Number(number) => {
                let literal = |term: Result<(&IdedExpr, Term), Refusal>| match term? {
                    (_, Term::Number(Number::Literal(n))) => Ok(n),
                    (node, _) => Err(self.refuse(node, "a whole number has to stand here")),
                };
                Ok(Expr::NumberIn(number, terms.map(literal).collect::<Result<_, _>>()?))
            }
            other => Err(self.refuse(item, format!("a fact has to stand before `in`, this is {}", other.describe()))),
        }
    }
}

/// The bit of `word` among `words`, or what is wrong with it.
pub(crate) fn word_bit(fact: &str, words: &[&str], word: &str) -> Result<u64, String> {
    let unknown = || format!("`{fact}` is never \"{word}\"; it is one of {}", words.join(", "));
    words.iter().position(|known| *known == word).map(|position| 1 << position).ok_or_else(unknown)
}

/// The name of what was called, in words where it is an operator.
fn describe(name: &str) -> String {
    match name {
        operators::CONDITIONAL => "`? :`".to_owned(),
        operators::INDEX | operators::OPT_INDEX => "`[ ]` after a value".to_owned(),
        _ => match name.strip_prefix('_').and_then(|rest| rest.strip_suffix('_')) {
            Some(sign) => format!("`{sign}`"),
            None => format!("the function `{name}`"),
        },
    }
}

/// The name that is meant, if one is near enough.
pub(crate) fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    let near = names.iter().map(|known| (strsim::damerau_levenshtein(name, known), *known)).min()?;
    (near.0 <= 3).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;

    fn eval(source: &str) -> Option<bool> {
        let facts = Facts {
            segments: Some(3),
            direction: Some(signalbox_model::Direction::Outbound),
            has_media: Some(false),
            ..Facts::default()
        };
        lower(source).unwrap().eval(&facts.flat())
    }

    #[test]
    fn conditions_mean_what_they_say() {
        let yes = [
            "segments > 2 && segments <= 3",
            "direction == \"outbound\"",
            "'inbound' != direction",
            "direction in [\"inbound\", \"outbound\"]",
            "segments in [1, 3]",
            "!(segments in [])",
            "!has_media",
            "has_media == false",
            "segments > -1",
            "3 == segments || opted_out",
            "!(has_media && opted_out)",
            "true",
        ];
        for source in yes {
            assert_eq!(eval(source), Some(true), "{source}");
        }
        assert_eq!(eval("has_media || segments < 3"), Some(false));
        assert_eq!(eval("opted_out"), None);
        assert_eq!(eval("depth > 8 && !has_media"), None);
    }

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_source_is_lowered_or_refused_within_itself(source in "(?s).{0,60}") {
            if let Err(refusal) = lower(&source) {
                prop_assert!(refusal.at <= source.chars().count());
            }
        }

        #[test]
        fn any_mixture_of_words_is_lowered_or_refused(words in prop::collection::vec(prop::sample::select(vec![
            "segments", "opted_out", "direction", "\"inbound\"", "1", "-", "!", "&&", "||", "==", "in", "[", "]", "(", ")",
            "<", "?", ":", ".", "size", "é", "'", "\n",
        ]), 0..12)) {
            let source = words.join(" ");
            if let Ok(expr) = lower(&source) {
                expr.eval(&Facts::default().flat());
            }
        }
    }

    #[test]
    fn deep_nesting_is_refused_or_lowered_without_harm() {
        for depth in [10, 200, 5_000] {
            let source = format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
            let _ = lower(&source);
            let _ = lower(&format!("{}true", "!".repeat(depth)));
            let _ = lower(&vec!["has_media"; depth].join(" && "));
        }
    }

    #[test]
    fn what_cannot_be_lowered_is_refused_where_it_stands() {
        let table = [
            ("segmnts > 1", 0, "perhaps `segments`"),
            ("has_media && wurst", 13, "there is no fact `wurst`"),
            ("direction == \"outbund\"", 13, "one of outbound, inbound"),
            ("segments == \"3\"", 9, "can't be compared"),
            ("direction < 3", 10, "only numbers"),
            ("segments", 0, "is a number"),
            ("segments && has_media", 0, "true or false has to stand here"),
            ("size(\"a\") > 1", 4, "the function `size`"),
            ("has_media ? true : false", 10, "`? :`"),
            ("segments + 1 > 2", 9, "`+`"),
            ("message.segments > 1", 7, "without a dot"),
            ("{\"a\": 1} == {}", 0, "maps"),
            ("[1].exists(x, x > 1)", 10, "macros"),
            ("segments > 1.5", 11, "fraction"),
            ("segments > 1u", 11, "unsigned"),
            ("opted_out == null", 13, "on_unknown"),
            ("segments in direction", 12, "a list"),
            ("segments in [\"a\"]", 13, "whole number"),
            ("direction in [1]", 14, "a word has to"),
            ("1 > 0 &&", 8, "isn't CEL"),
            ("", 0, "isn't CEL"),
        ];
        for (source, at, reason) in table {
            let refusal = lower(source).unwrap_err();
            assert!(refusal.reason.contains(reason), "{source}: {}", refusal.reason);
            assert_eq!(refusal.at, at, "{source}: {}", refusal.reason);
        }
    }
}
