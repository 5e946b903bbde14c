//! The listener under requests that are absurd, slow, many or of another protocol.

use std::io::{Read, Write};

use crate::Config;
use crate::testing::{House, Reply};
use crate::wire_tests::{FORWARDED, api_key, with};

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let house = House::new();
    let one = |connection: &str, headers: &str| {
        format!(
            "GET /v1/authorize HTTP/1.1\r\nHost: d\r\nConnection: {connection}\r\n{}\r\n{headers}\r\n",
            FORWARDED.join("\r\n")
        )
    };
    let key = format!("{}\r\n", api_key(&house.reader));
    let bytes = [one("keep-alive", &key), one("keep-alive", ""), one("close", &key)].concat();
    let answer = String::from_utf8(house.raw(bytes.as_bytes())).expect("text");
    let statuses: Vec<&str> = answer.split("HTTP/1.1 ").skip(1).map(|part| &part[..3]).collect();
    assert_eq!(statuses, ["200", "401", "200"]);
}

#[test]
fn absurd_requests_are_refused_and_the_doors_stay_open() {
    let house = House::new();
    let huge = format!("GET /v1/authorize HTTP/1.1\r\nHost: d\r\nX-Api-Key: {}\r\n\r\n", "k".repeat(100_000));
    assert_eq!(Reply::of(&house.raw(huge.as_bytes())).status, 431);
    let many: String = (0..200).flat_map(|number| [format!("X-{number}: y"), "\r\n".into()]).collect();
    let many = format!("GET /v1/authorize HTTP/1.1\r\nHost: d\r\n{many}\r\n");
    assert_eq!(Reply::of(&house.raw(many.as_bytes())).status, 431);
    for bytes in
        [&b"\x16\x03\x01\x02\x00\x01"[..], b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nA B: c\r\n\r\n", b"\0\0\0\0\r\n\r\n"]
    {
        let answer = house.raw(bytes);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{bytes:?}");
    }
    let lines = with(&FORWARDED, &["X-Forwarded-For: , ,, "]);
    assert_eq!(house.ask("GET /v1/authorize", &lines).status, 403);
    let bytes = [
        b"GET /v1/authorize HTTP/1.1\r\nHost: d\r\nConnection: close\r\nX-Api-Key: \xff\xfe\r\n",
        FORWARDED.join("\r\n").as_bytes(),
        b"\r\n\r\n",
    ]
    .concat();
    assert_eq!(Reply::of(&house.raw(&bytes)).code(), "MALFORMED");
    assert_eq!(house.ask("GET /v1/openapi.json", &[]).status, 200);
}

#[test]
fn a_client_that_does_not_finish_its_request_is_hung_up_on() {
    let house = House::with(Config { request_timeout_seconds: 1, ..Config::default() });
    let half =
        [&b"GET /v1/authorize HTTP/1.1\r\nHost:"[..], b"", b"POST /v1/verify HTTP/1.1\r\nContent-Length: 99\r\n\r\n{"];
    for bytes in half {
        let mut stream = house.connect();
        stream.write_all(bytes).expect("open doors");
        let mut rest = Vec::new();
        // The end of the stream, and not the client's own time-out.
        let end = stream.read_to_end(&mut rest).map_err(|error| error.kind());
        assert!(matches!(end, Ok(_) | Err(std::io::ErrorKind::ConnectionReset)), "{end:?}");
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
}

#[test]
fn a_body_that_does_not_arrive_is_told_so_before_the_connection_ends() {
    let house = House::with(Config { request_timeout_seconds: 1, ..Config::default() });
    // The second is hyper's.
    for begin in ["", "\r\n"] {
        let reply = house.raw(format!("{begin}POST /v1/verify HTTP/1.1\r\nContent-Length: 99\r\n\r\n{{").as_bytes());
        assert_eq!(Reply::of(&reply).status, 408, "{begin:?}");
    }
    assert_eq!(house.running.metrics().malformed, 2);
}

#[test]
fn http_2_is_spoken_without_an_upgrade() {
    let house = House::new();
    let mut stream = house.connect();
    // The preface, empty SETTINGS, and HEADERS of stream 1: `GET /` with scheme and authority from the static table.
    let mut request = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    request.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
    request.extend_from_slice(&[0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x86, 0x41, 0x01, b'd']);
    stream.write_all(&request).expect("open doors");
    let status = loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("a frame");
        if head[3] != 1 && head[3] != 0 {
            eprintln!("{head:?}");
        }
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).expect("its payload");
        if head[3] == 1 {
            break payload[0];
        }
    };
    // An indexed field: 404 stands at 13 of HPACK's static table (RFC 7541, appendix A).
    assert_eq!(status, 0x8d);
}

/// Preface, empty SETTINGS, and a `WINDOW_UPDATE`, so that all the answers may come.
const HTTP_2_BEGIN: &[u8] =
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x04\x08\0\0\0\0\0\x3f\xff\xff\xff";

/// The stream of the next answer.
fn http_2_answered(stream: &mut std::net::TcpStream) -> u32 {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("a frame");
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).expect("its payload");
        if head[3] == 1 {
            return u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        }
    }
}

/// A HEADERS frame that does not end its stream: `POST /v1/verify`.
fn http_2_post(stream: u32) -> Vec<u8> {
    let path = b"/v1/verify";
    let block = [&[0x83, 0x86, 0x04, path.len() as u8][..], path, &[0x41, 0x01, b'd']].concat();
    [&[0, 0, block.len() as u8, 1, 4][..], &stream.to_be_bytes(), &block].concat()
}

/// `GET /`, whole.
fn http_2_get(stream: u32) -> Vec<u8> {
    [&[0, 0, 6, 1, 5][..], &stream.to_be_bytes(), &[0x82, 0x84, 0x86, 0x41, 0x01, b'd']].concat()
}

#[test]
fn a_body_that_does_not_arrive_is_given_up_though_its_connection_is_busy() {
    let house = House::with(Config { request_timeout_seconds: 1, ..Config::default() });
    let mut stream = house.connect();
    stream.write_all(&[HTTP_2_BEGIN, &http_2_post(1), &http_2_get(3)].concat()).expect("open doors");
    // Others are asked one after the other until the first is answered.
    let answered_others = (0..100_000).find(|_| {
        let id = http_2_answered(&mut stream);
        if id != 1 {
            stream.write_all(&http_2_get(id + 2)).expect("open doors");
        }
        id == 1
    });
    assert!(answered_others.is_some_and(|count| count > 0), "{answered_others:?}");
}

#[test]
fn a_client_that_waits_is_told_to_go_on_only_where_its_body_is_wanted() {
    let house = House::new();
    let body = format!(r#"{{"credential":"{}"}}"#, house.reader);
    let head = |length: usize, more: &str| {
        format!(
            "POST /v1/verify HTTP/1.1\r\nHost: d\r\nConnection: close\r\nExpect: 100-continue\r\n\
             Content-Length: {length}\r\n{more}\r\n"
        )
    };
    let mut stream = house.connect();
    stream.write_all(head(body.len(), "").as_bytes()).expect("open doors");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).expect("an interim answer");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).expect("open doors");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    assert_eq!(Reply::of(&answer).code(), "VALID");
    assert_eq!(Reply::of(&house.raw(head(10_000_000, "").as_bytes())).status, 413);
    assert_eq!(Reply::of(&house.raw(head(2, "X-Claviger-Door: wrong\r\n").as_bytes())).status, 403);
}

#[test]
fn one_connection_too_many_is_told_so() {
    let house = House::with(Config { connections_max: 1, ..Config::default() });
    let mut first = house.connect();
    first.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nHost: d\r\n\r\n").expect("open doors");
    first.read_exact(&mut [0; 16]).expect("an answer");
    let reply = Reply::of(&house.raw(b""));
    assert_eq!((reply.status, reply.code()), (503, "busy".into()));
    assert_eq!(reply.body.len().to_string(), reply.header("content-length"));
    assert_eq!(house.running.metrics().connections_rejected, 1);
}

#[tokio::test]
async fn a_stop_lets_open_requests_end_and_takes_no_new_ones() {
    // The second is hyper's.
    for begin in ["", "\r\n"] {
        stop_with_half_a_request(begin).await;
    }
}

async fn stop_with_half_a_request(begin: &str) {
    let house = House::new();
    let address = house.running.local_addr().expect("a port");
    let (mut open, mut idle) = (house.connect(), house.connect());
    let body = format!(r#"{{"credential":"{}"}}"#, house.reader);
    let head = format!("{begin}POST /v1/verify HTTP/1.1\r\nHost: d\r\nContent-Length: {}\r\n\r\n", body.len());
    open.write_all(head.as_bytes()).expect("open doors");
    open.write_all(&body.as_bytes()[..5]).expect("open doors");
    // A third connection that is answered shows that the first ones were accepted.
    assert_eq!(house.ask("GET /", &[]).status, 404);
    let stopping = tokio::spawn(house.running.stop(std::time::Duration::from_secs(20)));
    while std::net::TcpStream::connect(address).is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(idle.read(&mut [0]).expect("the end"), 0, "nothing was asked there");
    open.write_all(&body.as_bytes()[5..]).expect("still open");
    let mut answer = Vec::new();
    open.read_to_end(&mut answer).expect("an answer and the end");
    assert_eq!(Reply::of(&answer).code(), "VALID");
    stopping.await.expect("stopped");
}

/// Answers to so many requests without a right key; how many of them were 503.
fn flood(count: usize, ask: impl Fn() -> Reply, refused: u16) -> usize {
    let statuses: Vec<u16> = (0..count).map(|_| ask().status).collect();
    assert!(statuses.iter().all(|status| [refused, 503].contains(status)), "{statuses:?}");
    statuses.iter().filter(|status| **status == 503).count()
}

#[test]
fn a_flood_of_wrong_keys_gets_503_and_a_right_key_from_the_same_address_its_verdict() {
    let house = House::with(Config { wrong_keys_per_second_of_address: 2, ..Config::default() });
    let wrong = "X-Api-Key: an-unknown-key-of-30-characters";
    let shed = flood(60, || house.ask("GET /v1/authorize", &with(&FORWARDED, &[wrong])), 401);
    assert!(shed > 0 && house.running.metrics().shed_of_address == shed as u64, "{shed}");
    assert_eq!(house.ask("GET /v1/authorize", &with(&FORWARDED, &[&api_key(&house.reader)])).status, 200);
    // Another client of the same gateway, and a caller's own client.
    let other: Vec<_> = FORWARDED
        .iter()
        .map(|line| if line.starts_with("X-Forwarded-For") { "X-Forwarded-For: 198.51.100.1" } else { line })
        .collect();
    assert_eq!(house.ask("GET /v1/authorize", &with(&other, &[wrong])).status, 401);
    let verify = |ip: &str| {
        house.post("/v1/verify", &format!(r#"{{"credential":"unknown-unknown-unknown","client_ip":"{ip}"}}"#))
    };
    assert!(flood(60, || verify("198.51.100.2"), 200) > 0);
    let refused = (0..60).map(|_| verify("198.51.100.2")).find(|reply| reply.status == 503).expect("still a flood");
    assert_eq!((refused.code(), refused.header("retry-after")), ("busy".into(), "1"));
    assert_eq!(verify("198.51.100.3").code(), "NOT_FOUND");
    let batch =
        format!("[{}]", [r#"{"credential":"unknown-unknown-unknown","client_ip":"198.51.100.4"}"#; 9].join(","));
    let codes = house.post("/v1/verify/batch", &batch).json();
    let codes: Vec<_> = codes.as_array().expect("a list").iter().map(|item| item["code"].clone()).collect();
    assert!(codes.contains(&"NOT_FOUND".into()) && codes.contains(&"busy".into()), "{codes:?}");
}

#[test]
fn a_flood_from_many_addresses_gets_503_at_the_door_of_nginx_as_nginx_takes_it() {
    let house = House::with(Config { wrong_keys_per_second: 2, ..Config::default() });
    let lines = ["X-Original-Method: GET", "X-Original-URI: /items", "X-Original-Host: h", "X-Real-IP: 203.0.113.7"];
    let ask = || house.ask("GET /v1/authorize/nginx", &lines);
    let shed = (0..60).map(|_| ask()).find(|reply| reply.status == 403).expect("a flood");
    assert_eq!((shed.header("x-auth-status"), shed.header("x-auth-code")), ("503", "busy"));
    assert_eq!(shed.header("retry-after"), "1");
    assert!(house.running.metrics().shed > 0);
    let key = api_key(&house.reader);
    assert_eq!(house.ask("GET /v1/authorize/nginx", &with(&lines, &[&key])).status, 200);
}

#[test]
fn one_body_too_many_on_its_way_is_told_so() {
    let house = House::with(Config { bodies_max: 1, ..Config::default() });
    let half = b"POST /v1/verify HTTP/1.1\r\nHost: d\r\nContent-Length: 99\r\n\r\n{";
    let mut first = house.connect();
    first.write_all(half).expect("open doors");
    // Until the first one's place is taken the second one's body is waited for, so it gets another one.
    let told = (0..100).map(|_| {
        let mut second = house.connect();
        second.set_read_timeout(Some(std::time::Duration::from_millis(300))).expect("a time-out");
        second.write_all(half).expect("open doors");
        let mut answer = [0; 12];
        second.read_exact(&mut answer).map(|()| answer)
    });
    assert_eq!(told.flatten().next().as_ref(), Some(b"HTTP/1.1 503"));
    assert!(house.running.metrics().bodies_rejected > 0);
    // One that is there at once needs no place.
    assert_eq!(house.post("/v1/verify", &format!(r#"{{"credential":"{}"}}"#, house.reader)).code(), "VALID");
}

#[test]
fn one_connection_too_many_of_an_address_is_told_so_unless_it_is_a_trusted_proxy() {
    let narrow = Config { connections_of_address_max: 1, ..Config::default() };
    let house = House::with(Config { trusted_proxies: Vec::new(), ..narrow.clone() });
    let ask = |house: &House| {
        let mut stream = house.connect();
        stream.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nHost: d\r\n\r\n").expect("open doors");
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("an answer");
        (stream, String::from_utf8_lossy(&status[9..]).into_owned())
    };
    let (first, status) = ask(&house);
    assert_eq!(status, "200");
    assert_eq!(Reply::of(&house.raw(b"")).status, 503);
    assert_eq!(house.running.metrics().connections_of_address_rejected, 1);
    drop(first);
    let house = House::with(narrow);
    let (_first, _) = ask(&house);
    assert_eq!(ask(&house).1, "200");
}

#[tokio::test]
async fn a_request_on_an_idle_connection_is_answered_at_a_stop_and_told_to_be_the_last() {
    let house = House::new();
    let address = house.running.local_addr().expect("a port");
    let mut idle = house.connect();
    let request = b"GET /v1/openapi.json HTTP/1.1\r\nHost: d\r\n\r\n";
    let answer = |stream: &mut std::net::TcpStream| {
        let mut text = String::new();
        let mut part = [0; 4_096];
        while !text.contains("\r\n\r\n") || !text.trim_end().ends_with('}') {
            let count = stream.read(&mut part).expect("an answer");
            assert!(count > 0, "half an answer: {text}");
            text.push_str(&String::from_utf8_lossy(&part[..count]));
        }
        text.to_ascii_lowercase()
    };
    idle.write_all(request).expect("open doors");
    assert!(!answer(&mut idle).contains("connection: close"));
    let stopping = tokio::spawn(house.running.stop(std::time::Duration::from_secs(20)));
    while std::net::TcpStream::connect(address).is_ok() {
        tokio::task::yield_now().await;
    }
    idle.write_all(request).expect("still open");
    let last = answer(&mut idle);
    assert!(last.starts_with("http/1.1 200") && last.contains("\r\nconnection: close"), "{last}");
    assert_eq!(idle.read(&mut [0; 1]).expect("its end"), 0);
    stopping.await.expect("stopped");
}
