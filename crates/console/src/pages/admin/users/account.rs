//! *User Account Details*: who somebody is, what they may do, and their API keys.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::{keys, people as texts};
use maud::{Markup, html};

use super::state::actions;
use super::{User, load};
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems};
use crate::form::Form;
use crate::pages::admin::audit::history;
use crate::pages::admin::roles::{self, Role};
use crate::pages::keys::key::{Key, delegates};
use crate::pages::keys::list::{Columns, states, table};
use crate::pages::keys::new::{Place, make, show};
use crate::parts::frame::Page;
use crate::parts::icon::Icon;
use crate::parts::list::{List, Listed, empty};
use crate::parts::{badge, time};
use crate::viewer::{Posted, Viewer, not_yours};

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/admin/users/{id}", get(account))
        .route("/admin/users/{id}/keys/new", get(new_key).post(make_key))
}

async fn account(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (user, _) = load(&viewer, &id).await?;
    let roles = roles::all(&viewer).await?;
    let keys = keys(&viewer, &user).await?;
    let history = history(&viewer, &user.id).await?;
    let body = html! {
        section .card {
            header { h2 { (user.name) } }
            section { (facts(&viewer, &user, &roles)) }
        }
        (keys)
        (history)
    };
    Ok(Page::new(&viewer, texts::ACCOUNT, body).actions(actions(&viewer, &user)).ok())
}

fn facts(viewer: &Viewer, user: &User, roles: &[Role]) -> Markup {
    let zone = &viewer.zone;
    html! {
        dl .facts {
            dt { (texts::USERNAME) } dd { (user.username) }
            dt { (texts::EMAIL) } dd { (user.email) }
            dt { (texts::ROLES) } dd { (roles::tags(viewer, roles, &user.roles)) }
            dt { (texts::STATUS) } dd {
                (badge::state(&user.state))
                @if let Some(at) = &user.state_at { " " (time::instant(at, zone)) }
                @if let Some(by) = &user.state_by { " · " (by.shown()) }
                @if let Some(reason) = &user.state_reason { " · " (texts::REASON) ": " (reason) }
            }
            dt { (texts::ACCOUNT_EXPIRES) } dd {
                @match &user.account_expires_at { Some(at) => (time::end_day(at, &viewer.home_zone)), None => { (keys::NO_END) } }
            }
            dt { (texts::LAST_SIGN_IN) } dd {
                @match &user.last_sign_in { Some(at) => (time::instant(at, zone)), None => { (texts::NEVER) } }
            }
            dt { (texts::LANGUAGE) } dd { (user.language) }
            dt { (texts::TIME_ZONE) } dd { (user.time_zone) }
            dt { (texts::INVITED) } dd { (time::instant(&user.created_at, zone)) " · " (user.created_by.shown()) }
            dt { (texts::ID) } dd { code { (user.id) } }
        }
    }
}

/// The section of keys; none for who may not see them.
async fn keys(viewer: &Viewer, user: &User) -> Result<Markup, Failure> {
    let asked = viewer.asked(&["text", "state", "sort", "cursor"]);
    let (path, own) = (user.path(), user.is(viewer));
    let api = format!("/users/{}/keys{}", segment(&user.id), asked.query());
    let Some(found) = viewer.api.get(api).read_if_seen::<Listed<Key>>().await? else { return Ok(html! {}) };
    let generate = if generates(viewer, user).await? {
        html! { a .btn href={ (path) "/keys/new" } { (Icon::Plus.draw()) (keys::GENERATE) } }
    } else {
        html! {}
    };
    let list = List { path: &path, asked: &asked, search_label: keys::SEARCH, filters: vec![states()], export: None };
    let is_empty = found.data.is_empty() && !asked.is_narrow();
    Ok(html! {
        section .stack aria-labelledby="keys" {
            div .title { h2 #keys { (texts::API_KEYS) } div .actions { (generate) } }
            @if !own && !is_empty { p .hint { (texts::OTHERS_KEYS_HINT) } }
            @if is_empty {
                @if own { (empty(keys::NO_OWN, keys::NO_OWN_HINT, &generate)) } @else { (empty(texts::NO_KEYS, texts::NO_KEYS_HINT, &generate)) }
            } @else {
                (list.tools())
                @if found.data.is_empty() { (list.empty("", "", &html! {})) } @else {
                    (table(viewer, &list, &found.data, Columns::OfOwner))
                }
                (list.pager(found.data.len(), found.next_cursor.as_deref()))
            }
        }
    })
}

/// Keys are generated for oneself; for others only where the policy says so.
async fn generates(viewer: &Viewer, user: &User) -> Result<bool, Failure> {
    if user.is(viewer) {
        return Ok(viewer.may("keys.manage_own"));
    }
    Ok(viewer.may("keys.manage_all") && delegates(viewer).await?)
}

async fn new_key(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (user, _) = load(&viewer, &id).await?;
    if !generates(&viewer, &user).await? {
        return Err(not_yours());
    }
    show(&viewer, &Place::account(&id), &Form::default(), &Problems::default()).await
}

async fn make_key(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    make(&viewer, &Place::account(&id), form).await
}
