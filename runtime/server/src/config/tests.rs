use std::path::Path;

use super::*;

const LEAST: &str = "[store]\nfolder = 'data'\n";
const CARRIER: &str = "[[carriers]]\nname = 'acme'\nhost = 'smsc.example'\nsystem_id = 'us'\n";
const TENANT: &str = "[[tenants]]\nname = 'shop'\nbrand = 'Shop'\nhelp = 'https://shop.example'\n";

fn variable(name: &str) -> Option<String> {
    (name == "ACME_PASSWORD").then(|| "hush".to_owned())
}

fn parse(text: &str) -> Result<Config, Vec<Complaint>> {
    Config::parse(text, &Surroundings::made_up(Path::new("/etc/signalbox"), &variable))
}

fn complaints(text: &str) -> Vec<String> {
    parse(text).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn the_example_is_taken() {
    let config = parse(EXAMPLE).unwrap_or_else(|complaints| panic!("{complaints:#?}"));
    assert_eq!(config.store.folder, Path::new("/etc/signalbox/data"));
    assert_eq!(config.carriers[0].password.reveal(), "hush");
    let tenant = &config.tenants[0].tenant;
    assert_eq!(tenant.numbers.values().next().map(|plan| plan.carriers.clone()), Some(vec!["acme".to_owned()]));
    assert_eq!(tenant.settings["opening-hours"], "9 to 5");
}

#[test]
fn who_sends_in_the_us_without_a_key_or_a_log_is_warned() {
    let warned = |text: &str| parse(text).unwrap().warnings();
    assert!(warned(LEAST).is_empty());
    let us = format!("{LEAST}[policy]\npacks = ['us']\n");
    let said = warned(&us);
    assert!(said.len() == 1 && said[0].contains("[encryption] has no key"), "{said:?}");
    assert_eq!(warned(&format!("{us}[audit]\nenabled = false\n")).len(), 2);
}

/// Every key that the example comments out is one that is known, and shows a value that is taken.
#[test]
fn what_the_example_comments_out_is_taken_too() {
    let is_key = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.contains(" = ") && key.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-".contains(&c))
    };
    let uncomment = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if is_key(rest) || ["[carriers.tls]", "[tenants.supervision]"].contains(&rest) => {
            format!("{rest}\n")
        }
        _ => format!("{line}\n"),
    };
    let text: String = EXAMPLE.lines().map(uncomment).collect();
    let found = complaints(&text);
    // Files and variables that the example names aren't there; all else must be fine.
    let missing = [
        "ca.pem",
        "crm-token",
        "SHOP_KEY",
        "SIGNALBOX_OPERATOR_KEY",
        "SIGNALBOX_REGISTRY_SECRET",
        "master.key",
        "SIGNALBOX_OLD_MASTER_KEY",
    ];
    let other: Vec<_> = found.iter().filter(|line| !missing.iter().any(|name| line.contains(name))).collect();
    assert!(other.is_empty(), "{other:#?}");
    assert_eq!(found.len(), missing.len(), "{found:#?}");
}

/// The defaults that the example shows are the defaults.
#[test]
fn the_example_shows_the_defaults() {
    let defaults = Config::new("data");
    let shown = [
        ("max_waiting", defaults.limits.max_waiting as u64),
        ("max_steps", defaults.limits.max_steps as u64),
        ("hot_messages", defaults.limits.hot_messages as u64),
        ("max_write_ahead", defaults.limits.max_write_ahead as u64),
        ("max_text_chars", defaults.limits.max_text_chars as u64),
        ("max_connections", defaults.api.max_connections as u64),
        ("instances", u64::from(defaults.handlers.instances)),
        ("partitions", u64::from(defaults.store.partitions)),
        ("overall", defaults.webhooks.overall as u64),
    ];
    for (key, value) in shown {
        assert!(EXAMPLE.contains(&format!("# {key} = {value}\n")), "{key} = {value}");
    }
    assert!(EXAMPLE.contains(&format!("# min_free = \"{}MiB\"\n", defaults.limits.min_free_bytes >> 20)));
    let durations = [
        ("default_validity", defaults.limits.default_validity),
        ("max_schedule", defaults.limits.max_schedule),
        ("idempotency", defaults.limits.idempotency),
        ("max_age", defaults.webhooks.max_age),
        ("attempt_timeout", defaults.webhooks.attempt_timeout),
        ("component_timeout", defaults.api.component_timeout),
        ("compile_timeout", defaults.handlers.upload.compile),
    ];
    for (key, value) in durations {
        let line = EXAMPLE.lines().find_map(|line| line.strip_prefix(&format!("# {key} = \""))).unwrap_or_default();
        assert_eq!(duration(line.trim_end_matches('"')), Ok(value), "{key}");
    }
}

#[test]
fn sizes_of_the_compiler_and_its_cache_are_the_defaults() {
    let defaults = Config::new("data");
    for (key, value) in [
        ("compile_memory", defaults.handlers.upload.compile_memory_bytes),
        ("native_cache", defaults.native_cache_bytes),
    ] {
        assert!(EXAMPLE.contains(&format!("# {key} = \"{}GiB\"\n", value >> 30)), "{key} = {value}");
    }
}

#[test]
fn mistakes_are_told_with_line_column_and_the_nearest_key() {
    let table = [
        ("[store]\nfoldr = 'data'\n", "2:1: store.foldr: is not a key that is known here; did you mean `folder`?"),
        ("[store]\nfoldr = 'data'\n", "1:1: store: `folder` is missing"),
        ("[stroe]\nfolder = 'data'\n", "1:2: stroe: is not a key that is known here; did you mean `store`?"),
        ("[store]\nfolder = 7\n", "2:10: store.folder: is a whole number; a text in quotes is expected"),
        ("[store]\nfolder = 'd'\npartitions = 0\n", "3:14: store.partitions: must be from 1 to"),
        ("[store]\nfolder = 'd'\npartitions = -1\n", "3:14: store.partitions: must be from 1 to"),
        ("[store]\nfolder = 'd'\nblock_cache = '32MB'\n", "3:15: store.block_cache: `32MB` is no size"),
        ("[runtime]\ndrain_timeout = 30\n", "2:17: runtime.drain_timeout: is a whole number; a duration such as"),
        ("[runtime]\ndrain_timeout = '30'\n", "2:17: runtime.drain_timeout: `30` is no duration"),
        ("[listen]\napi = 'localhost'\n", "2:7: listen.api: is no address"),
        ("[log]\nformat = 'jsn'\n", "2:10: log.format: `jsn` isn't known here; did you mean `json`?"),
        ("[log]\nlevel = 'a=b=c'\n", "2:9: log.level: "),
        ("store = 1\n", "1:9: store: is a whole number; a section is expected"),
        ("[carriers]\nname = 'acme'\n", "carriers: is a section; write [[carriers]] for each"),
        ("[limits]\nidempotency = '1h'\n", "2:15: limits.idempotency: must be at least \"24h\""),
        ("[limits]\nreassembly = '0s'\n", "2:14: limits.reassembly: must be longer than nothing"),
        ("[limits]\nmax_steps = 2000\n[handlers]\n", "handlers.instances: must be at least `limits.max_steps`, 2000"),
        ("[handlers]\ncompile_memory = '1MiB'\n", "2:18: handlers.compile_memory: must be at least 512MiB"),
        ("[webhooks]\nextra_ca = ['none.pem']\n", "2:13: webhooks.extra_ca[0]: /etc/signalbox/none.pem"),
        ("[store\nfolder = 'x'\n", "1:7: "),
        ("[store]\nfolder = 'a'\nfolder = 'b'\n", "3:1: duplicate key"),
        ("[store]\nfolder = 'ü' x\n", "2:14: "),
    ];
    for (text, expected) in table {
        let found = complaints(text);
        assert!(found.iter().any(|line| line.contains(expected)), "{text}\nexpected {expected}\nfound {found:#?}");
    }
}

#[test]
fn references_are_checked_where_they_stand() {
    let number = "[[tenants.numbers]]\nnumber = '+14155550100'\ncarriers = ['acme']\n";
    let other = TENANT.replace("shop", "bank");
    let table = [
        (
            format!("{TENANT}{number}").replace("acme", "acne"),
            "14:13: tenants[0].numbers[0].carriers[0]: there is no carrier `acne`; did you mean `acme`?",
        ),
        (
            format!("{TENANT}{number}{other}{number}"),
            "20:10: tenants[1].numbers[0].number: +1415555**** is a number of tenant `shop` already",
        ),
        (format!("{TENANT}{TENANT}"), "13:8: tenants[1].name: `shop` is the name of another tenant, too"),
        (
            format!("{TENANT}{number}").replace("+14155550100", "4155550100"),
            "13:10: tenants[0].numbers[0].number: is not a short code",
        ),
        (format!("{TENANT}{number}").replace("['acme']", "[]"), "14:12: tenants[0].numbers[0].carriers: is empty"),
        (
            format!("{TENANT}[[tenants.numbers]]\nnumber = '+14155550100'\n"),
            "tenants[0].numbers[0]: `carriers` is missing",
        ),
        (TENANT.replace("brand = 'Shop'\n", ""), "tenants[0]: `brand` is missing"),
        (TENANT.replace("'Shop'", "' '"), "tenants[0].brand: is empty"),
        (TENANT.replace("'shop'", "'Shop'"), "tenants[0].name: a tenant's name is 1 to 32 of a-z"),
        (format!("{TENANT}api_keys = ['sb_short']\n"), "tenants[0].api_keys[0]: is no API key"),
        (
            format!("{TENANT}api_keys = ['env:NOT_THERE']\n"),
            "tenants[0].api_keys[0]: the environment has no variable `NOT_THERE`",
        ),
        (
            format!("{TENANT}[tenants.secrets]\ncrm = 'file:none'\n"),
            "tenants[0].secrets.crm: /etc/signalbox/none can't be read",
        ),
        (
            format!("{TENANT}[tenants.in_doubt]\nmarketing = 'drop'\n"),
            "tenants[0].in_doubt.marketing: `drop` isn't known here",
        ),
        (
            format!("{TENANT}[tenants.settings]\nportal_url = 'http://shop.example/{{token}}'\n"),
            "tenants[0].settings.portal_url: must begin with `https://`",
        ),
        (
            format!("{TENANT}[tenants.settings]\nportal_text = 'See our portal'\n"),
            "tenants[0].settings.portal_text: must have `{link}` in it",
        ),
        (
            format!("{TENANT}[tenants.settings]\nencryption = 'on'\n"),
            "tenants[0].settings.encryption: needs a key to seal with",
        ),
        (
            format!("{TENANT}[tenants.settings]\nencryption = 'yes'\n"),
            "tenants[0].settings.encryption: is `on` or `off`",
        ),
        (format!("{TENANT}[tenants.settings]\ncarrier_baa = 'true'\n"), "`baa = true` in [[carriers]]"),
        (
            format!("{TENANT}[tenants.supervision]\nsample_percent = 5\n"),
            "tenants[0].supervision: needs rules that read it: `packs = [\"us\"]` in [policy]",
        ),
        (
            format!("{TENANT}[tenants.settings]\nsector = 'health'\n"),
            "tenants[0].settings.sector: needs rules that read it: `packs = [\"us\"]` in [policy]",
        ),
        (format!("{TENANT}[tenants.supervision]\nwithin = '1h'\n"), "tenants[0].supervision: names no `words`"),
        (
            format!("{TENANT}[tenants.supervision]\nwords = ['!']\n"),
            "tenants[0].supervision.words[0]: has neither a letter nor a digit",
        ),
        (
            format!("{TENANT}[tenants.supervision]\nsample_percent = 5\nthen = 'go'\n"),
            "tenants[0].supervision.then: `go` isn't known here",
        ),
        (format!("{TENANT}[tenants.retention]\nmesages = '90d'\n"), "did you mean `messages`?"),
        (
            format!("{TENANT}[tenants.retention]\nmessages = '6d'\n"),
            "tenants[0].retention.messages: must be at least \"7d\" in class `standard`",
        ),
        (
            format!("{TENANT}[tenants.retention]\nclass = 'finance'\nmessages = '400d'\n"),
            "tenants[0].retention.messages: must be at least \"2192d\" in class `finance`",
        ),
        (
            format!("{TENANT}[tenants.retention]\nmessages = '1y'\n"),
            "tenants[0].retention.messages: `1y` is no duration",
        ),
        (
            format!("{TENANT}[tenants.retention]\nmessages = 'forever'\naudit = '2192d'\n"),
            "tenants[0].retention.audit: is shorter than `messages`",
        ),
        (
            format!("{TENANT}[tenants.retention]\nmessages = '10d'\ndeliveries = '20d'\n"),
            "tenants[0].retention.deliveries: is longer than `messages`",
        ),
        (format!("{TENANT}[tenants.recording]\nmode = 'some'\n"), "tenants[0].recording.mode: `some` isn't known here"),
        (
            format!("{TENANT}[tenants.recording]\nmode = 'all'\none_of = 5\n"),
            "tenants[0].recording.one_of: says how many events one is recorded of",
        ),
        (CARRIER.to_owned(), "carriers[1].name: `acme` is the name of another carrier, too"),
        (CARRIER.replace("acme", "b").replace("system_id = 'us'\n", ""), "carriers[1].system_id: is missing"),
        (
            format!("{}wndow = 5\n", CARRIER.replace("acme", "b")),
            "carriers[1].wndow: is not a key that is known here; did you mean `window`?",
        ),
        (
            format!("{}reconnect_max = '1ms'\n", CARRIER.replace("acme", "b")),
            "carriers[1].reconnect_max: is at least reconnect_min",
        ),
    ];
    for (more, expected) in table {
        let found = complaints(&format!("{LEAST}{CARRIER}\n{more}"));
        assert!(found.iter().any(|line| line.contains(expected)), "{more}\nexpected {expected}\nfound {found:#?}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file() {
    let found = parse("[listen]\nap = 1\n[store]\nfolder = 1\n[log]\nformat = 'x'\nlevle = 1\n").unwrap_err();
    let lines: Vec<_> = found.iter().map(|complaint| complaint.line).collect();
    assert_eq!(lines, [2, 4, 6, 7]);
}

#[test]
fn a_key_may_belong_to_one_tenant_only() {
    let key = format!("api_keys = ['sb_{}_{}']\n", "0".repeat(26), "s".repeat(43));
    assert_eq!(complaints(&format!("{LEAST}{TENANT}{key}")), Vec::<String>::new());
    let found = complaints(&format!("{LEAST}{TENANT}{key}{}{key}", TENANT.replace("shop", "bank")));
    assert!(found[0].contains("has an id that a key of tenant `shop` has, too"), "{found:?}");
    assert!(!found[0].contains("sss"), "a secret is shown: {found:?}");
}

#[test]
fn requests_get_at_most_half_of_a_drain() {
    let config = parse(&format!("{LEAST}[runtime]\ndrain_timeout = '4s'\n")).unwrap();
    assert_eq!(config.api.drain_timeout, Duration::from_secs(2));
}

#[test]
fn how_long_records_are_kept_follows_the_sector_unless_it_is_said() {
    use signalbox_model::directory::{RetentionClass, RetentionPlan};
    let plan = |more: &str| {
        let config = parse(&format!("{LEAST}{TENANT}{more}")).unwrap_or_else(|complaints| panic!("{complaints:#?}"));
        config.tenants[0].tenant.retention
    };
    assert_eq!(plan(""), RetentionPlan::default());
    let finance = RetentionPlan::of(RetentionClass::Finance);
    assert_eq!(plan("[tenants.settings]\nsector = 'finance'\n"), finance);
    assert_eq!(plan("[tenants.retention]\nclass = 'finance'\n"), finance);
    let short = plan("[tenants.retention]\nmessages = '20d'\n");
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    assert_eq!((short.messages, short.carrier_ids, short.deliveries), (days(20), days(20), days(20)));
    let long = plan("[tenants.retention]\nmessages = 'forever'\n");
    assert_eq!((long.messages, long.audit, long.deliveries), (None, None, days(30)));
}
