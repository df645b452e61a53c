//! Commands run with a line on what runs and how long it took. All of it on stderr: stdout is for results.

use anyhow::{Context, Result, bail, ensure};
use std::io::{ErrorKind, IsTerminal, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Says that something begins.
pub fn say(text: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("\x1b[1;36m▸\x1b[0m {text}");
    } else {
        eprintln!("▸ {text}");
    }
}

/// Says that it ended, and how long it took.
pub fn done(text: &str, took: Duration) {
    let took = seconds(took);
    if std::io::stderr().is_terminal() {
        eprintln!("\x1b[1;32m✓\x1b[0m {text} ({took})");
    } else {
        eprintln!("✓ {text} ({took})");
    }
}

/// A length of time as people read it.
pub fn seconds(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {:02.0} s", seconds as u64 / 60, seconds % 60.0)
    }
}

/// Does something under such lines.
pub fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    say(name);
    let began = Instant::now();
    let result = work().with_context(|| name.to_owned())?;
    done(name, began.elapsed());
    Ok(result)
}

/// Runs a command to its end, its output shown as it comes.
pub fn run(name: &str, command: &mut Command) -> Result<()> {
    step(name, || {
        let status = command.status().with_context(|| start_failed(command))?;
        if status.success() { Ok(()) } else { bail!("`{}` ended with {status}", shown(command)) }
    })
}

/// Runs a command whose output is wanted only if it fails, for at most so long.
pub fn quiet(command: &mut Command, at_most: Duration) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| start_failed(command))?;
    let mut stderr = child.stderr.take().expect("stderr is piped");
    // Read beside the wait, so that a talkative command isn't stopped by a full pipe.
    let reader = std::thread::spawn(move || {
        let mut said = String::new();
        let _ = stderr.read_to_string(&mut said);
        said
    });
    let until = Instant::now() + at_most;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            bail!("`{}` took longer than {}", shown(command), seconds(at_most));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if status.success() {
        return Ok(());
    }
    let said = reader.join().unwrap_or_default();
    bail!("`{}` ended with {status}:\n{}", shown(command), said.trim_end())
}

/// What a command prints, which has to go well.
pub fn said_by(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| start_failed(command))?;
    ensure!(output.status.success(), "`{}` ended with {}", shown(command), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program is there.
pub fn is_there(program: &str) -> bool {
    let tried = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    !matches!(tried, Err(error) if error.kind() == ErrorKind::NotFound)
}

/// A command as one would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn start_failed(command: &Command) -> String {
    format!("`{}` can't be started", shown(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_says_what_it_said() {
        let error =
            quiet(Command::new("sh").args(["-c", "echo broken pipe dream >&2; exit 3"]), Duration::from_secs(10));
        let error = format!("{:#}", error.unwrap_err());
        assert!(error.contains("broken pipe dream") && error.contains('3'), "{error}");
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        let began = Instant::now();
        let error = quiet(Command::new("sleep").arg("60"), Duration::from_millis(100)).unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn times_are_written_as_people_read_them() {
        assert_eq!(seconds(Duration::from_millis(1_250)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(65)), "1 min 05 s");
    }
}
