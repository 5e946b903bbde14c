//! Bodies: JSON, forms and forms with parts, as clients of the service send them; an empty one and `[]` are no fields.

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::answer::Failure;

/// The most bytes of a body: the longest that anything here takes is 4 KB of preferences.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// The most fields of a form.
const FIELDS_MAX: usize = 100;

/// The fields of a body and of the query, which wins.
#[derive(Clone, Default)]
pub(crate) struct Fields(Map<String, Value>);

// === impl Fields ===

impl Fields {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A field that holds fields; none where it holds `[]` or anything else.
    pub(crate) fn map(&self, name: &str) -> Map<String, Value> {
        self.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// With the fields of a query.
    pub(crate) fn with_query(mut self, query: Option<&str>) -> Self {
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()).take(FIELDS_MAX) {
            if !matches!(&*name, "_container" | "module" | "action") {
                self.put(&name, value.into_owned());
            }
        }
        self
    }

    /// Puts `name`, or `outer[inner]` into the field `outer`.
    fn put(&mut self, name: &str, value: String) {
        let nested = name.strip_suffix(']').and_then(|name| name.split_once('['));
        let Some((outer, inner)) = nested else {
            self.0.insert(name.to_owned(), Value::String(value));
            return;
        };
        let held = self.0.entry(outer.to_owned()).or_insert_with(|| Value::Object(Map::new()));
        if let Some(held) = held.as_object_mut() {
            held.insert(inner.to_owned(), Value::String(value));
        }
    }
}

/// Reads a body by its content type; without one, as what the client accepts.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Fields, Failure> {
    let too_large = |_| Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("expected at most {BODY_BYTES_MAX} bytes"));
    let bytes = to_bytes(body, BODY_BYTES_MAX).await.map_err(too_large)?;
    if bytes.trim_ascii().is_empty() {
        return Ok(Fields::default());
    }
    let kind = headers.get(CONTENT_TYPE).or_else(|| headers.get(ACCEPT)).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/x-www-form-urlencoded" => form(&bytes),
        "multipart/form-data" => parts(kind, bytes).await,
        _ => json(&bytes),
    }
}

fn json(bytes: &[u8]) -> Result<Fields, Failure> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(Fields(fields)),
        Ok(Value::Array(items)) if items.is_empty() => Ok(Fields::default()),
        Ok(Value::Null) => Ok(Fields::default()),
        Ok(_) => Err(bad("expected an object")),
        Err(error) => Err(bad(&format!("no JSON: line {}, column {}", error.line(), error.column()))),
    }
}

fn form(bytes: &[u8]) -> Result<Fields, Failure> {
    let mut fields = Fields::default();
    for (count, (name, value)) in form_urlencoded::parse(bytes).enumerate() {
        if count == FIELDS_MAX {
            return Err(too_many());
        }
        fields.put(&name, value.into_owned());
    }
    Ok(fields)
}

async fn parts(kind: &str, bytes: Bytes) -> Result<Fields, Failure> {
    let no_form = |_| bad("no form with parts");
    let boundary = multer::parse_boundary(kind).map_err(no_form)?;
    let mut parts = multer::Multipart::new(stream::iter([Ok::<_, std::io::Error>(bytes)]), boundary);
    let mut fields = Fields::default();
    let mut count = 0;
    while let Some(part) = parts.next_field().await.map_err(no_form)? {
        count += 1;
        if count > FIELDS_MAX {
            return Err(too_many());
        }
        let Some(name) = part.name().map(str::to_owned) else { continue };
        fields.put(&name, part.text().await.map_err(no_form)?);
    }
    Ok(fields)
}

fn too_many() -> Failure {
    bad(&format!("expected at most {FIELDS_MAX} fields"))
}

fn bad(expected: &str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, format!("The body: {expected}"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn fields(kind: &'static str, body: &'static str) -> Result<Value, StatusCode> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let read = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(async { read(&headers, Body::from(body)).await });
        read.map(|fields| Value::Object(fields.with_query(Some("module=Users&x=query")).into_map()))
            .map_err(|error| error.status())
    }

    #[test]
    fn w_02_bodies_of_three_kinds_an_empty_one_and_a_list_of_nothing() {
        let expected = json!({"a": "1", "params": {"language": "pl"}, "x": "query"});
        assert_eq!(
            fields("application/json", r#"{"a":"1","params":{"language":"pl"},"x":"body"}"#),
            Ok(expected.clone())
        );
        assert_eq!(
            fields("application/json; charset=utf-8", r#"{"a":"1","params":{"language":"pl"}}"#),
            Ok(expected.clone())
        );
        assert_eq!(
            fields("application/x-www-form-urlencoded", "a=1&params%5Blanguage%5D=pl&x=body"),
            Ok(expected.clone())
        );
        let parts = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                     --b\r\nContent-Disposition: form-data; name=\"params[language]\"\r\n\r\npl\r\n--b--\r\n";
        assert_eq!(fields("multipart/form-data; boundary=b", parts), Ok(expected));
        for body in ["", "[]", " \n", "null", "{}"] {
            assert_eq!(fields("application/json", body), Ok(json!({"x": "query"})), "{body:?}");
        }
    }

    #[test]
    fn what_is_no_object_or_lies_about_its_type_is_refused() {
        for body in ["[1]", "7", "\"text\"", "{", "a=1"] {
            assert_eq!(fields("application/json", body), Err(StatusCode::BAD_REQUEST), "{body}");
        }
        assert_eq!(fields("multipart/form-data; boundary=b", "{}"), Err(StatusCode::BAD_REQUEST));
        assert_eq!(fields("multipart/form-data", "{}"), Err(StatusCode::BAD_REQUEST));
        let deep: &'static str = Box::leak("[".repeat(10_000).into_boxed_str());
        assert_eq!(fields("application/json", deep), Err(StatusCode::BAD_REQUEST));
        let large: &'static str = Box::leak(" ".repeat(BODY_BYTES_MAX + 1).into_boxed_str());
        assert_eq!(fields("application/json", large), Err(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
