//! Smart encoding: typography that GSM lacks, as GSM says it.
//!
//! Only what a reader doesn't miss is folded: marks, dashes, spaces. Letters are never stripped of their accents, and
//! fractions stay (`1½` would read `11/2`).

use serde::{Deserialize, Serialize};

use crate::gsm;

/// Whether typography may be folded to save segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Smart {
    /// Folded where the whole text then is GSM; otherwise left as it is.
    #[default]
    On,
    /// Sent as written.
    Off,
}

/// A character that was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Folded {
    /// What stood there.
    pub from: char,
    /// What stands there now; may be empty.
    pub to: &'static str,
    /// How often.
    pub count: u32,
}

/// What `c` is folded to; `None` when it has no GSM form that reads the same.
pub const fn fold(c: char) -> Option<&'static str> {
    Some(match c {
        '‘' | '’' | '‚' | '‛' | '′' | '‵' | 'ʹ' | 'ʻ' | 'ʼ' | 'ʽ' | 'ˈ' | '´' | '`' | '\u{FF07}' => {
            "'"
        }
        '“' | '”' | '„' | '‟' | '″' | '‶' | 'ʺ' | '«' | '»' | '〝' | '〞' | '\u{FF02}' => "\"",
        '‹' => "<",
        '›' => ">",
        // Hyphens, figure dash, en and em dash, horizontal bar, minus, small and full-width forms.
        '\u{2010}'..='\u{2015}' | '−' | '⁃' | '﹘' | '﹣' | '\u{FF0D}' => "-",
        '…' => "...",
        '‥' => "..",
        '․' => ".",
        '•' | '‣' | '◦' | '∙' | '●' | '▪' | '·' | '∗' => "*",
        '⁄' | '∕' => "/",
        '‖' | '∥' => "||",
        '¦' => "|",
        '∼' | '˜' => "~",
        'ˆ' => "^",
        '‗' => "_",
        // Tab, no-break space, the typographic spaces, line and paragraph separators.
        '\t' | '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => " ",
        '\u{85}' | '\u{2028}' | '\u{2029}' => "\n",
        // Soft hyphen, zero-width marks, direction marks, text and emoji variation selectors, byte order mark.
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FE0E}' | '\u{FE0F}' | '\u{FEFF}' => "",
        _ => return None,
    })
}

/// Folds all of `text`; `None` when the result still isn't GSM, or when folding leaves nothing of it.
pub(crate) fn fold_text(text: &str) -> Option<(String, Vec<Folded>)> {
    if !text.chars().all(|c| gsm::septets(c).is_some() || fold(c).is_some()) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut folded: Vec<Folded> = Vec::new();
    for c in text.chars() {
        if gsm::septets(c).is_some() {
            out.push(c);
            continue;
        }
        let to = fold(c)?;
        out.push_str(to);
        match folded.iter_mut().find(|f| f.from == c) {
            Some(known) => known.count += 1,
            None => folded.push(Folded { from: c, to, count: 1 }),
        }
    }
    (!out.is_empty()).then_some((out, folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_folded_becomes_gsm_and_was_not_gsm_before() {
        for c in (0..=0x10FFFF).filter_map(char::from_u32) {
            if let Some(to) = fold(c) {
                assert!(gsm::is_gsm(to), "{c:?}");
                assert!(gsm::septets(c).is_none(), "{c:?}");
            }
        }
    }

    #[test]
    fn typography_is_folded_and_counted() {
        let (text, folded) = fold_text("“Don’t—wait…” she\u{A0}said, “go”").unwrap();
        assert_eq!(text, "\"Don't-wait...\" she said, \"go\"");
        assert_eq!(folded[0], Folded { from: '“', to: "\"", count: 2 });
        assert_eq!(folded.iter().map(|f| f.count).sum::<u32>(), 8);
    }

    #[test]
    fn text_that_stays_unicode_anyway_is_left_alone() {
        assert_eq!(fold_text("“привет”"), None);
        assert_eq!(fold_text("’😀"), None);
        assert_eq!(fold_text("\u{200B}"), None);
    }

    #[test]
    fn letters_keep_their_accents() {
        assert!("çáíóúâêôãõŁő½".chars().all(|c| fold(c).is_none()));
    }
}
