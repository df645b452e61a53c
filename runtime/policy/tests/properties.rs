//! What holds whatever the rules and the facts are.

use proptest::prelude::*;
use signalbox_model::Verdict;
use signalbox_policy::rules::{Outcome, Subject};
use signalbox_policy::{Fact, Facts, Kind, Origin, Policies, RuleSet, Severity, Value, Whose};
use std::sync::LazyLock;

static US: LazyLock<Policies> = LazyLock::new(|| {
    Policies::open(&Origin { folder: None, packs: vec!["us".into()] }).expect("the built-in policies load")
});

fn value(fact: Fact) -> BoxedStrategy<Value> {
    match fact.kind() {
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Int => (0_i64..20).prop_map(Value::Int).boxed(),
        Kind::Word(words) => (0..words.len()).prop_map(|n| Value::Word(u8::try_from(n).expect("few words"))).boxed(),
    }
}

/// Every fact, known.
fn known() -> impl Strategy<Value = Facts> {
    let values: Vec<_> = Fact::ALL.iter().map(|fact| value(*fact)).collect();
    values.prop_map(|values| {
        let now = signalbox_model::Timestamp::parse_rfc3339("2026-11-23T18:00:00Z").expect("a time");
        let later = |hours: u64| Some(now + std::time::Duration::from_secs(hours * 3_600));
        let mut facts = Facts {
            now,
            window_opens: later(14),
            day_resets: later(13),
            supervision_ends: later(2),
            count_falls: None,
            ..Facts::default()
        };
        for (fact, value) in Fact::ALL.iter().zip(values) {
            assert!(facts.set(*fact, value));
        }
        facts
    })
}

fn some_unset(mut facts: Facts, unset: &[bool]) -> Facts {
    for (fact, unset) in Fact::ALL.iter().zip(unset) {
        if *unset {
            facts.set(*fact, Value::Unknown);
        }
    }
    facts
}

fn unset() -> impl Strategy<Value = Vec<bool>> {
    prop::collection::vec(any::<bool>(), Fact::ALL.len())
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "has_media",
        "opted_out",
        "segments > 2",
        "segments > 6",
        "segments <= 6",
        "depth >= 3",
        "category == 'otp'",
        "category in ['otp', 'marketing']",
        "true",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) || ({b})")),
        ]
    })
}

/// A rule's changing parts: severity, on_unknown, how long it holds, what it changes, whom it is for, from when to when, when.
fn rule() -> impl Strategy<Value = String> {
    let severity = prop::sample::select(vec!["warn", "rewrite", "hold", "deny"]);
    let unknown = prop::sample::select(vec!["pass", "warn", "rewrite", "hold", "deny"]);
    let hold = prop::sample::select(vec![
        "hold_for = \"5m\"",
        "hold_for = \"1h\"",
        "hold_until = \"window\"",
        "hold_until = \"daily-reset\"",
        "hold_until = \"count\"",
        "hold_until = \"supervision\"",
    ]);
    let change = prop::sample::select(vec!["name-brand", "append-opt-out", "portal-link"]);
    let applies = prop::sample::select(vec![
        "",
        "",
        "applies = { categories = [\"marketing\"] }",
        "applies = { categories = [\"marketing\", \"otp\"], directions = [\"outbound\"] }",
        "applies = { channels = [\"sms\"], senders = [\"long_code\", \"toll_free\"] }",
        "applies = { origins = [\"api\"], carriers = [\"att\"] }",
    ]);
    // The facts are of a day in November.
    let dates = prop::sample::select(vec![
        "",
        "",
        "effective = \"2026-01-01\"",
        "effective = \"2026-12-01\"",
        "expires = \"2026-11-01\"",
        "expires = \"2027-01-31\"",
        "effective = \"2026-11-23\"\nexpires = \"2026-11-24\"",
    ]);
    (severity, unknown, hold, change, applies, dates, condition()).prop_map(
        |(severity, unknown, hold, change, applies, dates, when)| {
            let asks = |word: &str| severity == word || unknown == word;
            let hold = if asks("hold") { hold } else { "" };
            let change = if asks("rewrite") { format!("change = \"{change}\"") } else { String::new() };
            format!(
                "[[rule]]\nid = \"a\"\ncite = \"c\"\nclass = \"unknown\"\nseverity = \"{severity}\"\non_unknown = \"{unknown}\"\n\
                 {hold}\n{change}\n{applies}\n{dates}\nwhen = \"{when}\"\nexplain = \"e\"\nfix = \"f\"\n"
            )
        },
    )
}

const ACME: Whose<'_> = Whose { tenant: Some("acme"), campaign: None };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn what_is_accepted_as_tightening_never_makes_a_verdict_milder(
        wide in rule(), narrow in rule(), same in any::<bool>(), facts in known(), unset in unset(),
    ) {
        // Half of the changes are of the rule's severity alone, so that many are accepted.
        let narrow = if same { wide.replacen("severity = \"warn\"", "severity = \"deny\"", 1) } else { narrow };
        let facts = some_unset(facts, &unset);
        let alone = |text: &str| RuleSet::parse(&[("floor.toml", text)]).expect("it is a rule").verdict(&facts, ACME);
        match RuleSet::parse(&[("floor.toml", &wide), ("tenants/acme.toml", &narrow)]) {
            Ok(both) => {
                prop_assert!(both.verdict(&facts, ACME) >= alone(&wide));
                // The change asks for as much even without the rule that it changes.
                prop_assert!(alone(&narrow) >= alone(&wide), "{wide}\n{narrow}");
            }
            Err(error) => prop_assert!(error.to_string().contains("would loosen the floor layer's rule `a`"), "{error}"),
        }
    }

    #[test]
    fn rules_that_a_tenant_adds_never_make_a_verdict_milder(added in rule(), facts in known(), unset in unset()) {
        let facts = some_unset(facts, &unset);
        let floor = signalbox_policy::BUILT_IN_FLOOR;
        let both = RuleSet::parse(&[("floor.toml", floor), ("tenants/acme.toml", &added)]).expect("additions are taken");
        let without = RuleSet::parse(&[("floor.toml", floor)]).expect("the floor loads");
        prop_assert!(both.verdict(&facts, ACME) >= without.verdict(&facts, ACME));
    }

    #[test]
    fn a_missing_fact_never_lets_go_what_a_rule_wants_known(facts in known(), unset in unset()) {
        let missing = some_unset(facts, &unset);
        for rule in US.rules.rules().iter().filter(|rule| rule.on_unknown() == Some(Severity::Deny)) {
            if rule.judge(&Subject::of(&missing)) == Outcome::Unknown {
                prop_assert_eq!(US.rules.verdict(&missing, Whose::default()), Verdict::Deny, "{}", rule.id());
            }
            // What is refused with everything known is refused with less known.
            if rule.severity() == Severity::Deny && rule.judge(&Subject::of(&facts)) == Outcome::Fired {
                prop_assert_eq!(US.rules.verdict(&missing, Whose::default()), Verdict::Deny, "{}", rule.id());
            }
        }
    }

    #[test]
    fn a_decision_is_the_verdict_with_reasons(facts in known(), unset in unset()) {
        let facts = some_unset(facts, &unset);
        let decision = US.decide(&facts, Whose::default());
        prop_assert_eq!(decision.verdict, US.rules.verdict(&facts, Whose::default()));
        prop_assert_eq!(decision.reasons.is_empty(), decision.verdict == Verdict::Allow);
        prop_assert_eq!(decision.trace.outcomes.len(), US.rules.rules().len().div_ceil(4));
    }
}
