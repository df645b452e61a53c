//! Hosts as allow-lists name them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// `api.example.com`, `*.example.com` (any name below it, but not itself), either with `:port`. Without a port it means
/// the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern {
    below: bool,
    name: String,
    port: Option<u16>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// A URL, or a path with it.
    #[error("give the host alone, such as `api.example.com`, without `https://` and without a path")]
    Url,
    /// A star anywhere but before the first dot, or one that covers too much.
    #[error("a `*` may only stand for what is before a name with a dot in it, such as `*.example.com`")]
    Star,
    /// Not a name.
    #[error("is no host name: give one such as `api.example.com`, in ASCII (`xn--…` for other letters)")]
    Name,
    /// Not a port.
    #[error("what follows `:` is no port: give 1 to 65535")]
    Port,
}

impl HostPattern {
    /// Whether it means this host. `own_port` is the port that the scheme has by itself.
    pub fn matches(&self, host: &str, port: u16, own_port: u16) -> bool {
        if self.port.unwrap_or(own_port) != port {
            return false;
        }
        if !self.below {
            return host.eq_ignore_ascii_case(&self.name);
        }
        let Some(split) = host.len().checked_sub(self.name.len() + 1).filter(|split| *split > 0) else { return false };
        host.is_char_boundary(split)
            && host.as_bytes()[split] == b'.'
            && host[split + 1..].eq_ignore_ascii_case(&self.name)
    }
}

impl FromStr for HostPattern {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, BadHost> {
        if text.contains('/') || text.contains('@') {
            return Err(BadHost::Url);
        }
        let (host, port) = split_port(text)?;
        let (below, name) = match host.strip_prefix("*.") {
            Some(name) if name.contains('.') => (true, name),
            Some(_) => return Err(BadHost::Star),
            None if host.contains('*') => return Err(BadHost::Star),
            None => (false, host),
        };
        if name.contains('*') {
            return Err(BadHost::Star);
        }
        if !is_host(name) {
            return Err(BadHost::Name);
        }
        Ok(Self { below, name: name.to_ascii_lowercase(), port })
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), BadHost> {
    // A literal IPv6 address stands in brackets and has colons of its own.
    let after = text.rfind(']').map_or(0, |end| end + 1);
    match text[after..].find(':') {
        None => Ok((text, None)),
        Some(colon) => {
            let port = text[after + colon + 1..].parse().ok().filter(|port| *port != 0).ok_or(BadHost::Port)?;
            Ok((&text[..after + colon], Some(port)))
        }
    }
}

fn is_host(name: &str) -> bool {
    if let Some(literal) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return literal.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.below { "*." } else { "" };
        write!(f, "{star}{}", self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl TryFrom<String> for HostPattern {
    type Error = BadHost;

    fn try_from(text: String) -> Result<Self, BadHost> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, host: &str, port: u16) -> bool {
        pattern.parse::<HostPattern>().unwrap().matches(host, port, 443)
    }

    #[test]
    fn a_name_means_itself_at_the_schemes_own_port() {
        assert!(matches("api.example.com", "API.example.com", 443));
        assert!(!matches("api.example.com", "api.example.com", 8443));
        assert!(matches("api.example.com:8443", "api.example.com", 8443));
        assert!(!matches("api.example.com:8443", "api.example.com", 443));
        assert!(!matches("api.example.com", "xapi.example.com", 443));
        assert!(!matches("api.example.com", "api.example.com.evil.net", 443));
        assert!(!matches("api.example.com", "example.com", 443));
    }

    #[test]
    fn a_star_means_what_is_below_and_not_the_name_itself() {
        assert!(matches("*.example.org", "a.example.org", 443));
        assert!(matches("*.example.org", "a.b.example.org", 443));
        for other in ["example.org", ".example.org", "aexample.org", "example.org.evil.net", "é.org", "org"] {
            assert!(!matches("*.example.org", other, 443), "{other}");
        }
    }

    #[test]
    fn literal_addresses_may_be_named() {
        assert!(matches("127.0.0.1:9000", "127.0.0.1", 9_000));
        assert!(matches("[::1]:9000", "[::1]", 9_000));
    }

    #[test]
    fn what_is_no_host_is_refused_with_its_reason() {
        for (text, why) in [
            ("https://api.example.com", BadHost::Url),
            ("api.example.com/v1", BadHost::Url),
            ("user@example.com", BadHost::Url),
            ("*", BadHost::Star),
            ("*.com", BadHost::Star),
            ("api.*.com", BadHost::Star),
            ("*.*.example.com", BadHost::Star),
            ("", BadHost::Name),
            ("a..b", BadHost::Name),
            ("-a.com", BadHost::Name),
            ("bücher.example", BadHost::Name),
            ("[::g]", BadHost::Name),
            ("a.com:0", BadHost::Port),
            ("a.com:99999", BadHost::Port),
            ("a.com:", BadHost::Port),
        ] {
            assert_eq!(text.parse::<HostPattern>(), Err(why), "{text}");
        }
    }

    #[test]
    fn it_is_written_as_it_was_read() {
        for text in ["api.example.com", "*.example.org:8443", "[::1]:80"] {
            assert_eq!(text.parse::<HostPattern>().unwrap().to_string(), text);
        }
    }
}
