//! What signals do.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::house::{House, TENANT, configure, configured, serve};

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A request whose body isn't there yet: it is in flight until the connection is dropped.
fn in_flight(house: &House) -> TcpStream {
    let address = house.address();
    let key = house.ready["new_keys"][0]["key"].as_str().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut continued = [0; 12];
    stream.read_exact(&mut continued).unwrap();
    assert_eq!(&continued, b"HTTP/1.1 100");
    stream
}

#[test]
fn a_house_is_ready_when_it_says_so_and_ends_well_when_it_is_asked_to() {
    let folder = configured(TENANT);
    let house = House::start(&mut serve(folder.path()));
    assert!(get(house.address(), "/readyz").starts_with("HTTP/1.1 200"), "not ready");
    let metrics = get(house.address(), "/metrics");
    assert!(metrics.contains("process_resident_memory_bytes ") && metrics.contains("signalbox_"), "{metrics}");
    house.signal("TERM");
    assert_eq!(house.ended(), 0);
}

#[test]
fn a_key_is_made_and_shown_once_and_works_ever_after() {
    let folder = configured(TENANT);
    let house = House::start(&mut serve(folder.path()));
    let key = house.ready["new_keys"][0]["key"].as_str().unwrap().to_owned();
    assert_eq!(house.ready["new_keys"][0]["tenant"], "shop");
    house.signal("INT");
    assert_eq!(house.ended(), 0);
    let house = House::start(&mut serve(folder.path()));
    assert_eq!(house.ready["new_keys"].as_array().map(Vec::len), Some(0));
    let mut list = super::house::signalbox();
    list.args(["messages", "list", "--url", house.url(), "--key", &key]);
    assert_eq!(super::house::output(&mut list), (0, "no messages\n".to_owned(), String::new()));
}

#[test]
fn a_second_signal_ends_at_once_and_says_so_with_its_code() {
    let folder = configured(TENANT);
    let mut house = House::start(&mut serve(folder.path()));
    let _request = in_flight(&house);
    let mut log = house.log();
    house.signal("TERM");
    assert!(log.any(|line| line.contains("draining")));
    house.signal("TERM");
    assert_eq!(house.ended(), 130);
}

#[test]
fn a_request_in_flight_is_answered_before_the_house_goes() {
    let folder = configured(TENANT);
    let mut house = House::start(&mut serve(folder.path()));
    let mut request = in_flight(&house);
    let mut log = house.log();
    house.signal("TERM");
    assert!(log.any(|line| line.contains("draining")));
    request.write_all(&[b' '; 100]).unwrap();
    let mut answer = String::new();
    request.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("HTTP/1.1 400") && answer.contains("request.malformed"), "{answer}");
    assert_eq!(house.ended(), 0);
}

#[test]
fn policies_are_read_again_and_the_last_good_ones_stay() {
    let folder = configured("");
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    configure(folder.path(), "[policy]\nfolder = 'policies'\n");
    let mut house = House::start(&mut serve(folder.path()));
    let mut log = house.log();
    house.signal("HUP");
    assert!(log.any(|line| line.contains("the policies were read again")));
    std::fs::write(folder.path().join("policies/mine.toml"), "[[rul]]\n").unwrap();
    house.signal("HUP");
    let refused = log.find(|line| line.contains("those in force stay")).unwrap();
    assert!(refused.contains("mine.toml:1"), "{refused}");
    assert!(get(house.address(), "/readyz").starts_with("HTTP/1.1 200"));
    house.signal("TERM");
    assert_eq!(house.ended(), 0);
}
