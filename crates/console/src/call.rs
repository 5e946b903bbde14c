//! The console calls the management API in the same process, as the person whose browser asks: one way to do a thing, and
//! no page can do what the API would refuse.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use bytes::Bytes;
use claviger_domain::RequestId;
use claviger_manage::{Error, ErrorCode};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ETAG, HOST, IF_MATCH, ORIGIN, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::operations;

/// The most bytes of an answer that a page is made of.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// All but letters, digits, `-` and `_`: a dot too, as a segment of dots alone leads elsewhere.
const ESCAPED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_');
const CSRF_HEADER: HeaderName = HeaderName::from_static("x-claviger-csrf");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Somebody's browser, and the API that its pages are made of.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    api: Router,
    peer: Option<ConnectInfo<SocketAddr>>,
    request_id: Option<RequestId>,
    /// What the browser sent and the API looks at.
    headers: HeaderMap,
}

/// A call in the making.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    caller: &'a Caller,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    headers: HeaderMap,
    body: Bytes,
}

/// A text as one segment of a path, or one value of a query.
pub(crate) fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, ESCAPED).to_string()
}

// === impl Caller ===

impl Caller {
    /// The browser that sent `parts`.
    pub(crate) fn new(api: Router, parts: &Parts) -> Self {
        let mut headers = HeaderMap::new();
        for name in [COOKIE, HOST, ORIGIN, USER_AGENT, SEC_FETCH_SITE] {
            for value in parts.headers.get_all(&name) {
                headers.append(&name, value.clone());
            }
        }
        Self { api, peer: parts.extensions.get().copied(), request_id: parts.extensions.get().copied(), headers }
    }

    /// The same browser, whose changes bear this token.
    pub(crate) fn with_csrf(mut self, token: &str) -> Self {
        if let Ok(value) = HeaderValue::try_from(token) {
            self.headers.insert(CSRF_HEADER, value);
        }
        self
    }

    /// Somebody at the same address who has no session: a link that one holds is enough for what it does.
    pub(crate) fn as_nobody(&self) -> Self {
        let mut nobody = self.clone();
        nobody.headers.remove(COOKIE);
        nobody
    }

    /// The browser's address.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.0.ip().to_canonical())
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::POST, path)
    }

    pub(crate) fn patch(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::PATCH, path)
    }

    pub(crate) fn put(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::PUT, path)
    }

    pub(crate) fn delete(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call { caller: self, method, path: path.into(), headers: self.headers.clone(), body: Body::empty() }
    }
}

// === impl Call ===

impl Call<'_> {
    /// With a body of JSON.
    #[must_use]
    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Body::from(body.to_string());
        self
    }

    /// With a document of this media type as its body.
    #[must_use]
    pub(crate) fn document(mut self, media_type: &'static str, document: Bytes) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.body = Body::from(document);
        self
    }

    /// With a token of its own in the place of a session.
    #[must_use]
    pub(crate) fn bearer(mut self, token: &str) -> Self {
        if let Ok(mut value) = HeaderValue::try_from(format!("Bearer {token}")) {
            value.set_sensitive(true);
            self.headers.insert(AUTHORIZATION, value);
        }
        self
    }

    /// Done once, however often it is sent under this key.
    #[must_use]
    pub(crate) fn once(mut self, key: Option<&str>) -> Self {
        if let Some(value) = key.and_then(|key| HeaderValue::try_from(key).ok()) {
            self.headers.insert(IDEMPOTENCY_KEY, value);
        }
        self
    }

    /// Refused where the record is not this version any more.
    #[must_use]
    pub(crate) fn if_match(mut self, version: Option<&str>) -> Self {
        if let Some(value) = version.and_then(|version| HeaderValue::try_from(version).ok()) {
            self.headers.insert(IF_MATCH, value);
        }
        self
    }

    /// Makes the call, below `/api/v1`.
    pub(crate) async fn send(self) -> Result<Answer, Error> {
        let response = self.respond().await?;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|error| Error::internal(error.to_string()))?;
        Ok(Answer { headers: parts.headers, body })
    }

    /// The same with the body as it comes, for downloads.
    pub(crate) async fn respond(self) -> Result<axum::response::Response, Error> {
        let Self { caller, method, path, headers, body } = self;
        debug_assert!(operations::is_one(&method, &path), "{method} {path} is no operation of the API's document");
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if let Some(own) = request.headers_mut() {
            *own = headers;
        }
        let mut request = request.body(body).map_err(|error| Error::internal(error.to_string()))?;
        if let Some(peer) = caller.peer {
            request.extensions_mut().insert(peer);
        }
        if let Some(id) = caller.request_id {
            request.extensions_mut().insert(id);
        }
        let mut response = match caller.api.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        match response.extensions_mut().remove::<Error>() {
            Some(error) => Err(error),
            None if response.status().is_success() => Ok(response),
            None => Err(Error::internal(format!("the API answered {}", response.status()))),
        }
    }

    /// Makes the call and reads its answer.
    pub(crate) async fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.send().await?.read()
    }

    /// The same where the thing may not be there, or may not be seen: `None`.
    pub(crate) async fn read_if_seen<T: DeserializeOwned>(self) -> Result<Option<T>, Error> {
        match self.read().await {
            Ok(read) => Ok(Some(read)),
            Err(error) if [ErrorCode::NotFound, ErrorCode::Forbidden].contains(&error.code()) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

// === impl Answer ===

impl Answer {
    /// The body as what a page expects of it.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::internal(format!("an answer of the API: {error}")))
    }

    /// The record's version.
    pub(crate) fn version(&self) -> Option<&str> {
        self.headers.get(ETAG)?.to_str().ok()
    }

    /// Whether the same call had been made before.
    pub(crate) fn is_replayed(&self) -> bool {
        self.headers.contains_key(REPLAYED)
    }

    /// The cookies it sets.
    pub(crate) fn cookies(&self) -> Vec<HeaderValue> {
        self.headers.get_all(SET_COOKIE).iter().cloned().collect()
    }
}
