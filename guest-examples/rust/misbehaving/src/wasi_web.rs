//! Outbound HTTP as languages' runtimes do it.

use crate::deeds::Done;
use crate::signalbox::messaging::outbox;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

pub fn fetch() -> Done {
    let said = match post(b"{\"a\":1}") {
        Ok(answer) => told(answer),
        Err(code) => format!("{code:?}"),
    };
    outbox::reply(&said)?;
    Ok(())
}

pub fn flood() -> Done {
    let mut last = String::new();
    for _ in 0..7 {
        last = match post(b"") {
            Ok(answer) => answer.status().to_string(),
            Err(code) => format!("{code:?}"),
        };
    }
    outbox::reply(&last)?;
    Ok(())
}

fn post(body: &[u8]) -> Result<IncomingResponse, ErrorCode> {
    let headers = Fields::from_list(&[("X-Kind".to_owned(), b"test".to_vec())]).expect("a header");
    let fixed = headers.clone();
    let request = OutgoingRequest::new(headers);
    assert!(request.headers().append("x-more", b"no").is_err() && fixed.append("x-more", b"yes").is_ok());
    request.set_method(&Method::Post).expect("a method");
    request.set_scheme(Some(&Scheme::Https)).expect("a scheme");
    request.set_authority(Some("api.example.com")).expect("an authority");
    request.set_path_with_query(Some("/v1/links?x=1")).expect("a path");
    let outgoing = request.body().expect("the first time");
    let options = RequestOptions::new();
    options.set_first_byte_timeout(Some(1_500_000_000)).expect("a timeout");
    // The body is written after the request was handed over, as runtimes do.
    let answer = handle(request, Some(options))?;
    let stream = outgoing.write().expect("the first time");
    for part in body.chunks(3) {
        stream.blocking_write_and_flush(part).expect("a body");
    }
    drop(stream);
    OutgoingBody::finish(outgoing, None).expect("an end");
    answer.subscribe().block();
    answer.get().expect("it is ready").expect("the first time")
}

fn told(answer: IncomingResponse) -> String {
    let kind = answer.headers().get("content-type").concat();
    let body = answer.consume().expect("the first time");
    let stream = body.stream().expect("the first time");
    let mut read = Vec::new();
    loop {
        match stream.blocking_read(4) {
            Ok(bytes) => read.extend(bytes),
            Err(StreamError::Closed) => break,
            Err(error) => return format!("{error:?}"),
        }
    }
    drop(stream);
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    let none = matches!(trailers.get(), Some(Ok(Ok(None))));
    format!("{} {} {} {none}", answer.status(), String::from_utf8_lossy(&kind), String::from_utf8_lossy(&read))
}

pub fn leak_pollables() {
    for _ in 0..2_000 {
        std::mem::forget(wasip2::clocks::monotonic_clock::subscribe_duration(1));
    }
}

pub fn leak_headers() {
    for _ in 0..2_000 {
        std::mem::forget(Fields::new());
    }
}

/// Few handles, much held.
pub fn hold_headers() {
    for n in 0..100 {
        let value = vec![b'x'; 100 << 10];
        std::mem::forget(Fields::from_list(&[(format!("x-{n}"), value)]));
    }
}
