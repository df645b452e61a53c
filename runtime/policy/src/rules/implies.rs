//! Whether a condition covers all that another covers, told by their shape. Never wrongly yes; sometimes wrongly no.
//!
//! With false < unknown < true, `implies(a, b)` promises that `a` is never above `b`, whatever is known: `&&` is the lesser
//! of two, `||` the greater, `!` turns the order round, and a comparison is unknown exactly when its facts are.

use super::expr::{Expr, Number, Op};

pub(crate) fn implies(a: &Expr, b: &Expr) -> bool {
    use Expr::{And, Compare, Const, Not, NumberIn, Or, WordIn};
    if a == b {
        return true;
    }
    match (a, b) {
        (Const(false), _) | (_, Const(true)) => true,
        (Or(x, y), _) => implies(x, b) && implies(y, b),
        (_, And(x, y)) => implies(a, x) && implies(a, y),
        (Not(x), Not(y)) => implies(y, x),
        (And(x, y), Or(v, w)) => implies(x, b) || implies(y, b) || implies(a, v) || implies(a, w),
        (And(x, y), _) => implies(x, b) || implies(y, b),
        (_, Or(v, w)) => implies(a, v) || implies(a, w),
        (WordIn(f, these), WordIn(g, those)) => f == g && these & !those == 0,
        (NumberIn(f, these), NumberIn(g, those)) => f == g && these.iter().all(|n| those.contains(n)),
        (NumberIn(Number::Fact(f), these), Compare(Number::Fact(g), op, Number::Literal(limit))) => {
            f == g && these.iter().all(|n| op.holds(n.cmp(limit)))
        }
        (Compare(Number::Fact(f), one, Number::Literal(m)), Compare(Number::Fact(g), other, Number::Literal(n))) => {
            f == g && covers(*one, *m, *other, *n)
        }
        _ => false,
    }
}

/// Whether every number for which `one m` holds is one for which `other n` does.
fn covers(one: Op, m: i64, other: Op, n: i64) -> bool {
    match (one, other) {
        (Op::Equal, _) => other.holds(m.cmp(&n)),
        (Op::Greater | Op::GreaterOrEqual, Op::Greater | Op::GreaterOrEqual) => lowest(one, m) >= lowest(other, n),
        (Op::Less | Op::LessOrEqual, Op::Less | Op::LessOrEqual) => highest(one, m) <= highest(other, n),
        (Op::Greater | Op::GreaterOrEqual, Op::NotEqual) => lowest(one, m) > i128::from(n),
        (Op::Less | Op::LessOrEqual, Op::NotEqual) => highest(one, m) < i128::from(n),
        (Op::NotEqual, Op::NotEqual) => m == n,
        _ => false,
    }
}

fn lowest(op: Op, limit: i64) -> i128 {
    i128::from(limit) + i128::from(op == Op::Greater)
}

fn highest(op: Op, limit: i64) -> i128 {
    i128::from(limit) - i128::from(op == Op::Less)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::rules::lower::lower;
    use proptest::prelude::*;

    fn holds(a: &str, b: &str) -> bool {
        implies(&lower(a).unwrap(), &lower(b).unwrap())
    }

    #[test]
    fn what_covers_more_is_told_by_its_shape() {
        let yes = [
            ("segments > 6", "segments > 4"),
            ("segments >= 5", "segments > 4"),
            ("segments < 3", "segments <= 2"),
            ("segments == 7", "segments > 6"),
            ("segments in [7, 8]", "segments > 6"),
            ("category == 'otp'", "category in ['otp', 'marketing']"),
            ("has_media && opted_out", "opted_out"),
            ("opted_out", "opted_out || has_media"),
            ("opted_out && depth > 3", "has_media || depth > 2"),
            ("!(segments > 4)", "!(segments > 6)"),
            ("has_media || opted_out", "opted_out || has_media || depth > 1"),
            ("opted_out", "true"),
        ];
        for (a, b) in yes {
            assert!(holds(a, b), "{a} is covered by {b}");
        }
        let no = [
            ("segments > 4", "segments > 6"),
            ("opted_out", "opted_out && has_media"),
            ("opted_out", "has_media"),
            ("opted_out", "false"),
            ("segments > 1", "segments < 9"),
            ("depth > 6", "segments > 4"),
            ("!(segments > 6)", "!(segments > 4)"),
            ("category in ['otp', 'marketing']", "category == 'otp'"),
        ];
        for (a, b) in no {
            assert!(!holds(a, b), "{a} isn't covered by {b}");
        }
    }

    fn condition() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "has_media",
            "opted_out",
            "segments > 1",
            "segments > 2",
            "segments <= 2",
            "segments == 2",
            "segments != 2",
            "segments in [1, 3]",
            "category == 'otp'",
            "category != 'otp'",
            "category in ['otp', 'marketing']",
            "true",
            "false",
        ])
        .prop_map(str::to_owned);
        leaf.prop_recursive(3, 12, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|a| format!("!({a})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
                (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) || ({b})")),
            ]
        })
    }

    /// 0, 1, 2 for false, unknown, true.
    fn rank(truth: Option<bool>) -> u8 {
        truth.map_or(1, |truth| if truth { 2 } else { 0 })
    }

    proptest! {
        // Most pairs have nothing to do with each other.
        #![proptest_config(ProptestConfig::with_cases(8_192))]

        #[test]
        fn what_is_said_to_be_covered_is_covered_whatever_is_known(a in condition(), b in condition()) {
            let (a, b) = (lower(&a).unwrap(), lower(&b).unwrap());
            if !implies(&a, &b) {
                return Ok(());
            }
            for media in [None, Some(false), Some(true)] {
                for out in [None, Some(false), Some(true)] {
                    for segments in [None, Some(0), Some(1), Some(2), Some(3), Some(4)] {
                        for category in [None, Some(signalbox_model::Category::Otp), Some(signalbox_model::Category::Marketing)] {
                            let facts = Facts { has_media: media, opted_out: out, segments, category, ..Facts::default() };
                            let flat = facts.flat();
                            prop_assert!(rank(a.eval(&flat)) <= rank(b.eval(&flat)), "{a:?} {b:?} {facts:?}");
                            // What a condition needs is only looked at to see sooner that it is false.
                            for one in [&a, &b] {
                                prop_assert!(!one.needs().fail(&flat) || one.eval(&flat) == Some(false), "{one:?} {facts:?}");
                            }
                        }
                    }
                }
            }
        }
    }
}
