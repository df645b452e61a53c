//! `[tenants.retention]`.

use std::time::Duration;

use signalbox_forms::{Section, duration};
use signalbox_model::directory::{RetentionClass, RetentionPlan};

/// Stands for a time without an end.
const FOR_EVER: &str = "forever";

/// Reads for how long what is on record of a tenant is kept; what is wrong was complained of. Unless it is said, the class
/// is that of the tenant's sector.
pub fn read(section: Section<'_, '_>, sector: Option<&str>) -> RetentionPlan {
    let classes = RetentionClass::ALL.map(|class| (class.as_str(), class));
    let by_sector = classes.iter().find(|(name, _)| Some(*name) == sector).map(|(_, class)| *class);
    let class = section.one_of("class", &classes).map(|class| class.value).or(by_sector).unwrap_or_default();
    let default = RetentionPlan::of(class);
    let time = |key, default: Option<Duration>, least: Duration| match section.text(key) {
        None => default,
        Some(text) if text.value == FOR_EVER => None,
        Some(text) => match duration(&text.value) {
            Err(reason) => {
                section.complain_of(&text, format!("{reason}, or \"{FOR_EVER}\""));
                default
            }
            Ok(given) => {
                if given < least {
                    let days = least.as_secs() / 86_400;
                    section.complain_of(&text, format!("must be at least \"{days}d\" in class `{}`", class.as_str()));
                }
                Some(given)
            }
        },
    };
    let messages = time("messages", default.messages, class.least());
    let mut audit = default.audit;
    if audit.is_some_and(|audit| messages.is_none_or(|messages| messages > audit)) {
        audit = messages;
    }
    let audit = time("audit", audit, class.least());
    let plan = RetentionPlan {
        class,
        messages,
        carrier_ids: time("carrier_ids", shorter(default.carrier_ids, messages), RetentionPlan::LEAST_CARRIER_IDS),
        deliveries: time("deliveries", shorter(default.deliveries, messages), RetentionPlan::LEAST_DELIVERIES),
        audit,
    };
    if audit != longer(messages, audit) {
        section.complain_at("audit", "is shorter than `messages`: the log tells what became of them");
    }
    for (key, kept) in [("carrier_ids", plan.carrier_ids), ("deliveries", plan.deliveries)] {
        if kept != shorter(kept, messages) {
            section.complain_at(key, "is longer than `messages`, with which they go");
        }
    }
    section.end();
    plan
}

/// The shorter of two; none is for ever.
fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The longer of two.
fn longer(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.zip(other).map(|(one, other)| one.max(other))
}
