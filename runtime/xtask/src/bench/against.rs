//! `path_against`: two programs on the same machine in the same minutes, for a machine that isn't as fast now as it was
//! a while ago. Both are started, and take the same bursts of messages in turn.

use super::Options;
use super::figure::{Figure, Table, median};
use super::path;
use super::rig::{Programs, Rig};
use crate::progress;
use crate::workspace::Binaries;
use anyhow::{Context, Result};

/// Bursts of each: enough that one slow moment of the machine moves no median.
const ROUNDS: usize = 12;
const BURST: u64 = 8_000;

pub fn run(options: &Options, programs: &Programs, table: &Table) -> Result<()> {
    let other = options.against.clone().context("name the other program: --against PATH")?;
    let others = Programs { binaries: Binaries { signalbox: other, ..programs.binaries.clone() }, ..*programs };
    let mut ours = path::open(programs, true)?;
    let mut theirs = path::open(&others, true)?;
    let (mut costs, mut other_costs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        // Whoever comes first in one round comes second in the next.
        let (cost, other) = if round % 2 == 0 {
            let cost = cost(&mut ours)?;
            (cost, self::cost(&mut theirs)?)
        } else {
            let other = cost(&mut theirs)?;
            (self::cost(&mut ours)?, other)
        };
        progress::say(&format!("round {round}: {cost:.0} µs each, the other {other:.0}"));
        costs.push(cost);
        other_costs.push(other);
        ratios.push(cost / other);
    }
    let note = format!("CPU of the signalbox process, as path_hook; median of {ROUNDS} bursts of {BURST}");
    table.show(&Figure::new("path_against_ours_us", median(&mut costs), "us/msg", "", note.clone()));
    table.show(&Figure::new("path_against_other_us", median(&mut other_costs), "us/msg", "", note));
    let note = "ours to the other's, median of the rounds' ratios: below 1 is cheaper";
    table.show(&Figure::new("path_against", median(&mut ratios), "", "", note));
    Ok(())
}

fn cost(rig: &mut Rig<'_>) -> Result<f64> {
    path::run(rig, BURST).map(|(_, cost)| cost)
}
