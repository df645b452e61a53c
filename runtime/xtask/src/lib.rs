//! What developers run: `cargo xtask guests|test|deny|demo|release|bench|crash`.
//!
//! It stands outside the house: it starts the programs and speaks to them as strangers do, over HTTP and through
//! `/proc`. So it needs none of the house's crates, and builds in seconds.
//!
//! | module | what |
//! |---|---|
//! | `workspace` | where things lie, and what cargo is asked to build |
//! | `progress` | commands run with a line on what runs and how long it took |
//! | `guests` | the guest examples, built and put where tests and people find them |
//! | `tools` | other people's tools, installed by name |
//! | `suite` | everything that CI checks |
//! | `release` | the program as it is shipped, trained on the path |
//! | `http` | a small blocking client |
//! | `house` | a running Signalbox with its simulated carrier, as processes |
//! | `demo`, `bench`, `crash` | what is played on such a house |

pub mod bench;
pub mod crash;
pub mod demo;
pub mod guests;
pub mod house;
pub mod http;
pub mod progress;
pub mod random;
pub mod release;
pub mod suite;
pub mod time;
pub mod tools;
pub mod workspace;
