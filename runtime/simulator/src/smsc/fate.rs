//! What becomes of the n-th submit: a pure function of scenario, seed, n and destination.
//! So a run repeats exactly, and two runs differ only in what the network reordered.

use crate::Status;
use crate::scenario::{Dialect, Outcome, Scenario};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fate {
    pub(super) starts_throttling: bool,
    pub(super) starts_queue_full: bool,
    pub(super) refused: Option<Status>,
    pub(super) silent: bool,
    pub(super) response_delay: Duration,
    pub(super) outcome: Outcome,
    pub(super) error: u16,
    pub(super) receipt: ReceiptFate,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ReceiptFate {
    pub(super) delay: Duration,
    pub(super) dialect: Dialect,
    pub(super) early: bool,
    pub(super) duplicate: bool,
    pub(super) lost: bool,
}

/// A generator for the n-th of something; `stream` keeps kinds of things apart.
pub(super) fn dice(seed: u64, stream: u64, n: u64) -> SmallRng {
    SmallRng::seed_from_u64(seed ^ stream.rotate_left(56) ^ n.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

pub(super) const SUBMITS: u64 = 1;
pub(super) const BINDS: u64 = 2;
pub(super) const GARBAGE: u64 = 3;
pub(super) const PHONES: u64 = 4;

pub(super) fn decide(scenario: &Scenario, seed: u64, n: u64, dest: &str) -> Fate {
    let dice = &mut dice(seed, SUBMITS, n);
    // The order of the draws is fixed, and each is drawn whatever its rate.
    let starts_throttling = scenario.throttle.rate.draw(dice);
    let starts_queue_full = scenario.queue_full.rate.draw(dice);
    let silent = scenario.response.silence_rate.draw(dice);
    let response_delay = scenario.response.delay.draw(dice);
    let receipts = &scenario.receipts;
    let receipt = ReceiptFate {
        delay: receipts.delay.draw(dice),
        dialect: *receipts.dialect.draw(dice),
        early: receipts.early_rate.draw(dice),
        duplicate: receipts.duplicate_rate.draw(dice),
        lost: receipts.lost_rate.draw(dice),
    };
    let refused = first(&scenario.refuse, dice, |rule, dice| rule.to.matches(dest) && rule.rate.draw(dice));
    let outcome = first(&scenario.outcomes, dice, |rule, dice| rule.to.matches(dest) && rule.rate.draw(dice));
    Fate {
        starts_throttling,
        starts_queue_full,
        refused: refused.map(|rule| rule.status),
        silent,
        response_delay,
        outcome: outcome.map_or(Outcome::Delivered, |rule| rule.state),
        error: outcome.map_or(0, |rule| rule.error),
        receipt,
    }
}

fn first<'a, T, R: Rng>(rules: &'a [T], dice: &mut R, applies: impl Fn(&T, &mut R) -> bool) -> Option<&'a T> {
    rules.iter().find(|rule| applies(rule, dice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unruly() -> Scenario {
        let text = r#"
            [throttle]
            rate = 0.1
            [queue_full]
            rate = 0.1
            [response]
            delay = "0ms..50ms"
            silence_rate = 0.2
            [receipts]
            dialect = ["tlv", "text", "none"]
            duplicate_rate = 0.3
            lost_rate = 0.1
            [[outcomes]]
            to = "+1555*"
            rate = 0.5
            state = "undelivered"
            error = 5
        "#;
        Scenario::from_toml("unruly", text).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_fates_and_another_seed_others() {
        let fates = |seed| (1..200).map(|n| decide(&unruly(), seed, n, "+15550001")).collect::<Vec<_>>();
        assert_eq!(fates(7), fates(7));
        assert_ne!(fates(7), fates(8));
    }

    #[test]
    fn rates_come_out_near_their_share() {
        let count =
            |of: fn(&Fate) -> bool| (1..=10_000).map(|n| decide(&unruly(), 1, n, "+15550001")).filter(of).count();
        for (seen, share) in [
            (count(|fate| fate.starts_throttling), 1_000),
            (count(|fate| fate.silent), 2_000),
            (count(|fate| fate.receipt.duplicate), 3_000),
            (count(|fate| fate.outcome == Outcome::Undelivered), 5_000),
        ] {
            assert!(seen.abs_diff(share) < 200, "{seen} instead of about {share}");
        }
    }

    #[test]
    fn one_rate_s_change_leaves_the_other_draws_alone() {
        let mut calmer = unruly();
        calmer.throttle.rate = crate::Rate::NEVER;
        for n in 1..100 {
            let (before, after) = (decide(&unruly(), 3, n, "1"), decide(&calmer, 3, n, "1"));
            assert_eq!((before.silent, before.receipt), (after.silent, after.receipt));
        }
    }

    #[test]
    fn rules_apply_to_their_destinations_in_order() {
        let text = "[[refuse]]\nto = \"+1*\"\nstatus = 11\n[[refuse]]\nstatus = 69\n";
        let scenario = Scenario::from_toml("rules", text).unwrap();
        assert_eq!(decide(&scenario, 0, 1, "+1999").refused, Some(Status(11)));
        assert_eq!(decide(&scenario, 0, 1, "+4999").refused, Some(Status(69)));
    }
}
