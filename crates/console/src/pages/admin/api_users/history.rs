//! What an API user did, and what was tried at its name.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::{api_users as texts, audit, people};
use maud::{Markup, html};
use serde::Deserialize;

use super::user::{ApiUser, load};
use crate::Console;
use crate::failure::Failure;
use crate::parts::frame::Page;
use crate::parts::list::{List, Listed, empty};
use crate::parts::time;
use crate::viewer::Viewer;

/// Entries on the user's page.
const LATEST: usize = 10;

#[derive(Debug, Deserialize)]
struct Event {
    at: String,
    status: String,
    ip: Option<String>,
    agent: Option<String>,
    device: Option<String>,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/api-users/{id}/history", get(page))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (user, _) = load(&viewer, &id).await?;
    let asked = viewer.asked(&["cursor"]);
    let path = format!("{}/history", user.path());
    let found = viewer.api.get(format!("/api-users/{}/history{}", user.id, asked.query()));
    let found: Listed<Event> = found.read().await?;
    let list = List { path: &path, asked: &asked, search_label: "", filters: Vec::new(), export: None };
    let body = html! {
        @if found.data.is_empty() { (empty(texts::NO_EVENTS, texts::NO_EVENTS_HINT, &html! {})) } @else {
            (table(&viewer, &found.data))
        }
        (list.pager(found.data.len(), found.next_cursor.as_deref()))
    };
    let back = html! { a .btn data-variant="outline" href=(user.path()) { (user.user_name) } };
    Ok(Page::new(&viewer, texts::history_title(&user.user_name), body).actions(back).ok())
}

/// The newest entries, on the user's page.
pub(super) async fn card(viewer: &Viewer, user: &ApiUser) -> Result<Markup, Failure> {
    let path = format!("/api-users/{}/history?limit={LATEST}", user.id);
    let found: Listed<Event> = viewer.api.get(path).read().await?;
    Ok(html! {
        section .card {
            header { h2 { (texts::EVENTS) } }
            section .stack {
                @if found.data.is_empty() { p .muted { (texts::NO_EVENTS) } } @else { (table(viewer, &found.data)) }
                @if found.next_cursor.is_some() { p { a href={ (user.path()) "/history" } { (texts::ALL_EVENTS) } } }
            }
        }
    })
}

fn table(viewer: &Viewer, events: &[Event]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::EVENTS) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (audit::AT) } th scope="col" { (audit::ACTION) } th scope="col" { (people::IP) }
                        th scope="col" { (texts::AGENT) } th scope="col" { (people::DEVICE) }
                    }
                }
                tbody {
                    @for event in events {
                        tr {
                            td { (time::second(&event.at, &viewer.zone)) }
                            td .wrap { (texts::happened(&event.status)) }
                            td { @if let Some(ip) = &event.ip { code { (ip) } } }
                            td .wrap { @if let Some(agent) = &event.agent { (agent) } }
                            td .wrap { @if let Some(device) = &event.device { (device) } }
                        }
                    }
                }
            }
        }
    }
}
