//! `signalbox programs`: own keywords, the answer to HELP and domains, by campaign or sender.

use std::fmt::Write;

use http::Method;
use serde_json::{Value, json};

use super::call::{Api, Body, segment};
use super::problem::Error;
use super::show::{Paint, Screen};
use crate::args::{Programs, PutProgram, Server};

pub(super) fn server(command: &Programs) -> &Server {
    match command {
        Programs::Put(put) => &put.server,
        Programs::List { server } | Programs::Show { server, .. } | Programs::Remove { server, .. } => server,
    }
}

pub(super) async fn answer(command: Programs, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        Programs::Put(put) => {
            let put_to = path(&put.name);
            screen.show(&api.call(Method::PUT, &put_to, Body::Json(body(*put))).await?, program);
        }
        Programs::List { .. } => screen.show(&api.get("/v1/programs").await?, all),
        Programs::Show { name, .. } => screen.show(&api.get(&path(&name)).await?, program),
        Programs::Remove { name, .. } => {
            api.call(Method::DELETE, &path(&name), Body::Empty).await?;
            screen.show(&json!({ "removed": name }), |answer, _| format!("{}: removed", text(answer, "removed")));
        }
    }
    Ok(())
}

fn path(name: &str) -> String {
    format!("/v1/programs/{}", segment(name))
}

fn body(put: PutProgram) -> Value {
    // Nothing said of links leaves it open whose they are.
    let domains = (put.no_links || !put.domains.is_empty()).then_some(put.domains);
    json!({
        "title": put.title,
        "help": put.help_text,
        "senders": put.senders,
        "domains": domains,
        "stop_words": put.stop_words,
        "start_words": put.start_words,
        "help_words": put.help_words,
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn all(answer: &Value, paint: Paint) -> String {
    let all = answer["programs"].as_array().map_or(&[][..], Vec::as_slice);
    if all.is_empty() {
        return "There is no program; `signalbox programs put NAME` sets one up.".to_owned();
    }
    all.iter().map(|one| program(one, paint)).collect::<Vec<_>>().join("\n")
}

fn program(program: &Value, _: Paint) -> String {
    let mut words = text(program, "name").to_owned();
    for (key, name) in [("title", "known as"), ("help", "answer to HELP")] {
        if let Some(said) = program[key].as_str() {
            let _ = write!(words, "\n  {name:<15} {said}");
        }
    }
    let lists = [
        ("senders", "senders"),
        ("domains", "domains"),
        ("stop_words", "mean STOP"),
        ("start_words", "mean START"),
        ("help_words", "mean HELP"),
    ];
    for (key, name) in lists {
        let Some(said) = program[key].as_array() else { continue };
        let said: Vec<_> = said.iter().filter_map(Value::as_str).collect();
        if !said.is_empty() {
            let _ = write!(words, "\n  {name:<15} {}", said.join(", "));
        } else if key == "domains" {
            words.push_str("\n  domains         none: it has no links");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    fn put(line: &str) -> Value {
        let Command::Programs(Programs::Put(put)) = Args::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("{line}")
        };
        body(*put)
    }

    #[test]
    fn what_is_said_becomes_what_the_api_takes() {
        let said = put(
            "signalbox programs put deals --title Deals --sender +12125550100,72345 --domain acme.example --stop basta",
        );
        assert_eq!(said["senders"], json!(["+12125550100", "72345"]));
        assert_eq!((&said["domains"], &said["stop_words"]), (&json!(["acme.example"]), &json!(["basta"])));
        assert_eq!((&said["help"], &said["help_words"]), (&Value::Null, &json!([])));
        assert_eq!(put("signalbox programs put deals")["domains"], Value::Null);
        assert_eq!(put("signalbox programs put deals --no-links")["domains"], json!([]));
        let both = "signalbox programs put deals --no-links --domain acme.example";
        assert!(Args::try_parse_from(both.split(' ')).is_err());
    }

    #[test]
    fn a_program_is_shown_in_words() {
        let shown = json!({"name": "deals", "title": null, "help": "Call us.", "senders": ["72345"], "domains": [],
            "stop_words": ["basta", "ya no"], "start_words": [], "help_words": []});
        let words = program(&shown, Paint::PLAIN);
        for line in ["deals", "answer to HELP  Call us.", "senders         72345", "it has no links", "basta, ya no"] {
            assert!(words.contains(line), "{words}");
        }
    }
}
