//! `/api/docs`: the reference page of the management API, made from its own OpenAPI document.
//!
//! HTML from the server and one stylesheet: no scripts, no fonts, nothing from elsewhere.

mod example;
mod html;
mod operation;
mod page;
mod schema;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde_json::Value;

use crate::Manage;

/// What the page may load: its stylesheet, and nothing else.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLESHEET: &str = include_str!("style.css");

/// The page is the same for everyone and as long as the program runs.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let document = serde_json::to_value(crate::openapi()).unwrap_or(Value::Null);
    page::render(&document)
});

/// The page and its stylesheet.
pub(crate) fn router() -> Router<Arc<Manage>> {
    Router::new().route("/api/docs", get(page)).route("/api/docs/style.css", get(stylesheet))
}

async fn page() -> Response {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, PAGE_POLICY)];
    (headers, PAGE.as_str()).into_response()
}

async fn stylesheet() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLESHEET).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_operation_of_the_document_and_nothing_from_elsewhere() {
        let document = serde_json::to_value(crate::openapi()).expect("JSON");
        let paths = document["paths"].as_object().expect("an object");
        assert!(!paths.is_empty());
        for (path, methods) in paths {
            for (_, operation) in methods.as_object().expect("an object") {
                let id = operation["operationId"].as_str().expect("every operation has an id");
                assert!(PAGE.contains(&format!("id=\"operation-{id}\"")), "{path} {id}");
            }
        }
        for foreign in ["<script", "<img", "<iframe", "<style", " style=", "href=\"http", "src=", "onclick"] {
            assert!(!PAGE.contains(foreign), "{foreign}");
        }
        assert!(!STYLESHEET.contains("url(") && !STYLESHEET.contains("@import"));
    }
}
