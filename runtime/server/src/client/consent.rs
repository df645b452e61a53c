//! `signalbox consent import`, `export` and `show`.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::call::{Api, Body, query, segment};
use super::problem::Error;
use super::show::{Paint, Screen};
use crate::args::{ConsentClient, Server};

/// How often the progress of an import is asked for.
pub(super) const PROGRESS: Duration = Duration::from_millis(500);
/// Consents in a page of an export.
const PAGE: u32 = 1_000;
/// The columns of an export: those of an import.
const COLUMNS: &str = "number,sender,campaign,consent,at,method,proof,reach,category";
/// What an export of the ledger has beside these.
const LEDGER_COLUMNS: &str = "by,recorded_at";

pub(super) fn server(command: &ConsentClient) -> &Server {
    match command {
        ConsentClient::Import { server, .. }
        | ConsentClient::Export { server, .. }
        | ConsentClient::Show { server, .. } => server,
    }
}

pub(super) async fn answer(command: ConsentClient, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        ConsentClient::Import { file, name, .. } => import(&file, name, api, screen).await,
        ConsentClient::Export { ledger, .. } => export(ledger, api, screen).await,
        ConsentClient::Show { number, sender: None, campaign: None, .. } => {
            screen.show(&api.get(&format!("/v1/consents/{}", segment(&number))).await?, consents);
            Ok(())
        }
        ConsentClient::Show { number, sender, campaign, .. } => {
            let of = query(&[("sender", sender), ("campaign", campaign)]);
            let path = format!("/v1/consents/{}/history{of}", segment(&number));
            screen.show(&api.get(&path).await?, history);
            Ok(())
        }
    }
}

#[expect(clippy::print_stderr, reason = "progress for whoever waits, apart from the answer")]
async fn import(file: &Path, name: Option<String>, api: &Api, screen: &Screen) -> Result<(), Error> {
    let bytes = super::read(file).await?;
    let name = name.unwrap_or_else(|| name_of(file));
    let path = format!("/v1/consent-imports/{}", segment(&name));
    let mut done = std::pin::pin!(api.call(Method::PUT, &path, Body::Csv(bytes)));
    let import = loop {
        tokio::select! {
            import = &mut done => break import?,
            () = tokio::time::sleep(PROGRESS) => {
                if let Ok(so_far) = api.get(&path).await {
                    eprintln!("{} of {} written", so_far["written"], so_far["changes"]);
                }
            }
        }
    };
    screen.show(&import, imported);
    Ok(())
}

/// A file's name as an import's: what can't be in one becomes a dash.
pub(super) fn name_of(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let legal = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' { c } else { '-' };
    let name: String = stem.chars().map(legal).take(60).collect();
    if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { format!("import-{name}") }
}

fn imported(import: &Value, _: Paint) -> String {
    format!(
        "{}: {} consents imported, {} of them revocations",
        text(import, "name"),
        import["changes"],
        import["revocations"]
    )
}

async fn export(ledger: bool, api: &Api, screen: &Screen) -> Result<(), Error> {
    let mut cursor: Option<String> = None;
    let columns = if ledger { format!("{COLUMNS},{LEDGER_COLUMNS}") } else { COLUMNS.to_owned() };
    screen.show(&json!({ "columns": columns }), |shown, _| text(shown, "columns").to_owned());
    loop {
        let asked = [("limit", Some(PAGE.to_string())), ("cursor", cursor.take())];
        let page = api.get(&format!("/v1/consents{}", query(&asked))).await?;
        for consent in page["consents"].as_array().map_or(&[][..], Vec::as_slice) {
            if ledger {
                screen.show(&lines(consent, api).await?, |lines, _| ledger_rows(lines).join("\n"));
            } else {
                screen.show(consent, |consent, _| rows(consent).join("\n"));
            }
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// The ledger of a consent, with whose it is.
async fn lines(consent: &Value, api: &Api) -> Result<Value, Error> {
    let of = |name: &str| consent[name].as_str().map(str::to_owned);
    let whose = query(&[("sender", of("sender")), ("campaign", of("campaign"))]);
    let path = format!("/v1/consents/{}/history{whose}", segment(text(consent, "number")));
    let mut lines = api.get(&path).await?;
    for name in ["number", "sender", "campaign"] {
        lines[name] = consent[name].clone();
    }
    Ok(lines)
}

/// The lines of a consent's ledger in the export, the oldest first: what an import reads, then by whom and when.
fn ledger_rows(lines: &Value) -> Vec<String> {
    let history = lines["history"].as_array().map_or(&[][..], Vec::as_slice).iter().rev();
    let row = |line: &Value| {
        let revoked = Some(&line["revoked"]).filter(|revoked| revoked.is_object());
        let word = revoked.unwrap_or(&line["granted"]);
        let mut consent =
            json!({ "granted": line["granted"], "revoked": revoked.map_or(json!([]), |word| json!([word])) });
        for name in ["number", "sender", "campaign"] {
            consent[name] = lines[name].clone();
        }
        let who = ["what", "key_id", "message_id"].into_iter().find_map(|name| word["by"][name].as_str());
        let by = format!("{} {}", text(&word["by"], "kind"), who.unwrap_or_default());
        let told = [cell(by.trim_end()), cell(text(line, "recorded_at"))].join(",");
        rows(&consent).into_iter().map(move |row| format!("{row},{told}")).collect::<Vec<_>>()
    };
    history.flat_map(row).collect()
}

/// A consent's lines in the export: what was given, and what was taken back.
fn rows(consent: &Value) -> Vec<String> {
    let whose = ["number", "sender", "campaign"].map(|key| cell(text(consent, key)));
    let row = |consent: &str, word: &Value, reach: &str, category: &str| {
        let words = [text(word, "at"), text(word, "method"), text(word, "proof"), reach, category].map(cell);
        format!("{},{consent},{}", whose.join(","), words.join(","))
    };
    let granted = Some(&consent["granted"]).filter(|granted| granted.is_object());
    let granted = granted.map(|granted| row(text(granted, "consent"), granted, "", ""));
    let revoked = consent["revoked"].as_array().map_or(&[][..], Vec::as_slice).iter().map(|revoked| {
        let reach = text(revoked, "reach");
        row("revoked", revoked, if reach == "campaign" { "program" } else { reach }, text(revoked, "category"))
    });
    granted.into_iter().chain(revoked).collect()
}

fn cell(text: &str) -> String {
    // What begins with one of these a spreadsheet would take for a formula; a number's plus is meant.
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn consents(answer: &Value, _: Paint) -> String {
    let all = answer["consents"].as_array().map_or(&[][..], Vec::as_slice);
    if all.is_empty() {
        return "Nothing is on record.".to_owned();
    }
    let mut words = String::new();
    for consent in all {
        let program = [text(consent, "sender"), text(consent, "campaign")].concat();
        let _ = writeln!(words, "{program:<16} {:<16} {}", text(consent, "consent"), said(consent));
    }
    words
}

fn history(answer: &Value, _: Paint) -> String {
    let lines = answer["history"].as_array().map_or(&[][..], Vec::as_slice);
    let lines = lines.iter().map(|line| {
        let revoked = if line["revoked"].is_object() { json!([line["revoked"]]) } else { json!([]) };
        said(&json!({ "granted": line["granted"], "revoked": revoked }))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn said(consent: &Value) -> String {
    let by =
        |word: &Value| format!("{} {}", text(&word["by"], "kind"), text(&word["by"], "what")).trim_end().to_owned();
    let granted = Some(&consent["granted"])
        .filter(|granted| granted.is_object())
        .map(|granted| format!("given {} ({}), by {}", text(granted, "at"), text(granted, "method"), by(granted)));
    let revoked = consent["revoked"].as_array().map_or(&[][..], Vec::as_slice).iter();
    let revoked =
        revoked.map(|word| format!("revoked {} ({}), by {}", text(word, "at"), text(word, "reach"), by(word)));
    granted.into_iter().chain(revoked).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_lines_that_an_import_takes() {
        let consent = json!({
            "number": "+15550199001", "sender": "+15550100001", "campaign": null, "consent": "none",
            "granted": { "consent": "express", "at": "2026-01-01T00:00:00Z", "method": "shop, \"Main\"", "proof": null },
            "revoked": [{ "at": "2026-02-01T00:00:00Z", "reach": "category", "category": "marketing" }],
        });
        assert_eq!(
            rows(&consent),
            [
                "+15550199001,+15550100001,,express,2026-01-01T00:00:00Z,\"shop, \"\"Main\"\"\",,,",
                "+15550199001,+15550100001,,revoked,2026-02-01T00:00:00Z,,,category,marketing",
            ]
        );
        assert_eq!(COLUMNS.split(',').count(), rows(&consent)[1].split(',').count());
    }

    #[test]
    fn the_ledger_is_exported_line_by_line_the_oldest_first() {
        let by = json!({ "kind": "api", "what": null, "key_id": "key_1" });
        let lines = json!({
            "number": "+15550199001", "sender": null, "campaign": "deals",
            "history": [
                { "recorded_at": "2026-02-01T00:00:01Z", "granted": null, "revoked": { "at": "2026-02-01T00:00:00Z", "reach": "all", "category": null, "by": by } },
                { "recorded_at": "2026-01-01T00:00:01Z", "granted": { "consent": "express", "at": "2026-01-01T00:00:00Z", "method": "web", "proof": "f17", "by": by }, "revoked": null },
            ],
        });
        assert_eq!(
            ledger_rows(&lines),
            [
                "+15550199001,,deals,express,2026-01-01T00:00:00Z,web,f17,,,api key_1,2026-01-01T00:00:01Z",
                "+15550199001,,deals,revoked,2026-02-01T00:00:00Z,,,all,,api key_1,2026-02-01T00:00:01Z",
            ]
        );
    }

    #[test]
    fn a_files_name_becomes_an_imports() {
        assert_eq!(name_of(Path::new("/tmp/Old List (2).csv")), "old-list--2-");
        assert_eq!(name_of(Path::new("2024.csv")), "import-2024");
    }
}
