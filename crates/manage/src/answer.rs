//! What a handler answers: status, body, change, entity tag.

use axum::Json;
use axum::response::{IntoResponse, Response};
use claviger_domain::change::Position;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names the change that a call made: `<epoch>.<seq>`.
pub const CHANGE_HEADER: &str = "x-claviger-change";

/// An answer in the making.
#[derive(Debug)]
pub struct Answer<T> {
    status: StatusCode,
    body: Option<T>,
    change: Option<Position>,
    version: Option<i64>,
    location: Option<String>,
}

/// An answer as it is kept for calls that repeat the first one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptAnswer {
    pub(crate) status: u16,
    pub(crate) version: Option<i64>,
    pub(crate) location: Option<String>,
    pub(crate) body: Value,
}

// === impl Answer ===

impl<T: Serialize> Answer<T> {
    /// 200 with `body`.
    pub fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, body: Some(body), change: None, version: None, location: None }
    }

    /// 201 with `body`.
    pub fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(body) }
    }

    /// The change that was made; none if nothing changed.
    #[must_use]
    pub fn change(self, position: Option<Position>) -> Self {
        Self { change: position, ..self }
    }

    /// The record's version, as `ETag`.
    #[must_use]
    pub fn version(self, version: i64) -> Self {
        Self { version: Some(version), ..self }
    }

    /// Where the record that was made stands from now on, below `/api/v1`, as `Location`.
    #[must_use]
    pub fn location(self, noun: &str, id: &str) -> Self {
        Self { location: Some(format!("/api/v1/{noun}/{id}")), ..self }
    }
}

impl Answer<Value> {
    /// What is kept of it for a call that repeats this one.
    pub(crate) fn into_kept(self) -> KeptAnswer {
        let Self { status, body, version, location, .. } = self;
        KeptAnswer { status: status.as_u16(), version, location, body: body.unwrap_or_default() }
    }
}

impl Answer<()> {
    /// 204.
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, change: None, version: None, location: None }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => (self.status, Json(body)).into_response(),
            None => self.status.into_response(),
        };
        put_headers(response.headers_mut(), self.change, self.version, self.location);
        response
    }
}

/// Adds what an answer says beside its body.
pub(crate) fn put_headers(
    headers: &mut HeaderMap,
    change: Option<Position>,
    version: Option<i64>,
    location: Option<String>,
) {
    if let Some(value) = change.and_then(|position| HeaderValue::try_from(position.to_string()).ok()) {
        headers.insert(CHANGE_HEADER, value);
    }
    if let Some(value) = version.and_then(|version| HeaderValue::try_from(entity_tag(version)).ok()) {
        headers.insert(header::ETAG, value);
    }
    if let Some(value) = location.and_then(|path| HeaderValue::try_from(path).ok()) {
        headers.insert(header::LOCATION, value);
    }
}

/// The entity tag of a version.
pub(crate) fn entity_tag(version: i64) -> String {
    format!("\"{version}\"")
}
