//! What keeps a connector from being started: the operator's to mend.

/// What keeps a connector from being started. No text holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting can't be.
    #[error("carrier {carrier}: {setting} {wrong}")]
    Setting {
        /// The carrier's name in the configuration.
        carrier: String,
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        wrong: String,
    },
    /// The certificates can't be used.
    #[error("carrier {carrier}: TLS: {reason}")]
    Tls {
        /// The carrier's name in the configuration.
        carrier: String,
        /// Why.
        reason: String,
    },
}
