//! What the stories need beyond Rust: Node's and Python's implementations of the protocols that we speak, at the
//! versions of `tests/peers`, in `target/peers`. A missing tool is a failure, never a silent skip.

use crate::tools;
use crate::workspace::{root, target};
use anyhow::{Context, Result};

/// Installs both, unless they are there at these versions.
pub fn install() -> Result<()> {
    let (wanted, there) = (root().join("tests/peers"), target().join("peers"));
    tools::node(&there.join("node"), &wanted.join("node")).context("the Node packages of tests/peers/node")?;
    let requirements = wanted.join("python/requirements.txt");
    tools::python(&there.join("python"), &requirements).context("the Python packages of tests/peers/python")?;
    Ok(())
}
