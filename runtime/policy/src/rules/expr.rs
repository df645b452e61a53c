//! What a `when` is lowered to: a small typed form, evaluated in three values and without allocation.

use std::cmp::Ordering;

use crate::facts::{Fact, FactSet, Flat};

/// A condition. Types were checked when it was lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr {
    Const(bool),
    /// A fact of type bool.
    Fact(Fact),
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    /// Both or neither.
    Same(Box<Expr>, Box<Expr>),
    Compare(Number, Op, Number),
    /// The fact is one of the words whose bits are set.
    WordIn(Fact, u64),
    NumberIn(Number, Box<[i64]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    Literal(i64),
    Fact(Fact),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Facts with the truth that a condition needs of them: where one is known to be otherwise the condition is false, whatever the
/// others are. Because of one most rules don't fire, and so it is looked at before the condition is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Needs {
    so: FactSet,
    not: FactSet,
}

impl Needs {
    /// Is one known to be otherwise?
    #[inline]
    pub(crate) fn fail(self, facts: &Flat) -> bool {
        self.so.meets(facts.known_not()) || self.not.meets(facts.known_so())
    }
}

impl Op {
    pub(crate) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Number {
    fn read(self, facts: &Flat) -> Option<i64> {
        match self {
            Self::Literal(number) => Some(number),
            Self::Fact(fact) => facts.get(fact),
        }
    }
}

impl Expr {
    /// Kleene's logic: `None` is unknown, and only where the known part doesn't decide.
    pub(crate) fn eval(&self, facts: &Flat) -> Option<bool> {
        match self {
            Self::Const(truth) => Some(*truth),
            Self::Fact(fact) => facts.get(*fact).map(|truth| truth != 0),
            Self::Not(inner) => inner.eval(facts).map(|truth| !truth),
            Self::And(a, b) => match a.eval(facts) {
                Some(false) => Some(false),
                Some(true) => b.eval(facts),
                None => b.eval(facts).filter(|truth| !truth),
            },
            Self::Or(a, b) => match a.eval(facts) {
                Some(true) => Some(true),
                Some(false) => b.eval(facts),
                None => b.eval(facts).filter(|truth| *truth),
            },
            Self::Same(a, b) => Some(a.eval(facts)? == b.eval(facts)?),
            Self::Compare(a, op, b) => Some(op.holds(a.read(facts)?.cmp(&b.read(facts)?))),
            Self::WordIn(fact, words) => facts.get(*fact).map(|position| words & (1 << position) != 0),
            Self::NumberIn(number, list) => number.read(facts).map(|n| list.contains(&n)),
        }
    }

    /// The facts that it may look at.
    pub(crate) fn reads(&self) -> FactSet {
        let number = |number: &Number| match number {
            Number::Literal(_) => FactSet::EMPTY,
            Number::Fact(fact) => FactSet::of(&[*fact]),
        };
        match self {
            Self::Const(_) => FactSet::EMPTY,
            Self::Fact(fact) | Self::WordIn(fact, _) => FactSet::of(&[*fact]),
            Self::Not(inner) => inner.reads(),
            Self::And(a, b) | Self::Or(a, b) | Self::Same(a, b) => a.reads().union(b.reads()),
            Self::Compare(a, _, b) => number(a).union(number(b)),
            Self::NumberIn(item, _) => number(item),
        }
    }

    /// What it needs whatever else there is in it: the parts between its `&&`s that are a fact or its contrary.
    pub(crate) fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        self.collect_needs(&mut needs);
        needs
    }

    fn collect_needs(&self, needs: &mut Needs) {
        match self {
            Self::Fact(fact) => needs.so = needs.so.union(FactSet::of(&[*fact])),
            Self::Not(inner) => {
                if let Self::Fact(fact) = **inner {
                    needs.not = needs.not.union(FactSet::of(&[fact]));
                }
            }
            Self::And(a, b) => {
                a.collect_needs(needs);
                b.collect_needs(needs);
            }
            _ => {}
        }
    }

    pub(crate) fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;

    fn known(truth: Option<bool>) -> Facts {
        Facts { has_media: truth, has_campaign: None, ..Facts::default() }
    }

    #[test]
    fn unknown_yields_only_where_the_known_part_decides() {
        let media = || Box::new(Expr::Fact(Fact::HasMedia));
        let unknown = || Box::new(Expr::Fact(Fact::HasCampaign));
        let cases = [
            (Expr::And(media(), unknown()), [None, Some(false), None]),
            (Expr::And(unknown(), media()), [None, Some(false), None]),
            (Expr::Or(media(), unknown()), [Some(true), None, None]),
            (Expr::Or(unknown(), media()), [Some(true), None, None]),
            (Expr::Not(media()), [Some(false), Some(true), None]),
            (Expr::Same(media(), unknown()), [None, None, None]),
        ];
        for (expr, expected) in cases {
            let found = [Some(true), Some(false), None].map(|truth| expr.eval(&known(truth).flat()));
            assert_eq!(found, expected, "{expr:?}");
        }
    }
}
