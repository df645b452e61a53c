//! A batch's body: one message that can't be read doesn't spoil the others.

use crate::code::Code;
use crate::problem::Problem;
use crate::requests::{NewBatch, NewMessage};
use crate::shape::{self, Node, Shape};

/// Reads a batch: each message, or what is wrong with it.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Result<NewMessage, Problem>>, Problem> {
    match serde_json::from_slice::<NewBatch>(bytes) {
        Ok(batch) => Ok(batch.messages.into_iter().map(Ok).collect()),
        Err(_) => read_one_by_one(bytes),
    }
}

fn read_one_by_one(bytes: &[u8]) -> Result<Vec<Result<NewMessage, Problem>>, Problem> {
    let tree = shape::tree(bytes)?;
    let faults = NewBatch::SHAPE.faults(&tree);
    if !faults.is_empty() {
        return Err(Problem::fields(Code::RequestMalformed, faults));
    }
    let Node::Object(members) = tree else { return Ok(Vec::new()) };
    let lists = members.into_iter().filter_map(|(_, value)| match value {
        Node::List(items) => Some(items),
        _ => None,
    });
    Ok(lists.flatten().map(|item| read_one(&item)).collect())
}

fn read_one(item: &Node) -> Result<NewMessage, Problem> {
    let text = serde_json::to_vec(item).map_err(Problem::internal)?;
    shape::read(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(body: &str) -> Result<Vec<Option<&'static str>>, String> {
        let one = |item: Result<NewMessage, Problem>| item.err().map(|problem| problem.view(None).errors[0].code);
        let read = read(body.as_bytes()).map_err(|problem| problem.view(None).detail)?;
        Ok(read.into_iter().map(one).collect())
    }

    #[test]
    fn a_message_that_cant_be_read_leaves_the_others_alone() {
        let body = r#"{"messages":[{"from":"a","to":"b"},{"from":"a","to":1},{"from":"a","to":"b","to":"c"},7,
            {"from":"a","to":"b","text":"hi"}]}"#;
        let told = [None, Some("type.wrong"), Some("field.twice"), Some("type.wrong"), None];
        assert_eq!(codes(body), Ok(told.to_vec()));
    }

    #[test]
    fn a_batch_that_is_none_is_refused_whole() {
        assert_eq!(codes("[]"), Err("the body is a list; an object is expected".to_owned()));
        assert_eq!(codes("{}"), Err("`messages` is missing".to_owned()));
        assert_eq!(
            codes(r#"{"messages":{}}"#),
            Err("`messages` is an object; a list of objects is expected".to_owned())
        );
        assert!(codes(r#"{"messages":[{]}"#).unwrap_err().contains("line 1, column 15"));
    }
}
