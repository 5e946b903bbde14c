//! What a handler answers: status, body, change, entity tag.

use axum::Json;
use axum::response::{IntoResponse, Response};
use claviger_domain::change::Position;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Manage;
use crate::body::Waiting;
use crate::error::Error;
use crate::nodes::Reached;

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
    reached: Option<Reached>,
}

/// A body, and beside its members the nodes that have applied the change.
#[derive(Serialize)]
struct WithNodes<'a, T> {
    #[serde(flatten)]
    body: Option<&'a T>,
    #[serde(flatten)]
    reached: &'a Reached,
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
        Self { status: StatusCode::OK, body: Some(body), change: None, version: None, location: None, reached: None }
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

    /// The change that was made, once the nodes that the call asks for have applied it, or the time for it is over: then
    /// the answer is 202 and says who has not.
    pub async fn settled(
        self,
        manage: &Manage,
        position: Option<Position>,
        waiting: impl Into<Waiting>,
    ) -> Result<Self, Error> {
        let reached = manage.wait(position, waiting.into()).await?;
        Ok(Self { reached, ..self.change(position) })
    }

    /// The same for an answer with a new secret, which is to be good at every live node: it is waited for unasked.
    pub async fn settled_with_secret(
        self,
        manage: &Manage,
        position: Option<Position>,
        waiting: impl Into<Waiting>,
    ) -> Result<Self, Error> {
        let reached = manage.wait_for_secret(position, waiting.into()).await?;
        Ok(Self { reached, ..self.change(position) })
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
    /// 204; 200 where nodes are named.
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, ..Self::ok(()) }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let Self { status, body, change, version, location, reached } = self;
        let mut response = match (&body, &reached) {
            (_, Some(reached)) => {
                (status_with_nodes(status, reached), Json(WithNodes { body: body.as_ref(), reached })).into_response()
            }
            (Some(body), None) => (status, Json(body)).into_response(),
            (None, None) => status.into_response(),
        };
        put_headers(response.headers_mut(), change, version, location);
        response
    }
}

/// A creation stays 201: whoever made something reads `pending`.
fn status_with_nodes(status: StatusCode, reached: &Reached) -> StatusCode {
    match status {
        StatusCode::CREATED => status,
        _ if reached.is_all() => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
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
