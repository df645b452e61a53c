//! What the HTTP library answers by itself, to a request that no route ever sees: a bare status. Its client gets a problem
//! instead, as for everything else that is wrong.

use crate::code::Code;
use crate::problem::Problem;

/// What to write instead of `written`, if that is an answer of the library's own: a head alone, without the id that every
/// answer of a route has.
pub(crate) fn told(written: &[u8]) -> Option<Vec<u8>> {
    let head = written.strip_prefix(b"HTTP/1.")?.get(2..)?;
    let code = match head.get(..3)? {
        b"400" => Code::HttpMalformed,
        b"414" => Code::UriTooLong,
        b"431" => Code::HeadersTooLarge,
        _ => return None,
    };
    let text = std::str::from_utf8(head).ok().filter(|text| text.ends_with("\r\n\r\n"))?;
    if text.contains("x-request-id:") || !text.contains("content-length: 0\r\n") {
        return None;
    }
    let date = text.lines().find(|line| line.starts_with("date:")).unwrap_or("x-signalbox: http");
    Some(answer(code, date))
}

fn answer(code: Code, date: &str) -> Vec<u8> {
    let problem = Problem::new(code, detail(code));
    let body = serde_json::to_string(&problem.view(None)).expect("a problem is plain data");
    let (status, length) = (code.status(), body.len());
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\
         connection: close\r\n{date}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn detail(code: Code) -> &'static str {
    match code {
        Code::UriTooLong => {
            "the path and query are longer than any that is taken here; put what you send into the body"
        }
        Code::HeadersTooLarge => "the request's head has too many lines or bytes; send fewer or shorter headers",
        _ => {
            "the request's first line or a header can't be read: speak HTTP/1.1, without TLS, and write what isn't ASCII in \
             the path as %XX"
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_the_librarys_own_answers_are_replaced() {
        let own = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\ndate: now\r\n\r\n";
        let told = String::from_utf8(super::told(own).unwrap()).unwrap();
        assert!(told.starts_with("HTTP/1.1 400 Bad Request\r\n") && told.contains("\r\ndate: now\r\n"), "{told}");
        assert!(told.contains("\"code\":\"http.malformed\""), "{told}");
        for other in [
            &b"HTTP/1.1 400 Bad Request\r\nx-request-id: a\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 7\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"{\"text\":\"HTTP/1.1 400 Bad Request\"}",
            b"",
        ] {
            assert!(super::told(other).is_none());
        }
    }
}
