//! Links in a text: their hosts.

use std::borrow::Cow;

use crate::data::Links;

/// The hosts of all links, in lower case and in their order. A word with a dot is a link when it has a scheme, begins with
/// `www.`, or ends like domains do.
pub fn hosts<'a>(text: &'a str, links: &'a Links) -> impl Iterator<Item = Cow<'a, str>> {
    words_with_a_dot(text).filter_map(|word| host(word, links))
}

/// A link has a dot, and most messages have no other reason for one inside a word: what stands around dots is looked at, and
/// the rest of the text isn't gone through.
fn words_with_a_dot(text: &str) -> impl Iterator<Item = &str> {
    let is_between = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '|' | ',' | ';');
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let dot = rest.find('.')?;
            let before = rest[..dot].rsplit(is_between).next().unwrap_or_default();
            let behind = rest[dot..].split(is_between).next().unwrap_or_default();
            let (begin, end) = (dot - before.len(), dot + behind.len());
            let word = &rest[begin..end];
            rest = &rest[end..];
            // Where a sentence ends there is no link.
            if behind.bytes().any(|c| c != b'.') {
                return Some(word);
            }
        }
    })
}

fn host<'a>(word: &'a str, links: &Links) -> Option<Cow<'a, str>> {
    let scheme_ends = word.as_bytes().windows(3).position(|three| three == b"://");
    let (schemed, rest) = match scheme_ends {
        Some(at) => (true, &word[at + 3..]),
        None => (false, word.trim_start_matches(['(', '[', '{', '\'', '*'])),
    };
    let authority = &rest[..rest.find(['/', '?', '#', ')', ']', '}', '\'', '!']).unwrap_or(rest.len())];
    // Before an @ are credentials, or the whole is a mail address.
    let host = match authority.rsplit_once('@') {
        Some((_, host)) if schemed => host,
        Some(_) => return None,
        None => authority,
    };
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let host = host.trim_matches(['.', '*', '_']);
    let (_, ending) = host.rsplit_once('.')?;
    let labels_fit = host.split('.').all(|label| {
        !label.is_empty() && label.len() <= 63 && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    });
    if !labels_fit {
        return None;
    }
    let lower = lower(host);
    let ending = lower.get(lower.len() - ending.len()..).unwrap_or(ending);
    let worded = ending.chars().any(char::is_alphabetic);
    let told = schemed || (worded && (lower.starts_with("www.") || links.is_ending(ending)));
    told.then_some(lower)
}

fn lower(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|c| c.is_ascii_uppercase() || !c.is_ascii()) {
        Cow::Owned(host.to_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Tables;

    #[test]
    fn links_are_told_from_words_with_dots() {
        let links = Tables::built_in().unwrap().links;
        let table: [(&str, &[&str]); 14] = [
            ("see https://Acme.Example/path?x=1.", &["acme.example"]),
            ("see acme.com.", &["acme.com"]),
            ("(acme.com/x)", &["acme.com"]),
            ("www.acme.weird/x", &["www.acme.weird"]),
            ("http://10.0.0.1:8080/", &["10.0.0.1"]),
            // What stands before an @ hides where a link leads.
            ("https://bank.example:x@evil.example/x", &["evil.example"]),
            ("mail jo@acme.com please", &[]),
            ("costs 3.50 or 1.000.000", &[]),
            ("Hello.How are you...fine", &[]),
            ("e.g. v1.2.3", &[]),
            ("a.com, b.net;c.org", &["a.com", "b.net", "c.org"]),
            ("BIT.LY/abc", &["bit.ly"]),
            ("<https://a.example>", &["a.example"]),
            ("..com .", &[]),
        ];
        for (text, expected) in table {
            let found: Vec<_> = hosts(text, &links).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
