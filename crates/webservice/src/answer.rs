//! The envelope: `{"status":1,"result":…}` or `{"status":0,"error":{"message","code"}}`, and the headers of every answer.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::Response;
use claviger_engine::WebServiceRefused;
use claviger_manage::error::{Error, ErrorCode};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL,
    CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::action::Action;

/// What clients of the service look for in a challenge.
const CHALLENGE: &str = "Basic realm=\"YetiForceApi\"";
/// The headers that a page of another origin may send.
const ALLOWED_HEADERS: &str = "Origin, X-Requested-With, Content-Type, Accept, Authorization, x-api-key, x-encrypted, x-token, \
                               x-http-method, x-row-limit, x-row-offset, x-session-uptime";

/// A result; none answers `OPTIONS`.
pub(crate) type Answered = Result<Option<Success>, Failure>;

/// A result as it stands in the envelope.
#[derive(Debug)]
pub(crate) struct Success {
    result: Value,
    /// Stands beside the result, where clients that know nothing of it do not look.
    recovery_codes: Option<Value>,
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    message: Cow<'static, str>,
    /// Whether name and password are to be sent.
    challenges: bool,
    retry_after: Option<u64>,
}

/// The answer on the wire.
pub(crate) fn of(answered: Answered, action: Option<Action>) -> Response {
    let (status, body, failure) = match answered {
        Ok(None) => (StatusCode::OK, None, None),
        Ok(Some(success)) => (StatusCode::OK, Some(success.into_envelope()), None),
        Err(failure) => {
            let error = json!({"message": failure.message, "code": failure.status.as_u16()});
            (failure.status, Some(json!({"status": 0, "error": error})), Some(failure))
        }
    };
    let methods: Vec<_> = action.into_iter().flat_map(Action::methods).map(http::Method::as_str).collect();
    let mut response = Response::new(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
    if let Ok(methods) = HeaderValue::from_str(&methods.join(", ")) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"api.json\""));
    headers.insert("encrypted", HeaderValue::from_static("0"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(failure) = failure {
        if failure.challenges {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Some(seconds) = failure.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
    response
}

/// Clients of the service read objects only: a list is one whose keys are its places.
fn without_lists(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let items = items.into_iter().enumerate().map(|(place, item)| (place.to_string(), without_lists(item)));
            Value::Object(items.collect())
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, without_lists(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        plain => plain,
    }
}

// === impl Success ===

impl Success {
    /// With recovery codes, which are shown this once.
    pub(crate) fn with_recovery_codes(self, codes: Value) -> Self {
        Self { recovery_codes: Some(codes), ..self }
    }

    fn into_envelope(self) -> Value {
        let mut envelope = json!({"status": 1, "result": without_lists(self.result)});
        if let Some(codes) = self.recovery_codes {
            envelope["recoveryCodes"] = without_lists(codes);
        }
        envelope
    }
}

impl From<Value> for Success {
    fn from(result: Value) -> Self {
        Self { result, recovery_codes: None }
    }
}

// === impl Failure ===

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), challenges: false, retry_after: None }
    }

    pub(crate) fn field(name: &str, expected: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("{name}: {expected}"))
    }

    pub(crate) fn no_action() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "No action found")
    }

    pub(crate) fn no_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "No sent token")
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Of an application or a session that did not prove itself.
    pub(crate) fn of_refusal(refused: WebServiceRefused) -> Self {
        let unauthorized = |message: &'static str| Self::new(StatusCode::UNAUTHORIZED, message);
        let challenge = |message| Self { challenges: true, ..unauthorized(message) };
        match refused {
            WebServiceRefused::NoLogin => challenge("Web service - Applications: Unauthorized"),
            WebServiceRefused::WrongLogin => challenge("Web service - Applications: Wrong Credentials"),
            WebServiceRefused::WrongKey => unauthorized("Invalid api key"),
            WebServiceRefused::WrongAddress => unauthorized("Illegal IP address"),
            WebServiceRefused::NoToken => Self::no_token(),
            WebServiceRefused::WrongToken => unauthorized("Invalid token"),
            WebServiceRefused::SessionOver => unauthorized("Token has expired"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.code() == ErrorCode::Internal {
            tracing::error!(cause = ?error, "call of the web service failed");
        }
        let fields: Vec<_> = error.errors().iter().map(|it| format!("{}: {}", it.field, it.message)).collect();
        let message = if fields.is_empty() { error.detail().to_owned() } else { fields.join("; ") };
        let retry_after = error.retry_after();
        Self { retry_after, ..Self::new(error.code().status(), message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_03_lists_are_objects_whose_keys_are_their_places() {
        let value = json!({"rows": [{"tags": ["a"]}, 2], "none": [], "text": "zażółć/"});
        let expected = json!({"rows": {"0": {"tags": {"0": "a"}}, "1": 2}, "none": {}, "text": "zażółć/"});
        assert_eq!(without_lists(value), expected);
    }
}
