//! The compiler process as its parent sees it: started, fed, listened to, and killed if need be.

use super::Native;
use super::worker::{CODE, Order, REASON, Reason};
use crate::limits::UploadLimits;
use crate::upload::Refusal;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Of what it says on stderr: enough for a panic's place and reason.
const MOST_SAID: u64 = 4 << 10;

/// With these words Rust's runtime ends a process that gets no more memory.
const OUT_OF_MEMORY: &str = "memory allocation of ";

/// What a process that panicked ends with.
const PANICKED: i32 = 101;

/// From Linux's `asm-generic/signal.h`; the same on every architecture that we run on.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

impl super::Compiler {
    /// A child that runs this program with these arguments.
    pub fn this_program(arguments: impl IntoIterator<Item = impl Into<String>>) -> io::Result<Self> {
        Ok(Self::Child { program: this_program()?, arguments: arguments.into_iter().map(Into::into).collect() })
    }
}

/// The file that this process runs, even if it was replaced since by that of another version.
pub(super) fn this_program() -> io::Result<PathBuf> {
    let link = Path::new("/proc/self/exe");
    if link.exists() { Ok(link.to_owned()) } else { std::env::current_exe() }
}

/// Has a child compile a component that passed the scan. When this future is dropped, the child is killed.
pub(crate) async fn compile(
    program: &Path,
    arguments: &[String],
    max_memory_bytes: usize,
    component: Arc<[u8]>,
    limits: &UploadLimits,
) -> Result<Native, Refusal> {
    let order = Order {
        max_memory_bytes,
        address_space_bytes: limits.compile_memory_bytes,
        // The kernel counts whole seconds.
        cpu_seconds: limits.compile_cpu.as_secs().max(1),
        limited: false,
    };
    let unavailable = |error: io::Error| Refusal::Unavailable { reason: format!("the compiler process: {error}") };
    let mut child = start(program, arguments, &order).map_err(unavailable)?;
    let Ok(ended) = timeout(limits.compile, talk(&mut child, component, limits)).await else {
        child.kill().await.map_err(unavailable)?;
        return Err(Refusal::CompileTooLong { most: limits.compile });
    };
    ended.map_err(unavailable)?.native(limits)
}

fn start(program: &Path, arguments: &[String], order: &Order) -> io::Result<Child> {
    let order = serde_json::to_string(order).expect("an order is plain data");
    let mut command = Command::new(program);
    command.args(arguments).arg(order).env_clear().kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// How a compiler ended, and what it had said by then.
struct Ended {
    status: ExitStatus,
    answer: Vec<u8>,
    said: String,
}

async fn talk(child: &mut Child, component: Arc<[u8]>, limits: &UploadLimits) -> io::Result<Ended> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // Who ends without having read to the end says so by its status.
            let _ = stdin.write_all(&component).await;
        }
    };
    // The first byte, and one more than is taken.
    let most = limits.native_bytes as u64 + 2;
    let ((), answer, said) = tokio::join!(feed, read(stdout, most), read(stderr, MOST_SAID));
    let status = child.wait().await?;
    Ok(Ended { status, answer: answer?, said: String::from_utf8_lossy(&said?).into_owned() })
}

/// Reads at most so much, and then closes the pipe, so that nobody waits for room in it.
async fn read(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

impl Ended {
    fn native(mut self, limits: &UploadLimits) -> Result<Native, Refusal> {
        if self.answer.len() > limits.native_bytes + 1 {
            return Err(Refusal::native_over_limit(self.answer.len() - 1, limits));
        }
        if !self.status.success() {
            return Err(self.broke_down(limits));
        }
        match self.answer.first() {
            Some(&CODE) => {
                self.answer.remove(0);
                Ok(Native(self.answer))
            }
            Some(&REASON) => Err(refusal(&self.answer[1..], limits)),
            _ => Err(Refusal::Unavailable { reason: "the compiler process gave no answer".into() }),
        }
    }

    /// Whose fault it was that the process didn't end by itself.
    fn broke_down(&self, limits: &UploadLimits) -> Refusal {
        let Self { status, said, .. } = self;
        match (status.signal(), status.code()) {
            (Some(SIGXCPU), _) => Refusal::CompileTooLong { most: limits.compile_cpu },
            (Some(SIGABRT), _) if said.contains(OUT_OF_MEMORY) => {
                Refusal::CompileTooLarge { most: limits.compile_memory_bytes }
            }
            // Nobody here did that without saying so: the kernel's hand, or an operator's.
            (Some(SIGKILL), _) => Refusal::Unavailable { reason: "the compiler process was killed".into() },
            (Some(_), _) | (_, Some(PANICKED)) => {
                tracing::error!(%status, said, "the compiler broke down over an upload");
                Refusal::CompilerFails { how: status.to_string() }
            }
            _ => {
                tracing::error!(%status, said, "the compiler process failed");
                Refusal::Unavailable { reason: format!("the compiler process ended with {status}") }
            }
        }
    }
}

fn refusal(reason: &[u8], limits: &UploadLimits) -> Refusal {
    match serde_json::from_slice(reason) {
        Ok(Reason::Malformed(reason)) => Refusal::Malformed { reason },
        Ok(Reason::OutOfMemory) => Refusal::CompileTooLarge { most: limits.compile_memory_bytes },
        Ok(Reason::Unavailable(reason)) => Refusal::Unavailable { reason },
        Err(_) => Refusal::Unavailable { reason: "the compiler process's answer can't be read".into() },
    }
}
