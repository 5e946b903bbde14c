//! Claviger's own page of an API's operations, from its document, by tag; each leads to its parameters and payloads.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::apis::{self as texts, manual as words, operations};
use maud::{Markup, html};

use super::api::Api;
use super::operations::{Operation, methods, table};
use super::show::load;
use super::subplaces;
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::parts::frame::Page;
use crate::parts::list::{List, Listed};
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["text", "method", "cursor"];
/// Operations of a page.
const ROWS: usize = 100;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/apis/{api}/manual", get(show))
}

async fn show(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let (api, _) = load(&viewer, &name).await?;
    let label = segment(api.label(&viewer));
    let found: Listed<Operation> =
        viewer.api.get(format!("/apis/{label}/operations{}", asked.query_of(ROWS))).read().await?;
    let rows = found.data.len();
    let path = format!("{}/manual", api.path(&viewer));
    let list =
        List { path: &path, asked: &asked, search_label: operations::SEARCH, filters: vec![methods()], export: None };
    let body = html! {
        (subplaces(&viewer))
        (lead(&viewer, &api))
        (list.tools())
        @if found.data.is_empty() { (list.empty(operations::NONE, operations::NONE_HINT, &html! {})) }
        @for (tag, operations) in by_tag(found.data) {
            @let heading = tag.as_deref().unwrap_or(words::NO_TAG);
            section .stack { h2 { (heading) } (table(&operations, heading, &api.path(&viewer), !api.versions.is_empty())) }
        }
        (list.pager(rows, found.next_cursor.as_deref()))
    };
    Ok(Page::new(&viewer, words::title(&api.name), body).ok())
}

fn lead(viewer: &Viewer, api: &Api) -> Markup {
    html! {
        div .stack {
            p .muted { (words::HINT) }
            p {
                a href=(api.path(viewer)) { (api.name) } ": " (operations::count(api.operations_count))
                @if let Some(url) = &api.manual_url {
                    " · " a href=(url) rel="noopener noreferrer" target="_blank" { (words::PROVIDER) }
                }
            }
            dl .facts {
                dt { (texts::HOSTS) } dd { (api.shown_hosts()) }
                dt { (texts::BASE_PATHS) } dd { (Api::codes(&api.base_paths)) }
                @if !api.versions.is_empty() { dt { (texts::VERSIONS) } dd { (Api::codes(&api.versions)) } }
            }
        }
    }
}

/// Operations under their first tag, tags in the order in which they come.
fn by_tag(operations: Vec<Operation>) -> Vec<(Option<String>, Vec<Operation>)> {
    let mut groups: Vec<(Option<String>, Vec<Operation>)> = Vec::new();
    for operation in operations {
        let tag = operation.tags.first().cloned();
        match groups.iter_mut().find(|(known, _)| *known == tag) {
            Some((_, group)) => group.push(operation),
            None => groups.push((tag, vec![operation])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_stand_under_their_first_tag_in_the_document_s_order() {
        let operation = |name: &str, tags: &[&str]| -> Operation {
            serde_json::from_value(json!({
                "name": name, "method": "GET", "path": "/", "multi_segment": [], "summary": "", "tags": tags, "versions": [],
            }))
            .expect("an operation")
        };
        let all = vec![operation("a:1", &["x", "y"]), operation("a:2", &[]), operation("a:3", &["x"])];
        let groups: Vec<_> = by_tag(all)
            .into_iter()
            .map(|(tag, group)| (tag, group.iter().map(|one| one.name.clone()).collect::<Vec<_>>().join(" ")))
            .collect();
        assert_eq!(groups, [(Some("x".to_owned()), "a:1 a:3".to_owned()), (None, "a:2".to_owned())]);
    }
}
