//! Reads a TOML table key by key and gathers everything that is wrong, with its place.
//!
//! A [`Section`] remembers which keys were asked for, so the keys that are known are those that somebody reads: no list
//! of them is kept beside the reading, and none can be forgotten.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::complaint::{Complaint, place};
use crate::units;

/// Gathers what is wrong with one file.
pub struct Reader<'t> {
    text: &'t str,
    complaints: RefCell<Vec<Complaint>>,
}

impl<'t> Reader<'t> {
    /// Of this text.
    pub fn new(text: &'t str) -> Self {
        Self { text, complaints: RefCell::default() }
    }

    /// Something is wrong with what stands there.
    pub fn complain(&self, at: usize, key: impl Into<String>, reason: impl Into<String>) {
        let (line, column) = place(self.text, at);
        self.complaints.borrow_mut().push(Complaint { line, column, key: key.into(), reason: reason.into() });
    }

    /// All that is wrong, in the order of the file.
    pub fn into_complaints(self) -> Vec<Complaint> {
        let mut complaints = self.complaints.into_inner();
        complaints.sort_by_key(|complaint| (complaint.line, complaint.column));
        complaints.dedup();
        complaints
    }
}

/// A value with its place, for checks that need several values.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    /// What stands there.
    pub value: T,
    /// Its key, with the sections that it is in.
    pub key: String,
    /// Its first byte.
    pub at: usize,
}

/// A value that is no list and no section.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A text in quotes.
    Text(String),
    /// A whole number, as it is written without its underscores.
    Whole(String),
    /// A number with a fraction.
    Fraction(f64),
    /// True or false.
    Flag(bool),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) | Self::Whole(text) => f.write_str(text),
            Self::Fraction(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// What stands under a name that the file chose.
pub enum Item<'r, 't> {
    /// A section.
    Section(Section<'r, 't>),
    /// A value that is neither a list nor a section.
    Scalar(Placed<Scalar>),
}

/// A table that is being read. Whoever has read all its keys calls [`Section::end`].
pub struct Section<'r, 't> {
    reader: &'r Reader<'t>,
    /// The sections that it is in and itself: `tenants[0]`; empty for the file.
    name: String,
    at: usize,
    table: Option<&'r DeTable<'t>>,
    known: RefCell<Vec<&'static str>>,
}

type Entry<'r, 't> = &'r Spanned<DeValue<'t>>;

impl<'r, 't> Section<'r, 't> {
    /// The whole file.
    pub fn file(reader: &'r Reader<'t>, table: &'r DeTable<'t>) -> Self {
        Self { reader, name: String::new(), at: 0, table: Some(table), known: RefCell::default() }
    }

    fn inner(&self, name: String, entry: Entry<'r, 't>) -> Self {
        let table = entry.get_ref().as_table();
        if table.is_none() {
            self.reader.complain(entry.span().start, &name, format!("is {}; a section is expected", kind(entry)));
        }
        Self { reader: self.reader, name, at: entry.span().start, table, known: RefCell::default() }
    }

    /// The key with the sections that it is in.
    pub fn key(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// Something is wrong with the section as a whole.
    pub fn complain(&self, reason: impl Into<String>) {
        self.reader.complain(self.at, &self.name, reason);
    }

    /// Something is wrong with what the key holds, or with its absence.
    pub fn complain_at(&self, key: &'static str, reason: impl Into<String>) {
        let at = self.table.and_then(|table| table.get(key)).map_or(self.at, |entry| entry.span().start);
        self.reader.complain(at, self.key(key), reason);
    }

    /// Something is wrong with an item of the list that the key holds.
    pub fn complain_within(&self, key: &'static str, item: usize, reason: impl Into<String>) {
        let list = self.table.and_then(|table| table.get(key)?.get_ref().as_array());
        let at = list.and_then(|list| list.get(item)).map_or(self.at, |entry| entry.span().start);
        self.reader.complain(at, format!("{}[{item}]", self.key(key)), reason);
    }

    /// Is the key there?
    pub fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Its keys, in the order of the alphabet.
    pub fn keys(&self) -> impl Iterator<Item = &'r str> {
        self.table.into_iter().flatten().map(|(key, _)| key.get_ref().as_ref())
    }

    /// Something is wrong with a value.
    pub fn complain_of<T>(&self, placed: &Placed<T>, reason: impl Into<String>) {
        self.reader.complain(placed.at, &placed.key, reason);
    }

    fn entry(&self, key: &'static str) -> Option<Entry<'r, 't>> {
        self.known.borrow_mut().push(key);
        self.table?.get(key)
    }

    /// Reads what `read` makes of a value; `expected` says what that is when it doesn't.
    fn read<T>(
        &self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&DeValue<'t>) -> Option<Result<T, String>>,
    ) -> Option<Placed<T>> {
        let entry = self.entry(key)?;
        let key = self.key(key);
        let at = entry.span().start;
        match read(entry.get_ref()) {
            Some(Ok(value)) => return Some(Placed { value, key, at }),
            Some(Err(reason)) => self.reader.complain(at, key, reason),
            None => self.reader.complain(at, key, format!("is {}; {expected} is expected", kind(entry))),
        }
        None
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<Placed<String>> {
        self.read(key, "a text in quotes", |value| value.as_str().map(|text| Ok(text.to_owned())))
    }

    /// A text that must be there.
    pub fn needed_text(&self, key: &'static str) -> Option<Placed<String>> {
        self.needed(key, Self::text)
    }

    /// A key that must be there.
    pub fn needed<T>(&self, key: &'static str, read: impl FnOnce(&Self, &'static str) -> Option<T>) -> Option<T> {
        if self.table.is_some_and(|table| !table.contains_key(key)) {
            self.known.borrow_mut().push(key);
            self.complain(format!("`{key}` is missing"));
            return None;
        }
        read(self, key)
    }

    /// A text that can be read as `T`.
    pub fn parsed<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<Placed<T>> {
        self.read(key, "a text in quotes", |value| {
            value.as_str().map(|text| text.parse().map_err(|error: T::Err| error.to_string()))
        })
    }

    /// One of these names.
    pub fn one_of<T: Copy>(&self, key: &'static str, names: &[(&'static str, T)]) -> Option<Placed<T>> {
        self.read(key, "a text in quotes", |value| {
            let text = value.as_str()?;
            let found = names.iter().find(|(name, _)| *name == text);
            Some(found.map(|(_, value)| *value).ok_or_else(|| {
                let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
                format!("`{text}` isn't known here; {}", hint(text, &names))
            }))
        })
    }

    /// True or false.
    pub fn flag(&self, key: &'static str) -> Option<bool> {
        self.read(key, "true or false", |value| value.as_bool().map(Ok)).map(|placed| placed.value)
    }

    /// A whole number within `range`.
    pub fn number(&self, key: &'static str, range: std::ops::RangeInclusive<u64>) -> Option<Placed<u64>> {
        self.read(key, "a whole number", |value| {
            let number = whole(value.as_integer()?);
            let (least, most) = (range.start(), range.end());
            Some(number.filter(|number| range.contains(number)).ok_or_else(|| match *most {
                u64::MAX => format!("must be at least {least}"),
                most => format!("must be from {least} to {most}"),
            }))
        })
    }

    /// A duration such as `"30s"`.
    pub fn duration(&self, key: &'static str) -> Option<Duration> {
        self.read(key, "a duration such as \"30s\"", |value| value.as_str().map(units::duration))
            .map(|placed| placed.value)
    }

    /// A size such as `"32MiB"`.
    pub fn bytes(&self, key: &'static str) -> Option<Placed<u64>> {
        self.read(key, "a size such as \"32MiB\"", |value| value.as_str().map(units::bytes))
    }

    /// A list of texts.
    pub fn texts(&self, key: &'static str) -> Option<Vec<Placed<String>>> {
        let entry = self.entry(key)?;
        let key = self.key(key);
        let Some(items) = entry.get_ref().as_array() else {
            let reason = format!("is {}; a list of texts is expected", kind(entry));
            self.reader.complain(entry.span().start, key, reason);
            return None;
        };
        let mut texts = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let (key, at) = (format!("{key}[{i}]"), item.span().start);
            match item.get_ref().as_str() {
                Some(text) => texts.push(Placed { value: text.to_owned(), key, at }),
                None => self.reader.complain(at, key, format!("is {}; a text in quotes is expected", kind(item))),
            }
        }
        Some(texts)
    }

    /// Texts by names that the configuration chooses.
    pub fn named_texts(&self, key: &'static str) -> BTreeMap<String, Placed<String>> {
        let Some(section) = self.section_if_there(key) else { return BTreeMap::new() };
        let mut texts = BTreeMap::new();
        for (name, entry) in section.table.into_iter().flatten() {
            let (key, at) = (section.key(name.get_ref()), entry.span().start);
            match entry.get_ref().as_str() {
                Some(text) => {
                    texts.insert(name.get_ref().to_string(), Placed { value: text.to_owned(), key, at });
                }
                None => self.reader.complain(at, key, format!("is {}; a text in quotes is expected", kind(entry))),
            }
        }
        texts
    }

    /// A text, a number, or true or false.
    pub fn scalar(&self, key: &'static str) -> Option<Placed<Scalar>> {
        self.read(key, "a text, a number, or true or false", |value| scalar(value).map(Ok))
    }

    /// Texts, numbers and flags by names that the file chooses.
    pub fn named_scalars(&self, key: &'static str) -> BTreeMap<String, Placed<Scalar>> {
        let Some(section) = self.section_if_there(key) else { return BTreeMap::new() };
        let mut scalars = BTreeMap::new();
        for (name, entry) in section.table.into_iter().flatten() {
            let (key, at) = (section.key(name.get_ref()), entry.span().start);
            match scalar(entry.get_ref()) {
                Some(value) => {
                    scalars.insert(name.get_ref().to_string(), Placed { value, key, at });
                }
                None => {
                    let reason = format!("is {}; a text, a number, or true or false is expected", kind(entry));
                    self.reader.complain(at, key, reason);
                }
            }
        }
        scalars
    }

    /// Sections and scalars by names that the file chooses; the names with their places.
    pub fn named(&self, key: &'static str) -> Vec<(Placed<String>, Item<'r, 't>)> {
        let Some(section) = self.section_if_there(key) else { return Vec::new() };
        let mut items = Vec::new();
        for (name, entry) in section.table.into_iter().flatten() {
            let (key, at) = (section.key(name.get_ref()), entry.span().start);
            let name = Placed { value: name.get_ref().to_string(), key: key.clone(), at: name.span().start };
            if entry.get_ref().as_table().is_some() {
                items.push((name, Item::Section(section.inner(key, entry))));
            } else if let Some(value) = scalar(entry.get_ref()) {
                items.push((name, Item::Scalar(Placed { value, key, at })));
            } else {
                let reason = format!("is {}; a text, a number, or true or false is expected", kind(entry));
                self.reader.complain(at, key, reason);
            }
        }
        items
    }

    /// One text or a list of them.
    pub fn text_or_texts(&self, key: &'static str) -> Vec<Placed<String>> {
        match self.table.and_then(|table| table.get(key)).map(|entry| entry.get_ref().is_array()) {
            None => {
                self.entry(key);
                Vec::new()
            }
            Some(true) => self.texts(key).unwrap_or_default(),
            Some(false) => self.text(key).into_iter().collect(),
        }
    }

    /// The line on which the section begins, from 1.
    pub fn line(&self) -> usize {
        place(self.reader.text, self.at).0
    }

    /// A section; an empty one if it isn't there.
    pub fn section(&self, key: &'static str) -> Self {
        self.section_if_there(key).unwrap_or_else(|| Self {
            reader: self.reader,
            name: self.key(key),
            at: self.at,
            table: None,
            known: RefCell::default(),
        })
    }

    /// A section, if it is there.
    pub fn section_if_there(&self, key: &'static str) -> Option<Self> {
        self.entry(key).map(|entry| self.inner(self.key(key), entry))
    }

    /// Sections that are there several times, `[[key]]`.
    pub fn sections(&self, key: &'static str) -> Vec<Self> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let name = self.key(key);
        let Some(items) = entry.get_ref().as_array() else {
            let reason = format!("is {}; write [[{key}]] for each, with two brackets", kind(entry));
            self.reader.complain(entry.span().start, name, reason);
            return Vec::new();
        };
        items.iter().enumerate().map(|(i, item)| self.inner(format!("{name}[{i}]"), item)).collect()
    }

    /// All keys were asked for: whatever else is there isn't known.
    pub fn end(&self) {
        let known = self.known.borrow();
        for (key, _) in self.table.into_iter().flatten() {
            let Range { start, .. } = key.span();
            let key = key.get_ref().as_ref();
            if !known.contains(&key) {
                let reason = format!("is not a key that is known here; {}", hint(key, &known));
                self.reader.complain(start, self.key(key), reason);
            }
        }
    }
}

fn scalar(value: &DeValue<'_>) -> Option<Scalar> {
    match value {
        DeValue::String(text) => Some(Scalar::Text(text.to_string())),
        DeValue::Integer(number) => Some(Scalar::Whole(number.to_string())),
        DeValue::Float(number) => number.as_str().parse().ok().map(Scalar::Fraction),
        DeValue::Boolean(flag) => Some(Scalar::Flag(*flag)),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn whole(integer: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn kind(entry: &Spanned<DeValue<'_>>) -> &'static str {
    match entry.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// What was perhaps meant.
pub fn hint(given: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|known| (strsim::damerau_levenshtein(known, given), known)).min();
    match nearest {
        Some((distance, near)) if distance <= near.len().min(8) / 2 => format!("did you mean `{near}`?"),
        Some(_) => format!("known are {}", known.join(", ")),
        None => "nothing is known here".to_owned(),
    }
}
