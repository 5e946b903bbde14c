//! Which requests are plain: the first bytes of a connection, or of what stands behind a request, in; a head, out.
//!
//! A mistake here is a request that the door reads in another way than its peer wrote it, so the file is small and pure.
//! Whatever is not certain is [`Reading::Other`].

use std::mem::MaybeUninit;

use httparse::{Header, Request, Status};

/// The most header lines of a plain request.
pub const LINES_MAX: usize = 64;
/// The most bytes of a plain request's head.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Methods that mean nothing to HTTP itself: `HEAD` and `CONNECT` change how an answer is framed.
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// The most digits of a length: what a `u64` holds whatever they are.
const LENGTH_DIGITS_MAX: usize = 18;
/// Headers by which a request is framed, handled or answered in another way, whatever they say.
const NEVER: [&str; 4] = ["transfer-encoding", "expect", "upgrade", "http2-settings"];

/// Room for header lines.
pub type Room<'b> = [MaybeUninit<Header<'b>>; LINES_MAX];

/// What bytes are the beginning of.
pub enum Reading<'b, 'r> {
    /// A plain request with a whole head.
    Plain(Head<'b, 'r>),
    /// It cannot be told yet.
    Partial,
    /// Anything else, a request that is no HTTP at all included.
    Other,
}

/// The head of a plain request.
pub struct Head<'b, 'r> {
    /// One of six.
    pub method: &'b str,
    /// The target without its query.
    pub path: &'b str,
    /// The target as it came: `/`, and behind it visible ASCII.
    pub target: &'b str,
    /// Every header line in its order; white space around values is gone.
    pub lines: &'r [Header<'b>],
    /// Bytes of the head, its empty line included.
    pub length: usize,
    /// Bytes of the body behind it.
    pub body_length: u64,
    /// Whether the client wants the connection closed behind the answer.
    pub closes: bool,
}

/// What header lines say about the body and the connection.
#[derive(Default)]
struct Framing {
    body_length: Option<u64>,
    closes: Option<bool>,
}

/// Room for one reading.
pub fn room<'b>() -> Room<'b> {
    [const { MaybeUninit::uninit() }; LINES_MAX]
}

/// Reads the head of the request that `bytes` begin with.
pub fn read<'b, 'r>(bytes: &'b [u8], room: &'r mut Room<'b>) -> Reading<'b, 'r> {
    // httparse passes over empty lines before a request.
    if !bytes.first().is_some_and(u8::is_ascii_uppercase) {
        return if bytes.is_empty() { Reading::Partial } else { Reading::Other };
    }
    let mut request = Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, room) {
        Ok(Status::Complete(length)) if length <= HEAD_BYTES_MAX => length,
        Ok(Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Reading::Partial,
        _ => return Reading::Other,
    };
    let Request { method: Some(method), path: Some(target), version: Some(1), headers } = request else {
        return Reading::Other;
    };
    let Some(path) = path_of(target).filter(|_| METHODS.contains(&method)) else { return Reading::Other };
    // httparse takes a bare line feed for the end of a line, too.
    #[allow(clippy::naive_bytecount, reason = "a few hundred bytes, which the compiler counts sixteen at once")]
    let returns = bytes[..length].iter().filter(|byte| **byte == b'\r').count();
    match Framing::of(headers) {
        Some(Framing { body_length, closes }) if returns == headers.len() + 2 => Reading::Plain(Head {
            method,
            path,
            target,
            lines: headers,
            length,
            body_length: body_length.unwrap_or(0),
            closes: closes.unwrap_or(false),
        }),
        _ => Reading::Other,
    }
}

/// Whether a head may end behind the first `known` bytes, which were looked through before.
pub fn may_end(bytes: &[u8], known: usize) -> bool {
    let rest = &bytes[known.saturating_sub(3).min(bytes.len())..];
    let ends = |at: usize| matches!(rest[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]);
    rest.iter().enumerate().any(|(at, byte)| *byte == b'\n' && ends(at))
}

/// The path of a target in origin form with characters that no reader treats in a way of its own.
fn path_of(target: &str) -> Option<&str> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let in_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~');
    let in_query = |byte: u8| matches!(byte, b'!'..=b'~') && !b"\"#<>\\^`{|}".contains(&byte);
    (path.starts_with('/') && path.bytes().all(in_path) && query.bytes().all(in_query)).then_some(path)
}

// === impl Framing ===

impl Framing {
    /// `None` where the request is not plain.
    fn of(lines: &[Header<'_>]) -> Option<Self> {
        let mut framing = Self::default();
        for line in lines {
            match line.name.len() {
                10 if line.name.eq_ignore_ascii_case("connection") => {
                    set_once(&mut framing.closes, closes(line.value)?)?;
                }
                14 if line.name.eq_ignore_ascii_case("content-length") => {
                    set_once(&mut framing.body_length, length(line.value)?)?;
                }
                6 | 7 | 14 | 17 if NEVER.iter().any(|name| line.name.eq_ignore_ascii_case(name)) => return None,
                _ => {}
            }
        }
        Some(framing)
    }
}

/// `None` where it was set before.
fn set_once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn closes(value: &[u8]) -> Option<bool> {
    match value {
        value if value.eq_ignore_ascii_case(b"close") => Some(true),
        value if value.eq_ignore_ascii_case(b"keep-alive") => Some(false),
        _ => None,
    }
}

/// Digits and nothing else (RFC 9110, 8.6).
fn length(value: &[u8]) -> Option<u64> {
    let is_length = (1..=LENGTH_DIGITS_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(value).ok().filter(|_| is_length)?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is understood, in one line.
    fn understood(bytes: &[u8]) -> String {
        match read(bytes, &mut room()) {
            Reading::Plain(head) => {
                let Head { method, path, lines, length, body_length, closes, .. } = head;
                format!(
                    "{method} {path} {} lines, {length}+{body_length}{}",
                    lines.len(),
                    if closes { ", last" } else { "" }
                )
            }
            Reading::Partial => "partial".to_owned(),
            Reading::Other => "other".to_owned(),
        }
    }

    #[test]
    fn plain_requests() {
        for (request, expected) in [
            ("GET / HTTP/1.1\r\n\r\n", "GET / 0 lines, 18+0"),
            ("GET /v1/whoami?a=%2F&b HTTP/1.1\r\nHost: d\r\n\r\nGET", "GET /v1/whoami 1 lines, 44+0"),
            ("POST /v1/verify HTTP/1.1\r\ncontent-LENGTH:007\r\n\r\n", "POST /v1/verify 1 lines, 48+7"),
            ("PUT /a HTTP/1.1\r\nConnection: Keep-Alive\r\n\r\n", "PUT /a 1 lines, 43+0"),
            ("PUT /a HTTP/1.1\r\nConnection: close\r\nX: \t y \r\n\r\n", "PUT /a 2 lines, 47+0, last"),
        ] {
            assert_eq!(understood(request.as_bytes()), expected, "{request:?}");
            for end in 1..request.find("\r\n\r\n").expect("a head") + 4 {
                assert_eq!(understood(&request.as_bytes()[..end]), "partial", "{request:?} to {end}");
            }
        }
    }

    #[test]
    fn whatever_is_not_certain_is_no_plain_request() {
        let with = |line: &str| format!("POST /v1/verify HTTP/1.1\r\nHost: d\r\n{line}\r\n\r\n");
        let lines = [
            "Transfer-Encoding: chunked",
            "transfer-encoding: identity",
            "Expect: 100-continue",
            "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
            "Connection: close, keep-alive",
            "Connection: upgrade",
            "Connection: ",
            "Connection: close\r\nConnection: close",
            "Content-Length: +1",
            "Content-Length: -1",
            "Content-Length: ",
            "Content-Length: 0x1",
            "Content-Length: 1 1",
            "Content-Length: 1,1",
            "Content-Length: 1\r\nContent-Length: 1",
            "Content-Length: 1\r\ncontent-length: 2",
            "Content-Length: 1234567890123456789",
            "A: b\r\n folded",
            "A : b",
            "A: b\nB: c",
            "A: \0",
            "A: b\rc",
            ": b",
            "A",
        ];
        for line in lines {
            assert_eq!(understood(with(line).as_bytes()), "other", "{line:?}");
        }
        for line in [
            "GET http://d/ HTTP/1.1",
            "GET * HTTP/1.1",
            "GET d:80 HTTP/1.1",
            "GET /a#b HTTP/1.1",
            "GET /%61 HTTP/1.1",
            "GET /a?b#c HTTP/1.1",
            "GET /a?\"b HTTP/1.1",
            "GET /ż HTTP/1.1",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.0",
            "GET / HTTP/2.0",
            "GET /",
            "HEAD / HTTP/1.1",
            "CONNECT / HTTP/1.1",
            "get / HTTP/1.1",
            "BREW / HTTP/1.1",
            "\r\nGET / HTTP/1.1",
            "PRI * HTTP/2.0",
            "\x16\x03\x01",
        ] {
            assert_eq!(understood(format!("{line}\r\n\r\n").as_bytes()), "other", "{line:?}");
        }
        assert_eq!(understood(b"GET / HTTP/1.1\n\n"), "other");
        assert_eq!(understood(b"GET / HTTP/1.1\r\nA: b\r\n\n"), "other");
        let many = "A: b\r\n".repeat(LINES_MAX + 1);
        assert_eq!(understood(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()), "other");
        let long = "a".repeat(HEAD_BYTES_MAX);
        for head in [format!("GET / HTTP/1.1\r\nA: {long}\r\n\r\n"), format!("GET / HTTP/1.1\r\nA: {long}")] {
            assert_eq!(understood(head.as_bytes()), "other");
        }
    }

    #[test]
    fn the_end_of_a_head_is_seen_however_it_is_cut() {
        for end in ["\r\n\r\n", "\n\n", "\n\r\n", "\r\n\n"] {
            let head = format!("GET / HTTP/1.1\r\nA: b{end}");
            for known in 0..head.len() {
                let is_whole = !may_end(&head.as_bytes()[..known], 0);
                assert!(is_whole && may_end(head.as_bytes(), known), "{head:?} from {known}");
            }
        }
        assert!(!may_end(b"GET / HTTP/1.1\r\nA: b\r\n", 0) && !may_end(b"", 0) && !may_end(b"\n", 9));
    }
}
