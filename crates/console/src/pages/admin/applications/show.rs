//! An application's page: what it is, its keys, what was refused of late, and what was done to it.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::confirm::{self, Answers};
use claviger_texts::console::mail::record;
use claviger_texts::console::{applications as texts, keys, limits as limit_texts, people};
use maud::{Markup, html};

use super::application::{Application, Kind, load};
use super::connect::Connection;
use super::{TYPES, password};
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::admin::audit::history;
use crate::pages::admin::requests;
use crate::pages::keys::key::Key;
use crate::pages::keys::list::{Columns, table};
use crate::parts::confirm::Question;
use crate::parts::frame::Page;
use crate::parts::icon::Icon;
use crate::parts::list::{List, Listed};
use crate::parts::{badge, limits, limits_used, time};
use crate::viewer::Viewer;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/applications/{id}", get(show))
}

async fn show(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (application, _) = load(&viewer, &id).await?;
    let path = format!("/application-types/{}", segment(&application.kind));
    let kind: Option<Kind> = viewer.api.get(path).read_if_seen().await?;
    let keys = own_keys(&viewer, &application).await?;
    let used = limits_used::card(&viewer, &format!("/applications/{}", application.id)).await?;
    let refused = requests::latest(
        &viewer,
        claviger_texts::console::requests::LATEST,
        &format!("/applications/{}/requests", application.id),
        &format!("{}/requests", application.path()),
    )
    .await?;
    let history = history(&viewer, &application.id).await?;
    let connection = Connection { application: &application.name, password: None, key: None, user: None };
    let connect = kind.as_ref().map(|kind| connection.card(&viewer, kind)).unwrap_or_default();
    let body = html! {
        section .card { header { h2 { (texts::FACTS) } } section { (facts(&viewer, &application, kind.as_ref())) } }
        (connect)
        (used)
        (keys)
        (refused)
        (history)
    };
    Ok(Page::new(&viewer, application.name.clone(), body).actions(actions(&viewer, &application, kind.as_ref())).ok())
}

async fn own_keys(viewer: &Viewer, application: &Application) -> Result<Markup, Failure> {
    let asked = viewer.asked(&["text", "state", "sort", "cursor"]);
    let path = format!("/applications/{}/keys{}", application.id, asked.query());
    let found: Listed<Key> = viewer.api.get(path).read().await?;
    let path = application.path();
    let filters = vec![crate::pages::keys::list::states()];
    let list = List { path: &path, asked: &asked, search_label: keys::SEARCH, filters, export: None };
    let new = html! {
        @if viewer.may("keys.manage_all") { a .btn href={ (path) "/keys/new" } { (Icon::Plus.draw()) (texts::NEW_KEY) } }
    };
    let is_searched = asked.is_narrow() || found.next_cursor.is_some();
    Ok(html! {
        section .list {
            div .title { h2 { (texts::KEYS) } div .actions { (new) } }
            @if is_searched { (list.tools()) }
            @if found.data.is_empty() { (list.empty(texts::NO_KEYS, texts::NO_KEYS_HINT, &html! {})) } @else {
                (table(viewer, &list, &found.data, Columns::OfOwner))
            }
            (list.pager(found.data.len(), found.next_cursor.as_deref()))
        }
    })
}

fn actions(viewer: &Viewer, application: &Application, kind: Option<&Kind>) -> Markup {
    let path = application.path();
    let sends_links = application.public_url.is_some() && kind.is_some_and(Kind::has_users);
    html! {
        (badge::state(application.state()))
        @if viewer.may("applications.manage") {
            a .btn data-variant="outline" href={ (path) "/edit" } { (texts::EDIT) }
            @if application.password_set_at.is_some() { (password::ask(viewer, application)) }
            @if sends_links { a .btn data-variant="outline" href={ (path) "/mail" } { (record::TITLE) } }
            @if application.active {
                (ask(viewer, application, texts::DISABLE, texts::DISABLE_CONSEQUENCE, confirm::DISABLE_APPLICATION, "disable"))
            } @else {
                (ask(viewer, application, texts::ENABLE, texts::ENABLE_CONSEQUENCE, confirm::ENABLE_APPLICATION, "enable"))
            }
            a .btn data-variant="destructive" href={ (path) "/delete" } { (texts::DELETE) }
        }
    }
}

fn ask(
    viewer: &Viewer,
    application: &Application,
    action: &str,
    consequence: &str,
    answers: Answers,
    verb: &str,
) -> Markup {
    let what =
        html! { p { strong { (application.name) } } p { (texts::LAST_USED) ": " (last_used(viewer, application)) } };
    let (path, fields, is_destructive) = (format!("{}/{verb}", application.path()), html! {}, verb == "disable");
    Question { action, what: &what, consequence, answers, path: &path, fields: &fields, is_destructive }.ask(viewer)
}

/// How many sign in under it, as the way to them for who may go there.
fn users(viewer: &Viewer, application: &Application) -> Markup {
    let (kind, slug) = (segment(&application.kind), segment(&application.slug));
    let count = application.counts.api_users;
    html! {
        @if viewer.may("applications.manage") { a href={ "/admin/api-users/of/" (kind) "?application=" (slug) } { (count) } }
        @else { (count) }
    }
}

fn last_used(viewer: &Viewer, application: &Application) -> Markup {
    html! {
        @match &application.last_used {
            Some(used) => { (time::instant(&used.at, &viewer.zone)) @if let Some(ip) = &used.ip { " · " code { (ip) } } }
            None => (texts::NEVER)
        }
    }
}

fn facts(viewer: &Viewer, application: &Application, kind: Option<&Kind>) -> Markup {
    let zone = &viewer.zone;
    html! {
        dl .facts {
            dt { (texts::STATUS) } dd {
                (badge::state(application.state()))
                @if let Some(at) = &application.state_at { " " (time::instant(at, zone)) }
                @if let Some(by) = &application.state_by { " · " (by.shown()) }
                @if let Some(reason) = &application.state_reason { " · " (keys::REASON) ": " (reason) }
            }
            dt { (texts::TYPE) } dd { a href={ (TYPES) "/" (application.kind) } { (kind.map_or(&application.kind, |kind| &kind.name)) } }
            @if let Some(at) = &application.password_set_at { dt { (texts::PASSWORD) } dd { (texts::PASSWORD_SET) " · " (time::instant(at, zone)) } }
            @if kind.is_some_and(Kind::has_users) {
                dt { (texts::API_USERS) }
                dd { (users(viewer, application)) " · " (people::SESSIONS) ": " (application.counts.sessions) }
            }
            dt { (texts::SETS) } dd { @for set in &application.api_sets { (badge::tag(set)) " " } }
            dt { (texts::ALLOWED_IPS) } dd {
                @if application.allowed_ips.is_empty() { (texts::ANYWHERE) }
                ul .plain-list { @for range in &application.allowed_ips { li { (badge::code(&range.line())) } } }
            }
            dt { (limit_texts::LIMITS) } dd { (limits::shown(&application.limits)) }
            dt { (texts::PUBLIC_URL) } dd {
                @match &application.public_url { Some(url) => { a href=(url) rel="noopener noreferrer" { (url) } }, None => "–" }
            }
            dt { (texts::LAST_USED) } dd { (last_used(viewer, application)) }
            dt { (texts::CREATED) } dd { (time::instant(&application.created_at, zone)) " · " (application.created_by.shown()) }
            dt { (texts::SLUG) } dd { code { (application.slug) } }
            dt { (texts::ID) } dd { code { (application.id) } }
        }
    }
}
