//! `cargo xtask crash`: a Signalbox under load is killed again and again, and what it promised is held against the
//! books of those outside: the sender, the carrier, the webhook's receiver.
//!
//! | module | what |
//! |---|---|
//! | `rounds` | the load, the kills, the restarts |
//! | `phones` | texts to a number with a handler |
//! | `books` | what the outside wrote down |
//! | `timelines` | what the API says of each message |
//! | `verdict` | one held against the other |
//! | `talks` | the same for phones' texts and the handler's effects |

mod books;
mod phones;
mod rounds;
mod talks;
mod timelines;
mod verdict;

pub use verdict::Failure;

use crate::progress;
use crate::random::Random;
use crate::workspace::{Binaries, Choice};
use anyhow::Result;
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

/// `cargo xtask crash`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Kills.
    #[arg(long, default_value_t = 10)]
    pub rounds: u32,
    /// When each kill falls, and the carrier's chance; drawn and told if left out.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Messages a second.
    #[arg(long, default_value_t = 400)]
    pub rate: u32,
    /// Which programs.
    #[command(flatten)]
    pub programs: Choice,
    /// Print the report as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What a run showed.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Its chance: with it, kills fall at the same moments.
    pub seed: u64,
    /// Kills.
    pub rounds: u32,
    /// Kills that fell on a start, before it was ready.
    pub killed_while_starting: u32,
    /// Messages that the API answered with 202.
    pub accepted: usize,
    /// Messages that it refused.
    pub refused: usize,
    /// Messages that it never answered.
    pub unanswered: usize,
    /// Messages by their status in the end.
    pub statuses: std::collections::BTreeMap<String, usize>,
    /// Messages that were in doubt at some time.
    pub in_doubt: usize,
    /// Messages that reached the carrier more than once; each was in doubt.
    pub sent_again: usize,
    /// Submits that the carrier took.
    pub submits: usize,
    /// Receipts that were acknowledged to the carrier.
    pub receipts: usize,
    /// Of those, receipts of submits whose answer a kill took away: they name an id that nobody here ever heard.
    pub receipts_unmatchable: usize,
    /// Texts that phones wrote to the number with a handler.
    pub texts: usize,
    /// Of those, texts that the carrier brought more than once, for want of an answer.
    pub texts_brought_again: usize,
    /// Of those, texts that the house took more than once: a `deliver_sm` has no id by which it could tell.
    pub texts_taken_again: usize,
    /// The handler's answers.
    pub replies: usize,
    /// Answers that were in doubt at some time.
    pub replies_in_doubt: usize,
    /// Answers that reached their phone more than once; each was in doubt.
    pub replies_sent_again: usize,
    /// Webhooks that came.
    pub webhooks: usize,
    /// The longest time from a start to its ready line.
    pub longest_start_ms: u64,
    /// From the first start to the verdict.
    pub seconds: f64,
    /// What was promised and not kept.
    pub failures: Vec<Failure>,
}

/// Builds the programs and runs the story.
pub fn run(options: &Options) -> Result<Report> {
    run_with(options, &options.programs.get(&["echo-support"])?)
}

/// Runs the story with programs that were built before.
pub fn run_with(options: &Options, binaries: &Binaries) -> Result<Report> {
    let began = Instant::now();
    let seed = options.seed.unwrap_or_else(Random::seed);
    progress::say(&format!("{} rounds, seed {seed}", options.rounds));
    let folder = tempfile::tempdir()?;
    let told = tell(options, seed, binaries, folder.path());
    if !told.as_ref().is_ok_and(|report| report.failures.is_empty()) {
        // What it takes to look closer: the books, the logs, the store.
        progress::say(&format!("everything is kept in {}", folder.keep().display()));
    }
    told.map(|report| Report { seconds: began.elapsed().as_secs_f64(), ..report })
}

fn tell(options: &Options, seed: u64, binaries: &Binaries, folder: &Path) -> Result<Report> {
    let mut ended = rounds::play(options, seed, binaries, folder)?;
    let mut books = books::Books::read(folder)?;
    let timelines = timelines::settled(&mut ended.server, &books)?;
    let told = std::mem::take(&mut ended.told);
    books.read_hooks(told, |after| ended.carrier.hooks(after), &timelines)?;
    let talks = talks::settled(&mut ended.server, &mut books, folder, &ended.written)?;
    // Receipts may have come in while messages settled.
    books.read_carrier(folder)?;
    let mut report = verdict::judge(&books, &timelines);
    talks::judge(&books, &ended.written, &talks, &mut report);
    Ok(Report {
        seed,
        rounds: options.rounds,
        killed_while_starting: ended.killed_while_starting,
        longest_start_ms: u64::try_from(ended.longest_start.as_millis())?,
        ..report
    })
}

/// Runs the story and prints the report. Whether every promise was kept.
pub fn command(options: &Options) -> Result<bool> {
    let report = run(options)?;
    print(&report, options.json)?;
    Ok(report.failures.is_empty())
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn print(report: &Report, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    println!("{report}");
    Ok(())
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, rounds, accepted, refused, unanswered, submits, receipts, webhooks, .. } = self;
        let starting = self.killed_while_starting;
        writeln!(f, "{rounds} kills ({starting} amid a start), {:.1} s, seed {seed}", self.seconds)?;
        writeln!(f, "sender    {accepted} accepted, {refused} refused, {unanswered} never answered")?;
        let statuses: Vec<_> = self.statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
        writeln!(f, "API       {}", statuses.join(", "))?;
        let (in_doubt, again) = (self.in_doubt, self.sent_again);
        writeln!(f, "carrier   {submits} submits; {in_doubt} messages were in doubt, {again} of them came twice")?;
        let unmatchable = self.receipts_unmatchable;
        writeln!(f, "receipts  {receipts} acknowledged, {unmatchable} of submits whose answer was lost in a kill")?;
        let (texts, again, twice) = (self.texts, self.texts_brought_again, self.texts_taken_again);
        writeln!(
            f,
            "texts     {texts} of phones; {again} brought again for want of an answer, {twice} of them taken again"
        )?;
        let (replies, in_doubt, again) = (self.replies, self.replies_in_doubt, self.replies_sent_again);
        writeln!(f, "handler   {replies} answers; {in_doubt} were in doubt, {again} of them came twice")?;
        writeln!(f, "webhooks  {webhooks}")?;
        writeln!(f, "starts    ready after {} ms at most", self.longest_start_ms)?;
        for failure in &self.failures {
            writeln!(f, "FAILED    {failure}")?;
        }
        let verdict = if self.failures.is_empty() { "every promise was kept" } else { "promises were broken" };
        write!(f, "{verdict}")
    }
}
