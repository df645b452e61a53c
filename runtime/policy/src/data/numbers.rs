//! What kind of number a +1 number is.

use serde::Deserialize;
use signalbox_model::E164;
use toml::Spanned;

use super::whence::Whence;
use crate::error::Complaint;
use crate::source::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberFile {
    toll_free: TollFree,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TollFree {
    #[serde(rename = "source")]
    _source: Whence,
    #[serde(rename = "as_of")]
    _as_of: Whence,
    codes: Vec<Spanned<u64>>,
}

/// The table of kinds of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    toll_free: Vec<u64>,
}

impl Numbers {
    pub(crate) fn parse(source: Source<'_>) -> Result<Self, Vec<Complaint>> {
        let file: NumberFile = source.read().map_err(|complaint| vec![complaint])?;
        let wrong = file.toll_free.codes.iter().filter(|code| !(200..1_000).contains(code.get_ref()));
        let complaints: Vec<_> = wrong.map(|code| source.complain_of(code, "isn't an area code")).collect();
        if !complaints.is_empty() {
            return Err(complaints);
        }
        Ok(Self { toll_free: file.toll_free.codes.into_iter().map(Spanned::into_inner).collect() })
    }

    /// Whether calls to it are free for the caller.
    pub fn is_toll_free(&self, number: E164) -> bool {
        number.is_nanp() && self.toll_free.contains(&(number.as_u64() / 10_000_000 % 1_000))
    }
}
