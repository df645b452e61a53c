//! `signalbox serve`: the house from its configuration file.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use signalbox_engine::Handle;
use tokio::signal::unix::Signal;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::args::Serve;
use crate::config::Config;
use crate::exit::Error;
use crate::wire::House;
use crate::{block_on, log, native, out, signals};

/// Serves until a signal ends it.
pub fn run(args: &Serve) -> Result<ExitCode, Error> {
    let mut config = Config::load(&args.config)?;
    config.handlers.compiler = native::compiler()?;
    log::start(&config.log);
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    block_on(config.runtime.worker_threads, serve(&config, args.json))
}

async fn serve(config: &Config, json: bool) -> Result<ExitCode, Error> {
    let stop = signals::stop()?;
    let reload = signals::reload()?;
    let house = House::open(config, &stop).await?;
    if !stop.is_cancelled() {
        announce(&house, json);
    }
    let reloading = tokio::spawn(reload_policies(reload, house.handle().clone(), stop.clone()));
    let ended = house.run(&stop).await;
    reloading.abort();
    ended.map(|()| ExitCode::SUCCESS)
}

fn announce(house: &House, json: bool) {
    let url = format!("http://{}", house.address());
    if json {
        let key = |key: &crate::keys::NewKey| json!({ "tenant": key.tenant.as_str(), "key": key.token });
        let keys: Vec<_> = house.new_keys().iter().map(key).collect();
        out::line(json!({ "ready": true, "url": url, "new_keys": keys }));
        return;
    }
    for key in house.new_keys() {
        out::line(format_args!("a new API key for tenant {}, shown this once: {}", key.tenant, key.token));
    }
    out::line(format_args!("signalbox is ready: {url}"));
}

/// How often the policies' folder is looked at: its list of files, not their texts.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Reads the policies again when their folder changes, and at each SIGHUP. Those in force stay if the new ones can't be
/// taken.
async fn reload_policies(mut signal: Signal, handle: Handle, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return,
            heard = signal.recv() => match heard {
                Some(()) => true,
                None => return,
            },
            _ = look.tick() => false,
        };
        let handle = handle.clone();
        let reader = handle.clone();
        let read = move || (asked || reader.policies_changed()).then(|| reader.read_policies());
        match tokio::task::spawn_blocking(read).await {
            Ok(None) => {}
            Ok(Some(Ok(policies))) => {
                handle.take_policies(policies).await;
                tracing::info!("the policies were read again and are in force");
            }
            Ok(Some(Err(error))) => tracing::error!(%error, "the policies aren't taken; those in force stay"),
            Err(error) => tracing::error!(%error, "the policies couldn't be read; those in force stay"),
        }
    }
}
