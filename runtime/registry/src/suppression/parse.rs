//! A list as a file: CSV, read line by line into packed numbers; no line is kept.

use signalbox_model::{E164, Timestamp};

use super::packed::{noted, plain};
use super::{Answer, ListKind, day_of, note};
use crate::import::{LineError, MAX_COMPLAINTS};

/// Numbers of one list: 80 MB of memory. Who has more imports it by area codes, as the national registry gives it out, and
/// says of each list which it covers.
pub const MAX_NUMBERS: usize = 10_000_000;

/// The columns of a file with a header.
pub const COLUMNS: [&str; 3] = ["number", "date", "answer"];

/// Where a file has what.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// One number a line.
    Number(usize),
    /// Area code and the rest of the number, as the national registry writes it.
    Split,
    /// A number, the day of the consent that was asked about, and the answer.
    Asked { number: usize, date: usize, answer: usize },
}

/// Reads a file whole, or says what is wrong with which lines.
pub(crate) fn parse(kind: ListKind, bytes: &[u8], now: Timestamp) -> Result<Vec<u64>, Vec<LineError>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut record = csv::ByteRecord::new();
    let (mut entries, mut wrong) = (Vec::with_capacity(bytes.len() / 16), Vec::new());
    let mut shape = None;
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                wrong.push(complaint(line, "", "it can't be read as CSV"));
                break;
            }
            Ok(true) => {}
        }
        let line = record.position().map_or(0, csv::Position::line);
        let known = match shape {
            Some(known) => known,
            None => {
                let (found, is_header) = shape_of(kind, &record, line)?;
                shape = Some(found);
                if is_header {
                    continue;
                }
                found
            }
        };
        match read(known, &record, now) {
            Ok(entry) => entries.push(entry),
            Err((column, reason)) => wrong.push(complaint(line, column, reason)),
        }
        if entries.len() > MAX_NUMBERS {
            let reason = format!(
                "the file has more than {MAX_NUMBERS} numbers; import it in parts, each under its name and with the area \
                     codes that it covers"
            );
            return Err(vec![complaint(line, "", &reason)]);
        }
        if wrong.len() >= MAX_COMPLAINTS {
            break;
        }
    }
    if entries.is_empty() && wrong.is_empty() {
        wrong.push(complaint(1, "", "the file has no numbers"));
    }
    if wrong.is_empty() { Ok(entries) } else { Err(wrong) }
}

fn complaint(line: u64, column: &str, reason: &str) -> LineError {
    LineError { line, column: column.to_owned(), reason: reason.to_owned() }
}

/// What the first line says of the file, and whether it is a header.
fn shape_of(kind: ListKind, first: &csv::ByteRecord, line: u64) -> Result<(Shape, bool), Vec<LineError>> {
    let column = |name: &str| {
        first.iter().position(|cell| {
            let cell = cell.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(cell).trim_ascii();
            cell.eq_ignore_ascii_case(name.as_bytes())
        })
    };
    let missing = |name: &str, why: &str| vec![complaint(line, name, why)];
    if kind == ListKind::Reassigned {
        let why = "the column is missing: the first line is `number,date,answer`, in any order";
        let [number, date, answer] = COLUMNS.map(|name| column(name).ok_or_else(|| missing(name, why)));
        return Ok((Shape::Asked { number: number?, date: date?, answer: answer? }, true));
    }
    if let Some(number) = column("number") {
        return Ok((Shape::Number(number), true));
    }
    match (first.len(), first.get(0).map(<[u8]>::trim_ascii)) {
        (1, Some(cell)) if number_of(cell).is_some() => Ok((Shape::Number(0), false)),
        (2, Some(code)) if code.len() == 3 && code.iter().all(u8::is_ascii_digit) => Ok((Shape::Split, false)),
        _ => {
            let why = "the column is missing: give a header with `number`, or lines of one number each, or of area code \
                       and number as the national registry writes them";
            Err(missing("number", why))
        }
    }
}

fn read(shape: Shape, record: &csv::ByteRecord, now: Timestamp) -> Result<u64, (&'static str, &'static str)> {
    const NUMBER: (&str, &str) = ("number", "is no telephone number; write it as +14155550123 or 4155550123");
    let cell = |place: usize| record.get(place).unwrap_or_default().trim_ascii();
    match shape {
        Shape::Number(place) => number_of(cell(place)).map(plain).ok_or(NUMBER),
        Shape::Split => {
            let (code, rest) = (cell(0), cell(1));
            let whole = code.len() == 3 && rest.len() == 7 && record.len() == 2;
            let joined = [code, rest].concat();
            let number = whole.then(|| number_of(&joined)).flatten();
            number.map(plain).ok_or(("number", "isn't an area code of three digits and a number of seven"))
        }
        Shape::Asked { number, date, answer } => {
            let number = number_of(cell(number)).ok_or(NUMBER)?;
            let day = std::str::from_utf8(cell(date)).ok();
            let day = day.and_then(|day| Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z")));
            let day = day.ok_or(("date", "is no day; write it as 2026-05-04"))?;
            if day > now {
                return Err(("date", "is in the future"));
            }
            let day = day_of(day).ok_or(("date", "is too far away"))?;
            let answer = Answer::parse(cell(answer)).ok_or(("answer", "is not yes, no or no_data"))?;
            noted(number, note(day, answer)).ok_or(("number", "isn't a number of the North American plan (+1)"))
        }
    }
}

/// A number in one of the ways in which lists have it: `+14155550123`, `4155550123`, `(415) 555-0123`.
fn number_of(cell: &[u8]) -> Option<E164> {
    let mut digits = [0_u8; 16];
    let mut count = 0;
    for (at, byte) in cell.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                *digits.get_mut(count)? = *byte;
                count += 1;
            }
            b'+' if at == 0 => {}
            b' ' | b'-' | b'.' | b'(' | b')' => {}
            _ => return None,
        }
    }
    let digits = std::str::from_utf8(&digits[..count]).ok()?;
    if cell.first() == Some(&b'+') {
        return E164::from_digits(digits);
    }
    // Without a plus only North American numbers can be told: another country's would be taken for one of them.
    let national = match digits.len() {
        10 => digits,
        11 => digits.strip_prefix('1')?,
        _ => return None,
    };
    if !matches!(national.as_bytes()[0], b'2'..=b'9') {
        return None;
    }
    let mut whole = [b'1'; 11];
    whole[1..].copy_from_slice(national.as_bytes());
    E164::from_digits(std::str::from_utf8(&whole).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-23T12:00:00Z";

    fn read(kind: ListKind, text: &str) -> Result<Vec<u64>, Vec<String>> {
        let told = |error: LineError| format!("{}:{}: {}", error.line, error.column, error.reason);
        parse(kind, text.as_bytes(), Timestamp::parse_rfc3339(NOW).unwrap())
            .map_err(|errors| errors.into_iter().map(told).collect())
    }

    #[test]
    fn the_ways_in_which_lists_come_mean_the_same() {
        let one = plain(E164::from_digits("14155550123").unwrap());
        for text in [
            "number\n+14155550123\n",
            "\u{FEFF}Number,note\n(415) 555-0123,\"a, b\"\n",
            "14155550123\n",
            "4155550123",
            "415.555.0123\r\n",
            "415,5550123\n",
        ] {
            assert_eq!(read(ListKind::Dnc, text), Ok(vec![one]), "{text}");
        }
    }

    #[test]
    fn wrong_lines_are_told_with_their_place_and_without_their_numbers() {
        let told = read(ListKind::Own, "number\n+14155550123\n555\n\n+44 20 7183 8750\n020 7183 8750\n").unwrap_err();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("3:number: ") && told[1].starts_with("6:number: "), "{told:?}");
        assert!(!told.concat().contains("8750"));
        assert!(read(ListKind::Own, "name\nx\n").unwrap_err()[0].starts_with("1:number: the column is missing"));
        assert!(read(ListKind::Own, "number\n").unwrap_err()[0].contains("no numbers"));
        assert!(read(ListKind::Own, "").unwrap_err()[0].contains("no numbers"));
        let many = format!("number\n{}", "x\n".repeat(1_000));
        assert_eq!(read(ListKind::Own, &many).unwrap_err().len(), MAX_COMPLAINTS);
    }

    #[test]
    fn an_answer_has_its_day() {
        let answers = "date,number,answer\n2026-01-01,4155550123,yes\n2026-01-02,4155550123,NO_DATA\n";
        assert_eq!(read(ListKind::Reassigned, answers).unwrap().len(), 2);
        for (line, column) in [
            ("2026-01-01,4155550123,perhaps", "answer"),
            ("2027-01-01,4155550123,no", "date"),
            ("yesterday,4155550123,no", "date"),
            ("2026-01-01,+442071838750,no", "number"),
            ("2026-01-01,4155550123", "answer"),
        ] {
            let told = read(ListKind::Reassigned, &format!("date,number,answer\n{line}\n")).unwrap_err();
            assert!(told[0].starts_with(&format!("2:{column}: ")), "{told:?}");
        }
        assert!(read(ListKind::Reassigned, "4155550123\n").unwrap_err()[0].starts_with("1:number: "));
    }
}
