//! An answer of a door, before it is known how it travels: written by hand, or by hyper.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::body::Outgoing;
use crate::lines::visible;
use crate::request_id::Id;
use crate::turn::Turn;

/// More than what frames an answer: status line, length, date.
const FRAME_ROOM: usize = 160;
/// Of every verdict and every refusal.
const NO_STORE: &[u8] = b"cache-control: no-store\r\n";

/// Status, header lines and body. Filled anew for each request, so that its memory is used again.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    status: StatusCode,
    /// Each line with its end.
    head: Vec<u8>,
    body: Vec<u8>,
    /// Which turn of the request this is.
    pub(crate) turn: Turn,
}

// === impl Answer ===

impl Answer {
    /// Begins anew: with this status, and what every answer has.
    pub(crate) fn begin(&mut self, status: StatusCode, id: &Id) {
        self.status = status;
        self.body.clear();
        self.head.clear();
        self.head.extend_from_slice(b"x-request-id: ");
        self.head.extend_from_slice(id.header());
        self.head.extend_from_slice(b"\r\n");
        self.head.extend_from_slice(NO_STORE);
    }

    /// Begins anew, with lines and a body that are ready.
    pub(crate) fn begin_ready(&mut self, status: StatusCode, head: [&[u8]; 3], body: [&[u8]; 3]) {
        self.status = status;
        self.head.clear();
        self.body.clear();
        for part in head {
            self.head.extend_from_slice(part);
        }
        for part in body {
            self.body.extend_from_slice(part);
        }
    }

    /// Adds a line. A value that no header can have becomes an empty one.
    pub(crate) fn header(&mut self, name: &str, value: &str) {
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(visible(value.as_bytes()).unwrap_or_default().as_bytes());
        self.head.extend_from_slice(b"\r\n");
    }

    /// Where whole lines are appended that need no look.
    pub(crate) fn lines_mut(&mut self) -> &mut Vec<u8> {
        &mut self.head
    }

    /// Where the body is written.
    pub(crate) fn body_mut(&mut self) -> &mut Vec<u8> {
        &mut self.body
    }

    pub(crate) fn set_status(&mut self, status: StatusCode) {
        self.status = status;
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Appends it as HTTP/1.1, with the line of its date; `closes`: the connection ends behind it.
    pub(crate) fn write(&self, out: &mut Vec<u8>, date: &[u8], closes: bool) {
        out.reserve(self.head.len() + self.body.len() + FRAME_ROOM);
        if self.status == StatusCode::OK {
            out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        } else {
            out.extend_from_slice(b"HTTP/1.1 ");
            out.extend_from_slice(self.status.as_str().as_bytes());
            out.push(b' ');
            out.extend_from_slice(self.status.canonical_reason().unwrap_or("Refused").as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(&self.head);
        if closes {
            out.extend_from_slice(b"connection: close\r\n");
        }
        out.extend_from_slice(b"content-length: ");
        push_number(out, self.body.len());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(date);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }

    /// The header lines, one after the other.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        // They are ASCII: `header` looked, and what is ready is a constant or percent-encoded.
        let text = std::str::from_utf8(&self.head).unwrap_or_default();
        text.split("\r\n").filter_map(|line| line.split_once(": "))
    }

    /// As hyper takes it.
    pub(crate) fn into_response(self) -> Response<Outgoing> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.lines() {
            // Both are always valid: `header` looked, and what is ready is a constant or percent-encoded.
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                headers.append(name, value);
            }
        }
        let mut response = Response::new(Outgoing::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

/// Appends a number in decimal digits.
fn push_number(out: &mut Vec<u8>, mut number: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] += (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::RequestId;

    use super::*;

    #[test]
    fn what_is_written_is_what_hyper_gets() {
        let id = Id::new(RequestId::from_raw(7));
        let mut answer = Answer::default();
        answer.header("of-another-answer", "x");
        answer.body_mut().extend_from_slice(b"old");
        answer.begin(StatusCode::FORBIDDEN, &id);
        for (name, value) in
            [("a", "1"), ("b", ""), ("a", "2"), ("c", "x: y"), ("d", "split\r\nset-cookie: x"), ("e", "ż")]
        {
            answer.header(name, value);
        }
        answer.body_mut().extend_from_slice(b"body");
        let response = answer.into_response();
        assert_eq!(response.status(), 403);
        let all = |name| response.headers().get_all(name).iter().map(|value| value.to_str().expect("ASCII")).collect();
        let values: [Vec<&str>; 7] = ["a", "b", "c", "d", "e", "cache-control", "x-request-id"].map(all);
        let id = id.id().to_string();
        assert_eq!(values, [&["1", "2"][..], &[""], &["x: y"], &[""], &[""], &["no-store"], &[&id]]);
        assert_eq!(response.headers().len(), 8);
    }

    #[test]
    fn an_answer_is_framed_by_its_length() {
        let id = Id::new(RequestId::from_raw(7));
        let mut answer = Answer::default();
        answer.begin(StatusCode::NOT_FOUND, &id);
        answer.body_mut().extend_from_slice(&[b'x'; 120]);
        let mut out = b"before".to_vec();
        answer.write(&mut out, b"date: now\r\n", true);
        let text = String::from_utf8(out).expect("ASCII");
        let id = id.id().to_string();
        let head = format!(
            "beforeHTTP/1.1 404 Not Found\r\nx-request-id: {id}\r\ncache-control: no-store\r\nconnection: close\r\n\
             content-length: 120\r\ndate: now\r\n\r\n"
        );
        assert_eq!(text, format!("{head}{}", "x".repeat(120)));
    }

    #[test]
    fn numbers_are_written_whole() {
        for number in [0, 9, 10, 640, 12_345, usize::MAX] {
            let mut out = Vec::new();
            push_number(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }
}
