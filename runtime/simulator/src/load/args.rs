//! The load's command line.

use crate::Error;
use std::path::PathBuf;

/// What to send where, and how fast.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The API.
    #[arg(long, default_value = "http://127.0.0.1:8480")]
    pub url: String,
    /// API key.
    #[arg(long, default_value = "")]
    pub key: String,
    /// Sender of every message.
    #[arg(long, default_value = "+15550001000")]
    pub from: String,
    /// The first destination; the others follow it in number.
    #[arg(long, default_value = "+15551000000")]
    pub to: String,
    /// Destinations that messages are spread over.
    #[arg(long, default_value_t = 1000)]
    pub destinations: u64,
    /// Text of every message; its number is appended, so that each is told from the others.
    #[arg(long, default_value = "Load message")]
    pub text: String,
    /// Category of every message.
    #[arg(long)]
    pub category: Option<String>,
    /// Messages in a request; more than 1 go to `/v1/messages/batch`.
    #[arg(long, default_value_t = 1)]
    pub batch: u64,
    /// Messages a second; as fast as answers come if left out.
    #[arg(long)]
    pub rate: Option<f64>,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 64)]
    pub concurrency: usize,
    /// Messages in all.
    #[arg(long)]
    pub count: Option<u64>,
    /// End after this.
    #[arg(long)]
    pub seconds: Option<f64>,
    /// Write each message's fate to this file, as JSON lines.
    #[arg(long)]
    pub ledger: Option<PathBuf>,
    /// Give each request an `Idempotency-Key` that begins so.
    #[arg(long)]
    pub idempotency: Option<String>,
    /// Send a request again, with the same key, for so many seconds while it isn't answered or the answer
    /// is 5xx.
    #[arg(long, default_value_t = 0.0)]
    pub retry_for: f64,
    /// An answer that takes longer counts as an error.
    #[arg(long, default_value_t = 30.0)]
    pub timeout: f64,
}

impl Args {
    /// The bounds that clap doesn't hold.
    pub(super) fn checked(self) -> Result<Self, Error> {
        let refused = |reason: &str| Err(Error::Refused(reason.to_owned()));
        if self.count.is_none() && self.seconds.is_none() {
            return refused("say --count or --seconds");
        }
        if self.batch == 0 || self.concurrency == 0 || self.destinations == 0 {
            return refused("--batch, --concurrency and --destinations are at least 1");
        }
        let is_time = |seconds: f64| seconds.is_finite() && (0.0..1e9).contains(&seconds);
        if ![self.seconds.unwrap_or(0.0), self.retry_for, self.timeout].into_iter().all(is_time) {
            return refused("--seconds, --retry-for and --timeout are lengths of time");
        }
        if self.rate.is_some_and(|rate| !(rate.is_finite() && rate > 0.0)) {
            return refused("--rate is more than 0");
        }
        if self.retry_for > 0.0 && self.idempotency.is_none() {
            return refused("--retry-for without --idempotency would send messages twice");
        }
        if self.first_destination().is_none() {
            return refused("--to is a number such as +15551000000");
        }
        let values = [&self.url, &self.key, self.idempotency.as_ref().unwrap_or(&self.key)];
        if values.iter().any(|value| value.bytes().any(|octet| octet.is_ascii_control())) {
            return refused("--url, --key and --idempotency go into headers: no control characters");
        }
        self.authority()?;
        Ok(self)
    }

    /// `host:port` of the API.
    pub(super) fn authority(&self) -> Result<String, Error> {
        let refused = || Error::Refused("--url is http://HOST:PORT".to_owned());
        let rest = self.url.strip_prefix("http://").ok_or_else(refused)?.trim_end_matches('/');
        if rest.is_empty() || rest.contains('/') {
            return Err(refused());
        }
        Ok(if rest.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) {
            rest.to_owned()
        } else {
            format!("{rest}:80")
        })
    }

    pub(super) fn first_destination(&self) -> Option<u64> {
        self.to.strip_prefix('+').unwrap_or(&self.to).parse().ok()
    }
}
