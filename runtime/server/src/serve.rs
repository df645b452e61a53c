//! `signalbox serve`: the house from its configuration file.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;
use signalbox_engine::Handle;
use signalbox_policy::Policies;
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

use crate::args::Serve;
use crate::config::Config;
use crate::exit::Error;
use crate::wire::House;
use crate::{block_on, log, out, signals};

/// Serves until a signal ends it.
pub fn run(args: &Serve) -> Result<ExitCode, Error> {
    let config = Config::load(&args.config)?;
    log::start(&config.log);
    block_on(config.runtime.worker_threads, serve(&config, args.json))
}

async fn serve(config: &Config, json: bool) -> Result<ExitCode, Error> {
    let stop = signals::stop()?;
    let reload = signals::reload()?;
    let house = House::open(config, &stop).await?;
    if !stop.is_cancelled() {
        announce(&house, json);
    }
    let reloading = tokio::spawn(reload_policies(reload, house.handle().clone(), config.policy.clone(), stop.clone()));
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

/// Reads the policies again at each SIGHUP. Those in force stay if the new ones can't be taken.
async fn reload_policies(mut signal: Signal, handle: Handle, folder: Option<PathBuf>, stop: CancellationToken) {
    while let Some(Some(())) = stop.run_until_cancelled(signal.recv()).await {
        let Some(folder) = folder.clone() else {
            tracing::info!("SIGHUP: the policies are the built-in ones; there is nothing to read again");
            continue;
        };
        match tokio::task::spawn_blocking(move || Policies::load(&folder)).await {
            Ok(Ok(policies)) => {
                handle.set_policies(policies);
                tracing::info!("SIGHUP: the policies were read again and are in force");
            }
            Ok(Err(error)) => tracing::error!(%error, "SIGHUP: the policies aren't taken; those in force stay"),
            Err(error) => tracing::error!(%error, "SIGHUP: the policies couldn't be read; those in force stay"),
        }
    }
}
