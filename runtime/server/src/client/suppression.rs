//! `signalbox suppression`.

use std::path::Path;

use http::Method;
use serde_json::Value;

use super::call::{Api, Body, query, segment};
use super::consent::{PROGRESS, name_of};
use super::problem::Error;
use super::show::{Paint, Screen};
use crate::args::{Server, Suppression};

pub(super) fn server(command: &Suppression) -> &Server {
    match command {
        Suppression::Import { server, .. }
        | Suppression::List { server }
        | Suppression::Show { server, .. }
        | Suppression::Check { server, .. }
        | Suppression::Remove { server, .. } => server,
    }
}

pub(super) async fn answer(command: Suppression, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        Suppression::Import { file, kind, fetched_at, source, name, expires_at, for_all, covers, .. } => {
            let said = file.file_name().map(|name| name.to_string_lossy().into_owned());
            let asked = query(&[
                ("kind", Some(kind)),
                ("source", source.or(said)),
                ("fetched_at", Some(fetched_at)),
                ("expires_at", expires_at),
                ("covers", covers),
                ("for", for_all.then(|| "all".to_owned())),
            ]);
            import(&file, name, &asked, api, screen).await?;
        }
        Suppression::List { .. } => screen.show(&api.get("/v1/suppression").await?, lists),
        Suppression::Show { name, .. } => {
            screen.show(&api.get(&format!("/v1/suppression/{}", segment(&name))).await?, list);
        }
        Suppression::Check { number, consented_at, .. } => {
            let asked = query(&[("consented_at", consented_at)]);
            let path = format!("/v1/suppression-checks/{}{asked}", segment(&number));
            screen.show(&api.get(&path).await?, check);
        }
        Suppression::Remove { name, .. } => {
            let path = format!("/v1/suppression/{}", segment(&name));
            api.call(Method::DELETE, &path, Body::Empty).await?;
            screen.show(&serde_json::json!({ "removed": name }), |answer, _| {
                format!("{}: removed", text(answer, "removed"))
            });
        }
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "progress for whoever waits, apart from the answer")]
async fn import(file: &Path, name: Option<String>, asked: &str, api: &Api, screen: &Screen) -> Result<(), Error> {
    let bytes = super::read(file).await?;
    let path = format!("/v1/suppression/{}", segment(&name.unwrap_or_else(|| name_of(file))));
    let whole = format!("{path}{asked}");
    let mut done = std::pin::pin!(api.call(Method::PUT, &whole, Body::Csv(bytes)));
    let imported = loop {
        tokio::select! {
            imported = &mut done => break imported?,
            () = tokio::time::sleep(PROGRESS) => {
                if let Ok(so_far) = api.get(&path).await && so_far["importing"].is_object() {
                    eprintln!("{} of {} written", so_far["importing"]["written"], so_far["importing"]["of"]);
                }
            }
        }
    };
    screen.show(&imported, list);
    Ok(())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn lists(answer: &Value, paint: Paint) -> String {
    let all = answer["lists"].as_array().map_or(&[][..], Vec::as_slice);
    if all.is_empty() {
        return "There is no list; `signalbox suppression import` brings one.".to_owned();
    }
    all.iter().map(|one| list(one, paint)).collect::<Vec<_>>().join("\n")
}

fn list(list: &Value, _: Paint) -> String {
    let importing = &list["importing"];
    let importing =
        importing.is_object().then(|| format!("; importing, {} of {}", importing["written"], importing["of"]));
    let age = match (list["stale"].as_bool(), list["stale_from"].as_str()) {
        (Some(true), _) => "TOO OLD: import a newer one".to_owned(),
        (_, Some(from)) => format!("fresh until {from}"),
        _ => "has no age".to_owned(),
    };
    let whose = if text(list, "for") == "all" { " for all tenants" } else { "" };
    format!(
        "{:<20} {:<10}{whose} {:>9} numbers, {}, fetched {}, {age}{}",
        text(list, "name"),
        text(list, "kind"),
        list["numbers"],
        text(list, "source"),
        text(list, "fetched_at"),
        importing.unwrap_or_default(),
    )
}

fn check(answer: &Value, _: Paint) -> String {
    let all = answer["lists"].as_array().map_or(&[][..], Vec::as_slice);
    let lines = all.iter().map(|hit| {
        let said = match (hit["on"].as_bool(), hit["answer"].as_str()) {
            (Some(true), _) => "is on it".to_owned(),
            (Some(false), _) => "isn't on it".to_owned(),
            (None, Some(answer)) => format!("reassigned since the consent: {answer}"),
            (None, None) => "say when its holder consented (--consented-at)".to_owned(),
        };
        let stale = if hit["stale"] == true { " (the list is too old)" } else { "" };
        format!("{:<20} {:<10} {said}{stale}", text(hit, "name"), text(hit, "kind"))
    });
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() { "There is no list to ask.".to_owned() } else { lines.join("\n") }
}
