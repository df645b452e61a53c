//! Telephone numbers in a text.

/// How the digits of a number are put in groups, without the 1 before them.
const SHAPES: [&[u8]; 4] = [&[10], &[3, 3, 4], &[3, 7], &[6, 4]];

/// Numbers of the North American plan: ten digits, or eleven with a 1 before them, with the usual signs between their
/// groups, as they are dialled, without the 1; and numbers of other countries that begin with a plus, whole.
pub fn phones(text: &str) -> impl Iterator<Item = u64> {
    // Most texts have too few digits for a number: they aren't gone through.
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let mut rest = if digits >= usize::from(*ABROAD.start()) { text } else { "" };
    let mut found = Vec::new();
    std::iter::from_fn(move || {
        while found.is_empty() {
            let begin = rest.find(|c: char| c.is_ascii_digit())?;
            let before = rest[..begin].chars().next_back();
            let (groups, length) = run(&rest.as_bytes()[begin..]);
            rest = &rest[begin + length..];
            // Digits inside a word, a path or a query are part of it.
            let glued = before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '=' | '_'));
            let followed = rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            if !glued && !followed {
                let abroad = (before == Some('+')).then(|| abroad(&groups)).flatten();
                found = abroad.map_or_else(|| numbers(&groups), |number| vec![number]);
            }
        }
        Some(found.remove(0))
    })
}

/// A group of digits: their number and how many they are.
type Group = (u64, u8);

/// Groups of digits with single signs between them, and how many bytes they take.
fn run(bytes: &[u8]) -> (Vec<Group>, usize) {
    let (mut groups, mut end, mut signs) = (Vec::<Group>::new(), 0, 1);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if signs > 0 {
                    groups.push((0, 0));
                }
                if let Some((number, count)) = groups.last_mut() {
                    *number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                    *count = count.saturating_add(1);
                }
                (end, signs) = (at + 1, 0);
            }
            // `) ` and ` (` are the longest that stand between groups.
            b' ' | b'-' | b'.' | b'(' | b')' if signs < 2 => signs += 1,
            _ => break,
        }
    }
    (groups, end)
}

fn numbers(groups: &[Group]) -> Vec<u64> {
    let (mut numbers, mut at) = (Vec::new(), 0);
    while at < groups.len() {
        let here = SHAPES.iter().find_map(|shape| {
            let part = groups.get(at..at + shape.len())?;
            let fits = part.iter().zip(*shape).all(|((_, count), wanted)| count == wanted);
            let joined =
                || part.iter().fold(0, |number, (group, count)| number * 10_u64.pow(u32::from(*count)) + group);
            let number = fits.then(joined).filter(|number| is_legal(*number))?;
            Some((number, shape.len()))
        });
        let eleven = || match groups[at] {
            (number, 11) if number / 10_000_000_000 == 1 => Some((number % 10_000_000_000, 1)),
            _ => None,
        };
        match here.or_else(|| eleven().filter(|(number, _)| is_legal(*number))) {
            Some((number, length)) => {
                numbers.push(number);
                at += length;
            }
            None => at += 1,
        }
    }
    numbers
}

/// Digits of a whole number with its country code (E.164); the shortest are of small islands.
const ABROAD: std::ops::RangeInclusive<u8> = 9..=15;

/// A number of another country: as many groups as make one.
fn abroad(groups: &[Group]) -> Option<u64> {
    let (mut number, mut digits) = (0_u64, 0_u8);
    for (group, count) in groups {
        if digits.saturating_add(*count) > *ABROAD.end() {
            break;
        }
        number = number * 10_u64.pow(u32::from(*count)) + group;
        digits += count;
    }
    // A country's code begins with no zero, and 1 is the North American plan's own.
    let first = groups.first().is_some_and(|(group, count)| {
        let leading = group / 10_u64.pow(u32::from(count.saturating_sub(1)).min(19));
        (2..=9).contains(&leading)
    });
    (first && ABROAD.contains(&digits)).then_some(number)
}

/// Area code and exchange begin with 2 to 9.
fn is_legal(number: u64) -> bool {
    number / 1_000_000_000 >= 2 && number / 1_000_000 % 10 >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_other_digits() {
        let table: [(&str, &[u64]); 18] = [
            ("call (305) 555-0123 now", &[3_055_550_123]),
            ("call 1-305-555-0123.", &[3_055_550_123]),
            ("+1 305.555.0123", &[3_055_550_123]),
            ("3055550123", &[3_055_550_123]),
            ("305 555 0123 or 212 555 0199", &[3_055_550_123, 2_125_550_199]),
            ("305 555 0123, or 212 555 0199", &[3_055_550_123, 2_125_550_199]),
            ("code 123456", &[]),
            ("order 1055550123", &[]),
            ("order 12 305-555-0123", &[3_055_550_123]),
            ("13055550123", &[3_055_550_123]),
            ("track 94001118992230556677", &[]),
            ("https://a.example/3055550123", &[]),
            ("on 2026-11-23 14:30", &[]),
            ("call +44 20 7183 8750 now", &[442_071_838_750]),
            ("+4930123456789", &[4_930_123_456_789]),
            ("+298 201 234", &[298_201_234]),
            ("win +5000 points", &[]),
            ("+94001118992230556677", &[]),
        ];
        for (text, expected) in table {
            let found: Vec<_> = phones(text).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
