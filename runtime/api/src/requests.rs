//! The bodies that routes take.

use std::collections::BTreeMap;

use serde::Deserialize;
use signalbox_engine::{Request, Resolution};
use signalbox_model::Category;
use utoipa::ToSchema;

use crate::shape::{Field, Kind, Need, Object, Shape};

const fn field(name: &'static str, kind: Kind, need: Need) -> Field {
    Field { name, kind, need }
}

/// The names of [`Category`], in its order.
const CATEGORIES: &[&str] = &["transactional", "marketing", "otp", "conversational"];

/// What a message is for.
#[derive(ToSchema)]
#[schema(as = Category, rename_all = "snake_case")]
#[allow(dead_code, reason = "stands for the model's type in the description")]
pub(crate) enum CategoryName {
    Transactional,
    Marketing,
    Otp,
    Conversational,
}

/// A message to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMessage)]
pub(crate) struct NewMessage {
    /// The sender: one of the tenant's numbers, in E.164 form, or a short code or name that it may use.
    #[schema(example = "+14155550100")]
    from: String,
    /// The recipient, in E.164 form.
    #[schema(example = "+14155550123")]
    to: String,
    /// The text. May be empty or missing when there is media.
    #[serde(default)]
    #[schema(example = "Your table is ready.")]
    text: String,
    /// Where media lies, for a multimedia message.
    #[serde(default)]
    media_urls: Vec<String>,
    /// The campaign that the message belongs to.
    #[serde(default)]
    campaign: Option<String>,
    /// What the message is for; `transactional` unless said. Compliance depends on it, and what becomes of the message
    /// when its outcome is in doubt.
    #[serde(default)]
    #[schema(value_type = CategoryName, inline)]
    category: Category,
    /// Not before this, RFC 3339.
    #[serde(default)]
    #[schema(example = "2026-12-24T09:00:00Z")]
    send_at: Option<String>,
    /// For how many seconds it is worth sending.
    #[serde(default)]
    valid_for: Option<u64>,
    /// The tenant's own labels; on the record and in webhooks.
    #[serde(default)]
    tags: Vec<String>,
    /// Where this message's status changes are told, besides the tenant's webhooks.
    #[serde(default)]
    callback_url: Option<String>,
    /// Leave typographic quotes, dashes and spaces as they are, though they may double the segments.
    #[serde(default)]
    exact: bool,
}

impl Shape for NewMessage {
    const SHAPE: Object = Object {
        fields: &[
            field("from", Kind::Text, Need::Required),
            field("to", Kind::Text, Need::Required),
            field("text", Kind::Text, Need::Optional),
            field("media_urls", Kind::Texts, Need::Optional),
            field("campaign", Kind::Text, Need::Nullable),
            field("category", Kind::OneOf(CATEGORIES), Need::Optional),
            field("send_at", Kind::Text, Need::Nullable),
            field("valid_for", Kind::Count, Need::Nullable),
            field("tags", Kind::Texts, Need::Optional),
            field("callback_url", Kind::Text, Need::Nullable),
            field("exact", Kind::Flag, Need::Optional),
        ],
    };
}

/// What becomes of a message that is in doubt.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Outcome)]
pub(crate) enum OutcomeName {
    /// It is sent again; its recipient may get it twice.
    Resend,
    /// Its recipient has it.
    Delivered,
    /// Its recipient hasn't got it, and it isn't sent again.
    Failed,
}

/// A decision on a message that is in doubt.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewResolution)]
pub(crate) struct NewResolution {
    /// What becomes of it.
    #[schema(inline)]
    pub(crate) outcome: OutcomeName,
}

impl Shape for NewResolution {
    const SHAPE: Object =
        Object { fields: &[field("outcome", Kind::OneOf(&["resend", "delivered", "failed"]), Need::Required)] };
}

impl From<OutcomeName> for Resolution {
    fn from(name: OutcomeName) -> Self {
        match name {
            OutcomeName::Resend => Self::Resend,
            OutcomeName::Delivered => Self::Delivered,
            OutcomeName::Failed => Self::Failed,
        }
    }
}

impl From<NewMessage> for Request {
    fn from(new: NewMessage) -> Self {
        let NewMessage {
            from,
            to,
            text,
            media_urls,
            campaign,
            category,
            send_at,
            valid_for,
            tags,
            callback_url,
            exact,
        } = new;
        Self { from, to, text, media_urls, campaign, category, send_at, valid_for, tags, callback_url, exact }
    }
}

/// Several messages to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBatch)]
pub(crate) struct NewBatch {
    /// The messages, at most 1,000.
    pub(crate) messages: Vec<NewMessage>,
}

impl Shape for NewBatch {
    const SHAPE: Object = Object { fields: &[field("messages", Kind::Objects, Need::Required)] };
}

/// What is recorded of a person, in place of what was before.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewContact)]
pub(crate) struct NewContact {
    /// The time zone where they most likely are, as an IANA name.
    #[serde(default)]
    #[schema(example = "America/Chicago")]
    pub(crate) time_zone: Option<String>,
    /// What else your handlers want to know, by name.
    #[serde(default)]
    #[schema(example = json!({"name": "Ada"}))]
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Shape for NewContact {
    const SHAPE: Object = Object {
        fields: &[
            field("time_zone", Kind::Text, Need::Nullable),
            field("attributes", Kind::NamedTexts, Need::Optional),
        ],
    };
}

/// A webhook to set up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhook)]
pub(crate) struct NewWebhook {
    /// Where events go.
    #[schema(example = "https://example.com/hooks/signalbox")]
    pub(crate) url: String,
    /// Which: `message.delivered` and so on, or `message.*` for all.
    #[schema(example = json!(["message.*"]))]
    pub(crate) events: Vec<String>,
    /// The key that signs, `whsec_` and base64 of 24 to 64 bytes. One is made if none is given, and shown once.
    #[serde(default)]
    pub(crate) secret: Option<String>,
}

impl Shape for NewWebhook {
    const SHAPE: Object = Object {
        fields: &[
            field("url", Kind::Text, Need::Required),
            field("events", Kind::Texts, Need::Required),
            field("secret", Kind::Text, Need::Nullable),
        ],
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::shape;

    fn faults<T: Shape>(body: &Value) -> Vec<(String, &'static str, String)> {
        let Err(problem) = shape::read::<T>(&serde_json::to_vec(body).unwrap()) else { return Vec::new() };
        let errors = problem.view(None).errors;
        errors.into_iter().map(|error| (error.field, error.code, error.detail)).collect()
    }

    fn detail(body: &[u8]) -> String {
        let Err(problem) = shape::read::<NewMessage>(body) else { panic!("the body was taken") };
        problem.view(None).detail
    }

    #[test]
    fn categories_are_those_of_the_model() {
        assert!(Category::ALL.iter().map(|category| category.as_str()).eq(CATEGORIES.iter().copied()));
    }

    #[test]
    fn every_mistake_is_told_at_once_by_its_field() {
        let body = json!({"from": 14155550100u64, "txt": "hi", "valid_for": -1, "category": "urgent", "tags": "a"});
        let found: Vec<_> = faults::<NewMessage>(&body).into_iter().map(|(field, code, _)| (field, code)).collect();
        let expected = [
            ("category", "value.unknown"),
            ("from", "type.wrong"),
            ("tags", "type.wrong"),
            ("txt", "field.unknown"),
            ("valid_for", "type.wrong"),
            ("to", "field.missing"),
        ];
        assert_eq!(found, expected.map(|(field, code)| (field.to_owned(), code)));
    }

    #[test]
    fn a_near_miss_is_answered_with_the_name_that_was_meant() {
        let body = json!({"from": "a", "to": "b", "txet": "hi", "callbackUrl": "x", "zzzzzzzz": 1});
        let details: Vec<_> = faults::<NewMessage>(&body).into_iter().map(|(_, _, detail)| detail).collect();
        assert!(details.iter().any(|d| d == "`txet` is no field here; did you mean `text`?"), "{details:?}");
        assert!(details.iter().any(|d| d.contains("`callback_url`")), "{details:?}");
        assert!(details.iter().any(|d| d.contains("known are from, to, text")), "{details:?}");
    }

    #[test]
    fn what_the_body_holds_is_never_repeated() {
        let body = json!({"from": 14155550123u64, "+14155550123": "x", "to": ["+14155550123"], "category": "secret"});
        let told = format!("{:?}", faults::<NewMessage>(&body));
        assert!(!told.contains("4155550123") && !told.contains("secret"), "{told}");
    }

    #[test]
    fn broken_json_is_told_by_line_and_column() {
        assert_eq!(
            detail(b"{\"from\": \"a\",\n \"to\" \"b\"}"),
            "the body isn't JSON: expected `:` at line 2, column 7"
        );
        assert!(detail(b"{\"from\"").contains("EOF while parsing an object at line 1, column 7"));
        assert!(detail(b"").contains("is empty"));
        assert!(detail(b"{} x").contains("trailing characters at line 1, column 4"));
        assert_eq!(detail(b"{\"a\":\n\"\xFF\"}"), "the body isn't UTF-8 at line 2, byte 2; JSON is UTF-8");
        assert_eq!(detail(b"[1]"), "the body is a list; an object is expected");
        let deep = "[".repeat(100_000);
        assert!(detail(deep.as_bytes()).contains("recursion limit"));
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused() {
        assert_eq!(detail(br#"{"from":"a","to":"b","to":"c"}"#), "`to` is there twice; leave one out");
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            prop_oneof!["[a-z]{0,8}", Just("otp".to_owned())].prop_map(Value::from),
            proptest::collection::vec("[a-z]{0,4}".prop_map(Value::from), 0..3).prop_map(Value::from),
            proptest::collection::vec(any::<u8>().prop_map(Value::from), 0..3).prop_map(Value::from),
            Just(json!({"a": 1})),
        ]
    }

    fn members<T: Shape>() -> impl Strategy<Value = Value> {
        let names: Vec<_> = T::SHAPE.fields.iter().map(|field| field.name).chain(["other"]).collect();
        let map = proptest::collection::btree_map(proptest::sample::select(names), value(), 0..6);
        map.prop_map(|map| Value::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>()))
    }

    /// Serde takes exactly what the shape has no fault with.
    fn agree<T: Shape>(body: &Value) -> Result<(), TestCaseError> {
        let bytes = serde_json::to_vec(body).unwrap();
        let taken = serde_json::from_slice::<T>(&bytes).is_ok();
        let tree = shape::tree(&bytes).unwrap();
        prop_assert_eq!(taken, T::SHAPE.faults(&tree).is_empty(), "{}", body);
        Ok(())
    }

    proptest! {
        #[test]
        fn shape_and_serde_agree_on_messages(body in members::<NewMessage>()) {
            agree::<NewMessage>(&body)?;
        }

        #[test]
        fn shape_and_serde_agree_on_webhooks(body in members::<NewWebhook>()) {
            agree::<NewWebhook>(&body)?;
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = shape::read::<NewMessage>(&bytes);
        }
    }
}
