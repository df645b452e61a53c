//! Durations and sizes as people write them.

use std::time::Duration;

const DURATIONS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZES: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// Reads `"250ms"`, `"30s"`, `"5m"`, `"36h"`, `"7d"`, or several after one another: `"1m30s"`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration; write such as \"250ms\", \"30s\", \"5m\", \"36h\" or \"7d\"");
    let mut rest = text;
    let mut millis = 0u64;
    while !rest.is_empty() {
        let (number, unit, behind) = part(rest).ok_or_else(wrong)?;
        let (_, factor) = DURATIONS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        millis = number.checked_mul(*factor).and_then(|more| millis.checked_add(more)).ok_or_else(wrong)?;
        rest = behind;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(Duration::from_millis(millis)) }
}

/// Reads `"512B"`, `"64KiB"`, `"32MiB"`, `"1GiB"`.
pub fn bytes(text: &str) -> Result<u64, String> {
    let read = || {
        let (number, unit, behind) = part(text)?;
        let (_, factor) = SIZES.iter().find(|(name, _)| *name == unit)?;
        number.checked_mul(*factor).filter(|_| behind.is_empty())
    };
    read().ok_or_else(|| format!("`{text}` is no size; write such as \"64KiB\", \"32MiB\" or \"1GiB\""))
}

/// A whole number, the letters behind it, and what is left.
fn part(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let letters = text[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
    let number = text[..digits].parse().ok()?;
    Some((number, &text[digits..digits + letters], &text[digits + letters..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        let millis = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(millis("250ms"), Ok(250));
        assert_eq!(millis("30s"), Ok(30_000));
        assert_eq!(millis("5m"), Ok(300_000));
        assert_eq!(millis("36h"), Ok(129_600_000));
        assert_eq!(millis("7d"), Ok(604_800_000));
        assert_eq!(millis("1m30s"), Ok(90_000));
        assert_eq!(millis("0s"), Ok(0));
        for wrong in
            ["", "30", "s", "30 s", "1.5s", "-1s", "30x", "30sec", "99999999999999999999s", "9999999999999999d"]
        {
            assert!(millis(wrong).is_err_and(|reason| reason.contains("\"30s\"")), "{wrong}");
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(bytes("512B"), Ok(512));
        assert_eq!(bytes("64KiB"), Ok(65_536));
        assert_eq!(bytes("32MiB"), Ok(33_554_432));
        assert_eq!(bytes("1GiB"), Ok(1 << 30));
        for wrong in ["", "32", "32MB", "1MiB1KiB", "MiB", "99999999999GiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
