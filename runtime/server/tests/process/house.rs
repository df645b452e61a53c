//! A `signalbox` process with a folder of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub const TENANT: &str = "[[tenants]]\nname = 'shop'\nbrand = 'Shop'\nhelp = 'https://shop.example'\n";

pub fn signalbox() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    for variable in ["SIGNALBOX_URL", "SIGNALBOX_KEY", "SIGNALBOX_CONFIG"] {
        command.env_remove(variable);
    }
    command
}

/// Runs a command to its end.
pub fn output(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the command can be started");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// A folder with a configuration in it.
pub fn configured(more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), more);
    folder
}

pub fn configure(folder: &Path, more: &str) {
    let least = "[listen]\napi = '127.0.0.1:0'\n[store]\nfolder = 'data'\n";
    std::fs::write(folder.join("signalbox.toml"), format!("{least}{more}")).unwrap();
}

pub fn serve(folder: &Path) -> Command {
    let mut command = signalbox();
    command.args(["serve", "--json", "--config"]).arg(folder.join("signalbox.toml"));
    command
}

/// A process that said that it is ready. Killed if a test fails before it ended.
pub struct House {
    child: Child,
    /// Kept open: who writes to a pipe that nobody reads gets an error.
    _lines: BufReader<ChildStdout>,
    pub ready: Value,
}

impl House {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut log = String::new();
            let _ = child.stderr.take().unwrap().read_to_string(&mut log);
            panic!("the process isn't ready: {line:?}, it says {log}")
        });
        Self { child, _lines: lines, ready }
    }

    pub fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap()
    }

    pub fn address(&self) -> &str {
        self.url().trim_start_matches("http://")
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The log, line by line, as it is written.
    pub fn log(&mut self) -> impl Iterator<Item = String> + use<> {
        BufReader::new(self.child.stderr.take().unwrap()).lines().map_while(Result::ok)
    }

    pub fn ended(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
