//! The one error of the control plane and its one mapping to RFC 9457.
//!
//! What the caller reads (`detail`, `errors`) and what the log reads (`Internal`) are different types; the latter
//! has no `Display`, so it cannot slip into an answer.

use std::borrow::Cow;
use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use claviger_domain::RequestId;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// The most entries of `errors` in one answer.
pub const FIELD_ERRORS_MAX: usize = 20;

/// What went wrong, as a stable word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The question is wrong in itself.
    InvalidRequest,
    /// Nobody proved who they are.
    Unauthenticated,
    /// Known, and asked to prove it again.
    StepUpRequired,
    /// Known, but may not.
    Forbidden,
    /// No such thing, or none that the caller may know of.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// Somebody living has this name or slug.
    NameTaken,
    /// The state of the thing forbids it.
    Conflict,
    /// A named maximum is reached.
    LimitReached,
    /// `If-Match` names an older version.
    Stale,
    /// The body is larger than the named maximum.
    TooLarge,
    /// The body is of another type than expected.
    UnsupportedMediaType,
    /// Another request bore this `Idempotency-Key`.
    IdempotencyMismatch,
    /// The `Host` is none of this server's.
    Misdirected,
    /// Too many tries that failed.
    TooManyAttempts,
    /// Cannot answer now.
    Busy,
    /// A fault of the server.
    Internal,
}

/// One field of the question and what was expected of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's path, such as `allowed_ips[1].range`; a query parameter or header by its name.
    pub field: String,
    /// What was expected.
    pub message: String,
}

/// Why a use case did not do what was asked.
#[derive(Debug, Clone)]
pub struct Error {
    code: ErrorCode,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    internal: Option<Internal>,
    /// After how many seconds a further try makes sense.
    retry_after: Option<u64>,
}

/// A cause for the log alone.
#[derive(Debug, Clone)]
struct Internal(#[expect(dead_code, reason = "read by Debug when it is logged")] String);

/// An error on the wire: RFC 9457, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:claviger:problem:<code>`.
    #[serde(rename = "type")]
    kind: String,
    /// The stable word.
    code: &'static str,
    /// The same for every problem of this code.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong this time.
    detail: String,
    /// Names this request in the log.
    request_id: String,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

// === impl ErrorCode ===

impl ErrorCode {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unauthenticated => "unauthenticated",
            Self::StepUpRequired => "step_up_required",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NameTaken => "name_taken",
            Self::Conflict => "conflict",
            Self::LimitReached => "limit_reached",
            Self::Stale => "stale",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::Misdirected => "misdirected",
            Self::TooManyAttempts => "too_many_attempts",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::Unauthenticated | Self::StepUpRequired => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NameTaken | Self::Conflict | Self::LimitReached => StatusCode::CONFLICT,
            Self::Stale => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is not valid",
            Self::Unauthenticated => "Authentication is required",
            Self::StepUpRequired => "Prove again who you are",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::NameTaken => "The name is taken",
            Self::Conflict => "Not possible in this state",
            Self::LimitReached => "A limit is reached",
            Self::Stale => "Changed meanwhile",
            Self::TooLarge => "The body is too large",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::IdempotencyMismatch => "The Idempotency-Key was used",
            Self::Misdirected => "Not a host name of this server",
            Self::TooManyAttempts => "Too many tries",
            Self::Busy => "Not now",
            Self::Internal => "Internal error",
        }
    }
}

// === impl FieldError ===

impl FieldError {
    /// `field` is wrong; `message` says what was expected.
    pub fn new(field: impl Into<String>, message: impl Display) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}

// === impl Error ===

impl Error {
    /// An error of `code` with a sentence for the caller.
    pub fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), internal: None, retry_after: None }
    }

    /// 400: these fields are wrong.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.first() {
            Some(first) => format!("{}: {}", first.field, first.message),
            None => "The request is not valid.".to_owned(),
        };
        Self { errors, ..Self::new(ErrorCode::InvalidRequest, detail) }
    }

    /// 400: this field is wrong.
    pub fn field(field: impl Into<String>, message: impl Display) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// With what is wrong with further fields, where this one names fields too.
    #[must_use]
    pub(crate) fn and(mut self, other: &Self) -> Self {
        if !self.errors.is_empty() {
            self.errors.extend(other.errors.iter().cloned());
        }
        self
    }

    /// 401.
    pub fn unauthenticated(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Unauthenticated, detail)
    }

    /// 403.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Forbidden, detail)
    }

    /// 404: the thing that the path names.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(ErrorCode::NotFound, format!("There is no such {what}."))
    }

    /// 404: these fields name what is not there. The same for another organization's things.
    pub fn names_unknown(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(ErrorCode::NotFound, "The request names what does not exist.") }
    }

    /// 404 of a link: one answer for what never was, what was used and what is over.
    pub fn unknown_link() -> Self {
        let detail = "This link is not known: it was used, has expired, or was replaced by a newer one.";
        Self::new(ErrorCode::NotFound, detail)
    }

    /// 409 `conflict`.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Conflict, detail)
    }

    /// 409 `name_taken` with the field and whose it is.
    pub fn name_taken(field: &'static str, taken_by: impl Display) -> Self {
        let message = format!("already used by {taken_by}");
        Self { errors: vec![FieldError::new(field, message)], ..Self::new(ErrorCode::NameTaken, "The name is taken.") }
    }

    /// 413.
    pub fn too_large(max_bytes: usize) -> Self {
        Self::new(ErrorCode::TooLarge, format!("The body is larger than {max_bytes} bytes."))
    }

    /// 415.
    pub fn unsupported_media_type(expected: &str) -> Self {
        Self::new(ErrorCode::UnsupportedMediaType, format!("Expected Content-Type: {expected}."))
    }

    /// 401 of a session: the password again.
    pub fn step_up_required() -> Self {
        let detail = "Prove again who you are, by `POST /session/step-up`; it is remembered for ten minutes.";
        Self::new(ErrorCode::StepUpRequired, detail)
    }

    /// 429: so long no further try is looked at.
    pub fn too_many_attempts(pause: std::time::Duration) -> Self {
        let detail = "There were too many tries that failed; `Retry-After` says when the next one is looked at.";
        let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
        Self { retry_after: Some(seconds), ..Self::new(ErrorCode::TooManyAttempts, detail) }
    }

    /// 429: a mailbox got its share of mails; the next one may go after this pause.
    pub fn too_many_mails(pause: std::time::Duration) -> Self {
        let too_many = Self::too_many_attempts(pause);
        let seconds = too_many.retry_after.unwrap_or_default();
        let detail =
            format!("There were so many such mails of late that the next one has to wait for {seconds} seconds.");
        Self { detail: detail.into(), ..too_many }
    }

    /// 503.
    pub fn busy(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Busy, detail)
    }

    /// 500; `cause` goes to the log and nowhere else.
    pub fn internal(cause: impl Into<String>) -> Self {
        let public = "The server could not do this; its log says why under the request id.";
        Self { internal: Some(Internal(cause.into())), ..Self::new(ErrorCode::Internal, public) }
    }

    /// The same with a cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.internal = Some(Internal(cause.into()));
        self
    }

    /// The same with fields.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// The stable word.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The sentence for the caller.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// After how many seconds a further try makes sense, where that is known.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// The fields that are wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The whole answer: the one place where an error becomes HTTP.
    pub(crate) fn render(&self, request_id: RequestId) -> Response {
        if let Some(internal) = &self.internal {
            tracing::error!(%request_id, code = self.code.as_str(), cause = ?internal, "management call failed");
        }
        let status = self.code.status();
        let problem = Problem {
            kind: format!("urn:claviger:problem:{}", self.code.as_str()),
            code: self.code.as_str(),
            title: self.code.title(),
            status: status.as_u16(),
            detail: self.detail.clone().into_owned(),
            request_id: request_id.to_string(),
            errors: self.errors.iter().take(FIELD_ERRORS_MAX).cloned().collect(),
        };
        let mut response = (status, axum::Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.code {
            ErrorCode::Unauthenticated => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"claviger\""));
            }
            ErrorCode::Busy => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<claviger_store::Error> for Error {
    fn from(error: claviger_store::Error) -> Self {
        use claviger_store::{Error as Store, Taken};
        let public = match &error {
            Store::NotFound => return Self::new(ErrorCode::NotFound, "There is no such record any more."),
            Store::ForeignCursor => return Self::field("cursor", "expected the next_cursor of this very list"),
            Store::Taken(Taken::Name) => return Self::name_taken("name", "another"),
            Store::Taken(Taken::Slug) => return Self::name_taken("slug", "another"),
            Store::Taken(Taken::Email) => return Self::name_taken("email", "another"),
            Store::Taken(Taken::Username) => return Self::name_taken("username", "another"),
            Store::Unknown => {
                Self::busy("The connection to the database was lost: the change may or may not be there.")
            }
            Store::Unavailable(_) | Store::Busy => Self::busy("The database does not answer now; nothing was changed."),
            Store::Full => Self::busy("There is no room left on the database's disk; nothing was changed."),
            Store::ReadOnly => Self::busy("The database cannot be written now; nothing was changed."),
            Store::NewerSchema(_) => return Self::conflict(error.to_string()),
            Store::Outdated { .. } => {
                Self::busy("The database was upgraded by a newer program; this server has to be upgraded too.")
            }
            Store::Taken(_)
            | Store::Corrupt(_)
            | Store::Unreadable(_)
            | Store::TooManyChanges(_)
            | Store::Refused(_) => {
                return Self::internal(error.to_string());
            }
        };
        public.caused_by(error.to_string())
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {}

/// The error itself travels in the response's extensions until the outermost layer, which knows the request id,
/// renders it.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
