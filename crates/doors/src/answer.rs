//! An answer of a door, before it is known how it travels: written by hand, or by hyper.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::lines::visible;
use crate::request_id::Id;

/// Of every verdict and every refusal.
const NO_STORE: &[u8] = b"cache-control: no-store\r\n";

/// Status, header lines and body. Filled anew for each request, so that its memory is used again.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    status: StatusCode,
    /// Each line with its end.
    head: Vec<u8>,
    body: Vec<u8>,
}

// === impl Answer ===

impl Answer {
    /// Begins anew: with this status, and what every answer has.
    pub(crate) fn begin(&mut self, status: StatusCode, id: &Id) {
        self.status = status;
        self.body.clear();
        self.head.clear();
        self.head.extend_from_slice(b"x-request-id: ");
        self.head.extend_from_slice(id.as_bytes());
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

    /// As hyper takes it.
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let mut headers = HeaderMap::new();
        let text = String::from_utf8_lossy(&self.head);
        for (name, value) in text.split("\r\n").filter_map(|line| line.split_once(": ")) {
            // Both are always valid: `header` looked, and what is ready is a constant or percent-encoded.
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                headers.append(name, value);
            }
        }
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
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
}
