//! What comes in: JSON bodies, query parameters, `If-Match`. Every mistake names its field.

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use claviger_domain::link::LINK_TOKEN_LENGTH;
use claviger_domain::name::Name;
use claviger_domain::redact::{MARK, redact};
use http::request::Parts;
use http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::answer::entity_tag;
use crate::error::{Error, ErrorCode, FIELD_ERRORS_MAX, FieldError};
use crate::nodes::WAIT_MS_MAX;

/// The most bytes of a JSON body; an import has its own maximum.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// The most parameters of a query.
pub const QUERY_PARAMETERS_MAX: usize = 50;

/// A JSON body of at most [`BODY_BYTES_MAX`].
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

/// A JSON body that may be left out; an empty one is `T::default()`.
#[derive(Debug)]
pub struct OptionalJsonBody<T>(pub T);

/// Query parameters, unknown ones refused.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// The version that `If-Match` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(Option<String>);

/// `?wait=`: which nodes must have applied a change before the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// This one.
    Node,
    /// All that are live.
    All,
}

/// What a change's query asks to wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// For which nodes; `None`: this one, and the answer names none.
    pub wait: Option<Wait>,
    /// How long at most, in milliseconds.
    pub wait_ms: Option<u32>,
}

/// The query of a change.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangeQuery {
    /// Which nodes must have applied the change before the call returns: `node` is this one, `all` every live one. The
    /// answer then names them.
    #[serde(default)]
    #[param(inline)]
    pub wait: Option<Wait>,
    /// How many milliseconds to wait for them at most; 1,000 if not given.
    #[serde(default, deserialize_with = "wait_ms")]
    #[param(maximum = 5_000)]
    pub wait_ms: Option<u32>,
}

/// Reads at most `max_bytes` of a body.
pub async fn read_bytes(headers: &HeaderMap, body: Body, max_bytes: usize) -> Result<Bytes, Error> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max_bytes as u64) {
        return Err(Error::too_large(max_bytes));
    }
    axum::body::to_bytes(body, max_bytes).await.map_err(|error| {
        use std::error::Error as _;
        match error.source().and_then(|source| source.downcast_ref::<http_body_util::LengthLimitError>()) {
            Some(_) => Error::too_large(max_bytes),
            None => Error::new(ErrorCode::InvalidRequest, "The body ended early."),
        }
    })
}

/// The media type of a request without its parameters, in lower case.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Reads `value` into `T`, collecting what is wrong: each wrong field is noted, taken out, and the rest read again.
pub fn read_fields<T: DeserializeOwned>(mut value: Value) -> Result<T, Error> {
    // serde would take an array for a struct's fields in order.
    if !value.is_object() {
        return Err(Error::field("body", "expected a JSON object"));
    }
    let mut errors: Vec<FieldError> = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(value.clone()) {
            Ok(read) if errors.is_empty() => return Ok(read),
            Ok(_) => break,
            Err(error) => error,
        };
        let (path, message) = locate(&error);
        // What is missing because it was taken out has been said; then its parent goes.
        if !errors.iter().any(|known| known.field == path) {
            errors.push(FieldError::new(path, message));
        }
        if !remove(&mut value, error.path()) || errors.len() >= FIELD_ERRORS_MAX {
            break;
        }
    }
    Err(Error::invalid(errors))
}

/// The field and the message of serde's error; a missing field's name stands in the message alone. serde quotes the
/// value that it did not expect, which may be a secret at the wrong place: only what was expected is kept.
fn locate(error: &serde_path_to_error::Error<serde_json::Error>) -> (String, String) {
    let message = error.inner().to_string();
    let at = match error.path().to_string() {
        root if root == "." => String::new(),
        path => path,
    };
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| format!("expected {expected}"));
    if let Some(name) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let path = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        return (path, "is required".to_owned());
    }
    if message.starts_with("unknown field ") {
        let expected = expected.unwrap_or_else(|| "there are no fields".to_owned());
        return (unknown_member(&at).into_owned(), format!("unknown field, {expected}"));
    }
    (if at.is_empty() { "body".to_owned() } else { redact(&at).into_owned() }, expected.unwrap_or(message))
}

/// A member that there is not, as an answer repeats it: whoever sent a token in the place of a name does not find it there.
fn unknown_member(path: &str) -> Cow<'_, str> {
    let of_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_token = |part: &str| part.len() >= LINK_TOKEN_LENGTH && part.chars().all(of_token);
    if path.split('.').any(is_token) { Cow::Borrowed(MARK) } else { redact(path) }
}

/// Takes the member that `path` names out of `value`; false if there is none.
fn remove(value: &mut Value, path: &serde_path_to_error::Path) -> bool {
    use serde_path_to_error::Segment;
    let mut segments: Vec<&Segment> = path.iter().collect();
    // An element of an array cannot be left out without moving the others: the whole member goes.
    while matches!(segments.last(), Some(Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown)) {
        segments.pop();
    }
    let Some((Segment::Map { key }, parents)) = segments.split_last() else { return false };
    let mut at = value;
    for segment in parents {
        let next = match segment {
            Segment::Map { key } => at.get_mut(key),
            Segment::Seq { index } => at.get_mut(*index),
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return false,
        }
    }
    at.as_object_mut().is_some_and(|members| members.shift_remove(key).is_some())
}

async fn read_json(request: Request) -> Result<Option<Value>, Error> {
    let (parts, body) = request.into_parts();
    let bytes = read_bytes(&parts.headers, body, BODY_BYTES_MAX).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if media_type(&parts.headers).as_deref() != Some("application/json") {
        return Err(Error::unsupported_media_type("application/json"));
    }
    let value = serde_json::from_slice(&bytes).map_err(|error| {
        // The position is the caller's help; the text around it could be a secret and is not repeated.
        let (line, column) = (error.line(), error.column());
        Error::field("body", format!("expected JSON; it breaks off or goes wrong at line {line}, column {column}"))
    })?;
    Ok(Some(value))
}

/// Deserializes a number that stands in a query as text.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| serde::de::Error::custom("expected a whole number"))
}

/// Deserializes `?wait_ms=`.
pub fn wait_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let fits = text.parse().ok().filter(|wait_ms| *wait_ms <= WAIT_MS_MAX);
    fits.map(Some).ok_or_else(|| serde::de::Error::custom(format_args!("expected 0 to {WAIT_MS_MAX} milliseconds")))
}

/// Deserializes a yes or no that stands in a query as text.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom("expected `true` or `false`"))
}

/// Deserializes a truth value that stands in a query as text.
pub fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(serde::de::Error::custom("expected true or false")),
    }
}

/// The same where it may be left out.
pub fn some_truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    truth(deserializer).map(Some)
}

/// Deserializes a member of a `PATCH` that cannot be taken away: absent or a value; null is refused, not passed over.
pub fn value<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Deserializes a name that somebody gives now: stricter than names that are stored.
pub fn new_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
    Name::new(&Cow::<str>::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The same of a member that may be absent or null.
pub fn new_name_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Name>, D::Error> {
    let text = Option::<Cow<'de, str>>::deserialize(deserializer)?;
    text.map(|text| Name::new(&text).map_err(D::Error::custom)).transpose()
}

/// The same of a member of a `PATCH` that cannot be taken away.
pub fn new_name_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Name>, D::Error> {
    new_name(deserializer).map(Some)
}

/// The same of one that can: absent, null or a name.
pub fn new_name_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Name>>, D::Error> {
    new_name_or_none(deserializer).map(Some)
}

/// Deserializes a member of a `PATCH`: absent, null or a value (`None`, `Some(None)`, `Some(Some(…))`).
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

// === impl Waiting ===

/// For each query that has both parameters: serde cannot flatten a query that refuses unknown names.
macro_rules! waits {
    ($($query:ty),* $(,)?) => {
        $(impl From<$query> for Waiting {
            fn from(query: $query) -> Self {
                Self { wait: query.wait, wait_ms: query.wait_ms }
            }
        })*
    };
}
waits!(
    ChangeQuery,
    &crate::apis::ImportQuery,
    &crate::keys::ImportKeysQuery,
    &crate::preview_query::PreviewQuery,
    &crate::users::http::DisableQuery,
);

// === impl extractors ===

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        match read_json(request).await? {
            Some(value) => read_fields(value).map(Self),
            None => Err(Error::field("body", "expected a JSON object, got nothing")),
        }
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        match read_json(request).await? {
            Some(value) => read_fields(value).map(Self),
            None => Ok(Self(T::default())),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| Error::field("query", "expected `name=value` pairs in UTF-8"))?;
        if pairs.0.len() > QUERY_PARAMETERS_MAX {
            return Err(Error::field("query", format!("expected at most {QUERY_PARAMETERS_MAX} parameters")));
        }
        let mut members = Map::new();
        for (name, value) in pairs.0 {
            if members.insert(name.clone(), Value::String(value)).is_some() {
                return Err(Error::field(redact(&name), "given more than once"));
            }
        }
        read_fields(Value::Object(members)).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let value = parts.headers.get(header::IF_MATCH).map(|value| value.to_str().map(str::to_owned));
        match value.transpose() {
            Ok(value) => Ok(Self(value)),
            Err(_) => Err(Error::field("If-Match", "expected an entity tag")),
        }
    }
}

// === impl IfMatch ===

impl IfMatch {
    /// No condition.
    pub const ANY: Self = Self(None);

    /// 412 unless the record still has the version that the caller saw.
    pub fn check(&self, version: i64) -> Result<(), Error> {
        let Some(tags) = &self.0 else { return Ok(()) };
        let current = entity_tag(version);
        if tags.split(',').map(str::trim).any(|tag| tag == "*" || tag == current) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::Stale, "It was changed since it was read; read it again."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by the deserializer")]
    struct Outer {
        name: String,
        #[serde(default)]
        count: Option<u32>,
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by the deserializer")]
    struct Inner {
        range: String,
    }

    fn fields(value: Value) -> Vec<(String, String)> {
        let error = read_fields::<Outer>(value).expect_err("the value is wrong");
        error.errors().iter().map(|error| (error.field.clone(), error.message.clone())).collect()
    }

    #[test]
    fn every_wrong_field_is_named() {
        let found = fields(json!({"nmae": "x", "count": "7", "colour": 1, "list": [{"range": 5}]}));
        let names: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(names, ["nmae", "count", "colour", "list[0].range", "name"]);
        assert!(found[0].1.starts_with("unknown field, expected"), "{found:?}");
        assert_eq!(found[4].1, "is required");
    }

    #[test]
    fn a_wrong_required_field_is_not_called_missing_too() {
        let found = fields(json!({"name": 5}));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "name");
    }

    #[test]
    fn what_is_no_object_is_a_wrong_body() {
        assert_eq!(fields(json!([]))[0].0, "body");
        assert_eq!(fields(json!("text"))[0].0, "body");
    }

    #[test]
    fn if_match_compares_versions() {
        assert!(IfMatch::ANY.check(3).is_ok());
        assert!(IfMatch(Some("\"3\"".to_owned())).check(3).is_ok());
        assert!(IfMatch(Some("\"2\", \"3\"".to_owned())).check(3).is_ok());
        assert!(IfMatch(Some("*".to_owned())).check(3).is_ok());
        assert_eq!(IfMatch(Some("\"2\"".to_owned())).check(3).expect_err("stale").code(), ErrorCode::Stale);
    }
}
