//! The applications: name, status, type, addresses, public URL and key.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::{applications as texts, state};
use maud::{Markup, html};

use super::application::{Application, Kind, kinds, short_addresses};
use super::{PATH, tabs};
use crate::Console;
use crate::failure::Failure;
use crate::parts::badge;
use crate::parts::field::Choice;
use crate::parts::frame::{Page, csrf};
use crate::parts::icon::Icon;
use crate::parts::list::{Filter, List, Listed};
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["text", "type", "active", "sort", "cursor"];

pub(super) fn router() -> Router<Console> {
    Router::new().route(PATH, get(list))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let found: Listed<Application> = viewer.api.get(format!("/applications{}", asked.query())).read().await?;
    let kinds = kinds(&viewer).await?;
    let rows = found.data;
    let list = List {
        path: PATH,
        asked: &asked,
        search_label: texts::SEARCH,
        filters: vec![by_type(&kinds), by_status()],
        export: None,
    };
    let body = html! {
        (tabs(&viewer))
        (list.tools())
        @if rows.is_empty() {
            (list.empty(texts::NONE, texts::NONE_HINT, &new_button(&viewer)))
        } @else {
            (table(&viewer, &list, &kinds, &rows))
        }
        (list.pager(rows.len(), found.next_cursor.as_deref()))
    };
    Ok(Page::new(&viewer, texts::TITLE, body).actions(new_button(&viewer)).ok())
}

fn new_button(viewer: &Viewer) -> Markup {
    html! {
        @if viewer.may("applications.manage") { a .btn href={ (PATH) "/new" } { (Icon::Plus.draw()) (texts::NEW) } }
    }
}

fn by_type(kinds: &[Kind]) -> Filter<'static> {
    let choices = kinds.iter().map(|kind| Choice::new(kind.slug.clone(), kind.name.clone())).collect();
    Filter { name: "type", label: texts::ANY_TYPE, choices }
}

fn by_status() -> Filter<'static> {
    let choices = [("true", "active"), ("false", "disabled")];
    let choices = choices.map(|(value, word)| Choice::new(value, state::word(word))).into();
    Filter { name: "active", label: texts::ANY_STATUS, choices }
}

fn table(viewer: &Viewer, list: &List<'_>, kinds: &[Kind], rows: &[Application]) -> Markup {
    html! {
        div .table-container {
            table .table {
                thead {
                    tr {
                        (list.sorted_head("name", texts::NAME))
                        th scope="col" { (texts::STATUS) } th scope="col" { (texts::TYPE) }
                        th scope="col" { (texts::ALLOWED_IPS) } th scope="col" { (texts::PUBLIC_URL) }
                        th scope="col" { (texts::KEY) }
                        (list.sorted_head("created_at", texts::CREATED))
                        th scope="col" { span .sr-only { (texts::OPTIONS) } }
                    }
                }
                tbody { @for shown in rows { (row(viewer, kinds, shown)) } }
            }
        }
    }
}

fn row(viewer: &Viewer, kinds: &[Kind], application: &Application) -> Markup {
    let kind = kinds.iter().find(|kind| kind.slug == application.kind);
    html! {
        tr id=(application.id) {
            th .wrap scope="row" { a href=(application.path()) { (application.name) } }
            td { (status(viewer, application)) }
            td .wrap { (kind.map_or(application.kind.as_str(), |kind| kind.name.as_str())) }
            td .wrap { (short_addresses(&application.allowed_ips)) }
            td .wrap { @if let Some(url) = &application.public_url { (url) } }
            td {
                @if let Some(key) = &application.key { a href={ "/keys/" (key.id) } { code { (key.hint) } } }
                @if application.counts.keys > 1 { " " span .muted { (texts::more(application.counts.keys as usize - 1)) } }
            }
            td { (crate::parts::time::day(&application.created_at, &viewer.zone)) }
            td {
                @if viewer.may("applications.manage") {
                    details .menu .row-menu {
                        summary .btn data-variant="ghost" data-size="icon" aria-label=(texts::options_of(&application.name)) { (Icon::More.draw()) }
                        div .menu-items {
                            a href={ (application.path()) "/edit" } { (texts::EDIT) }
                            @if viewer.may("keys.manage_all") { a href={ (application.path()) "/keys/new" } { (texts::NEW_KEY) } }
                            a href={ (application.path()) "/delete" } { (texts::DELETE) }
                        }
                    }
                }
            }
        }
    }
}

/// The state, and the switch for who may turn it.
fn status(viewer: &Viewer, application: &Application) -> Markup {
    let (action, label) = if application.active { ("disable", texts::DISABLE) } else { ("enable", texts::ENABLE) };
    html! {
        div .status {
            (badge::state(application.state()))
            @if viewer.may("applications.manage") {
                form method="post" action={ (application.path()) "/" (action) } {
                    (csrf(viewer))
                    input type="hidden" name="back" value=(PATH);
                    button .switch type="submit" role="switch" aria-checked=(application.active)
                        aria-label={ (label) " " (application.name) } title=(label) { span {} }
                }
            }
        }
    }
}
