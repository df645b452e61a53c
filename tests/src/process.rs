//! A child process: its lines, its log, its end.

use crate::wait::{PATIENCE, within};
use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Lines of a log that are kept for a story that fails.
const LOG_LINES: usize = 2_000;

/// A child process. It is killed when the story drops it, and its log is shown if the story failed.
pub struct Process {
    name: String,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    log: Arc<Mutex<VecDeque<String>>>,
}

/// A process that ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// What it wrote on stdout that nobody had read.
    pub stdout: String,
    /// What it wrote on stderr.
    pub stderr: String,
}

impl Process {
    /// Starts it.
    pub fn start(name: impl Into<String>, mut command: Command) -> Self {
        let name = name.into();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name} can't be started: {error}"));
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
        let log = Arc::default();
        tokio::spawn(keep(child.stderr.take().expect("stderr is a pipe"), Arc::clone(&log)));
        Self { name, child, stdout, log }
    }

    /// Runs it to its end.
    pub async fn run(name: impl Into<String>, command: Command) -> Ended {
        Self::start(name, command).ended().await
    }

    /// What it reads.
    pub fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().expect("stdin is a pipe")
    }

    /// The next line that it writes on stdout.
    pub async fn line(&mut self) -> String {
        let next = within(PATIENCE, format_args!("a line of {}", self.name), self.stdout.next_line()).await;
        match next.expect("a pipe can be read") {
            Some(line) => line,
            None => panic!("{} ended without another line; its log:\n{}", self.name, self.log()),
        }
    }

    /// What it wrote on stderr so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("no holder panics").iter().map(|line| format!("{line}\n")).collect()
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it was not waited for yet")
    }

    /// Whether it didn't end yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends SIGTERM.
    pub async fn terminate(&self) {
        let mut command = Command::new("kill");
        let sent = command.arg("-TERM").arg(self.id().to_string()).status().await;
        assert!(sent.is_ok_and(|status| status.success()), "{} could not be signalled", self.name);
    }

    /// Waits for its end, however that comes.
    pub async fn ended(mut self) -> Ended {
        drop(self.child.stdin.take());
        let rest = async {
            let mut stdout = String::new();
            while let Ok(Some(line)) = self.stdout.next_line().await {
                stdout.push_str(&line);
                stdout.push('\n');
            }
            (stdout, self.child.wait().await.expect("a child can be waited for"))
        };
        let (stdout, status) = within(PATIENCE, format_args!("the end of {}", self.name), rest).await;
        // The log's reader sees the end of the pipe at the latest when every holder of it has ended.
        within(PATIENCE, "the end of the log", async {
            while Arc::strong_count(&self.log) > 1 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        Ended { status, stdout, stderr: self.log() }
    }

    /// SIGKILL, and its end.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a child can be killed");
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "the log of a story that failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- log of {} ----\n{}---- end of log ----", self.name, self.log());
        }
    }
}

async fn keep(stderr: impl AsyncRead + Unpin, log: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.lock().expect("no holder panics");
        if log.len() == LOG_LINES {
            log.pop_front();
        }
        log.push_back(line);
    }
}
