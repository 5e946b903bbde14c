//! Lists as files: CSV and JSON Lines, written page by page and never held as a whole.

use std::future::Future;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::request::Parts;
use http::{HeaderName, HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::Error;

/// In which form a list is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Pages with a cursor.
    Json,
    /// All rows, RFC 4180.
    Csv,
    /// All rows, a JSON text a line.
    Jsonl,
}

/// The form that `Accept` asks for; a `?format=` goes before it.
#[derive(Debug, Clone, Copy)]
pub struct Accepted(pub Option<Format>);

/// A part of a file, and where the next part begins; none after the last.
pub struct Part<S> {
    /// What is written.
    pub text: String,
    /// The next part.
    pub next: Option<S>,
}

/// An answer whose body is made part by part, each when the one before has been taken. An error in the middle breaks the
/// connection off, so that nobody takes a part for the whole.
pub fn stream<S, F, W>(format: Format, name: &str, first: S, part: F) -> Response
where
    S: Send + 'static,
    F: Fn(S) -> W + Send + 'static,
    W: Future<Output = Result<Part<S>, Error>> + Send + 'static,
{
    let parts = stream::try_unfold((Some(first), part), async |(next, part)| {
        let Some(at) = next else { return Ok::<_, Error>(None) };
        let made = part(at).await?;
        Ok(Some((made.text, (made.next, part))))
    });
    let mut response = Body::from_stream(parts).into_response();
    let (media_type, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Jsonl | Format::Json => ("application/jsonl", "jsonl"),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    let disposition = format!("attachment; filename=\"{name}.{ending}\"");
    if let Ok(value) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// A row as a line of JSON.
pub fn json_line(row: &impl Serialize) -> Result<String, Error> {
    let line = serde_json::to_string(row).map_err(|error| Error::internal(format!("a row of an export: {error}")))?;
    Ok(line + "\n")
}

/// A row of CSV. A cell that a spreadsheet would take for a formula gets an apostrophe in front.
pub fn csv_line<C: AsRef<str>>(cells: impl IntoIterator<Item = C>) -> String {
    let mut line = String::new();
    for (index, cell) in cells.into_iter().enumerate() {
        let cell = cell.as_ref();
        line.push_str(if index == 0 { "\"" } else { ",\"" });
        if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']) {
            line.push('\'');
        }
        line.push_str(&cell.replace('"', "\"\""));
        line.push('"');
    }
    line.push_str("\r\n");
    line
}

/// The cells of a row that is shown as JSON: lists with `, ` between their members, nothing for null.
pub fn cells(row: &Value, columns: &[(&str, &str)]) -> Vec<String> {
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let at = |(_, pointer): &(&str, &str)| match row.pointer(pointer) {
        None => String::new(),
        Some(Value::Array(members)) => members.iter().map(cell).collect::<Vec<_>>().join(", "),
        Some(value) => cell(value),
    };
    columns.iter().map(at).collect()
}

/// A header of an answer whose value is text of ours.
pub fn with_header(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

// === impl Accepted ===

impl Accepted {
    /// What is answered: what the query asks for, else what `Accept` does, else pages.
    pub fn or(self, asked: Option<Format>) -> Format {
        asked.or(self.0).unwrap_or(Format::Json)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Accepted {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let values = parts.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let types = values.flat_map(|value| value.split(',')).map(|part| part.split(';').next().unwrap_or_default());
        // The first that is known; `*/*` asks for nothing in particular.
        let format = types.map(str::trim).find_map(|name| match name.to_ascii_lowercase().as_str() {
            "application/json" => Some(Format::Json),
            "text/csv" => Some(Format::Csv),
            "application/jsonl" | "application/x-ndjson" | "application/x-jsonlines" => Some(Format::Jsonl),
            _ => None,
        });
        Ok(Self(format))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_no_formula_survives() {
        assert_eq!(csv_line(["a", "", "b \"c\", d\r\ne"]), "\"a\",\"\",\"b \"\"c\"\", d\r\ne\"\r\n");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            let line = csv_line([formula]);
            assert!(line.starts_with("\"'"), "{line}");
        }
        assert_eq!(csv_line(["a=1"]), "\"a=1\"\r\n");
    }
}
