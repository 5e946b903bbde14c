//! The same bytes to the reader by hand and to hyper: what comes back must be the same.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf, duplex};

use crate::config::Config;
use crate::listener::{Builders, drive_hyper, serve_stream};
use crate::meter::{Meter, Metered};
use crate::service::{Doors, Service};
use crate::testing::House;

/// More than any answer of a test.
const PIPE_BYTES: usize = 4 * 1024 * 1024;
/// Turns of the executor after which whatever was sent has been read.
const TURNS: usize = 4;
const FORWARDED: &str = "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /items?x=1\r\n\
    X-Forwarded-Host: shop.example.com\r\nX-Forwarded-For: 203.0.113.7\r\n";
const ORIGINAL: &str = "X-Original-Method: GET\r\nX-Original-URI: /items?x=1\r\n\
    X-Original-Host: shop.example.com\r\nX-Real-IP: 203.0.113.7\r\n";

/// Doors without a socket.
struct Bench {
    house: House,
    doors: Arc<Doors>,
    builders: Builders,
    runtime: tokio::runtime::Runtime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    ByHand,
    Hyper,
}

/// An answer without what differs from one request to the next.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    status: String,
    headers: Vec<String>,
    body: String,
}

// === impl Bench ===

impl Bench {
    fn new() -> Self {
        let house = House::new();
        let config = Config { body_max_bytes: 1024, whoami_per_minute: 1_000_000, ..Config::default() };
        let address = SocketAddr::from(([127, 0, 0, 1], 0)).into();
        let builders = Builders::new(&config);
        let doors = Arc::new(Doors::new(config, Arc::clone(&house.engine), &address));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { house, doors, builders, runtime }
    }

    fn service(&self) -> (Service, Arc<Meter>) {
        let meter = Arc::new(Meter::default());
        (Service::new(&self.doors, Some(SocketAddr::from(([127, 0, 0, 1], 1))), &meter), meter)
    }

    /// What comes back when these pieces are sent one after the other.
    fn ask(&self, reader: Reader, pieces: &[&[u8]]) -> Vec<u8> {
        let (mut client, server) = duplex(PIPE_BYTES);
        let (service, meter) = self.service();
        let serving = async {
            match reader {
                Reader::ByHand => serve_stream(server, &self.builders, service, &meter).await,
                Reader::Hyper => {
                    drive_hyper(Metered::new(server, Arc::clone(&meter)), self.builders.any(), service, &meter).await;
                }
            }
        };
        let asked = async {
            for piece in pieces {
                // The doors may have hung up.
                let _ = client.write_all(piece).await;
                for _ in 0..TURNS {
                    tokio::task::yield_now().await;
                }
            }
            let _ = client.shutdown().await;
            let mut answer = Vec::new();
            let _ = client.read_to_end(&mut answer).await;
            answer
        };
        self.runtime.block_on(async { tokio::join!(serving, asked).1 })
    }

    /// Asserts that both readers say the same, and says what.
    fn compare(&self, pieces: &[&[u8]]) -> Vec<Told> {
        let by_hand = told(&self.ask(Reader::ByHand, pieces));
        let hyper = told(&self.ask(Reader::Hyper, pieces));
        let shown = || pieces.iter().map(|piece| String::from_utf8_lossy(piece)).collect::<Vec<_>>();
        assert_eq!(by_hand, hyper, "{:#?}", shown());
        by_hand
    }

    /// The same, sent whole, byte by byte, and cut in two at every place.
    fn compare_however_cut(&self, bytes: &[u8]) -> Vec<Told> {
        let whole = self.compare(&[bytes]);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(told(&self.ask(Reader::ByHand, &single)), whole, "byte by byte");
        for at in 1..bytes.len() {
            let (first, second) = bytes.split_at(at);
            assert_eq!(
                told(&self.ask(Reader::ByHand, &[first, second])),
                whole,
                "{:?}",
                String::from_utf8_lossy(first)
            );
        }
        whole
    }

    fn statuses(&self, request: &str) -> Vec<String> {
        self.compare(&[request.as_bytes()]).into_iter().map(|told| told.status).collect()
    }

    /// A request to the door for Caddy and others.
    fn forward(&self, lines: &str) -> String {
        format!("GET /v1/authorize HTTP/1.1\r\nHost: d\r\n{FORWARDED}X-Api-Key: {}\r\n{lines}\r\n", self.house.reader)
    }
}

/// Cuts a stream into answers.
fn told(mut bytes: &[u8]) -> Vec<Told> {
    let mut all = Vec::new();
    while let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
        let mut lines = head.split("\r\n").map(without_ids);
        let status = lines.next().expect("a line");
        let mut headers: Vec<String> = lines.collect();
        headers.sort();
        let length = headers.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let body = bytes.get(at + 4..at + 4 + length).expect("a whole answer");
        all.push(Told { status, headers, body: without_ids(&String::from_utf8_lossy(body)) });
        bytes = &bytes[at + 4 + length..];
    }
    assert!(bytes.is_empty(), "{:?}", String::from_utf8_lossy(bytes));
    all
}

/// Ids of requests and dates, both in their form, without what they say.
fn without_ids(text: &str) -> String {
    if let Some(date) = text.strip_prefix("date: ") {
        assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
        return "date".to_owned();
    }
    let mut parts = text.split("req_");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "req_" + &part[26..])
}

#[test]
fn ordinary_requests_are_answered_as_hyper_does_however_they_are_cut() {
    let bench = Bench::new();
    let (reader, full, token) = (&bench.house.reader, &bench.house.full, &bench.house.token);
    let verify = |path: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let question = format!(r#"{{"credential":"{reader}","client_ip":"203.0.113.7","method":"GET","path":"/items"}}"#);
    for (request, status) in [
        (bench.forward(""), "200"),
        (bench.forward("Connection: close\r\n"), "200"),
        (bench.forward("connection: Keep-Alive\r\nContent-Length: 0\r\n"), "200"),
        (
            format!("GET /v1/authorize/api/shop?x=%2F HTTP/1.1\r\n{FORWARDED}Authorization: Bearer {full}\r\n\r\n"),
            "200",
        ),
        (
            format!(
                "PUT /v1/authorize/nginx HTTP/1.1\r\n{ORIGINAL}X-Api-Key: {full}\r\nX-Claviger-Door: {token}\r\n\r\n"
            ),
            "200",
        ),
        (format!("GET /v1/authorize/nginx HTTP/1.1\r\n{ORIGINAL}\r\n"), "401"),
        (verify("/v1/verify", &question), "200"),
        (verify("/v1/verify/batch", &format!("[{question},{{}}]")), "200"),
        (verify("/v1/verify", "{}"), "400"),
        (verify("/v1/verify", ""), "400"),
        (format!("GET /v1/whoami HTTP/1.1\r\nX-API-KEY: {full}\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n"), "200"),
        ("DELETE /nowhere HTTP/1.1\r\n\r\n".to_owned(), "404"),
    ] {
        let told = bench.compare_however_cut(request.as_bytes());
        assert_eq!(told.len(), 1, "{request}");
        assert!(told[0].status.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {told:?}");
    }
    assert_eq!(bench.statuses("GET /v1/openapi.json HTTP/1.1\r\n\r\n"), ["HTTP/1.1 200 OK"]);
    assert_eq!(bench.statuses("GET /v1/verify HTTP/1.1\r\n\r\n"), ["HTTP/1.1 405 Method Not Allowed"]);
}

#[test]
fn hostile_lines_are_judged_as_hyper_does() {
    let bench = Bench::new();
    for line in [
        "X-Forwarded-Uri: /items",
        "x-forwarded-FOR: 203.0.113.8",
        "X-Api-Key: another",
        "X-Api-Key: ",
        "Authorization: Basic !!!",
        "Authorization: Bearer a\r\nAuthorization: Bearer b",
        "X-HTTP-Method-Override: DELETE",
        "X-HTTP-Method: \u{17c}",
        "x-method-override: GET\r\nX-Method-Override: PUT",
        "X-Claviger-Door: wrong",
        "X-Claviger-Door: \t ",
        "User-Agent: \u{17c}",
        "Origin: x\r\nAccess-Control-Request-Method: PUT",
        "X: \u{80}\u{ff}",
        "X-Original-URI: /items",
        "X-Forwarded-Uri : /items",
        "X-Forwarded-Uri:\t/items\t",
        " X: folded",
        "X: y\r\n folded",
        "X: \0",
        "X: a\rb",
        "X: y\nX-Api-Key: z",
        "X\u{17c}: y",
        ": y",
        "X",
        "Transfer-Encoding: chunked\r\n\r\n0",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: \u{b}chunked",
        "Content-Length: 0",
        "Content-Length: 1",
        "Content-Length: +0",
        "Content-Length: -0",
        "Content-Length: 0, 0",
        "Content-Length: 0\r\nContent-Length: 0",
        "Content-Length: 0\r\nContent-Length: 5",
        "Content-Length: 18446744073709551616",
        "Content-Length:",
        "Expect: 100-continue",
        "Expect: the moon",
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        "Upgrade: websocket\r\nConnection: Upgrade",
        "Connection: close, x-api-key",
        "Connection: close\r\nConnection: keep-alive",
        "Connection: keep-alive\r\nConnection: close",
        "TE: trailers",
    ] {
        // Behind it a second request: where the first ends must be where hyper ends it.
        let bytes = [bench.forward(&format!("{line}\r\n")), bench.forward("")].concat();
        bench.compare(&[bytes.as_bytes()]);
        // And in the second place, where hyper comes late.
        bench.compare(&[[bench.forward(""), bytes].concat().as_bytes()]);
    }
}

#[test]
fn hostile_beginnings_are_read_as_hyper_does() {
    let bench = Bench::new();
    let rest = bench.forward("");
    let rest = rest.split_once("\r\n").expect("lines").1;
    for line in [
        "GET /v1/authorize HTTP/1.0",
        "GET /v1/authorize HTTP/0.9",
        "GET /v1/authorize HTTP/1.2",
        "GET /v1/authorize HTTP/2.0",
        "GET /v1/authorize",
        "GET  /v1/authorize HTTP/1.1",
        "GET /v1/authorize  HTTP/1.1",
        "GET\t/v1/authorize HTTP/1.1",
        " GET /v1/authorize HTTP/1.1",
        "\r\nGET /v1/authorize HTTP/1.1",
        "\nGET /v1/authorize HTTP/1.1",
        "\rGET /v1/authorize HTTP/1.1",
        "HEAD /v1/authorize HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "OPTIONS /v1/authorize HTTP/1.1",
        "CONNECT /v1/authorize HTTP/1.1",
        "CONNECT d:1 HTTP/1.1",
        "BREW /v1/authorize HTTP/1.1",
        "get /v1/authorize HTTP/1.1",
        "GET http://d/v1/authorize HTTP/1.1",
        "GET http:///v1/authorize HTTP/1.1",
        "GET //d/v1/authorize HTTP/1.1",
        "GET /v1/authorize#x HTTP/1.1",
        "GET /v1/authorize?#x HTTP/1.1",
        "GET /v1/authorize?\"<>`{|}^\\ HTTP/1.1",
        "GET /v1/../v1/authorize HTTP/1.1",
        "GET /v1/%61uthorize HTTP/1.1",
        "GET /v1/authorize;x HTTP/1.1",
        "GET /v1/\u{17c} HTTP/1.1",
        "GET /v1/\0 HTTP/1.1",
        "PRI * HTTP/1.1",
    ] {
        let request = format!("{line}\r\n{rest}");
        bench.compare(&[[&*request, &*bench.forward("")].concat().as_bytes()]);
        bench.compare(&[[&*bench.forward(""), &*request].concat().as_bytes()]);
    }
    let bare = bench.forward("").replace("\r\n", "\n");
    bench.compare(&[[&*bare, &*bench.forward("")].concat().as_bytes()]);
}

#[test]
fn pipelined_requests_are_answered_in_their_order_up_to_the_last_one() {
    let bench = Bench::new();
    let body = format!(r#"{{"credential":"{}"}}"#, bench.house.reader);
    let post = format!("POST /v1/verify HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let nowhere = "GET /nowhere HTTP/1.1\r\n\r\n";
    let all = [&bench.forward(""), &post, nowhere, &post, &bench.forward("Connection: close\r\n"), nowhere].concat();
    let told = bench.compare_however_cut(all.as_bytes());
    let statuses: Vec<&str> = told.iter().map(|told| &told.status[9..12]).collect();
    assert_eq!(statuses, ["200", "200", "404", "200", "200"]);
    // With one that is hyper's among them, hyper answers it and all behind it.
    let mixed = [&bench.forward(""), &post, "GET /nowhere HTTP/1.1\nA: b\n\n", &post, nowhere].concat();
    let told = bench.compare_however_cut(mixed.as_bytes());
    let statuses: Vec<&str> = told.iter().map(|told| &told.status[9..12]).collect();
    assert_eq!(statuses, ["200", "200", "404", "200", "404"]);
}

#[test]
fn bodies_that_no_door_reads_and_those_too_large_are_told_apart_from_the_next_request() {
    let bench = Bench::new();
    let hidden = "GET /hidden HTTP/1.1\r\n\r\n";
    let framed = |line: &str, body: &str| format!("{line}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for request in [
        framed("GET /v1/whoami HTTP/1.1", hidden),
        framed("GET /v1/authorize HTTP/1.1", hidden),
        framed("GET /v1/verify HTTP/1.1", hidden),
        framed("POST /nowhere HTTP/1.1", hidden),
        framed("POST /v1/verify HTTP/1.1", hidden),
        framed("POST /v1/verify HTTP/1.1\r\nX-Claviger-Door: wrong", hidden),
        framed("POST /v1/verify HTTP/1.1", &hidden.repeat(100)),
    ] {
        let told = bench.compare(&[[&*request, "DELETE /seen HTTP/1.1\r\n\r\n"].concat().as_bytes()]);
        assert_eq!(told.len(), 2, "{request}: {told:?}");
    }
    // One that is refused before its body came ends the connection, whatever comes.
    for head in [
        "POST /v1/verify HTTP/1.1\r\nX-Claviger-Door: wrong\r\nContent-Length: 48\r\n\r\n",
        "POST /v1/verify HTTP/1.1\r\nContent-Length: 4800\r\n\r\n",
    ] {
        let told = told(&bench.ask(Reader::ByHand, &[head.as_bytes(), hidden.as_bytes(), hidden.as_bytes()]));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].headers.contains(&"connection: close".to_owned()), "{told:?}");
    }
}

#[test]
fn a_body_that_ends_too_early_is_told_so() {
    let bench = Bench::new();
    let told = bench.compare(&[b"POST /v1/verify HTTP/1.1\r\nConnection: close\r\nContent-Length: 48\r\n\r\n", b"{"]);
    assert_eq!(told[0].status, "HTTP/1.1 400 Bad Request");
    assert!(told[0].body.contains("did not arrive whole"), "{told:?}");
    assert!(bench.compare(&[b"GET /v1/authorize HTTP/1.1\r\nHost: d\r\n"]).is_empty());
}

/// A peer that sends a request and takes no answer.
struct Gone(Vec<u8>);

impl AsyncRead for Gone {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        buf.put_slice(&std::mem::take(&mut self.0));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gone {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn an_answer_that_its_peer_did_not_take_is_given_to_nobody_else() {
    let bench = Bench::new();
    let (service, meter) = bench.service();
    let gone = Gone(bench.forward("").into_bytes());
    bench.runtime.block_on(serve_stream(gone, &bench.builders, service, &meter));
    assert_eq!(bench.statuses("GET /nowhere HTTP/1.1\r\n\r\n"), ["HTTP/1.1 404 Not Found"]);
}

#[test]
fn answers_wait_for_a_peer_that_takes_them_slowly() {
    let bench = Bench::new();
    let (mut client, server) = duplex(64);
    let (service, meter) = bench.service();
    let requests = [bench.forward(""), bench.forward(""), bench.forward("Connection: close\r\n")].concat();
    let asked = async {
        // Both at once: the pipe holds less than one request.
        let (mut reader, mut writer) = tokio::io::split(&mut client);
        let mut answer = Vec::new();
        let (written, read) = tokio::join!(writer.write_all(requests.as_bytes()), reader.read_to_end(&mut answer));
        written.and(read).expect("both ways");
        answer
    };
    let serving = serve_stream(server, &bench.builders, service, &meter);
    let answer = bench.runtime.block_on(async { tokio::join!(serving, asked).1 });
    assert_eq!(told(&answer).len(), 3);
}
