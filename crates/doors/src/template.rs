//! Answers that are alike but for the request's id: made once, copied for each request.
//!
//! To fill a map of headers one by one hashes every name; a copy of a filled one hashes none.

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Collected, Full};

use crate::problem::{Answer, X_REQUEST_ID};
use crate::request_id::Id;

/// An answer without its request's id.
#[derive(Debug)]
pub(crate) struct Template {
    status: StatusCode,
    headers: HeaderMap,
    /// The body before and behind the id.
    body: (Box<[u8]>, Box<[u8]>),
}

// === impl Template ===

impl Template {
    /// Of an answer that was made for the request `id`.
    pub(crate) fn of(answer: Answer, id: &Id) -> Self {
        let (head, body) = answer.into_parts();
        // What is in memory is there at once.
        let body = body.collect().now_or_never().and_then(Result::ok).map(Collected::to_bytes).unwrap_or_default();
        let at = body.windows(id.as_bytes().len()).position(|text| text == id.as_bytes()).unwrap_or(body.len());
        let behind = (at + id.as_bytes().len()).min(body.len());
        Self { status: head.status, headers: head.headers, body: (body[..at].into(), body[behind..].into()) }
    }

    /// The answer to the request `id`.
    pub(crate) fn answer(&self, id: &Id) -> Answer {
        let (before, behind) = &self.body;
        let mut body = Vec::with_capacity(before.len() + id.as_bytes().len() + behind.len());
        body.extend_from_slice(before);
        body.extend_from_slice(id.as_bytes());
        body.extend_from_slice(behind);
        let mut answer = Response::new(Full::new(Bytes::from(body)));
        *answer.status_mut() = self.status;
        *answer.headers_mut() = with_id(&self.headers, id.to_header());
        answer
    }
}

/// A copy of headers that have an id, with another one.
pub(crate) fn with_id(headers: &HeaderMap, id: HeaderValue) -> HeaderMap {
    let mut headers = headers.clone();
    if let Some(place) = headers.get_mut(X_REQUEST_ID) {
        *place = id;
    }
    headers
}
