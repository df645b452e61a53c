//! `cargo xtask test`: everything that CI checks, in order; the first step that fails ends it.

pub mod deny;
mod peers;
mod replays;

use crate::workspace::{Profile, cargo};
use crate::{demo, guests, progress};
use anyhow::{Context, Result, bail, ensure};
use std::time::{Duration, Instant};

/// `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only this step; may be given several times.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Say which steps there are.
    #[arg(long)]
    list: bool,
}

/// A step.
struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<()>,
}

/// What is quick comes first; what needs something comes behind it.
///
/// `cargo deny` is not among these: to build the tool alone took four minutes of CPU, and the advisories that it asks for
/// change while the code doesn't. It is a command of its own.
const STEPS: &[Step] = &[
    Step { name: "format", what: "rustfmt has nothing to change", run: format },
    Step { name: "clippy", what: "clippy has nothing to say, tests and examples included", run: clippy },
    Step { name: "docs", what: "the documentation builds without a warning", run: docs },
    Step { name: "guests", what: "the guest examples build", run: || guests::build(&[]).map(|_| ()) },
    Step { name: "peers", what: "other people's implementations, for the stories", run: peers::install },
    Step { name: "programs", what: "the programs and tests build", run: programs },
    Step { name: "tests", what: "unit tests, conformance, stories", run: tests },
    Step { name: "demo", what: "the demo plays to its end", run: demo },
];

/// Runs the steps. Whether all went well.
pub fn run(options: &Options) -> Result<bool> {
    if options.list {
        list();
        return Ok(true);
    }
    let steps = chosen(&options.only)?;
    let began = Instant::now();
    let mut took: Vec<(&str, Duration)> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        progress::say(&format!("step {} of {}: {}: {}", number + 1, steps.len(), step.name, step.what));
        let step_began = Instant::now();
        let ended = (step.run)();
        took.push((step.name, step_began.elapsed()));
        if let Err(error) = ended {
            summary(&took, began.elapsed());
            let rest: Vec<_> = steps[number + 1..].iter().map(|step| step.name).collect();
            let rest = if rest.is_empty() { String::new() } else { format!("; not run: {}", rest.join(", ")) };
            eprintln!("✗ {} failed{rest}\n  again: cargo xtask test --only {}", step.name, step.name);
            return Err(error).context(step.name);
        }
    }
    summary(&took, began.elapsed());
    eprintln!("✓ all {} steps passed", steps.len());
    Ok(true)
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn list() {
    for step in STEPS {
        println!("{:<10} {}", step.name, step.what);
    }
}

fn chosen(only: &[String]) -> Result<Vec<&'static Step>> {
    for name in only {
        if !STEPS.iter().any(|step| step.name == name) {
            let known: Vec<_> = STEPS.iter().map(|step| step.name).collect();
            bail!("there is no step `{name}`; there are {}", known.join(", "));
        }
    }
    let is_chosen = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(is_chosen).collect())
}

fn summary(took: &[(&str, Duration)], all: Duration) {
    eprintln!();
    for (name, took) in took {
        eprintln!("  {name:<10} {:>14}", progress::seconds(*took));
    }
    eprintln!("  {:<10} {:>14}", "in all", progress::seconds(all));
}

fn format() -> Result<()> {
    progress::run("rustfmt", cargo().args(["fmt", "--all", "--check"]))?;
    for (name, folder) in guests::cargo_folders()? {
        let mut fmt = cargo();
        fmt.args(["fmt", "--check"]).current_dir(&folder);
        progress::run(&format!("rustfmt, {name}"), &mut fmt)?;
    }
    Ok(())
}

fn clippy() -> Result<()> {
    let mut clippy = cargo();
    clippy.args(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    progress::run("clippy", &mut clippy)
}

fn docs() -> Result<()> {
    let mut doc = cargo();
    doc.args(["doc", "--locked", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    progress::run("documentation", &mut doc)
}

/// Programs, tests and examples in one go: tests ask more features of some crates, and what the programs are built of
/// would be built once more for them.
fn programs() -> Result<()> {
    let mut build = cargo();
    build.args(["build", "--locked", "--workspace", "--all-targets"]);
    progress::run("build", &mut build)
}

/// All crates in one go, so that their features unify once. All of them even if one fails, so that CI shows the whole.
fn tests() -> Result<()> {
    replays::begin()?;
    progress::run("tests", cargo().args(["test", "--locked", "--workspace", "--no-fail-fast"]))?;
    replays::end()
}

fn demo() -> Result<()> {
    ensure!(demo::run(&demo::Options::of(Profile::Dev))?, "not every step of the demo happened");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn steps_are_chosen_by_name_and_stay_in_order() {
        let names = |only: &[&str]| -> Vec<&str> {
            let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
            super::chosen(&only).unwrap().iter().map(|step| step.name).collect()
        };
        assert_eq!(names(&["tests", "format"]), ["format", "tests"]);
        assert_eq!(names(&[]).len(), super::STEPS.len());
        assert!(super::chosen(&["test".to_owned()]).is_err());
    }
}
