//! Keeping a link bound: connect, bind, serve, connect again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use signalbox_model::Chance;
use signalbox_smpp::pdu::CommandStatus;
use signalbox_smpp::{Bind, BindConfig, Client, Error, Inbound, Tls};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout_at;

use super::config::Config;
use super::hub::{Hub, now};
use super::inbound::{Reader, receive};
use super::link::Link;
use crate::Intake;

/// What a supervisor needs besides the hub.
#[derive(Clone)]
pub(super) struct Supervisor {
    pub bind: BindConfig,
    pub reader: Reader,
    pub intake: Intake,
    pub backoff: (Duration, Duration),
}

impl Supervisor {
    pub fn new(config: &Config, tls: Option<Tls>, intake: Intake) -> Self {
        let bind = BindConfig {
            address: config.address(),
            tls,
            system_id: config.system_id.as_str().into(),
            password: config.password.reveal().into(),
            system_type: config.system_type.as_str().into(),
            session: config.session(),
            ..BindConfig::default()
        };
        Self { bind, reader: Reader::new(config), intake, backoff: (config.reconnect_min, config.reconnect_max) }
    }

    /// Keeps a link bound until the carrier is left.
    pub async fn run(mut self, hub: Arc<Hub>, at: usize) {
        let link = &hub.links[at];
        self.bind.kind = link.kind;
        let mut leave = hub.leave.subscribe();
        let mut backoff = Backoff::new(self.backoff, hub.chance.clone());
        loop {
            let connected = tokio::select! {
                connected = Client::connect(self.bind.clone()) => connected,
                () = left(&mut leave) => return,
            };
            match connected {
                Ok((bind, inbound)) => {
                    let since = now();
                    self.serve(&hub, link, bind, inbound, &mut leave).await;
                    backoff.stood(now().saturating_duration_since(since));
                }
                Err(error) => {
                    hub.note(link, &error);
                    backoff.refused(&error);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.next()) => {}
                () = left(&mut leave) => return,
            }
        }
    }

    /// Runs a bound session until it ends, or is left because the carrier is.
    async fn serve(
        &self,
        hub: &Arc<Hub>,
        link: &Link,
        bind: Bind,
        inbound: mpsc::Receiver<Inbound>,
        leave: &mut watch::Receiver<Option<Instant>>,
    ) {
        let sends = usize::from(link.sends());
        hub.senders_up.fetch_add(sends, Ordering::Relaxed);
        link.up(bind.clone());
        tracing::info!(carrier = %hub.name, bind = link.number, kind = ?link.kind, "bound");
        let leaving = async {
            left(leave).await;
            let by = leave.borrow().unwrap_or_else(now);
            // What comes in meanwhile is still answered: the carrier waits for it before it lets us go.
            if timeout_at(by.into(), bind.unbind()).await.is_err() {
                bind.abort();
            }
        };
        let reason = tokio::select! {
            reason = bind.closed() => reason,
            () = leaving => bind.closed().await,
            () = receive(hub, &self.reader, &self.intake, inbound) => bind.closed().await,
        };
        hub.senders_up.fetch_sub(sends, Ordering::Relaxed);
        link.down();
        match hub.is_leaving() {
            true => tracing::info!(carrier = %hub.name, bind = link.number, %reason, "left"),
            false => hub.note(link, &reason),
        }
    }
}

async fn left(leave: &mut watch::Receiver<Option<Instant>>) {
    // The sender lives in the hub, and so as long as its tasks.
    let _ = leave.wait_for(Option::is_some).await;
}

/// How long to wait before connecting again: about twice as long each time.
struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
    chance: Chance,
}

impl Backoff {
    fn new((min, max): (Duration, Duration), chance: Chance) -> Self {
        Self { min, max, next: min, chance }
    }

    /// A session stood for so long. Only one that stood for long begins anew: a carrier that lets in and drops at once isn't
    /// to be hammered.
    fn stood(&mut self, time: Duration) {
        if time >= self.max {
            self.next = self.min;
        }
    }

    /// Wrong credentials don't mend themselves, and carriers lock accounts that keep trying.
    fn refused(&mut self, error: &Error) {
        if let Error::BindRefused { status: CommandStatus::ESME_RINVPASWD | CommandStatus::ESME_RINVSYSID } = error {
            self.next = self.max;
        }
    }

    fn next(&mut self) -> Duration {
        let wait = self.chance.jitter(self.next, 0.3);
        self.next = (self.next * 2).min(self.max);
        wait.min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff() -> Backoff {
        Backoff::new((Duration::from_secs(1), Duration::from_secs(8)), Chance::seeded(1))
    }

    #[test]
    fn waits_double_up_to_the_longest_and_are_spread() {
        let mut backoff = backoff();
        for base in [1.0, 2.0, 4.0, 8.0, 8.0] {
            let wait = backoff.next().as_secs_f64();
            assert!(wait >= base * 0.7 && wait <= (base * 1.3f64).min(8.0), "{wait} around {base}");
        }
    }

    #[test]
    fn only_a_session_that_stood_begins_anew() {
        let mut backoff = backoff();
        assert!((0..3).all(|_| !backoff.next().is_zero()));
        backoff.stood(Duration::from_secs(7));
        assert!(backoff.next() > Duration::from_secs(5));
        backoff.stood(Duration::from_secs(8));
        assert!(backoff.next() < Duration::from_secs(2));
    }

    #[test]
    fn wrong_credentials_are_not_tried_again_soon() {
        let mut backoff = backoff();
        backoff.refused(&Error::BindRefused { status: CommandStatus::ESME_RINVPASWD });
        assert!(backoff.next() > Duration::from_secs(5));
    }
}
