//! The organization's sets.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::api_sets as texts;
use maud::{Markup, html};

use super::Set;
use crate::Console;
use crate::failure::Failure;
use crate::pages::apis::subplaces;
use crate::pages::picker::{apis, choices};
use crate::parts::field::Choice;
use crate::parts::frame::Page;
use crate::parts::icon::Icon;
use crate::parts::list::{Filter, List, Listed};
use crate::parts::time;
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["text", "kind", "api", "sort", "cursor"];
const KINDS: [&str; 4] = ["plain", "full", "general", "built_in"];

pub(super) fn router() -> Router<Console> {
    Router::new().route("/api-sets", get(list))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let found: Listed<Set> = viewer.api.get(format!("/api-sets{}", asked.query())).read().await?;
    let kinds = KINDS.map(|kind| Choice::new(kind, texts::kind(kind))).into();
    let filters = vec![
        Filter { name: "kind", label: texts::ANY_KIND, choices: kinds },
        Filter { name: "api", label: texts::ANY_API, choices: choices(&viewer, &apis(&viewer).await?) },
    ];
    let list = List { path: "/api-sets", asked: &asked, search_label: texts::SEARCH, filters, export: None };
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
        div .buttons {
            @if viewer.may("apis.read") {
                a .btn data-variant="outline" href="/api-sets/templates" { (texts::TEMPLATES) }
            }
            @if viewer.may("apis.manage") { a .btn href="/api-sets/new" { (Icon::Plus.draw()) (texts::NEW) } }
        }
    }
}

fn table(viewer: &Viewer, list: &List<'_>, sets: &[Set]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::TITLE) {
            table .table {
                thead {
                    tr {
                        (list.sorted_head("name", texts::NAME))
                        (list.sorted_head("slug", texts::SLUG))
                        th scope="col" { (texts::KIND) }
                        th scope="col" { (texts::HOLDS) }
                        (list.sorted_head("created_at", texts::CREATED))
                    }
                }
                tbody {
                    @for set in sets {
                        tr {
                            th .wrap scope="row" { a href=(set.path()) { (set.name) } }
                            td .wrap { code { (set.slug) } }
                            td { (texts::kind(&set.kind)) }
                            td .wrap { (set.held()) }
                            td { (time::day(&set.created_at, &viewer.zone)) }
                        }
                    }
                }
            }
        }
    }
}
