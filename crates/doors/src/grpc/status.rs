//! How calls end.

use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::problem::Problem;

/// How a call ended (gRPC's codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Ok = 0,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Unavailable = 14,
}

/// A call that ends without what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: Code,
    /// Visible ASCII, without `%`.
    message: &'static str,
}

/// The lines that say so, behind the last message or in the place of the headers.
pub(super) fn lines(ended: Result<(), Failure>) -> HeaderMap {
    let (status, message) = (HeaderName::from_static("grpc-status"), HeaderName::from_static("grpc-message"));
    match ended {
        Ok(()) => HeaderMap::from_iter([(status, HeaderValue::from(Code::Ok as i32))]),
        Err(failure) => HeaderMap::from_iter([
            (status, HeaderValue::from(failure.code as i32)),
            (message, HeaderValue::from_static(failure.message)),
        ]),
    }
}

// === impl Failure ===

impl Failure {
    pub(super) fn new(code: Code, message: &'static str) -> Self {
        Self { code, message }
    }

    /// Of a body that was not read.
    pub(super) fn of(problem: &Problem) -> Self {
        match problem.status {
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(),
            StatusCode::REQUEST_TIMEOUT => Self::late(),
            StatusCode::SERVICE_UNAVAILABLE => Self::unavailable(),
            _ => Self::torn(),
        }
    }

    /// A message over the limit.
    pub(super) fn too_large() -> Self {
        Self::new(Code::ResourceExhausted, "the message is too large")
    }

    /// A message that did not come in its time.
    pub(super) fn late() -> Self {
        Self::new(Code::DeadlineExceeded, "the message did not arrive in time")
    }

    /// A message that broke off.
    pub(super) fn torn() -> Self {
        Self::new(Code::InvalidArgument, "the message did not arrive whole")
    }

    /// A door that cannot judge now.
    pub(super) fn unavailable() -> Self {
        Self::new(Code::Unavailable, "no verdict can be given at the moment")
    }
}
