//! Commands that ask no running Signalbox: `serve`, `dev`, `new`, `invoke`, `test`, `config`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::config;

/// `signalbox serve`.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// The configuration file.
    #[arg(long, short, env = "SIGNALBOX_CONFIG", default_value = "signalbox.toml")]
    pub config: PathBuf,
    /// Print what is worth knowing as lines of JSON.
    #[arg(long)]
    pub json: bool,
}

/// `signalbox dev`.
#[derive(Debug, clap::Args)]
pub struct Dev {
    /// A WebAssembly component, or a folder with handler.toml, whose `build` is run when a source changes; bound to the
    /// development number, and replaced when it changes. Secrets are taken from `SIGNALBOX_SECRET_<NAME>`.
    pub handler: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value_t = config::DEFAULT_LISTEN)]
    pub listen: SocketAddr,
    /// Keep the store in this folder. Without it the store is fresh and gone afterwards.
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// The simulated carrier's behaviour (TOML).
    #[arg(long)]
    pub scenario: Option<PathBuf>,
    /// What is logged: trace, debug, info, warn or error.
    #[arg(long, default_value = "warn")]
    pub log: String,
    /// Print what is worth knowing as lines of JSON.
    #[arg(long)]
    pub json: bool,
}

/// `signalbox new`.
#[derive(Debug, clap::Args)]
pub struct New {
    /// The handler's name, and that of its folder.
    pub name: String,
    /// The language.
    #[arg(long, value_enum)]
    pub lang: Language,
    /// Print what was written as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Languages that there are templates for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust.
    Rust,
    /// TypeScript.
    Ts,
    /// JavaScript.
    Js,
    /// Python.
    Python,
    /// C.
    C,
    /// Go.
    Go,
}

impl Language {
    /// Its folder among the templates.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Ts => "ts",
            Self::Js => "js",
            Self::Python => "python",
            Self::C => "c",
            Self::Go => "go",
        }
    }

    /// Does a project get the kit for JavaScript?
    pub fn has_kit(self) -> bool {
        matches!(self, Self::Ts | Self::Js)
    }
}

/// `signalbox invoke`.
#[derive(Debug, clap::Args)]
pub struct Invoke {
    /// A component, or a folder with handler.toml.
    pub handler: PathBuf,
    /// The event, in JSON: {"kind": "message", "text": "hello"}. `http` answers requests to hosts that the manifest
    /// declares: `[{"url": "https://api.example.com/*", "status": 200, "body": "…"}]`.
    pub event: PathBuf,
    /// Answer with one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `signalbox test`.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Scripts, or folders with scripts (every TOML file in a folder `conversations`).
    #[arg(default_value = ".")]
    pub places: Vec<PathBuf>,
    /// The handler's component, if it isn't where handler.toml says or builds leave it.
    #[arg(long)]
    pub handler: Option<PathBuf>,
    /// How outcomes are written.
    #[arg(long, value_enum, default_value_t = TestFormat::Pretty)]
    pub format: TestFormat,
}

/// How outcomes of tests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people.
    Pretty,
    /// Test Anything Protocol.
    Tap,
    /// JUnit's XML.
    Junit,
    /// One JSON object.
    Json,
}

/// `signalbox config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration and its policies; nothing is started.
    Check {
        /// The configuration file.
        #[arg(default_value = "signalbox.toml")]
        file: PathBuf,
        /// Answer with one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print an example with a comment on every key.
    Example {
        /// Answer with one JSON object.
        #[arg(long)]
        json: bool,
    },
}
