//! Answers that are alike but for the request's id: made once, copied for each request.

use http::StatusCode;

use crate::answer::Answer;
use crate::request_id::Id;

/// An answer without its request's id.
#[derive(Debug)]
pub(crate) struct Template {
    status: StatusCode,
    /// The header lines before and behind the id.
    head: (Box<[u8]>, Box<[u8]>),
    /// The body before and behind the id.
    body: (Box<[u8]>, Box<[u8]>),
}

// === impl Template ===

impl Template {
    /// Of an answer that was made for the request `id`.
    pub(crate) fn of(answer: &Answer, id: &Id) -> Self {
        Self { status: answer.status(), head: around(answer.head(), id), body: around(answer.body(), id) }
    }

    /// Makes the answer to the request `id`.
    pub(crate) fn write(&self, id: &Id, answer: &mut Answer) {
        let (head, body) = (&self.head, &self.body);
        answer.begin_ready(self.status, [&head.0, id.header(), &head.1], [&body.0, id.as_bytes(), &body.1]);
    }
}

/// What stands before the id and behind it.
fn around(text: &[u8], id: &Id) -> (Box<[u8]>, Box<[u8]>) {
    let length = id.as_bytes().len();
    let at = text.windows(length).position(|part| part == id.as_bytes()).unwrap_or(text.len());
    (text[..at].into(), text[(at + length).min(text.len())..].into())
}
