//! What a message's `media_urls` may be.
//!
//! Only the form is looked at here. Whether an address may be reached is decided where it is fetched, after the name is
//! resolved: a name that looks harmless can point anywhere.

use std::net::Ipv6Addr;

use crate::error::{Error, Fault};

/// How many media a message may have: what US carriers take as parts of one MMS.
pub const MAX_URLS: usize = 10;
/// How long a URL may be; storage services' signed URLs stay below it.
pub const MAX_URL_OCTETS: usize = 2_048;

/// Which schemes a URL may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Schemes {
    /// `https:` only.
    #[default]
    Https,
    /// `http:` too; for development.
    HttpToo,
}

/// Checks a message's media URLs; the error names the first one that can't be used, and why.
pub fn check_urls(urls: &[String], schemes: Schemes) -> Result<(), Error> {
    if urls.len() > MAX_URLS {
        return Err(Error::TooMany { count: urls.len(), limit: MAX_URLS });
    }
    let check = |(index, url): (usize, &String)| check_url(url, schemes).map_err(|fault| Error::Url { index, fault });
    urls.iter().enumerate().try_for_each(check)
}

fn check_url(url: &str, schemes: Schemes) -> Result<(), Fault> {
    if url.is_empty() {
        return Err(Fault::Empty);
    }
    if url.len() > MAX_URL_OCTETS {
        return Err(Fault::TooLong);
    }
    let rest = after_scheme(url, schemes)?;
    if let Some(at) = url.bytes().position(|octet| !is_url_octet(octet)) {
        return Err(Fault::BadCharacter { at });
    }
    if rest.contains('#') {
        return Err(Fault::Fragment);
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(Fault::UserInfo);
    }
    check_authority(authority)
}

fn after_scheme(url: &str, schemes: Schemes) -> Result<&str, Fault> {
    let (scheme, rest) = url.split_once("://").ok_or(Fault::Scheme)?;
    if scheme.eq_ignore_ascii_case("https") {
        return Ok(rest);
    }
    match (scheme.eq_ignore_ascii_case("http"), schemes) {
        (true, Schemes::HttpToo) => Ok(rest),
        (true, Schemes::Https) => Err(Fault::PlainHttp),
        (false, _) => Err(Fault::Scheme),
    }
}

/// RFC 3986's characters. Not `\`, which some clients take for `/`, so that they would see another host than we do.
fn is_url_octet(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&octet)
}

fn check_authority(authority: &str) -> Result<(), Fault> {
    let port = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']').ok_or(Fault::BadHost)?;
            host.parse::<Ipv6Addr>().map_err(|_| Fault::BadHost)?;
            match after {
                "" => None,
                _ => Some(after.strip_prefix(':').ok_or(Fault::BadHost)?),
            }
        }
        None => {
            let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
            check_name(host)?;
            port
        }
    };
    port.map_or(Ok(()), check_port)
}

fn check_port(port: &str) -> Result<(), Fault> {
    let digits = port.bytes().all(|octet| octet.is_ascii_digit());
    let legal = digits && port.parse::<u16>().is_ok_and(|port| port > 0);
    legal.then_some(()).ok_or(Fault::BadPort)
}

/// A DNS name or an IPv4 address; names of other scripts come in their `xn--` form.
fn check_name(host: &str) -> Result<(), Fault> {
    if host.is_empty() {
        return Err(Fault::NoHost);
    }
    let label = |label: &str| {
        let legal = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(legal) && !label.starts_with('-') && !label.ends_with('-')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    (name.len() <= 253 && name.split('.').all(label)).then_some(()).ok_or(Fault::BadHost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(url: &str) -> Option<Fault> {
        check_url(url, Schemes::Https).err()
    }

    #[test]
    fn ordinary_urls_pass() {
        for url in [
            "https://example.com/a.jpg",
            "HTTPS://Example.com",
            "https://cdn.example.com:8443/a%20b.png?sig=a+b/c==&t=1~",
            "https://xn--bcher-kva.example/x",
            "https://192.0.2.1/x",
            "https://[2001:db8::1]:443/x",
            "https://example.com?at=a@b",
            "https://example.com./x",
            "https://example.com/a@b:c",
        ] {
            assert_eq!(fault(url), None, "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let table = [
            ("", Fault::Empty),
            ("example.com/a.jpg", Fault::Scheme),
            ("ftp://example.com/a", Fault::Scheme),
            ("file:///etc/passwd", Fault::Scheme),
            ("data:image/png;base64,AA", Fault::Scheme),
            ("//example.com/a", Fault::Scheme),
            (" https://example.com", Fault::Scheme),
            ("http://example.com/a", Fault::PlainHttp),
            ("https://", Fault::NoHost),
            ("https:///a", Fault::NoHost),
            ("https://?a", Fault::NoHost),
            ("https://:443/a", Fault::NoHost),
            ("https://user:secret@example.com/a", Fault::UserInfo),
            ("https://good.example@evil.example/", Fault::UserInfo),
            ("https://a..b/", Fault::BadHost),
            ("https://-a.example/", Fault::BadHost),
            ("https://exa%6dple.com/", Fault::BadHost),
            ("https://[::1/", Fault::BadHost),
            ("https://[nothex]/", Fault::BadHost),
            ("https://[::1]x/", Fault::BadHost),
            ("https://example.com:0/", Fault::BadPort),
            ("https://example.com:65536/", Fault::BadPort),
            ("https://example.com:+80/", Fault::BadPort),
            ("https://example.com:/", Fault::BadPort),
            ("https://example.com:80:80/", Fault::BadPort),
            ("https://example.com/a b", Fault::BadCharacter { at: 21 }),
            ("https://example.com\\@evil.example/", Fault::BadCharacter { at: 19 }),
            ("https://example.com/\r\nX: y", Fault::BadCharacter { at: 20 }),
            ("https://bücher.example/", Fault::BadCharacter { at: 9 }),
            ("https://example.com/a#b", Fault::Fragment),
        ];
        for (url, expected) in table {
            assert_eq!(fault(url), Some(expected), "{url}");
        }
    }

    #[test]
    fn length_and_number_are_bounded() {
        let long = |octets: usize| format!("https://example.com/{}", "a".repeat(octets - 20));
        assert_eq!(fault(&long(MAX_URL_OCTETS)), None);
        assert_eq!(fault(&long(MAX_URL_OCTETS + 1)), Some(Fault::TooLong));
        let urls = vec!["https://example.com/a".to_owned(); 11];
        assert_eq!(check_urls(&urls[..10], Schemes::Https), Ok(()));
        assert_eq!(check_urls(&urls, Schemes::Https), Err(Error::TooMany { count: 11, limit: 10 }));
        assert_eq!(check_urls(&[], Schemes::Https), Ok(()));
    }

    #[test]
    fn the_error_names_the_index_and_not_the_url() {
        let urls = ["https://example.com/a".to_owned(), "http://example.com/secret".to_owned()];
        let error = check_urls(&urls, Schemes::Https).unwrap_err();
        assert_eq!(error.to_string(), "media URL 1 is http, which isn't allowed here; use https");
        assert_eq!(check_urls(&urls, Schemes::HttpToo), Ok(()));
    }
}
