//! The list of API users: a tab for each type of applications that has some.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_manage::Error;
use claviger_texts::console::{api_users as texts, applications, state};
use maud::{Markup, html};

use super::PATH;
use super::user::{ApiUser, kinds_with_users};
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::admin::applications::TYPES;
use crate::pages::admin::applications::application::{Application, Kind};
use crate::parts::badge;
use crate::parts::field::Choice;
use crate::parts::frame::{Page, csrf};
use crate::parts::icon::Icon;
use crate::parts::list::{Filter, List, Listed, empty};
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["text", "application", "active", "sort", "cursor"];
/// Applications that the filter offers.
const SERVERS: usize = 100;

pub(super) fn router() -> Router<Console> {
    Router::new().route(PATH, get(first)).route("/admin/api-users/of/{type}", get(of_type))
}

/// The first tab.
async fn first(viewer: Viewer) -> Result<Response, Failure> {
    let kinds = kinds_with_users(&viewer).await?;
    match kinds.first() {
        Some(kind) => list(&viewer, &kinds, kind).await,
        None => Ok(no_types(&viewer)),
    }
}

async fn of_type(viewer: Viewer, Path(slug): Path<String>) -> Result<Response, Failure> {
    let kinds = kinds_with_users(&viewer).await?;
    let kind = kinds.iter().find(|kind| kind.slug == slug).ok_or_else(|| Error::not_found("application type"))?;
    list(&viewer, &kinds, kind).await
}

/// Nobody can sign in under an application yet.
fn no_types(viewer: &Viewer) -> Response {
    let step = html! { a .btn href=(TYPES) { (applications::types::TITLE) } };
    Page::new(viewer, texts::TITLE, empty(texts::NO_TYPES, texts::NO_TYPES_HINT, &step)).ok()
}

/// Where the users of a type are.
pub(super) fn path_of(kind: &Kind) -> String {
    format!("{PATH}/of/{}", segment(&kind.slug))
}

/// The types as places beside each other.
pub(super) fn tabs(kinds: &[Kind], open: &str) -> Markup {
    html! {
        nav .subplaces aria-label=(texts::TYPES) {
            @for kind in kinds {
                a href=(path_of(kind)) aria-current=[(kind.slug == open).then_some("page")] { (kind.name) }
            }
        }
    }
}

async fn list(viewer: &Viewer, kinds: &[Kind], kind: &Kind) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let query = format!("{}&type={}", asked.query(), segment(&kind.slug));
    let found: Listed<ApiUser> = viewer.api.get(format!("/api-users{query}")).read().await?;
    let servers = format!("/applications?limit={SERVERS}&sort=name&type={}", segment(&kind.slug));
    let servers: Listed<Application> = viewer.api.get(servers).read().await?;
    let path = path_of(kind);
    let filters = vec![by_server(&servers.data), by_status()];
    let list = List { path: &path, asked: &asked, search_label: texts::SEARCH, filters, export: None };
    let add = html! { a .btn href={ (path) "/new" } { (Icon::Plus.draw()) (texts::ADD) } };
    let body = html! {
        (tabs(kinds, &kind.slug))
        (list.tools())
        @if found.data.is_empty() { (nothing(&list, kind, &servers.data, &add)) } @else {
            (table(viewer, &list, &found.data))
        }
        (list.pager(found.data.len(), found.next_cursor.as_deref()))
    };
    Ok(Page::new(viewer, texts::TITLE, body).actions(add).ok())
}

/// No users yet, or no application that they could sign in under.
fn nothing(list: &List<'_>, kind: &Kind, servers: &[Application], add: &Markup) -> Markup {
    if servers.is_empty() {
        let step = html! { a .btn href="/admin/applications/new" { (applications::NEW) } };
        return list.empty(&texts::none_of(&kind.name), texts::NO_SERVERS_HINT, &step);
    }
    list.empty(&texts::none_of(&kind.name), texts::NONE_HINT, add)
}

fn by_server(servers: &[Application]) -> Filter<'static> {
    let choices = servers.iter().map(|server| Choice::new(server.slug.clone(), server.name.clone())).collect();
    Filter { name: "application", label: texts::ANY_SERVER, choices }
}

fn by_status() -> Filter<'static> {
    let choices = [("true", "active"), ("false", "disabled")];
    let choices = choices.map(|(value, word)| Choice::new(value, state::word(word))).into();
    Filter { name: "active", label: applications::ANY_STATUS, choices }
}

fn table(viewer: &Viewer, list: &List<'_>, users: &[ApiUser]) -> Markup {
    html! {
        div .table-container {
            table .table {
                thead {
                    tr {
                        (list.sorted_head("user_name", texts::USER_NAME))
                        th scope="col" { (texts::SERVER) } th scope="col" { (texts::TYPE) } th scope="col" { (texts::PROFILE) }
                        th scope="col" { (texts::STATUS) } th scope="col" { (texts::METHOD) }
                        th scope="col" { (texts::LAST_SIGN_IN) }
                    }
                }
                tbody { @for user in users { (row(viewer, user)) } }
            }
        }
    }
}

fn row(viewer: &Viewer, user: &ApiUser) -> Markup {
    html! {
        tr id=(user.id) {
            th .wrap scope="row" { a href=(user.path()) { (user.user_name) } }
            td .wrap { a href={ "/admin/applications/" (user.application.id) } { (user.application.name) } }
            td .wrap { (texts::permission_type_short(user.permission_type)) }
            td .wrap { (user.profile_user.shown(viewer)) }
            td { (status(viewer, user)) }
            td .wrap { (user.method()) @if user.second_factor.is_some() { " " (badge::tag(texts::TOTP)) } }
            td { (user.signed_in(viewer)) }
        }
    }
}

/// The state, with the switch.
fn status(viewer: &Viewer, user: &ApiUser) -> Markup {
    let (action, label) = if user.active { ("disable", texts::DEACTIVATE) } else { ("enable", texts::ACTIVATE) };
    html! {
        div .status {
            (badge::state(user.state()))
            form method="post" action={ (user.path()) "/" (action) } {
                (csrf(viewer))
                input type="hidden" name="back" value=(viewer.address());
                input type="hidden" name="row" value=(user.id);
                button .switch type="submit" role="switch" aria-checked=(user.active)
                    aria-label={ (label) " " (user.user_name) } title=(label) { span {} }
            }
        }
    }
}
