//! One's own keys: CERRIX's *View profile → API Keys*.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::{frame as words, keys as texts, people};
use maud::{Markup, html};

use crate::Console;
use crate::failure::{Failure, Problems};
use crate::form::Form;
use crate::pages::keys::key::Key;
use crate::pages::keys::list::{Columns, states, table};
use crate::pages::keys::new::{Place, make, show};
use crate::parts::frame::Page;
use crate::parts::icon::Icon;
use crate::parts::list::{List, Listed};
use crate::viewer::{Posted, Viewer};

const PATH: &str = "/profile/keys";
const KNOWN: &[&str] = &["text", "state", "ends_before", "last_refused_after", "sort", "cursor"];

pub(super) fn router() -> Router<Console> {
    Router::new().route("/profile/keys", get(list)).route("/profile/keys/new", get(page).post(save))
}

/// The pages of the profile.
pub(super) fn tabs(viewer: &Viewer) -> Markup {
    let tabs = [
        ("/profile", people::PROFILE),
        ("/profile/roles", people::ROLES),
        (PATH, words::API_KEYS),
        ("/profile/security", words::SECURITY),
    ];
    html! {
        nav .subplaces aria-label=(people::PROFILE) {
            @for (path, label) in tabs.into_iter().filter(|(path, _)| *path != PATH || viewer.may("keys.manage_own")) {
                a href=(path) aria-current=[is_at(&viewer.path, path).then_some("page")] { (label) }
            }
            @if viewer.may("keys.read") { a href="/keys" { (words::SETTINGS_API) } }
        }
    }
}

/// The pages below a page of the profile are its own; all are below the first.
fn is_at(path: &str, tab: &str) -> bool {
    path == tab
        || (tab == "/profile" && path == "/profile/edit")
        || (tab != "/profile" && path.strip_prefix(tab).is_some_and(|rest| rest.starts_with('/')))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let found: Listed<Key> = viewer.api.get(format!("/me/keys{}", asked.query())).read().await?;
    let list = List {
        path: "/profile/keys",
        asked: &asked,
        search_label: texts::SEARCH,
        filters: vec![states()],
        export: None,
    };
    let body = html! {
        (tabs(&viewer))
        (list.tools())
        @if found.data.is_empty() {
            (list.empty(texts::NO_OWN, texts::NO_OWN_HINT, &add(&viewer)))
        } @else {
            (table(&viewer, &list, &found.data, Columns::OfOwner))
        }
        (list.pager(found.data.len(), found.next_cursor.as_deref()))
    };
    Ok(Page::new(&viewer, texts::OWN_TITLE, body).actions(add(&viewer)).ok())
}

fn add(viewer: &Viewer) -> Markup {
    html! { @if viewer.may("keys.manage_own") { a .btn href="/profile/keys/new" { (Icon::Plus.draw()) (texts::ADD) } } }
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    show(&viewer, &Place::profile(), &Form::default(), &Problems::default()).await
}

async fn save(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    make(&viewer, &Place::profile(), form).await
}
