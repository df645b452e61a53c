//! Texts that guests wrote, made fit to be shown: no full numbers, nothing that moves a terminal's cursor.

/// Digits from which on something with a plus is a telephone number, as the shortest in E.164 has.
const LEAST_DIGITS: usize = 7;
/// Digits from which on something bare is taken for one: fewer are amounts, sizes and order numbers.
const LEAST_BARE: usize = 10;
/// And the most.
const MOST_DIGITS: usize = 15;
/// Digits at its end that are starred out.
const STARRED: usize = 4;

/// `text` without control characters, and with the last digits of what looks like a telephone number starred out.
pub(crate) fn presentable(text: &str) -> String {
    let chars: Vec<char> = text.chars().filter_map(shown).collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        match number_at(&chars, at) {
            Some(end) => {
                star(&chars[at..end], &mut out);
                at = end;
            }
            None => {
                out.push(chars[at]);
                at += 1;
            }
        }
    }
    out
}

/// A line end or tab becomes a space; escapes, other controls, and what turns the direction of writing are left out.
fn shown(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' => Some(' '),
        c if c.is_control() => None,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        c => Some(c),
    }
}

/// Where a number that begins at `at` ends. One with a plus may have spaces, dots, hyphens and brackets in it; bare
/// digits stand alone, or as `415-555-0123` and `(415) 555-0123` do.
fn number_at(chars: &[char], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).map(|before| chars[before]);
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '+') {
        return None;
    }
    let end = match chars[at] {
        '+' => spaced(chars, at + 1),
        '(' | '0'..='9' => national(chars, at).or_else(|| bare(chars, at)),
        _ => None,
    }?;
    let after = chars.get(end);
    after.is_none_or(|c| !c.is_alphanumeric() && *c != '_').then_some(end)
}

fn bare(chars: &[char], at: usize) -> Option<usize> {
    let digits = chars[at..].iter().take_while(|c| c.is_ascii_digit()).count();
    (LEAST_BARE..=MOST_DIGITS).contains(&digits).then_some(at + digits)
}

fn spaced(chars: &[char], at: usize) -> Option<usize> {
    let (mut digits, mut end) = (0, at);
    for (i, c) in chars[at..].iter().enumerate() {
        match c {
            '0'..='9' if digits < MOST_DIGITS => (digits, end) = (digits + 1, at + i + 1),
            ' ' | '-' | '.' | '(' | ')' if i > 0 && at + i - end < 2 => {}
            _ => break,
        }
    }
    (digits >= LEAST_DIGITS).then_some(end)
}

/// Three digits, three, and four, with one separator between them, or the first in brackets.
fn national(chars: &[char], at: usize) -> Option<usize> {
    let mut at = at;
    let digits = |at: &mut usize, count: usize| {
        let all = chars.get(*at..*at + count)?.iter().all(char::is_ascii_digit);
        all.then(|| *at += count)
    };
    let separator = |at: &mut usize| matches!(chars.get(*at), Some(' ' | '-' | '.')).then(|| *at += 1);
    if chars[at] == '(' {
        at += 1;
        digits(&mut at, 3)?;
        (chars.get(at) == Some(&')')).then(|| at += 1)?;
        let _ = separator(&mut at);
    } else {
        digits(&mut at, 3)?;
        separator(&mut at)?;
    }
    digits(&mut at, 3)?;
    separator(&mut at)?;
    digits(&mut at, 4)?;
    Some(at)
}

fn star(number: &[char], out: &mut String) {
    let digits = number.iter().filter(|c| c.is_ascii_digit()).count();
    let mut left = digits.saturating_sub(STARRED);
    for c in number {
        match c {
            '0'..='9' if left == 0 => out.push('*'),
            '0'..='9' => {
                left -= 1;
                out.push(*c);
            }
            other => out.push(*other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_their_last_digits_however_they_are_written() {
        for (text, shown) in [
            ("to +14155550123.", "to +1415555****."),
            ("+1 (415) 555-0123 wrote", "+1 (415) 555-**** wrote"),
            ("14155550123", "1415555****"),
            ("call 415-555-0123", "call 415-555-****"),
            ("call (415) 555-0123!", "call (415) 555-****!"),
            ("to=+442071838750,", "to=+44207183****,"),
            ("4155550123", "415555****"),
        ] {
            assert_eq!(presentable(text), shown);
        }
    }

    #[test]
    fn what_is_no_number_stays() {
        for text in [
            "order 4711 of 2026-12-24T09:00:00Z",
            "msg_01k6dq2v4me3s8l0hnt2a5vb9c",
            "took 1234567890us of 1048576 bytes",
            "v1.2.3, 100%, 3 + 4",
            "a12345678",
        ] {
            assert_eq!(presentable(text), text);
        }
    }

    #[test]
    fn nothing_moves_the_cursor_or_turns_the_writing() {
        assert_eq!(presentable("a\x1b[2Jb\r\nc\td\u{202e}e\0"), "a[2Jb  c de");
    }
}
