//! The `signalbox` binary: configuration, wiring, supervision, drain, command line.
//!
//! | module | what it holds |
//! |---|---|
//! | [`args`] | the command line |
//! | [`config`] | the configuration file |
//! | [`wire`] | how the house is joined, and taken apart again |
//! | [`policy`] | `signalbox policy`: check, test, coverage, explain |
//! | `serve` | `signalbox serve` |
//! | `classify` | `signalbox consent classify` |
//! | `lint` | `signalbox campaign lint` |
//! | `dev` | `signalbox dev`: the house with a simulated carrier, for people who write handlers |
//! | `new` | `signalbox new`: a small project to begin with |
//! | `invoke` | `signalbox invoke`: one event, effects and costs |
//! | `test` | `signalbox test`: conversation scripts, played with a handler |
//! | `native` | who compiles handlers, and where native code is kept |
//! | `client` | the commands that ask a running Signalbox |
//! | `master` | `signalbox keys` |
//! | `machine`, `process` | this machine's clock and chance; what this process uses |
//! | `signals`, `log`, `out`, `exit` | what the process hears, says, and ends with |

pub mod args;
mod check;
mod classify;
mod client;
pub mod config;
mod dev;
mod exit;
mod invoke;
mod keys;
mod lint;
mod log;
mod machine;
mod master;
mod native;
mod new;
mod out;
pub mod policy;
mod process;
mod serve;
mod signals;
mod test;
pub mod whatif;
pub mod wire;

use std::future::Future;
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Campaign, Command, Consent};
pub use exit::Error;

/// Runs the command line that the process was started with.
pub fn main() -> ExitCode {
    exit::code(run(Args::parse()))
}

fn run(args: Args) -> Result<ExitCode, Error> {
    match args.command {
        Command::Serve(args) => serve::run(&args),
        Command::Dev(args) => dev::run(args),
        Command::New(args) => new::run(&args),
        Command::Invoke(args) => invoke::run(&args),
        Command::Test(args) => test::run(&args),
        Command::CompileComponent { order } => Ok(signalbox_guest::compile_as_child(&order)),
        Command::Replay(args) => block_on(Some(1), client::replay(&args)),
        Command::Config(command) => check::run(&command),
        Command::Simulator(args) => block_on(None, async {
            signalbox_simulator::run(args).await?;
            Ok(ExitCode::SUCCESS)
        }),
        Command::Consent(Consent::Classify(args)) => classify::run(&args),
        Command::Policy(command) => policy::run(&command),
        Command::Consent(Consent::Client(command)) => block_on(Some(1), client::consent(command)),
        Command::Suppression(command) => block_on(Some(1), client::suppression(command)),
        Command::Programs(command) => block_on(Some(1), client::programs(command)),
        Command::Brand(command) => block_on(Some(1), client::register("brands", command)),
        Command::Campaign(Campaign::Lint(args)) => lint::run(&args),
        Command::Campaign(Campaign::Register(command)) => block_on(Some(1), client::register("campaigns", command)),
        Command::Number(command) => block_on(Some(1), client::register("numbers", command)),
        Command::Tollfree(command) => block_on(Some(1), client::register("toll-free", command)),
        Command::Shortcode(command) => block_on(Some(1), client::register("short-codes", command)),
        Command::Supervision(command) => block_on(Some(1), client::supervision(command)),
        Command::Retention(command) => block_on(Some(1), client::retention(command)),
        Command::Audit(command) => block_on(Some(1), client::audit(command)),
        Command::Keys(command) => master::run(command),
        Command::Erase(command) => block_on(Some(1), client::erase(command)),
        Command::Hold(command) => block_on(Some(1), client::hold(command)),
        Command::Client(command) => block_on(Some(1), client::run(command)),
    }
}

/// Runs to the end on a runtime with so many threads, or one for each core.
fn block_on<T>(threads: Option<usize>, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads);
    }
    let runtime = builder.enable_all().thread_name("signalbox").build().map_err(Error::Runtime)?;
    runtime.block_on(work)
}
