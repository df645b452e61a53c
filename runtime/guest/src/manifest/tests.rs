use super::*;
use crate::limits::Limits;
use std::time::Duration;

const WHOLE: &str = r#"
name = "order-bot"
description = "Takes orders."
hosts = ["api.example.com", "*.example.org:8443"]
build = "npm run build"
component = "dist/order-bot.wasm"

[[secrets]]
name = "api_key"
description = "Of the payment service."
inject = { host = "api.example.com", header = "authorization", format = "Bearer {}" }

[[secrets]]
name = "salt"
required = false

[settings]
currency = "USD"
rate = 0.5
polite = true

[settings.clinic]
type = "text"
description = "The clinic's name."
required = true

[settings.hours]
type = "number"
default = 24

[limits]
memory = "16MiB"
cpu = "20ms"
sends = 3
"#;

fn complaints(text: &str) -> Vec<String> {
    let refused = Manifest::parse("handler.toml", text).expect_err("a refusal");
    refused.to_string().lines().map(str::to_owned).collect()
}

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_whole_manifest_is_read() {
    let manifest = Manifest::parse("handler.toml", WHOLE).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.description.as_str()), ("order-bot", "Takes orders."));
    assert!(manifest.hosts[1].matches("a.example.org", 8_443, 443));
    let key = manifest.secret("api_key").unwrap();
    assert_eq!(key.inject.as_ref().unwrap().value("sk-1"), "Bearer sk-1");
    let salt = manifest.secret("salt").unwrap();
    assert!(key.required && !salt.required && salt.inject.is_none());
    assert_eq!(manifest.settings["hours"].default.as_deref(), Some("24"));
    assert_eq!(manifest.settings["rate"].kind, SettingType::Number);
    assert_eq!(manifest.limits.sends, Some(3));
    assert_eq!(manifest.component.as_deref(), Some("dist/order-bot.wasm"));
}

#[test]
fn a_name_is_enough() {
    let manifest = Manifest::parse("handler.toml", "name = \"echo\"").unwrap();
    assert_eq!(manifest, Manifest { name: "echo".into(), ..Manifest::default() });
}

#[test]
fn it_can_be_kept_and_read_back() {
    let manifest = Manifest::parse("handler.toml", WHOLE).unwrap();
    let kept = postcard::to_allocvec(&manifest).unwrap();
    assert_eq!(postcard::from_bytes::<Manifest>(&kept).unwrap(), manifest);
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_place() {
    let text = r#"nmae = "Order Bot"
hosts = ["https://api.example.com", 7]
[[secrets]]
name = "api_key"
injct = true
[settings.hours]
type = "nummber"
[settings.polite]
type = "flag"
default = "perhaps"
[limits]
memory = "lots"
cpu = "0ms"
sends = -1
"#;
    assert_eq!(
        complaints(text),
        [
            "handler.toml:1:1: `name` is missing",
            "handler.toml:1:1: nmae: is not a key that is known here; did you mean `name`?",
            "handler.toml:2:10: hosts[0]: give the host alone, such as `api.example.com`, without `https://` and \
             without a path",
            "handler.toml:2:37: hosts[1]: is a whole number; a text in quotes is expected",
            "handler.toml:5:1: secrets[0].injct: is not a key that is known here; did you mean `inject`?",
            "handler.toml:7:8: settings.hours.type: `nummber` isn't known here; did you mean `number`?",
            "handler.toml:10:11: settings.polite.default: the setting takes true or false",
            "handler.toml:12:10: limits.memory: `lots` is no size; write such as \"64KiB\", \"32MiB\" or \"1GiB\"",
            "handler.toml:13:7: limits.cpu: must be longer than nothing",
            "handler.toml:14:9: limits.sends: must be from 0 to 10000",
        ]
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_place() {
    let told = complaints("name = \"x\"\nhosts = [\n");
    assert!(told.len() == 1 && told[0].starts_with("handler.toml:"), "{told:?}");
    assert!(complaints("").iter().any(|line| line.contains("`name` is missing")));
    assert!(complaints(&"# \n".repeat(30_000))[0].contains("65536 are the most"));
}

#[test]
fn a_secret_goes_only_where_the_handler_goes_and_never_into_a_header_of_the_hosts() {
    let text = |host: &str, header: &str, format: &str| {
        format!(
            "name = \"x\"\nhosts = [\"a.example.com\"]\n[[secrets]]\nname = \"k\"\n\
             inject = {{ host = \"{host}\", header = \"{header}\", format = \"{format}\" }}\n"
        )
    };
    assert!(Manifest::parse("m", &text("a.example.com", "x-key", "{}")).is_ok());
    assert!(complaints(&text("b.example.com", "x-key", "{}"))[0].contains("never be sent"));
    assert!(complaints(&text("a.example.com", "Host", "{}"))[0].contains("handlers may set"));
    assert!(complaints(&text("a.example.com", "content-length", "{}"))[0].contains("handlers may set"));
    assert!(complaints(&text("a.example.com", "x-key", "Bearer"))[0].contains("once"));
}

#[test]
fn settings_are_laid_over_defaults_and_checked() {
    let manifest = Manifest::parse("handler.toml", WHOLE).unwrap();
    let settings = manifest.settings(&given(&[("clinic", "Oak"), ("hours", "48")])).unwrap();
    let expected = [("clinic", "Oak"), ("currency", "USD"), ("hours", "48"), ("polite", "true"), ("rate", "0.5")];
    assert_eq!(settings, given(&expected));
    let bad = manifest.settings(&given(&[("clinc", "Oak"), ("hours", "soon")])).unwrap_err();
    let told: Vec<String> = bad.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "there is no setting `clinc`; did you mean `clinic`?",
            "the setting `hours` takes a number",
            "the setting `clinic` has to be given: The clinic's name.",
        ]
    );
    let any = given(&[("whatever", "1")]);
    assert_eq!(Manifest::default().settings(&any).unwrap(), any);
}

#[test]
fn limits_go_down_as_asked_and_up_to_the_cap() {
    let own = Limits::default();
    let caps = Limits { cpu: Duration::from_millis(80), ..own };
    let asked = LimitsAsked {
        cpu: Some(Duration::from_secs(1)),
        memory_bytes: Some(1 << 40),
        sends: Some(2),
        ..LimitsAsked::default()
    };
    let granted = asked.grant(&own, &caps);
    let expected = Limits { cpu: Duration::from_millis(80), sends: 2, ..own };
    assert_eq!(granted, expected);
    assert_eq!(LimitsAsked::default().grant(&own, &caps), own);
}
