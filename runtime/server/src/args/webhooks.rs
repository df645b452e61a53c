//! `signalbox webhooks`.

use clap::Subcommand;

use super::Server;

/// `signalbox webhooks`.
#[derive(Debug, Subcommand)]
pub enum Webhooks {
    /// Set up a webhook.
    Put {
        /// Its name.
        name: String,
        /// Where events go.
        #[arg(id = "target", value_name = "URL")]
        target: String,
        /// Which, with commas between them: message.delivered and so on, or message.* for all.
        #[arg(long, value_delimiter = ',', default_value = "message.*")]
        events: Vec<String>,
        /// The key that signs, `whsec_…`; one is made if none is given.
        #[arg(long)]
        secret: Option<String>,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// List webhooks.
    List {
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}
