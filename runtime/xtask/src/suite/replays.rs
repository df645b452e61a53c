//! Runs of handlers that the tests recorded and replayed, counted: conversations of the examples, stories, and the host's own
//! tests add a line each to `target/replayed.txt`. Whoever finds a difference fails by itself; here is seen that somebody looked.

use crate::progress;
use crate::workspace::target;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;

fn counts() -> PathBuf {
    target().join("replayed.txt")
}

/// Forgets what an earlier run counted.
pub fn begin() -> Result<()> {
    fs::create_dir_all(target())?;
    fs::write(counts(), "").with_context(|| counts().display().to_string())
}

/// Says how many there were.
pub fn end() -> Result<()> {
    let text = fs::read_to_string(counts()).with_context(|| counts().display().to_string())?;
    let (runs, same) = sum(&text)?;
    progress::say(&format!("replayed {runs} runs of handlers, {same} the same"));
    ensure!(runs > 0, "no run of a handler was replayed: the tests that do so have not run");
    ensure!(runs == same, "{} runs of handlers did otherwise when they were replayed", runs - same);
    Ok(())
}

fn sum(text: &str) -> Result<(u64, u64)> {
    let (mut runs, mut same) = (0, 0);
    for line in text.lines() {
        let counts: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [more, of_them] = counts[..] else { anyhow::bail!("`{line}` isn't two counts") };
        (runs, same) = (runs + more, same + of_them);
    }
    Ok((runs, same))
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts_are_added_up() {
        assert_eq!(super::sum("3 3\n1 0\n").unwrap(), (4, 3));
        assert_eq!(super::sum("").unwrap(), (0, 0));
        assert!(super::sum("3\n").is_err() && super::sum("a b\n").is_err());
    }
}
