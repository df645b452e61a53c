//! Comma-separated tables: comment lines, a header, rows without line breaks in them.

use crate::error::Complaint;
use crate::source::Source;

/// A row and where it begins.
pub(crate) struct Row<'a, const N: usize> {
    pub(crate) at: usize,
    pub(crate) fields: [&'a str; N],
}

/// Reads rows of `N` fields; the last may be in quotes and have commas. Tables say where they are from.
pub(crate) fn rows<'a, const N: usize>(
    source: Source<'a>,
    header: [&str; N],
) -> Result<Vec<Row<'a, N>>, Vec<Complaint>> {
    let (mut rows, mut complaints, mut seen) = (Vec::new(), Vec::new(), false);
    for wanted in ["# source:", "# as_of:"] {
        if !source.text.lines().any(|line| line.starts_with(wanted)) {
            complaints.push(
                source.complain(
                    0,
                    format!("has no line `{wanted} …`: every table says where it is from and of when it is"),
                ),
            );
        }
    }
    let mut at = 0;
    for line in source.text.split_inclusive('\n') {
        let begin = at;
        at += line.len();
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.splitn(N, ',').map(|field| field.trim_matches('"')).collect();
        match <[&str; N]>::try_from(fields) {
            Ok(fields) if !seen && fields == header => seen = true,
            Ok(fields) if seen => rows.push(Row { at: begin, fields }),
            Ok(_) => return Err(vec![source.complain(begin, format!("the header has to be {}", header.join(",")))]),
            Err(fields) => {
                complaints.push(source.complain(begin, format!("has {} fields; {N} are needed", fields.len())))
            }
        }
    }
    if complaints.is_empty() { Ok(rows) } else { Err(complaints) }
}
