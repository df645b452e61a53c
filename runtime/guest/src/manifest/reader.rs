//! Reads a TOML table key by key and gathers all that is wrong, with its place. The keys that are known are those that
//! were asked for.

use super::complaint::Complaint;
use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

type Entry<'r, 't> = &'r Spanned<DeValue<'t>>;

/// Gathers what is wrong with one text.
pub(super) struct Reader<'t> {
    text: &'t str,
    complaints: RefCell<Vec<Complaint>>,
}

/// A text with its place.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) value: String,
    key: String,
    at: usize,
}

/// A value that isn't a section, as text, and what it is.
pub(super) struct Value {
    pub(super) kind: &'static str,
    pub(super) placed: Placed,
}

/// An entry whose name the author chose.
pub(super) struct Named<'r, 't> {
    pub(super) name: String,
    /// If it is a section.
    pub(super) section: Option<Section<'r, 't>>,
    /// What it is otherwise.
    pub(super) value: Value,
}

/// A table that is being read. Whoever has read all its keys calls [`Section::end`].
pub(super) struct Section<'r, 't> {
    reader: &'r Reader<'t>,
    name: String,
    at: usize,
    table: Option<&'r DeTable<'t>>,
    known: RefCell<Vec<&'static str>>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, complaints: RefCell::default() }
    }

    pub(super) fn complain(&self, at: usize, key: impl Into<String>, reason: impl Into<String>) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let (line, column) = (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1);
        self.complaints.borrow_mut().push(Complaint { line, column, key: key.into(), reason: reason.into() });
    }

    pub(super) fn into_complaints(self) -> Vec<Complaint> {
        let mut complaints = self.complaints.into_inner();
        complaints.sort_by_key(|complaint| (complaint.line, complaint.column));
        complaints.dedup();
        complaints
    }
}

impl Named<'_, '_> {
    pub(super) fn placed(&self) -> Placed {
        self.value.placed.clone()
    }
}

impl<'r, 't> Section<'r, 't> {
    pub(super) fn file(reader: &'r Reader<'t>, table: &'r DeTable<'t>) -> Self {
        Self { reader, name: String::new(), at: 0, table: Some(table), known: RefCell::default() }
    }

    fn inner(&self, name: String, entry: Entry<'r, 't>) -> Self {
        let table = entry.get_ref().as_table();
        if table.is_none() {
            self.reader.complain(entry.span().start, &name, format!("is {}; a section is expected", kind(entry)));
        }
        Self { reader: self.reader, name, at: entry.span().start, table, known: RefCell::default() }
    }

    fn key(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    pub(super) fn complain_at(&self, key: &'static str, reason: impl Into<String>) {
        let at = self.table.and_then(|table| table.get(key)).map_or(self.at, |entry| entry.span().start);
        self.reader.complain(at, self.key(key), reason);
    }

    pub(super) fn complain_of(&self, placed: &Placed, reason: impl Into<String>) {
        self.reader.complain(placed.at, &placed.key, reason);
    }

    /// Something is wrong with an item of a list.
    pub(super) fn complain_within(&self, key: &'static str, item: usize, reason: impl Into<String>) {
        let list = self.table.and_then(|table| table.get(key)?.get_ref().as_array());
        let at = list.and_then(|list| list.get(item)).map_or(self.at, |entry| entry.span().start);
        self.reader.complain(at, format!("{}[{item}]", self.key(key)), reason);
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    fn entry(&self, key: &'static str) -> Option<Entry<'r, 't>> {
        self.known.borrow_mut().push(key);
        self.table?.get(key)
    }

    /// A key that must be there.
    pub(super) fn needed<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Self, &'static str) -> Option<T>,
    ) -> Option<T> {
        if self.table.is_some_and(|table| !table.contains_key(key)) {
            self.known.borrow_mut().push(key);
            self.reader.complain(self.at, &self.name, format!("`{key}` is missing"));
            return None;
        }
        read(self, key)
    }

    /// What `read` makes of a value; `expected` says what it wants.
    fn read<T>(
        &self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&DeValue<'t>) -> Option<Result<T, String>>,
    ) -> Option<T> {
        let entry = self.entry(key)?;
        let reason = match read(entry.get_ref()) {
            Some(Ok(value)) => return Some(value),
            Some(Err(reason)) => reason,
            None => format!("is {}; {expected} is expected", kind(entry)),
        };
        self.reader.complain(entry.span().start, self.key(key), reason);
        None
    }

    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.read(key, "a text in quotes", |value| value.as_str().map(|text| Ok(text.to_owned())))
    }

    /// A text of which `fits` holds.
    pub(super) fn text_that(&self, key: &'static str, fits: impl Fn(&str) -> bool, rule: &str) -> Option<String> {
        self.read(key, "a text in quotes", |value| {
            let text = value.as_str()?;
            Some(if fits(text) { Ok(text.to_owned()) } else { Err(format!("`{text}` doesn't do: give {rule}")) })
        })
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        self.read(key, "true or false", |value| value.as_bool().map(Ok))
    }

    pub(super) fn one_of<T: Copy>(&self, key: &'static str, names: &[(&'static str, T)]) -> Option<T> {
        self.read(key, "a text in quotes", |value| {
            let text = value.as_str()?;
            let found = names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
            Some(found.ok_or_else(|| {
                let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
                format!("`{text}` isn't known here; {}", hint(text, &names))
            }))
        })
    }

    pub(super) fn number(&self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        self.read(key, "a whole number", |value| {
            let integer = value.as_integer()?;
            let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
            let number = number.filter(|number| range.contains(number));
            Some(number.ok_or_else(|| format!("must be from {} to {}", range.start(), range.end())))
        })
    }

    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        let wrong = "give whole milliseconds or seconds, such as \"20ms\" or \"2s\"";
        self.read(key, "a duration such as \"20ms\"", |value| {
            let text = value.as_str()?;
            let (number, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
            let factor =
                [("ms", 1), ("s", 1_000)].into_iter().find(|(name, _)| *name == unit).map(|(_, factor)| factor);
            let millis = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
            let length = millis.filter(|millis| *millis > 0).map(Duration::from_millis);
            Some(length.ok_or_else(|| format!("`{text}` is no duration: {wrong}")))
        })
    }

    pub(super) fn bytes(&self, key: &'static str) -> Option<u64> {
        const SIZES: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("B", 1)];
        self.read(key, "a size such as \"16MiB\"", |value| {
            let text = value.as_str()?;
            let (number, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
            let factor = SIZES.into_iter().find(|(name, _)| *name == unit).map(|(_, factor)| factor);
            let bytes = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
            Some(bytes.ok_or_else(|| format!("`{text}` is no size: give such as \"64KiB\" or \"16MiB\"")))
        })
    }

    /// A list of texts; empty if it isn't there.
    pub(super) fn texts(&self, key: &'static str) -> Vec<Placed> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let key = self.key(key);
        let Some(items) = entry.get_ref().as_array() else {
            let reason = format!("is {}; a list of texts is expected", kind(entry));
            self.reader.complain(entry.span().start, key, reason);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let (key, at) = (format!("{key}[{place}]"), item.span().start);
            match item.get_ref().as_str() {
                Some(text) => texts.push(Placed { value: text.to_owned(), key, at }),
                None => self.reader.complain(at, key, format!("is {}; a text in quotes is expected", kind(item))),
            }
        }
        texts
    }

    /// Any value that isn't a section.
    pub(super) fn value(&self, key: &'static str) -> Option<Value> {
        self.entry(key).map(|entry| plain(self.key(key), entry))
    }

    /// A section whose keys the author chose.
    pub(super) fn named(&self, key: &'static str) -> Vec<Named<'r, 't>> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let Some(table) = entry.get_ref().as_table() else {
            let reason = format!("is {}; write [{key}.NAME] for each", kind(entry));
            self.reader.complain(entry.span().start, self.key(key), reason);
            return Vec::new();
        };
        let named = table.iter().map(|(name, entry)| {
            let path = format!("{}.{}", self.key(key), name.get_ref());
            let section = entry.get_ref().as_table().map(|_| self.inner(path.clone(), entry));
            let mut value = plain(path, entry);
            value.placed.at = if section.is_some() { name.span().start } else { value.placed.at };
            Named { name: name.get_ref().to_string(), section, value }
        });
        named.collect()
    }

    /// A section; an empty one if it isn't there.
    pub(super) fn section(&self, key: &'static str) -> Self {
        self.section_if_there(key).unwrap_or_else(|| Self {
            reader: self.reader,
            name: self.key(key),
            at: self.at,
            table: None,
            known: RefCell::default(),
        })
    }

    pub(super) fn section_if_there(&self, key: &'static str) -> Option<Self> {
        self.entry(key).map(|entry| self.inner(self.key(key), entry))
    }

    /// Sections that are there several times, `[[key]]`.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Self> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let name = self.key(key);
        let Some(items) = entry.get_ref().as_array() else {
            let reason = format!("is {}; write [[{key}]] for each, with two brackets", kind(entry));
            self.reader.complain(entry.span().start, name, reason);
            return Vec::new();
        };
        items.iter().enumerate().map(|(place, item)| self.inner(format!("{name}[{place}]"), item)).collect()
    }

    /// All keys were asked for: whatever else is there isn't known.
    pub(super) fn end(&self) {
        let known = self.known.borrow();
        for (key, _) in self.table.into_iter().flatten() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let reason = format!("is not a key that is known here; {}", hint(name, &known));
                self.reader.complain(key.span().start, self.key(name), reason);
            }
        }
    }
}

fn plain(key: String, entry: Entry<'_, '_>) -> Value {
    let value = match entry.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => String::new(),
    };
    Value { kind: kind(entry), placed: Placed { value, key, at: entry.span().start } }
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
pub(super) fn hint(given: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|known| (strsim::damerau_levenshtein(known, given), known)).min();
    match nearest {
        Some((distance, near)) if distance <= near.len().min(8) / 2 => format!("did you mean `{near}`?"),
        Some(_) => format!("known are {}", known.join(", ")),
        None => "nothing is known here".to_owned(),
    }
}
