//! A URL taken apart, as far as it may be called.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::PathAndQuery;

use crate::guard::Reach;

/// Longer URLs are nobody's endpoint.
const MAX_URL_BYTES: usize = 2_048;

/// Why a URL can't be an endpoint; what the tenant reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Not a URL.
    #[error("is not a URL such as https://example.com/hooks")]
    Form,
    /// Too long.
    #[error("is longer than {MAX_URL_BYTES} bytes")]
    Length,
    /// Neither HTTP nor HTTPS.
    #[error("must begin with https://")]
    Scheme,
    /// Plain HTTP where it isn't allowed.
    #[error("must begin with https://; plain HTTP is not allowed here")]
    Plain,
    /// A name and password before the host.
    #[error("must not carry a user or password")]
    UserInfo,
    /// A literal address that must not be called.
    #[error("names an address that is not public")]
    Private,
}

/// Who is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// With TLS.
    pub secure: bool,
    /// Name or literal address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// Who is called, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Who.
    pub origin: Origin,
    /// The `host` header.
    pub authority: String,
    /// What for. May hold a tenant's secret: not for logs.
    pub path: PathAndQuery,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

impl Target {
    /// Takes `url` apart.
    pub fn parse(url: &str, reach: Reach) -> Result<Self, BadUrl> {
        if url.len() > MAX_URL_BYTES {
            return Err(BadUrl::Length);
        }
        let uri: Uri = url.parse().map_err(|_| BadUrl::Form)?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if reach.allows_plain() => false,
            Some("http") => return Err(BadUrl::Plain),
            Some(_) => return Err(BadUrl::Scheme),
            None => return Err(BadUrl::Form),
        };
        let authority = uri.authority().ok_or(BadUrl::Form)?;
        if authority.as_str().contains('@') {
            return Err(BadUrl::UserInfo);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err(BadUrl::Form);
        }
        if host.parse::<IpAddr>().is_ok_and(|address| !reach.allows(address)) {
            return Err(BadUrl::Private);
        }
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { authority: authority.as_str().to_owned(), path, origin: Origin { secure, host, port } })
    }
}

/// Can this URL be an endpoint? What its name resolves to is checked on each connection besides.
pub fn check_url(url: &str, reach: Reach) -> Result<(), BadUrl> {
    Target::parse(url, reach).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let target = Target::parse("https://Hooks.example.com:8443/a/b?c=d#e", Reach::default()).unwrap();
        assert_eq!(target.origin, Origin { secure: true, host: "hooks.example.com".into(), port: 8443 });
        assert_eq!(target.path, "/a/b?c=d");
        let bare = Target::parse("https://example.com", Reach::default()).unwrap();
        assert_eq!((bare.origin.port, bare.path.as_str()), (443, "/"));
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_its_reason() {
        for (url, why) in [
            ("", BadUrl::Form),
            ("/hooks", BadUrl::Form),
            ("example.com/hooks", BadUrl::Form),
            ("ftp://example.com/", BadUrl::Scheme),
            ("http://example.com/", BadUrl::Plain),
            ("https://user:pw@example.com/", BadUrl::UserInfo),
            ("https://127.0.0.1/", BadUrl::Private),
            ("https://[::1]/", BadUrl::Private),
            ("https://[::ffff:169.254.169.254]/", BadUrl::Private),
            ("https://169.254.169.254/latest/meta-data", BadUrl::Private),
        ] {
            assert_eq!(check_url(url, Reach::default()), Err(why), "{url}");
        }
        assert_eq!(check_url(&format!("https://e.com/{}", "a".repeat(2_048)), Reach::default()), Err(BadUrl::Length));
    }

    #[test]
    fn plain_http_is_for_those_who_allow_it() {
        assert_eq!(check_url("http://example.com/", Reach { allow_http: true, allow_private: false }), Ok(()));
        assert_eq!(check_url("http://127.0.0.1:9/", Reach { allow_private: true, allow_http: false }), Ok(()));
    }
}
