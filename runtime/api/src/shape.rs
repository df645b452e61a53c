//! What a body should look like, said well when it doesn't.
//!
//! Bodies are read by serde at once. Only a body that serde refuses is read again here, as a tree, to say what is wrong
//! with which field: serde's own words repeat what the field holds, and stop at the first mistake.

use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use signalbox_engine::FieldError;

use crate::code::Code;
use crate::problem::Problem;

/// A JSON object that a route takes.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) fields: &'static [Field],
}

/// One of its fields.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) need: Need,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text,
    Texts,
    NamedTexts,
    Count,
    Flag,
    OneOf(&'static [&'static str]),
    Objects,
}

/// Whether a field may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It must be there.
    Required,
    /// It may be missing.
    Optional,
    /// It may be missing or null.
    Nullable,
}

/// A body that a route takes.
pub(crate) trait Shape: DeserializeOwned {
    const SHAPE: Object;
}

/// Reads a body.
pub(crate) fn read<T: Shape>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| explain::<T>(bytes, &error))
}

fn explain<T: Shape>(bytes: &[u8], error: &serde_json::Error) -> Problem {
    match tree(bytes) {
        Err(problem) => problem,
        Ok(tree) => match T::SHAPE.faults(&tree) {
            faults if faults.is_empty() => unexplained(error),
            faults => Problem::fields(Code::RequestMalformed, faults),
        },
    }
}

/// Serde refuses what the shape allows: the two disagree, which is a defect of ours, but no reason to be silent.
fn unexplained(error: &serde_json::Error) -> Problem {
    let detail = format!("the body doesn't fit at line {}, column {}", error.line(), error.column());
    Problem::new(Code::RequestMalformed, detail)
}

/// Reads a body as a tree, or says where it stops being JSON.
pub(crate) fn tree(bytes: &[u8]) -> Result<Node, Problem> {
    let malformed = |detail: String| Problem::new(Code::RequestMalformed, detail);
    if bytes.is_empty() {
        return Err(malformed("the body is empty; a JSON object is expected".to_owned()));
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        return Err(malformed(format!("the body isn't UTF-8 at line {line}, byte {column}; JSON is UTF-8")));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        // The words of a syntax error are fixed; they hold nothing of the body.
        let what = text.split_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        malformed(format!("the body isn't JSON: {what} at line {}, column {}", error.line(), error.column()))
    })
}

impl Object {
    /// What is wrong with `node`, field by field; nothing if it fits.
    pub(crate) fn faults(&self, node: &Node) -> Vec<FieldError> {
        let Node::Object(members) = node else {
            return vec![fault("", "type.wrong", format!("the body is {}; an object is expected", node.kind()))];
        };
        let mut faults = Vec::new();
        for (i, (name, value)) in members.iter().enumerate() {
            match self.fields.iter().find(|field| field.name == name) {
                None => faults.push(self.unknown(name)),
                Some(field) if members[..i].iter().any(|(before, _)| before == name) => {
                    faults.push(fault(field.name, "field.twice", format!("`{name}` is there twice; leave one out")));
                }
                Some(field) => faults.extend(field.fault(value)),
            }
        }
        let missing =
            |field: &&Field| field.need == Need::Required && members.iter().all(|(name, _)| name != field.name);
        let tell = |field: &Field| fault(field.name, "field.missing", format!("`{}` is missing", field.name));
        faults.extend(self.fields.iter().filter(missing).map(tell));
        faults
    }

    fn unknown(&self, name: &str) -> FieldError {
        let known: Vec<_> = self.fields.iter().map(|field| field.name).collect();
        let (shown, hint) = unknown(name, &known);
        fault(&shown, "field.unknown", format!("`{shown}` is no field here; {hint}"))
    }
}

/// An unknown name as it may be shown, and what was perhaps meant.
pub(crate) fn unknown(name: &str, known: &[&'static str]) -> (String, String) {
    // A name that doesn't look like one may be a number or a text that slipped into its place.
    let plain = (1..=40).contains(&name.len())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-')
        && name.bytes().filter(u8::is_ascii_digit).count() < 4;
    let shown = if plain { name.to_owned() } else { "(not shown)".to_owned() };
    let nearest = known.iter().map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
    let hint = match nearest {
        Some((distance, near)) if distance <= near.len().min(6) / 2 => format!("did you mean `{near}`?"),
        _ => format!("known are {}", known.join(", ")),
    };
    (shown, hint)
}

impl Field {
    fn fault(&self, value: &Node) -> Option<FieldError> {
        if (self.need == Need::Nullable && matches!(value, Node::Null)) || self.kind.fits(value) {
            return None;
        }
        let name = self.name;
        if let (Kind::OneOf(names), Node::Text(_)) = (self.kind, value) {
            return Some(fault(name, "value.unknown", format!("`{name}` is one of {}", names.join(", "))));
        }
        let detail = format!("`{name}` is {}; {} is expected", value.kind(), self.kind.expected());
        Some(fault(name, "type.wrong", detail))
    }
}

impl Kind {
    fn fits(self, value: &Node) -> bool {
        match (self, value) {
            (Self::Text, Node::Text(_)) | (Self::Flag, Node::Flag(_)) | (Self::Objects, Node::List(_)) => true,
            (Self::Texts, Node::List(items)) => items.iter().all(|item| matches!(item, Node::Text(_))),
            (Self::NamedTexts, Node::Object(members)) => members.iter().all(|(_, item)| matches!(item, Node::Text(_))),
            (Self::Count, Node::Number(number)) => number.is_u64(),
            (Self::OneOf(names), Node::Text(text)) => names.contains(&text.as_str()),
            _ => false,
        }
    }

    fn expected(self) -> String {
        match self {
            Self::Text => "a string".to_owned(),
            Self::Texts => "a list of strings".to_owned(),
            Self::NamedTexts => "an object of strings".to_owned(),
            Self::Count => "a whole number, not negative,".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::OneOf(names) => format!("one of {}", names.join(", ")),
            Self::Objects => "a list of objects".to_owned(),
        }
    }
}

pub(crate) fn fault(field: &str, code: &'static str, detail: String) -> FieldError {
    FieldError { field: field.to_owned(), code, detail }
}

/// A JSON value that keeps a name that is there twice.
#[derive(Debug)]
pub(crate) enum Node {
    Null,
    Flag(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Flag(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Flag(value) => serializer.serialize_bool(*value),
            Self::Number(value) => value.serialize(serializer),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}
