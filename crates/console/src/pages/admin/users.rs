//! People: the list, and *User Account Details* with one's API keys.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::{keys, people as texts};
use maud::{Markup, html};
use serde::Deserialize;

use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems};
use crate::form::Form;
use crate::pages::keys::key::Key;
use crate::pages::keys::list::{Columns, table};
use crate::pages::keys::new::{Place, make, show};
use crate::parts::badge;
use crate::parts::frame::Page;
use crate::parts::icon::Icon;
use crate::parts::list::{List, Listed};
use crate::viewer::{Posted, Viewer};

const KNOWN: &[&str] = &["text", "role", "enabled", "locked", "sort", "cursor"];

#[derive(Debug, Deserialize)]
struct User {
    id: String,
    username: String,
    name: String,
    email: String,
    state: String,
    roles: Vec<String>,
    counts: Option<Counts>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    keys: u64,
}

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/admin/users", get(list))
        .route("/admin/users/{id}", get(account))
        .route("/admin/users/{id}/keys/new", get(new_key).post(make_key))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let found: Listed<User> = viewer.api.get(format!("/users{}", asked.query())).read().await?;
    let list =
        List { path: "/admin/users", asked: &asked, search_label: texts::SEARCH, filters: Vec::new(), export: None };
    let body = html! {
        (list.tools())
        @if found.data.is_empty() { (list.empty(texts::NONE, texts::NONE_HINT, &html! {})) } @else {
            div .table-container {
                table .table {
                    thead {
                        tr {
                            (list.sorted_head("name", texts::NAME))
                            th scope="col" { (texts::USERNAME) } th scope="col" { (texts::EMAIL) } th scope="col" { (texts::ROLES) }
                            th scope="col" { (texts::STATUS) } th scope="col" { (texts::KEYS) }
                        }
                    }
                    tbody { @for user in &found.data { (row(user)) } }
                }
            }
        }
        (list.pager(found.next_cursor.as_deref()))
    };
    Ok(Page::new(&viewer, texts::USERS, body).ok())
}

fn row(user: &User) -> Markup {
    html! {
        tr {
            th scope="row" { a href={ "/admin/users/" (user.id) } { (user.name) } }
            td { (user.username) }
            td { (user.email) }
            td .wrap { @for role in &user.roles { (badge::tag(role)) " " } }
            td { (badge::state(&user.state)) }
            td { @if let Some(counts) = &user.counts { (counts.keys) } }
        }
    }
}

async fn account(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let asked = viewer.asked(&["text", "sort", "cursor"]);
    let id = segment(&id);
    let user: User = viewer.api.get(format!("/users/{id}")).read().await?;
    let found: Option<Listed<Key>> =
        viewer.api.get(format!("/users/{id}/keys{}", asked.query())).read_if_seen().await?;
    let path = format!("/admin/users/{id}");
    let list = List { path: &path, asked: &asked, search_label: keys::SEARCH, filters: Vec::new(), export: None };
    let generate = html! {
        @if user.id == viewer.person.id && viewer.may("keys.manage_own") {
            a .btn href={ (path) "/keys/new" } { (Icon::Plus.draw()) (keys::GENERATE) }
        }
    };
    let body = html! {
        section .card {
            header { h2 { (user.name) } }
            section {
                dl .facts {
                    dt { (texts::USERNAME) } dd { (user.username) }
                    dt { (texts::EMAIL) } dd { (user.email) }
                    dt { (texts::ROLES) } dd { @for role in &user.roles { (badge::tag(role)) " " } }
                    dt { (texts::STATUS) } dd { (badge::state(&user.state)) }
                }
            }
        }
        @if let Some(found) = &found {
            section {
                div .title { h2 { (texts::API_KEYS) } div .actions { (generate) } }
                @if found.data.is_empty() { (list.empty(keys::NONE, keys::NO_OWN_HINT, &html! {})) } @else {
                    (table(&viewer, &list, &found.data, Columns::OfOwner))
                }
                (list.pager(found.next_cursor.as_deref()))
            }
        }
    };
    Ok(Page::new(&viewer, texts::ACCOUNT, body).ok())
}

async fn new_key(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    show(&viewer, &Place::account(&id), &Form::default(), &Problems::default()).await
}

async fn make_key(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    make(&viewer, &Place::account(&id), form).await
}
