//! `cargo xtask bench`: what it costs. Sender, carrier and receiver are processes of their own, on the same machine.
//!
//! | module | figures |
//! |---|---|
//! | `accept` | `accept_single`, `accept_batch` |
//! | `path` | `path_hook`, `path_nohook`, each with `…_cpu_us` |
//! | `kannel` | `kannel`, `kannel_cpu_us`: another gateway beside it, as a yardstick for the machine |
//! | `against` | `path_against`: the same beside another build of the program, in turn |
//! | `latency` | `path_p50_ms`, `path_p99_ms` |
//! | `waiting` | `rss_100k_mb`, `restart_100k_s` |
//! | `parts` | `pdu_…`, `guest_…`, `policy_…`, `store_…`: the crates' own benchmarks; `guests`: by `lang`, what `signalbox new` writes, and `example_…` |
//! | `neighbours` | `neighbour_p99_ratio`: a tenant beside one whose handler misbehaves, by `kind` |

mod accept;
mod against;
mod figure;
mod kannel;
mod latency;
mod neighbours;
mod parts;
pub(crate) mod path;
pub(crate) mod rig;
mod waiting;

use crate::release;
use crate::workspace::{Binaries, Choice, Profile};
use anyhow::{Result, bail};
use figure::Table;
use rig::Programs;

/// `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Which; all but `guests`, `neighbours`, `store`, `kannel` and `path_against` if none is named.
    names: Vec<String>,
    /// One JSON object a line: name, value, unit, expected, note, and `lang` or `kind` where there are several.
    #[arg(long)]
    json: bool,
    /// Take the programs and guests as they were built last.
    #[arg(long)]
    no_build: bool,
    /// Measure the program that `cargo xtask release` makes, rather than what `cargo build --release` does. Making it takes three
    /// times as long.
    #[arg(long)]
    trained: bool,
    /// Another build of `signalbox`, with which `path_against` compares.
    #[arg(long, value_name = "PATH")]
    against: Option<std::path::PathBuf>,
    /// Runs of each benchmark of the accept and path kinds, of which the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Messages in a run of a path benchmark.
    #[arg(long, default_value_t = 60_000)]
    messages: u64,
}

type Run = fn(&Options, &Programs, &Table) -> Result<()>;

/// What is measured together.
struct Group {
    names: &'static [&'static str],
    run: Run,
    /// Only if it is named.
    on_demand: bool,
    /// On a running server; otherwise it is a crate's own benchmark.
    serves: bool,
}

const fn serving(names: &'static [&'static str], run: Run) -> Group {
    Group { names, run, on_demand: false, serves: true }
}

const fn alone(names: &'static [&'static str], run: Run) -> Group {
    Group { names, run, on_demand: false, serves: false }
}

impl Group {
    const fn on_demand(self) -> Self {
        Self { on_demand: true, ..self }
    }
}

const GROUPS: &[Group] = &[
    serving(&["accept_single"], accept::single),
    serving(&["accept_batch"], accept::batch),
    serving(&["path_hook", "path_hook_cpu_us"], path::hook),
    serving(&["path_nohook", "path_nohook_cpu_us"], path::nohook),
    serving(&["path_p50_ms", "path_p99_ms"], latency::run),
    alone(&["pdu_decode", "pdu_encode"], parts::pdu),
    alone(&["guest_fresh_p50_us", "guest_fresh_p99_us", "guest_floor_p50_us"], parts::guest),
    serving(&["restart_100k_s", "rss_100k_mb"], waiting::run),
    alone(&["policy", "policy_full_p50_us", "policy_20rules_p50_us"], parts::policy),
    alone(&["guests"], parts::guests).on_demand(),
    serving(&["neighbours", "neighbour_p99_ratio"], neighbours::run).on_demand(),
    alone(&["store"], parts::store).on_demand(),
    alone(&["kannel", "kannel_cpu_us"], kannel::run).on_demand(),
    serving(&["path_against"], against::run).on_demand(),
];

/// Measures. Whether every figure came out; whether it is as expected is for its reader.
pub fn run(options: &Options) -> Result<bool> {
    let chosen = chosen(&options.names)?;
    let programs = programs(options, &chosen)?;
    let table = Table::new(options.json);
    let mut all = true;
    for group in chosen {
        if let Err(error) = (group.run)(options, &programs, &table) {
            eprintln!("cargo xtask: {}: {error:#}", group.names.join(", "));
            all = false;
        }
    }
    Ok(all)
}

/// The crates' own benchmarks need no server.
fn programs(options: &Options, chosen: &[&Group]) -> Result<Programs> {
    let choice = Choice { profile: Profile::Release, no_build: options.no_build };
    let plain = choice.get(&["draft-stamp", "echo-support", "misbehaving"])?;
    let serves = chosen.iter().any(|group| group.serves);
    let signalbox = match (serves && options.trained, options.no_build) {
        (false, _) => plain.signalbox,
        (true, false) => release::build()?,
        (true, true) => release::built()?,
    };
    Ok(Programs { binaries: Binaries { signalbox, ..plain }, no_build: options.no_build })
}

fn chosen(names: &[String]) -> Result<Vec<&'static Group>> {
    for name in names {
        if !GROUPS.iter().any(|group| group.names.contains(&name.as_str())) {
            let known: Vec<_> = GROUPS.iter().flat_map(|group| group.names).copied().collect();
            bail!("there is no benchmark `{name}`; there are {}", known.join(", "));
        }
    }
    let is_named = |group: &&Group| group.names.iter().any(|name| names.iter().any(|named| named == name));
    Ok(GROUPS.iter().filter(|group| if names.is_empty() { !group.on_demand } else { is_named(group) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(chosen: &[&str]) -> Vec<&'static str> {
        let chosen: Vec<_> = chosen.iter().map(|name| (*name).to_owned()).collect();
        super::chosen(&chosen).unwrap().iter().map(|group| group.names[0]).collect()
    }

    #[test]
    fn a_figure_s_name_chooses_what_is_measured_with_it() {
        assert_eq!(names(&["path_p99_ms", "rss_100k_mb"]), ["path_p50_ms", "restart_100k_s"]);
        assert_eq!(names(&["store"]), ["store"]);
        assert!(!names(&[]).contains(&"store") && names(&[]).len() == GROUPS.len() - 5);
        assert!(super::chosen(&["path_hok".to_owned()]).is_err());
    }
}
