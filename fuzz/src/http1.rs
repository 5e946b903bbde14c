//! Requests that the doors read by hand: hyper, and a naive reader by the RFC, understand the same of the same bytes.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use claviger_doors::http1::{self, Head, Reading, may_end, read};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::service::service_fn;
use hyper::{Request, Response};

/// Bodies up to this length are written out.
const BODY_MAX: u64 = 8 * 1024;
/// More turns than a connection with two requests needs.
const TURNS: usize = 16;
/// What stands behind the request.
const BEHIND: &[u8] = b"GET /behind HTTP/1.1\r\n\r\n";

/// What a reader understood of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Understood {
    method: String,
    target: String,
    /// Names in lower case; those of one name in their order, names sorted.
    lines: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// A peer that has sent everything, takes every answer and stays.
struct Peer<'b>(&'b [u8]);

/// The input is the beginning of a connection.
pub fn check(data: &[u8]) {
    let mut room = http1::room();
    let Reading::Plain(head) = read(data, &mut room) else { return };
    check_parts(data, &head);
    if head.body_length > BODY_MAX {
        return;
    }
    let end = head.length + head.body_length as usize;
    let mut bytes = data[..data.len().min(end)].to_vec();
    bytes.resize(end, b'x');
    let by_hand = understood(&head, &bytes[head.length..]);
    assert_eq!(naive(&bytes).as_ref(), Some(&by_hand), "naive: {}", bytes.escape_ascii());
    bytes.extend_from_slice(BEHIND);
    let seen = hyper(&bytes);
    assert_eq!(seen.first(), Some(&by_hand), "hyper: {}", bytes.escape_ascii());
    let targets: Vec<&str> = seen[1..].iter().map(|request| &*request.target).collect();
    assert_eq!(targets, if head.closes { &[][..] } else { &["/behind"] }, "{}", bytes.escape_ascii());
}

/// A head is whole at its end and nowhere before, however much of it was seen.
fn check_parts(data: &[u8], head: &Head<'_, '_>) {
    for at in [1, head.length / 2, head.length - 1] {
        let is_partial = matches!(read(&data[..at], &mut http1::room()), Reading::Partial);
        assert!(is_partial && !may_end(&data[..at], 0), "{} at {at}", data.escape_ascii());
        assert!(may_end(&data[..head.length], at), "{} from {at}", data.escape_ascii());
    }
    assert!(head.target == head.path || head.target.starts_with(&format!("{}?", head.path)));
}

fn understood(head: &Head<'_, '_>, body: &[u8]) -> Understood {
    let lines = head.lines.iter().map(|line| (line.name.to_ascii_lowercase(), line.value.to_vec()));
    Understood::new(head.method, head.target, lines.collect(), body)
}

/// RFC 9112 with a split for each rule: `None` where anything is unusual.
fn naive(bytes: &[u8]) -> Option<Understood> {
    let text: String = bytes.iter().copied().map(char::from).collect();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let [method, target, "HTTP/1.1"] = lines.next()?.split(' ').collect::<Vec<_>>()[..] else { return None };
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let is_name = |character: char| character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character);
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        if value.chars().any(|character| (character < ' ' && character != '\t') || character == '\x7f') {
            return None;
        }
        let value: Vec<u8> = value.trim_matches([' ', '\t']).chars().map(|character| character as u8).collect();
        fields.push((name.to_ascii_lowercase(), value));
    }
    let named = |name: &str| fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect();
    let lengths: Vec<Vec<u8>> = named("content-length");
    let length = match &lengths[..] {
        [] => 0,
        [length] if length.iter().all(u8::is_ascii_digit) => String::from_utf8_lossy(length).parse().ok()?,
        _ => return None,
    };
    let codings: Vec<Vec<u8>> = named("transfer-encoding");
    let body: Vec<u8> = body.chars().map(|character| character as u8).collect();
    (codings.is_empty() && body.len() == length).then(|| Understood::new(method, target, fields, &body))
}

/// Every request that hyper reads of these bytes.
fn hyper(bytes: &[u8]) -> Vec<Understood> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let seen = Rc::clone(&seen);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            let lines = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
            let target = parts.uri.to_string();
            seen.borrow_mut().push(Understood::new(parts.method.as_str(), &target, lines.collect(), &body));
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let mut connection = pin!(hyper::server::conn::http1::Builder::new().serve_connection(Peer(bytes), service));
    for _ in 0..TURNS {
        // It goes on until the peer has nothing more, or says that it is done.
        if connection.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            break;
        }
    }
    seen.take()
}

// === impl Understood ===

impl Understood {
    fn new(method: &str, target: &str, mut lines: Vec<(String, Vec<u8>)>, body: &[u8]) -> Self {
        // Stable: the order of one name's lines stays.
        lines.sort_by(|one, other| one.0.cmp(&other.0));
        Self { method: method.to_owned(), target: target.to_owned(), lines, body: body.to_vec() }
    }
}

// === impl Peer ===

impl Read for Peer<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut room: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        let (now, later) = self.0.split_at(self.0.len().min(room.remaining()));
        room.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

impl Write for Peer<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
