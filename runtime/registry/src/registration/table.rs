//! Files of brands, campaigns and numbers: CSV with a header, or TOML with a table for each.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::form::Form;
use super::object::Kind;
use crate::import::LineError;

/// Lines of a file: all of them are one commit.
pub const MAX_LINES: usize = 5_000;
/// What separates several values in a cell of CSV.
const SEPARATOR: char = '|';

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which, from 1.
    pub line: u64,
    /// The name or number.
    pub id: String,
    /// The fields that it gives.
    pub form: Form,
}

fn wrong(line: u64, column: &str, reason: impl Into<String>) -> LineError {
    LineError { line, column: column.to_owned(), reason: reason.into() }
}

/// Reads CSV: a column `id`, and one for each field that is given; several values stand between `|`.
pub fn read_csv(kind: Kind, bytes: &[u8]) -> Result<Vec<Row>, Vec<LineError>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| vec![crate::import::line_error(1, "", &error)])?.clone();
    let columns: Vec<String> =
        header.iter().map(|name| name.trim_start_matches('\u{FEFF}').to_ascii_lowercase()).collect();
    let mut errors = Vec::new();
    for (place, name) in columns.iter().enumerate() {
        if name != "id" && !kind.form().iter().any(|(field, _)| field == name) {
            let fields: Vec<_> = kind.form().iter().map(|(field, _)| *field).collect();
            errors.push(wrong(1, name, format!("no such column; there are id, {}", fields.join(", "))));
        } else if columns[..place].contains(name) {
            errors.push(wrong(1, name, "is there twice"));
        }
    }
    let Some(id) = columns.iter().position(|name| name == "id") else {
        errors.push(wrong(1, "id", "the column is missing"));
        return Err(errors);
    };
    if !errors.is_empty() {
        return Err(errors);
    }
    let (mut rows, mut record) = (Vec::new(), csv::StringRecord::new());
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = record.position().map_or(0, csv::Position::line);
                let mut form = BTreeMap::new();
                for (name, cell) in
                    columns.iter().zip(record.iter()).filter(|(name, cell)| *name != "id" && !cell.is_empty())
                {
                    let several = kind.form().iter().any(|(field, several)| field == name && *several);
                    let values = if several {
                        cell.split(SEPARATOR).map(str::to_owned).collect()
                    } else {
                        vec![cell.to_owned()]
                    };
                    form.insert(name.clone(), values);
                }
                rows.push(Row { line, id: record.get(id).unwrap_or_default().to_owned(), form: Form(form) });
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                errors.push(crate::import::line_error(line, "", &error));
            }
        }
        if rows.len() + errors.len() > MAX_LINES {
            return Err(vec![wrong(
                MAX_LINES as u64,
                "",
                format!("the file has more than {MAX_LINES} lines; import it in parts"),
            )]);
        }
    }
    done(rows, errors)
}

fn done(rows: Vec<Row>, mut errors: Vec<LineError>) -> Result<Vec<Row>, Vec<LineError>> {
    if rows.is_empty() && errors.is_empty() {
        errors.push(wrong(1, "", "there is nothing in the file"));
    }
    if errors.is_empty() { Ok(rows) } else { Err(errors) }
}

/// Reads TOML: `[[brands]]`, `[[campaigns]]`, `[[numbers]]`, `[[toll-free]]` or `[[short-codes]]`, each with its `id`.
pub fn read_toml(kind: Kind, text: &str) -> Result<Vec<Row>, Vec<LineError>> {
    let line_of =
        |at: usize| text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    let document = DeTable::parse(text).map_err(|error| {
        vec![wrong(error.span().map_or(1, |span| line_of(span.start)), "", error.message().trim_end())]
    })?;
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    for (key, value) in document.get_ref() {
        let line = line_of(key.span().start);
        let (name, DeValue::Array(tables)) = (key.get_ref(), value.get_ref()) else {
            errors.push(wrong(line, key.get_ref(), format!("isn't a list of tables; write [[{}]]", kind.as_str())));
            continue;
        };
        // One file may have all of a tenant's; each import takes its own kind.
        if name != kind.as_str() && Kind::parse(name).is_some() {
            continue;
        }
        if name != kind.as_str() {
            errors.push(wrong(line, name, format!("isn't expected here; write [[{}]]", kind.as_str())));
            continue;
        }
        for table in tables {
            let line = line_of(table.span().start);
            let DeValue::Table(table) = table.get_ref() else {
                errors.push(wrong(line, name, "isn't a table"));
                continue;
            };
            let mut form = BTreeMap::new();
            for (field, value) in table {
                match words(value.get_ref()) {
                    Some(values) => {
                        form.insert(field.get_ref().to_string(), values);
                    }
                    None => errors.push(wrong(
                        line_of(field.span().start),
                        field.get_ref(),
                        "is a text, a number, true or false, or a list of texts",
                    )),
                }
            }
            let id = form.remove("id").and_then(|values| values.into_iter().next());
            if id.is_none() {
                errors.push(wrong(line, "id", "is missing"));
            }
            rows.push(Row { line, id: id.unwrap_or_default(), form: Form(form) });
        }
    }
    if rows.len() > MAX_LINES {
        errors.push(wrong(1, "", format!("the file has more than {MAX_LINES} entries; import it in parts")));
    }
    done(rows, errors)
}

fn words(value: &DeValue<'_>) -> Option<Vec<String>> {
    Some(match value {
        DeValue::String(text) => vec![text.to_string()],
        DeValue::Integer(number) => vec![number.to_string()],
        DeValue::Boolean(flag) => vec![flag.to_string()],
        DeValue::Array(items) => {
            let each = items.iter().map(|item| match item.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            });
            each.collect::<Option<_>>()?
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_either_kind_gives_the_same_rows() {
        let csv = "id,brand,use_case,samples,number_pool\npromo,acme,marketing,\"One, two|Three\",true\n";
        let toml = "[[campaigns]]\nid = \"promo\"\nbrand = \"acme\"\nuse_case = \"marketing\"\n\
                    samples = [\"One, two\", \"Three\"]\nnumber_pool = true\n";
        let (csv, toml) = (read_csv(Kind::Campaign, csv.as_bytes()).unwrap(), read_toml(Kind::Campaign, toml).unwrap());
        assert_eq!((csv[0].id.as_str(), csv[0].line, toml[0].line), ("promo", 2, 1));
        assert_eq!(csv[0].form, toml[0].form);
        assert_eq!(csv[0].form.0["samples"], ["One, two", "Three"]);
    }

    #[test]
    fn what_is_wrong_is_told_by_line() {
        let lines =
            |errors: Vec<LineError>| errors.iter().map(|e| format!("{}:{}", e.line, e.column)).collect::<Vec<_>>();
        assert_eq!(lines(read_csv(Kind::Number, b"number,campaign\n+1,x\n").unwrap_err()), ["1:number", "1:id"]);
        assert_eq!(lines(read_csv(Kind::Number, b"id,campaign\n+1,x\n+2\n").unwrap_err()), ["3:"]);
        assert_eq!(lines(read_csv(Kind::Number, b"id,campaign\n").unwrap_err()), ["1:"]);
        let toml = "[[numbers]]\ncampaign = 1.5\n[[colours]]\nid = \"x\"\n[[brands]]\n";
        assert_eq!(lines(read_toml(Kind::Number, toml).unwrap_err()).len(), 3);
        assert_eq!(lines(read_toml(Kind::Number, "a = \n").unwrap_err()), ["1:"]);
    }
}
