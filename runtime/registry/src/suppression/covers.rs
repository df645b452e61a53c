//! Of which numbers a list tells the whole: that one of these isn't on it says something. Of others it says nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use signalbox_model::{Address, E164};

/// Area codes that a list can name: there are some 450 in the plan.
const MAX_CODES: usize = 800;

/// Which numbers a list covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Covers {
    /// Every number.
    All,
    /// Numbers of the North American plan with these area codes, in order.
    Codes(Vec<u16>),
    /// None: it names some people, and doesn't say that there are no others.
    Nothing,
}

/// What was said isn't `all`, `none` or area codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is `all`, `none`, or area codes with commas between them, such as 201,212")]
pub struct Uncovered;

impl Covers {
    /// Is this number one of which the list tells the whole?
    pub(super) fn has(&self, number: &Address) -> bool {
        match (self, number) {
            (Self::All, _) => true,
            (Self::Codes(codes), Address::E164(number)) => {
                area_code(*number).is_some_and(|code| codes.binary_search(&code).is_ok())
            }
            _ => false,
        }
    }
}

/// `+1 415 555 0123` is of 415.
fn area_code(number: E164) -> Option<u16> {
    let national = number.is_nanp().then(|| number.as_u64() % 10_000_000_000)?;
    u16::try_from(national / 10_000_000).ok()
}

impl FromStr for Covers {
    type Err = Uncovered;

    fn from_str(text: &str) -> Result<Self, Uncovered> {
        match text {
            "all" => return Ok(Self::All),
            "none" => return Ok(Self::Nothing),
            _ => {}
        }
        let code = |word: &str| word.trim().parse().ok().filter(|code| (200..1_000).contains(code)).ok_or(Uncovered);
        let mut codes = text.split(',').map(code).collect::<Result<Vec<u16>, _>>()?;
        codes.sort_unstable();
        codes.dedup();
        if codes.len() > MAX_CODES { Err(Uncovered) } else { Ok(Self::Codes(codes)) }
    }
}

impl fmt::Display for Covers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Nothing => f.write_str("none"),
            Self::Codes(codes) => f.write_str(&codes.iter().map(u16::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_covers_what_it_says() {
        let covers = |said: &str, number: &str| said.parse::<Covers>().unwrap().has(&number.parse().unwrap());
        assert!(covers("212, 201,212", "+12015550123") && !covers("212,201", "+12025550123"));
        assert!(covers("all", "+442071838750") && !covers("none", "+12015550123") && !covers("201", "20155"));
        assert_eq!("212,201".parse::<Covers>().unwrap().to_string(), "201,212");
        for wrong in ["", "20", "2011", "201;212", "ALL", "201,,212"] {
            assert_eq!(wrong.parse::<Covers>(), Err(Uncovered), "{wrong}");
        }
    }
}
