//! The manual of one operation: its parameters, payloads and answers, as the API's document has them.
//!
//! All of it is a stranger's text: it is written as text, and nothing in it becomes a link.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::apis::manual as texts;
use maud::{Markup, html};
use serde::Deserialize;

use super::api::Api;
use super::operations::{Operation, manual_link};
use super::schema::{Schema, kind, notes, tree};
use super::show::load;
use super::subplaces;
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::parts::badge;
use crate::parts::copy;
use crate::parts::frame::Page;
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["name", "version"];

#[derive(Debug, Deserialize)]
struct Found {
    operation: Operation,
    version: Option<String>,
    versions: Vec<String>,
    manual: Option<Manual>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Manual {
    description: String,
    deprecated: bool,
    parameters: Vec<Parameter>,
    request_body: Option<Body>,
    responses: Vec<Answer>,
    cut: bool,
}

#[derive(Debug, Deserialize)]
struct Parameter {
    #[serde(rename = "in")]
    place: String,
    #[serde(flatten)]
    schema: Schema,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    description: String,
    required: bool,
    content: Vec<Content>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    status: String,
    description: String,
    content: Vec<Content>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Content {
    media_type: String,
    schema: Option<Schema>,
    example: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/apis/{api}/manual/operation", get(show))
}

async fn show(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let (api, _) = load(&viewer, &name).await?;
    let mut query = format!("/apis/{}/manual?operation={}", segment(api.label(&viewer)), segment(asked.value("name")));
    if !asked.value("version").is_empty() {
        query = format!("{query}&version={}", segment(asked.value("version")));
    }
    let found: Found = viewer.api.get(query).read().await?;
    let body = html! {
        (subplaces(&viewer))
        (lead(&viewer, &api, &found))
        @match &found.manual {
            Some(manual) => (written(manual)),
            None => div .nothing { h2 { (texts::NOT_KEPT) } p { (texts::NOT_KEPT_HINT) } },
        }
    };
    Ok(Page::new(&viewer, found.operation.own_name(), body).ok())
}

fn lead(viewer: &Viewer, api: &Api, found: &Found) -> Markup {
    let operation = &found.operation;
    html! {
        div .stack {
            p { a href={ (api.path(viewer)) "/manual" } { (texts::title(&api.name)) } }
            @if !operation.summary.is_empty() { p { (operation.summary) } }
            p .request { code .method { (operation.method) } " " code { (operation.path) } }
            p .muted { (texts::CALLED) " " (copy::name(&operation.name)) }
            @if !found.versions.is_empty() {
                nav .links aria-label=(texts::VERSIONS) {
                    @for version in &found.versions {
                        @let link = manual_link(&api.path(viewer), &operation.name, Some(version));
                        a href=(link) aria-current=[(found.version.as_ref() == Some(version)).then_some("page")] { (version) }
                    }
                }
            }
        }
    }
}

fn written(manual: &Manual) -> Markup {
    html! {
        @if manual.deprecated { div .alert role="status" { p { (texts::DEPRECATED_HINT) } } }
        @if !manual.description.is_empty() { p .prose { (manual.description) } }
        @if !manual.parameters.is_empty() {
            section .stack { h2 { (texts::PARAMETERS) } (parameters(&manual.parameters)) }
        }
        @if let Some(body) = &manual.request_body {
            section .stack {
                h2 { (texts::BODY) @if body.required { " " (badge::tag(texts::REQUIRED)) } }
                @if !body.description.is_empty() { p { (body.description) } }
                (contents(&body.content))
            }
        }
        @if !manual.responses.is_empty() {
            section .stack { h2 { (texts::RESPONSES) } (responses(&manual.responses)) }
        }
        @if manual.cut { p .muted { (texts::CUT) } }
    }
}

fn parameters(parameters: &[Parameter]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::PARAMETERS) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (texts::NAME) } th scope="col" { (texts::PLACE) }
                        th scope="col" { (texts::KIND) } th scope="col" { (texts::DESCRIPTION) }
                    }
                }
                tbody {
                    @for Parameter { place, schema } in parameters {
                        tr {
                            th .wrap scope="row" { code { (schema.name) } @if schema.required { " " (badge::tag(texts::REQUIRED)) } }
                            td { code { (place) } }
                            td .wrap { (kind(schema)) }
                            td .wrap { (notes(schema)) @if !schema.fields.is_empty() { (tree(&schema.fields, 1)) } }
                        }
                    }
                }
            }
        }
    }
}

fn responses(responses: &[Answer]) -> Markup {
    let opened = responses.iter().position(|answer| answer.status.starts_with('2')).unwrap_or_default();
    html! {
        @for (at, Answer { status, description, content }) in responses.iter().enumerate() {
            @let head = html! { code .method { (status) } " " (description) };
            @if content.is_empty() { p { (head) } } @else {
                details .response open[at == opened] { summary { (head) } div .stack { (contents(content)) } }
            }
        }
    }
}

fn contents(contents: &[Content]) -> Markup {
    html! {
        @for Content { media_type, schema, example } in contents {
            div .payload {
                h3 { code { (media_type) } }
                @if let Some(schema) = schema {
                    p { (kind(schema)) }
                    (notes(schema))
                    (tree(&schema.fields, 0))
                }
                @if !example.is_empty() {
                    details { summary { (texts::EXAMPLE) } pre tabindex="0" aria-label=(texts::EXAMPLE) { code { (example) } } }
                }
            }
        }
    }
}
