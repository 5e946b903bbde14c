//! The organization's APIs, and those that others share with it.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::apis as texts;
use maud::{Markup, html};

use super::api::Api;
use super::subplaces;
use crate::Console;
use crate::failure::Failure;
use crate::parts::field::Choice;
use crate::parts::frame::Page;
use crate::parts::icon::Icon;
use crate::parts::list::{Filter, List, Listed};
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["text", "shared", "sort", "cursor"];

pub(super) fn router() -> Router<Console> {
    Router::new().route("/apis", get(list))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let found: Listed<Api> = viewer.api.get(format!("/apis{}", asked.query())).read().await?;
    let shared = Filter { name: "shared", label: texts::OWN, choices: vec![Choice::new("true", texts::SHARED)] };
    let list = List { path: "/apis", asked: &asked, search_label: texts::SEARCH, filters: vec![shared], export: None };
    let body = html! {
        (subplaces(&viewer))
        (list.tools())
        @if found.data.is_empty() {
            (list.empty(texts::NONE, texts::NONE_HINT, &buttons(&viewer)))
        } @else {
            (table(&viewer, &list, &found.data))
        }
        (list.pager(found.data.len(), found.next_cursor.as_deref()))
    };
    Ok(Page::new(&viewer, texts::TITLE, body).actions(buttons(&viewer)).ok())
}

fn buttons(viewer: &Viewer) -> Markup {
    html! {
        @if viewer.may("apis.manage") {
            div .buttons {
                a .btn data-variant="outline" href="/apis/new" { (Icon::Plus.draw()) (texts::NEW) }
                a .btn href="/apis/import" { (texts::IMPORT) }
            }
        }
    }
}

fn table(viewer: &Viewer, list: &List<'_>, apis: &[Api]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::TITLE) {
            table .table {
                thead {
                    tr {
                        (list.sorted_head("name", texts::NAME))
                        (list.sorted_head("slug", texts::SLUG))
                        th scope="col" { (texts::HOSTS) }
                        th scope="col" { (texts::BASE_PATHS) }
                        th scope="col" { (texts::VERSIONS) }
                        th .number scope="col" { (texts::OPERATIONS) }
                        th scope="col" { (texts::SHARING) }
                    }
                }
                tbody { @for api in apis { (row(viewer, api)) } }
            }
        }
    }
}

fn row(viewer: &Viewer, api: &Api) -> Markup {
    html! {
        tr {
            th .wrap scope="row" { a href=(api.path(viewer)) { (api.name) } " " (api.badges()) }
            td { code { (api.slug) } }
            td .wrap { (api.shown_hosts()) }
            td .wrap { (Api::codes(&api.base_paths)) }
            td .wrap { (Api::codes(&api.versions)) }
            td .number { (api.operations_count) }
            td .wrap { (api.sharing()) }
        }
    }
}
