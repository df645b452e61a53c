//! A program that runs beside us: its first line, its signals, its costs, its end.

use super::until;
use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A program; killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
    /// Reads its output to the end, so that no full pipe stops it.
    reader: Option<JoinHandle<String>>,
}

type Output = BufReader<ChildStdout>;

/// The kernel's unit of CPU time towards programs.
const TICKS_PER_SECOND: u64 = 100;

impl Process {
    /// Starts a program whose stderr goes to `<folder>/<name>.log`.
    pub fn start(name: &'static str, command: &mut Command, folder: &Path) -> Result<Self> {
        let (mut process, mut output) = Self::spawn(name, command, folder)?;
        process.reader = Some(std::thread::spawn(move || rest(&mut output)));
        Ok(process)
    }

    /// Starts a program and waits for its first line, for at most so long.
    pub fn start_and_hear(
        name: &'static str,
        command: &mut Command,
        folder: &Path,
        at_most: Duration,
    ) -> Result<(Self, String)> {
        let (mut process, mut output) = Self::spawn(name, command, folder)?;
        let (tell, heard) = std::sync::mpsc::channel();
        process.reader = Some(std::thread::spawn(move || {
            let mut line = String::new();
            let _ = output.read_line(&mut line);
            let _ = tell.send(line);
            rest(&mut output)
        }));
        let line = heard.recv_timeout(at_most).unwrap_or_default();
        if line.is_empty() {
            // Output ends a moment before the process does.
            let ended = until("", Duration::from_millis(500), || Ok(process.child.try_wait()?));
            let ended = ended.map_or_else(|_| "said nothing".to_owned(), |status| format!("ended with {status}"));
            bail!("{name} {ended}:\n{}", process.last_words());
        }
        Ok((process, line))
    }

    fn spawn(name: &'static str, command: &mut Command, folder: &Path) -> Result<(Self, Output)> {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log)?;
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).spawn();
        let mut child = started.with_context(|| format!("{} can't be started", command.get_program().display()))?;
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Ok((Self { name, child, log, reader: None }, output))
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, by its name.
    pub fn signal(&self, signal: &str) -> Result<()> {
        // The shell's own kill: std only knows SIGKILL, and the program of that name isn't everywhere.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{signal} {}", self.id())).status()?;
        ensure!(sent.success(), "{} could not be sent SIG{signal}", self.name);
        Ok(())
    }

    /// Kills it: SIGKILL, nothing flushed.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end and waits for that.
    pub fn stop(&mut self, at_most: Duration) -> Result<ExitStatus> {
        self.signal("TERM")?;
        let end = Instant::now() + at_most;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(Instant::now() < end, "{} didn't end within {} s of SIGTERM", self.name, at_most.as_secs());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it runs; the error says how it ended.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended with {status}:\n{}", self.name, self.last_words());
        }
        Ok(())
    }

    /// Waits for its end, and answers what it printed behind the first line, or all of it if that wasn't waited for.
    pub fn output(mut self) -> Result<String> {
        let status = self.child.wait()?;
        let text = self.reader.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        ensure!(status.success(), "{} ended with {status}:\n{}", self.name, self.last_words());
        Ok(text)
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rest(output: &mut Output) -> String {
    let mut text = String::new();
    let _ = output.read_to_string(&mut text);
    text
}

/// CPU time of a process, user and system, in microseconds; to a hundredth of a second.
pub fn cpu_micros(process: u32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    ticks(&stat).map(|ticks| ticks * (1_000_000 / TICKS_PER_SECOND)).context("/proc/…/stat has another form")
}

/// The second field is the program's name in brackets, and may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// Memory of a process that is in RAM, in MiB.
pub fn resident_mib(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    let kib: f64 = kib.context("/proc/…/status has no VmRSS")?;
    Ok(kib / 1_024.0)
}

/// A local address that nobody listens on now.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_whatever_the_name() {
        assert_eq!(ticks("7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0"), Some(300));
        assert!(cpu_micros(std::process::id()).is_ok());
        assert!(resident_mib(std::process::id()).unwrap() > 0.5);
    }

    #[test]
    fn a_program_that_ends_before_its_first_line_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such key >&2; exit 2"]);
        let started = Process::start_and_hear("shell", &mut command, folder.path(), Duration::from_secs(10));
        let error = started.unwrap_err().to_string();
        assert!(error.contains("no such key"), "{error}");
    }

    #[test]
    fn what_is_printed_behind_the_first_line_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two"]);
        let (process, line) =
            Process::start_and_hear("shell", &mut command, folder.path(), Duration::from_secs(10)).unwrap();
        assert_eq!((line.as_str(), process.output().unwrap().as_str()), ("one\n", "two\n"));
    }
}
