//! The commands that ask a running Signalbox: thin, so that what they can do anybody can do with the API.

pub mod audit;
mod call;
mod consent;
pub mod erase;
mod gate;
pub mod hold;
mod http;
mod parked;
mod problem;
mod programs;
mod registry;
mod replay;
mod replay_last;
mod retention;
mod send;
mod show;
mod supervision;
mod suppression;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use ::http::Method;
use serde_json::{Value, json};
use signalbox_model::Timestamp;

use crate::args::{
    Alias, ClientCommand, ConsentClient, Handlers, Messages, Parked, Programs, Register, Retention, Server,
    Supervision, Suppression, Webhooks,
};
use crate::exit;
use call::{Api, Body, query, segment};
use show::Screen;

pub use problem::Error;
pub use replay::run as replay;

/// Messages in a page.
const PAGE: usize = 500;
/// Until a log is followed again that the other side left.
const FOLLOW_AGAIN: Duration = Duration::from_millis(500);

/// Asks, and shows the answer.
pub async fn run(command: ClientCommand) -> Result<ExitCode, exit::Error> {
    let server = server(&command).clone();
    let screen = Screen::new(server.json);
    let api = Api::new(&server)?;
    match answer(command, &api, &screen).await {
        // What the API says of its refusal is the answer, in the form that was asked for.
        Err(Error::Refused(problem)) if server.json => {
            screen.json(problem.value());
            Ok(ExitCode::from(exit::REFUSED))
        }
        answer => Ok(answer?),
    }
}

/// The commands about the audit log.
pub async fn audit(command: audit::Command) -> Result<ExitCode, exit::Error> {
    if command.is_offline() {
        return Ok(audit::offline(command).await.map(|()| ExitCode::SUCCESS)?);
    }
    let server = command.server().clone();
    let screen = Screen::new(server.json);
    let api = Api::new(&server)?;
    match audit::run(command, &api, &screen).await {
        Err(Error::Refused(problem)) if server.json => {
            screen.json(problem.value());
            Ok(ExitCode::from(exit::REFUSED))
        }
        answer => Ok(answer.map(|()| ExitCode::SUCCESS)?),
    }
}

/// The commands about consents.
pub async fn consent(command: ConsentClient) -> Result<ExitCode, exit::Error> {
    let server = consent::server(&command).clone();
    let screen = Screen::new(server.json);
    let api = Api::new(&server)?;
    match consent::answer(command, &api, &screen).await {
        Err(Error::Refused(problem)) if server.json => {
            screen.json(problem.value());
            Ok(ExitCode::from(exit::REFUSED))
        }
        answer => Ok(answer.map(|()| ExitCode::SUCCESS)?),
    }
}

/// Makes all that was said with a person unreadable.
pub async fn erase(command: erase::Erase) -> Result<ExitCode, exit::Error> {
    let server = command.whom.server.clone();
    let screen = Screen::new(server.json);
    let api = Api::new(&server)?;
    match erase::answer(command, &api, &screen).await {
        Err(Error::Refused(problem)) if server.json => {
            screen.json(problem.value());
            Ok(ExitCode::from(exit::REFUSED))
        }
        answer => Ok(answer.map(|()| ExitCode::SUCCESS)?),
    }
}

/// The commands about legal holds.
pub async fn hold(command: hold::Command) -> Result<ExitCode, exit::Error> {
    let server = hold::server(&command).clone();
    let screen = Screen::new(server.json);
    let api = Api::new(&server)?;
    match hold::answer(command, &api, &screen).await {
        Err(Error::Refused(problem)) if server.json => {
            screen.json(problem.value());
            Ok(ExitCode::from(exit::REFUSED))
        }
        answer => Ok(answer.map(|()| ExitCode::SUCCESS)?),
    }
}

/// The commands about suppression lists.
pub async fn suppression(command: Suppression) -> Result<ExitCode, exit::Error> {
    let server = suppression::server(&command).clone();
    let screen = Screen::new(server.json);
    let api = Api::new(&server)?;
    match suppression::answer(command, &api, &screen).await {
        Err(Error::Refused(problem)) if server.json => {
            screen.json(problem.value());
            Ok(ExitCode::from(exit::REFUSED))
        }
        answer => Ok(answer.map(|()| ExitCode::SUCCESS)?),
    }
}

/// The commands about programs.
pub async fn programs(command: Programs) -> Result<ExitCode, exit::Error> {
    let server = programs::server(&command).clone();
    let screen = Screen::new(server.json);
    let api = Api::new(&server)?;
    match programs::answer(command, &api, &screen).await {
        Err(Error::Refused(problem)) if server.json => {
            screen.json(problem.value());
            Ok(ExitCode::from(exit::REFUSED))
        }
        answer => Ok(answer.map(|()| ExitCode::SUCCESS)?),
    }
}

/// The commands about supervision.
pub async fn supervision(command: Supervision) -> Result<ExitCode, exit::Error> {
    let server = supervision::server(&command).clone();
    let screen = Screen::new(server.json);
    let api = Api::new(&server)?;
    match supervision::answer(command, &api, &screen).await {
        Err(Error::Refused(problem)) if server.json => {
            screen.json(problem.value());
            Ok(ExitCode::from(exit::REFUSED))
        }
        answer => Ok(answer.map(|()| ExitCode::SUCCESS)?),
    }
}

/// The commands about retention.
pub async fn retention(command: Retention) -> Result<ExitCode, exit::Error> {
    let server = retention::server(&command).clone();
    let screen = Screen::new(server.json);
    let api = Api::new(&server)?;
    match retention::answer(command, &api, &screen).await {
        Err(Error::Refused(problem)) if server.json => {
            screen.json(problem.value());
            Ok(ExitCode::from(exit::REFUSED))
        }
        answer => Ok(answer.map(|()| ExitCode::SUCCESS)?),
    }
}

/// The commands about brands, campaigns and numbers.
pub async fn register(kind: &'static str, command: Register) -> Result<ExitCode, exit::Error> {
    let server = registry::server(&command).clone();
    let screen = Screen::new(server.json);
    let api = Api::new(&server)?;
    match registry::answer(kind, command, &api, &screen).await {
        Err(Error::Refused(problem)) if server.json => {
            screen.json(problem.value());
            Ok(ExitCode::from(exit::REFUSED))
        }
        answer => Ok(answer.map(|()| ExitCode::SUCCESS)?),
    }
}

/// A campaign with its brand, for another command.
pub async fn campaign_of(whom: &crate::args::Whom, id: &str) -> Result<(Value, Option<Value>), Error> {
    let api = Api::new(&whom.server)?;
    let campaign = registry::show("campaigns", id, whom.tenant.clone(), &api).await?;
    let brand = campaign["fields"]["brand"].as_str().unwrap_or_default().to_owned();
    let brand = registry::show("brands", &brand, whom.tenant.clone(), &api).await.ok();
    Ok((campaign, brand))
}

fn server(command: &ClientCommand) -> &Server {
    match command {
        ClientCommand::Send(send) => &send.server,
        ClientCommand::Gate(gate) => &gate.server,
        ClientCommand::Bind { server, .. }
        | ClientCommand::Messages(
            Messages::List { server, .. }
            | Messages::Cancel { server, .. }
            | Messages::Resolve { server, .. }
            | Messages::Show { server, .. },
        )
        | ClientCommand::Handlers(
            Handlers::Put { server, .. }
            | Handlers::Deploy { server, .. }
            | Handlers::Alias { server, .. }
            | Handlers::Show { server, .. }
            | Handlers::List { server }
            | Handlers::Logs { server, .. },
        )
        | ClientCommand::Parked(
            Parked::List { server, .. } | Parked::Retry { server, .. } | Parked::Discard { server, .. },
        )
        | ClientCommand::Webhooks(Webhooks::Put { server, .. } | Webhooks::List { server }) => server,
    }
}

async fn answer(command: ClientCommand, api: &Api, screen: &Screen) -> Result<ExitCode, Error> {
    match command {
        ClientCommand::Send(args) => return send::send(&args, api, screen).await,
        ClientCommand::Gate(args) => return gate::run(&args, api, screen).await,
        ClientCommand::Bind { number, handler, .. } => {
            let path = format!("/v1/bindings/{}", segment(&number));
            let bound = api.call(Method::PUT, &path, Body::Json(json!({ "handler": handler }))).await?;
            screen.show(&bound, show::binding);
        }
        ClientCommand::Messages(command) => messages(command, api, screen).await?,
        ClientCommand::Handlers(command) => handlers(command, api, screen).await?,
        ClientCommand::Parked(command) => parked::run(command, api, screen).await?,
        ClientCommand::Webhooks(command) => webhooks(command, api, screen).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn messages(command: Messages, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        Messages::List { from, to, status, direction, after, before, limit, cursor, .. } => {
            let limit = limit.map(|limit| limit.to_string());
            let filters = [
                ("from", from),
                ("to", to),
                ("status", status),
                ("direction", direction),
                ("after", after),
                ("before", before),
                ("limit", limit),
                ("cursor", cursor),
            ];
            let page = api.get(&format!("/v1/messages{}", query(&filters))).await?;
            screen.show(&page, show::messages);
        }
        Messages::Cancel { id, .. } => {
            let path = format!("/v1/messages/{}/cancel", segment(&id));
            screen.show(&api.call(Method::POST, &path, Body::Empty).await?, show::status);
        }
        Messages::Resolve { ids, outcome, .. } => {
            for id in &ids {
                let path = format!("/v1/messages/{}/resolve", segment(id));
                let decision = Body::Json(json!({ "outcome": outcome.as_str() }));
                screen.show(&api.call(Method::POST, &path, decision).await?, show::status);
            }
        }
        Messages::Show { id, .. } => screen.show(&timeline(api, &id).await?, show::timeline),
    }
    Ok(())
}

/// A message's timeline, for another command.
pub async fn timeline_of(server: &Server, id: &str) -> Result<Value, Error> {
    timeline(&Api::new(server)?, id).await
}

/// The timelines of messages accepted after a time, the newest first, one after the other.
pub async fn timelines_after<E: From<Error>>(
    server: &Server,
    after: Timestamp,
    most: usize,
    mut each: impl AsyncFnMut(&Value) -> Result<(), E>,
) -> Result<(), E> {
    let api = Api::new(server)?;
    let (mut left, mut cursor) = (most, None);
    while left > 0 {
        let filters = [
            ("direction", Some("outbound".to_owned())),
            ("after", Some(after.to_rfc3339())),
            ("limit", Some(left.min(PAGE).to_string())),
            ("cursor", cursor.take()),
        ];
        let page = api.get(&format!("/v1/messages{}", query(&filters))).await?;
        let messages = page["messages"].as_array().map_or(&[][..], Vec::as_slice);
        for id in messages.iter().filter_map(|message| message["id"].as_str()) {
            each(&timeline(&api, id).await?).await?;
        }
        left = left.saturating_sub(messages.len().max(1));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(());
        }
    }
    Ok(())
}

/// What is recorded of a person; `None` if nothing is.
pub async fn contact_of(server: &Server, number: &str) -> Result<Option<Value>, Error> {
    match Api::new(server)?.get(&format!("/v1/contacts/{}", segment(number))).await {
        Ok(contact) => Ok(Some(contact)),
        Err(Error::Refused(problem)) if problem.value()["status"] == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// The policies by which something was decided, as they were written down; `None` if that was never done.
pub async fn policy_set(server: &Server, rules: u64, tables: u64) -> Result<Option<Value>, Error> {
    let path = format!("/v1/policies/{rules:016x}-{tables:016x}");
    match Api::new(server)?.get(&path).await {
        Ok(set) => Ok(Some(set)),
        Err(Error::Refused(problem)) if problem.value()["code"] == "policy.unknown" => Ok(None),
        Err(error) => Err(error),
    }
}

async fn timeline(api: &Api, id: &str) -> Result<Value, Error> {
    api.get(&format!("/v1/messages/{}/timeline", segment(id))).await
}

async fn handlers(command: Handlers, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        Handlers::Put { name, file, .. } => {
            let body = Body::Component(read(&file).await?);
            let handler = api.call(Method::PUT, &format!("/v1/handlers/{}", segment(&name)), body).await?;
            screen.show(&handler, show::handler);
        }
        Handlers::Deploy { name, file, manifest, alias, percent, .. } => {
            let component = read(&file).await?;
            let manifest = match manifest {
                Some(file) => Some(read(&file).await?),
                None => None,
            };
            let alias = alias.map(|alias| alias_name(alias).to_owned());
            let placement = query(&[("alias", alias), ("percent", percent.map(|percent| percent.to_string()))]);
            let path = format!("/v1/handlers/{}/versions{placement}", segment(&name));
            let version = api.call(Method::PUT, &path, Body::Version(component, manifest)).await?;
            screen.show(&version, show::handler);
        }
        Handlers::Alias { name, alias, digest, percent, remove, .. } => {
            let path = format!("/v1/handlers/{}/aliases/{}", segment(&name), alias_name(alias));
            let handler = match remove {
                true => api.call(Method::DELETE, &path, Body::Empty).await?,
                false => {
                    let body = json!({ "version": digest, "percent": percent });
                    api.call(Method::PUT, &path, Body::Json(body)).await?
                }
            };
            screen.show(&handler, show::handler_detail);
        }
        Handlers::Show { name, .. } => {
            let handler = api.get(&format!("/v1/handlers/{}", segment(&name))).await?;
            screen.show(&handler, show::handler_detail);
        }
        Handlers::List { .. } => {
            let mut all = api.get("/v1/handlers").await?;
            let mut bindings = api.get("/v1/bindings").await?;
            all["bindings"] = bindings["bindings"].take();
            screen.show(&all, show::handlers);
        }
        Handlers::Logs { name, follow, .. } => logs(&name, follow, api, screen).await?,
    }
    Ok(())
}

const fn alias_name(alias: Alias) -> &'static str {
    match alias {
        Alias::Live => "live",
        Alias::Canary => "canary",
        Alias::Shadow => "shadow",
    }
}

async fn logs(name: &str, follow: bool, api: &Api, screen: &Screen) -> Result<(), Error> {
    let path = format!("/v1/handlers/{}/logs", segment(name));
    if !follow {
        screen.show(&api.get(&path).await?, show::logs);
        return Ok(());
    }
    let mut after = None;
    loop {
        let following = query(&[("follow", Some("true".to_owned())), ("after", after.clone())]);
        // A stream has no end; each line is an answer of its own.
        let each = |line: Value| {
            after = Some(line["n"].to_string());
            screen.show(&line, show::log_line);
        };
        api.follow(&format!("{path}{following}"), each).await?;
        tokio::time::sleep(FOLLOW_AGAIN).await;
    }
}

async fn webhooks(command: Webhooks, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        Webhooks::Put { name, target, events, secret, .. } => {
            let body = json!({ "url": target, "events": events, "secret": secret });
            let hook = api.call(Method::PUT, &format!("/v1/webhooks/{}", segment(&name)), Body::Json(body)).await?;
            screen.show(&hook, show::webhook);
        }
        Webhooks::List { .. } => screen.show(&api.get("/v1/webhooks").await?, show::webhooks),
    }
    Ok(())
}

async fn read(file: &Path) -> Result<Vec<u8>, Error> {
    tokio::fs::read(file).await.map_err(|source| Error::File { file: file.display().to_string(), source })
}
