//! An API's page: what it is, its operations, the sets that hold some of it, and its history.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::apis::{self as texts, manual, operations as words, using};
use maud::{Markup, html};
use serde::Deserialize;

use super::api::Api;
use super::operations::{Operation, methods, table};
use super::subplaces;
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::admin::audit::history;
use crate::parts::frame::Page;
use crate::parts::icon::Icon;
use crate::parts::list::{List, Listed};
use crate::parts::time;
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["text", "method", "sort", "cursor"];
/// Sets on the page.
const SETS: usize = 50;

#[derive(Debug, Deserialize)]
struct Set {
    slug: String,
    name: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/apis/{api}", get(show))
}

/// The API of this id or slug.
pub(super) async fn load(viewer: &Viewer, name: &str) -> Result<(Api, String), Failure> {
    let answer = viewer.api.get(format!("/apis/{}", segment(name))).send().await?;
    Ok((answer.read()?, answer.version().unwrap_or_default().to_owned()))
}

async fn show(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let (api, _) = load(&viewer, &name).await?;
    let label = segment(api.label(&viewer));
    let found: Listed<Operation> = viewer.api.get(format!("/apis/{label}/operations{}", asked.query())).read().await?;
    let sets = viewer.api.get(format!("/api-sets?api={label}&limit={SETS}")).read_if_seen::<Listed<Set>>().await?;
    let history = match &api.id {
        Some(id) if api.is_of(&viewer) => history(&viewer, id).await?,
        _ => html! {},
    };
    let path = api.path(&viewer);
    let list = List { path: &path, asked: &asked, search_label: words::SEARCH, filters: vec![methods()], export: None };
    let body = html! {
        (subplaces(&viewer))
        @if api.is_built_in() { div .alert { p { (texts::BUILT_IN_HINT) } } }
        @if api.report_only { div .alert role="status" { p { (texts::REPORT_ONLY_ON) } } }
        div .columns {
            section .card { header { h2 { (texts::FACTS) } } section { (facts(&viewer, &api)) } }
            @if let Some(sets) = &sets { (using_sets(&viewer, &api, sets)) }
        }
        section .stack #operations {
            div .title { h2 { (words::count(api.operations_count)) } }
            (list.tools())
            @if found.data.is_empty() { (list.empty(words::NONE, words::NONE_HINT, &html! {})) } @else {
                (table(&found.data, texts::OPERATIONS, &path, !api.versions.is_empty()))
            }
            (list.pager(found.data.len(), found.next_cursor.as_deref()))
        }
        (history)
    };
    Ok(Page::new(&viewer, api.name.clone(), body).actions(actions(&viewer, &api)).ok())
}

fn actions(viewer: &Viewer, api: &Api) -> Markup {
    let path = api.path(viewer);
    html! {
        a .btn data-variant="outline" href={ (path) "/manual" } { (manual::LINK) }
        @if viewer.may("keys.manage_all") && !api.is_built_in() {
            a .btn data-variant="outline" href="/keys/new" { (Icon::Plus.draw()) (texts::NEW_KEY) }
        }
        @if api.is_changed_by(viewer) {
            a .btn data-variant="outline" href={ (path) "/edit" } { (texts::EDIT) }
            a .btn data-variant="outline" href={ "/apis/import?slug=" (api.slug) } { (texts::IMPORT_AGAIN) }
            a .btn data-variant="destructive" href={ (path) "/delete" } { (texts::DELETE) }
        }
    }
}

fn facts(viewer: &Viewer, api: &Api) -> Markup {
    html! {
        dl .facts {
            dt { (texts::SLUG) } dd { code { (api.slug) } }
            dt { (texts::HOSTS) } dd { (api.shown_hosts()) }
            dt { (texts::BASE_PATHS) } dd { (Api::codes(&api.base_paths)) }
            @if let Some(pattern) = &api.version_pattern { dt { (texts::VERSION_PATTERN) } dd { code { (pattern) } } }
            @if !api.versions.is_empty() { dt { (texts::VERSIONS) } dd { (Api::codes(&api.versions)) } }
            dt { (texts::UNLISTED) } dd { (if api.unlisted_paths { texts::UNLISTED_PASS } else { texts::UNLISTED_REFUSED }) }
            dt { (texts::SOURCES) } dd {
                @if api.credential_sources.is_empty() { (texts::SOURCES_DEFAULT) } @else { (Api::codes(&api.credential_sources)) }
            }
            dt { (texts::PREFLIGHT) } dd { (if api.preflight_without_key { texts::PREFLIGHT_PASS } else { texts::PREFLIGHT_KEY }) }
            dt { (texts::SHARING) } dd {
                (api.sharing())
                @if api.shared_full_access { " · " (texts::SHARED_FULL) }
            }
            @if let Some(url) = &api.manual_url {
                dt { (texts::MANUAL_URL) } dd { a href=(url) rel="noopener noreferrer" target="_blank" { (url) } }
            }
            dt { (texts::CREATED) } dd { (time::instant(&api.created_at, &viewer.zone)) }
            dt { (texts::UPDATED) } dd { (time::instant(&api.updated_at, &viewer.zone)) }
            @if let Some(id) = &api.id { dt { (texts::ID) } dd { code { (id) } } }
        }
    }
}

fn using_sets(viewer: &Viewer, api: &Api, sets: &Listed<Set>) -> Markup {
    let label = segment(api.label(viewer));
    html! {
        section .card {
            header { h2 { (using::TITLE) } }
            section .stack {
                @if sets.data.is_empty() { p .muted { (using::NONE) } }
                ul .links { @for set in &sets.data { li { a href={ "/api-sets/" (set.slug) } { (set.name) } } } }
                @if sets.next_cursor.is_some() { p { a href={ "/api-sets?api=" (label) } { (using::ALL) } } }
                @if viewer.may("apis.manage") && !api.is_built_in() {
                    div .buttons {
                        a .btn data-variant="outline" data-size="sm" href={ "/api-sets/new?find_api=" (label) } { (Icon::Plus.draw()) (using::NEW) }
                        @if api.is_of(viewer) {
                            a .btn data-variant="outline" data-size="sm" href={ "/api-sets/templates?api=" (label) } { (using::TEMPLATES) }
                        }
                    }
                }
            }
        }
    }
}
