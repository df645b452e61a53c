//! `--stay`: what to try next, and serving until it is enough.

use super::House;
use super::show::Show;
use crate::house::NUMBER;
use anyhow::Result;
use std::time::Duration;

/// A phone that has not said STOP.
const OTHER_PHONE: &str = "+15557654321";

/// Serves until the server ends, by Ctrl-C for instance.
pub fn stay(house: &mut House, show: &Show) -> Result<()> {
    show.lines(&what_to_try(house));
    while !house.server.process.has_ended()? {
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

fn what_to_try(house: &House) -> Vec<String> {
    let (api, key) = (format!("http://{}", house.server.api_address()), &house.server.key);
    let (control, sink) = (house.carrier.control.address(), house.carrier.sink.address());
    let auth = format!("-H 'Authorization: Bearer {key}'");
    let json = "-H 'Content-Type: application/json'";
    let body = format!(r#"{{"from":"{NUMBER}","to":"{OTHER_PHONE}","text":"Hello from curl"}}"#);
    vec![
        "Still serving; Ctrl-C ends it. Try:".to_owned(),
        String::new(),
        "# send a message".to_owned(),
        format!("curl -s {auth} {json} -d '{body}' {api}/v1/messages"),
        "# what would become of it".to_owned(),
        format!("curl -s {auth} {json} -d '{body}' {api}/v1/messages/explain"),
        "# the newest messages, and one's timeline".to_owned(),
        format!("curl -s {auth} '{api}/v1/messages?limit=5'"),
        format!("curl -s {auth} {api}/v1/messages/ID/timeline"),
        "# write from a phone, and read what it got".to_owned(),
        format!("curl -s -d '{{\"to\":\"{NUMBER}\",\"text\":\"HOURS\"}}' http://{control}/phones/{OTHER_PHONE}/send"),
        format!("curl -s http://{control}/phones/{OTHER_PHONE}/messages"),
        "# the webhooks that came".to_owned(),
        format!("curl -s 'http://{sink}/hooks?after=0'"),
        "# how it is".to_owned(),
        format!("curl -s {api}/status"),
    ]
}
