//! Why a rehearsal can't be held.

use std::path::PathBuf;

/// Why a rehearsal can't be held. That a conversation goes otherwise than its script says is no error: it is an
/// [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Scripts aren't taken; all that is wrong with each.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Scripts(Vec<signalbox_forms::Error>),
    /// A manifest isn't taken.
    #[error(transparent)]
    Manifest(#[from] signalbox_guest::manifest::Refused),
    /// A file or folder can't be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// There is no `handler.toml` for a script.
    #[error("{}: there is no handler.toml in its folder or above it; write one, or name the component with --handler", .0.display())]
    NoManifest(PathBuf),
    /// The component of a handler isn't there.
    #[error("the component of handler `{name}` is not there; {hint}; looked for {}", looked.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "))]
    NoComponent {
        /// The handler's name.
        name: String,
        /// How it comes to be there.
        hint: String,
        /// Where it might have been.
        looked: Vec<PathBuf>,
    },
    /// No scripts are there.
    #[error("{}: there are no conversation scripts (*.toml in a folder `conversations`)", .0.display())]
    NoScripts(PathBuf),
    /// The component isn't taken.
    #[error("{}: {reason}", path.display())]
    Component {
        /// Its file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// An event isn't taken.
    #[error("{file}: {reason}")]
    Event {
        /// Its file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The sandbox can't be set up.
    #[error(transparent)]
    Sandbox(#[from] signalbox_guest::Error),
    /// What a script sets up can't stand.
    #[error("the setup can't stand: {0}")]
    Setup(String),
    /// More falls due than ever ends.
    #[error("more than {most} things fell due in one step; does the handler set a timer again and again?")]
    Endless {
        /// The bound.
        most: usize,
    },
    /// The path couldn't: a defect of ours.
    #[error("the path couldn't go on: {0}")]
    House(String),
}

impl Error {
    /// Is what was given wrong, rather than that something couldn't be done?
    pub fn is_of_what_was_given(&self) -> bool {
        !matches!(self, Self::Sandbox(_) | Self::House(_) | Self::Endless { .. })
    }

    pub(crate) fn house(error: impl std::fmt::Display) -> Self {
        Self::House(error.to_string())
    }
}
