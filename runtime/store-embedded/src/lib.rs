//! The default engine: one process, one folder, one committer with group commit.
//!
//! Callers push batches onto a queue; one thread takes all that wait, evaluates them in order, writes them as one
//! group behind one `fdatasync`, and answers. So a lone caller waits for one fsync, and many callers share one.
//!
//! A group becomes visible to readers after it is durable, never before: a reader can't let something out of the
//! house that a crash would undo.
//!
//! | module | what it holds |
//! |---|---|
//! | [`EmbeddedStore`] | the seam's side: requests and reads |
//! | `queue` | the way to the committer |
//! | `committer` | the thread: gather, evaluate, write, answer |
//! | `group` | batches that share an fsync, evaluated one on top of the other |
//! | `inbox` | the recent end of each inbox, in memory |
//! | `trees` | what is on disk (fjall), opened, read and written |
//! | `journal` | a look at the journals before the database reads them |
//! | `keys` | where a key lies on disk |
//! | `folder` | the folder: lock, marker, half-made stores |

mod committer;
mod config;
mod folder;
mod group;
mod inbox;
mod journal;
mod keys;
mod queue;
mod shared;
mod store;
mod trees;

pub use config::Config;
pub use signalbox_store::Error;
pub use store::EmbeddedStore;
