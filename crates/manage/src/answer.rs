//! What a handler answers: status, body, change, entity tag.

use axum::Json;
use axum::response::{IntoResponse, Response};
use claviger_domain::change::Position;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

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
        let headers = response.headers_mut();
        if let Some(value) = self.change.and_then(|position| HeaderValue::try_from(position.to_string()).ok()) {
            headers.insert(CHANGE_HEADER, value);
        }
        if let Some(value) = self.version.and_then(|version| HeaderValue::try_from(entity_tag(version)).ok()) {
            headers.insert(header::ETAG, value);
        }
        if let Some(value) = self.location.and_then(|path| HeaderValue::try_from(path).ok()) {
            headers.insert(header::LOCATION, value);
        }
        response
    }
}

/// The entity tag of a version.
pub(crate) fn entity_tag(version: i64) -> String {
    format!("\"{version}\"")
}
