//! What an answer says of each message.

use serde_json::Value;

/// The id that each of `count` messages was given, `None` where it was refused.
pub(super) fn ids(status: u16, body: &[u8], count: usize) -> Vec<Option<String>> {
    if !(200..300).contains(&status) {
        return vec![None; count];
    }
    if count == 1
        && let Some(id) = first_id(body)
    {
        return vec![Some(id)];
    }
    let mut ids = serde_json::from_slice(body).map_or_else(|_| Vec::new(), |value| items(&value));
    ids.resize(count, None);
    ids
}

/// The usual single answer, without reading all of it as JSON: ids have no escapes.
fn first_id(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("\"id\"")?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    value.split_once('"').map(|(id, _)| id.to_owned())
}

/// A batch's answer is a list of items, or an object that holds one.
fn items(value: &Value) -> Vec<Option<String>> {
    let list = match value {
        Value::Array(list) => Some(list),
        Value::Object(object) => object.values().find_map(Value::as_array),
        _ => None,
    };
    list.map_or_else(|| vec![item(value)], |list| list.iter().map(item).collect())
}

/// An item is a message, or holds one under `accepted` or `message`; one with an error has no id.
fn item(value: &Value) -> Option<String> {
    let inner = ["accepted", "message"].into_iter().filter_map(|name| value.get(name)).find(|inner| inner.is_object());
    let message = inner.unwrap_or(value);
    if value.get("error").is_some_and(|error| !error.is_null()) {
        return None;
    }
    message.get("id")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_each_shape_of_answer() {
        let some = |id: &str| Some(id.to_owned());
        for (status, body, count, expected) in [
            (202, r#"{"status":"accepted","id": "msg_a"}"#, 1, vec![some("msg_a")]),
            (422, r#"{"id":"msg_a"}"#, 1, vec![None]),
            (200, r#"{"messages":[{"id":"a"},{"error":{"code":"x"}}]}"#, 2, vec![some("a"), None]),
            (200, r#"[{"message":{"id":"a"}},{"id":"b"}]"#, 3, vec![some("a"), some("b"), None]),
            (
                202,
                r#"{"accepted":1,"refused":1,"results":[{"accepted":{"id":"a"}},{"problem":{"code":"x"}}]}"#,
                2,
                vec![some("a"), None],
            ),
            (200, "not json", 2, vec![None, None]),
        ] {
            assert_eq!(ids(status, body.as_bytes(), count), expected, "{body}");
        }
    }
}
