//! *Create a replacement with the same settings*: the form, filled with what a key is.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::keys as texts;
use maud::{Markup, html};

use super::key::Key;
use super::new::{Place, show};
use super::sent::filled;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems};
use crate::form::Form;
use crate::viewer::{Viewer, not_yours};

/// The field with the key whose place the new one takes.
pub(super) const REPLACES: &str = "replaces";

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys/{id}/replace", get(page))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let key: Key = viewer.api.get(format!("/keys/{}", segment(&id))).read().await?;
    if !key.is_changed_by(&viewer) {
        return Err(not_yours());
    }
    let place = place_of(&viewer, &key).await?;
    // Its name is taken while the old one lives.
    let mut form = settings(&viewer, &key);
    form.take("name");
    form.set(REPLACES, key.id);
    show(&viewer, &place, &form, &Problems::default()).await
}

/// The key that a form's new one is to take the place of; none where it is not there any more.
pub(super) async fn replaced(viewer: &Viewer, form: &Form) -> Result<Option<Key>, Failure> {
    let Some(id) = form.given(REPLACES) else { return Ok(None) };
    Ok(viewer.api.get(format!("/keys/{}", segment(id))).read_if_seen().await?)
}

/// Which key it is, what it may do, and what becomes of it.
pub(super) fn about(key: &Key) -> Markup {
    html! {
        section .card .replaced {
            p { (texts::REPLACES) " " a href=(key.path()) { (key.name) } " " code { (key.hint) } }
            p { (texts::RIGHTS) ": " (key.rights()) }
            p .hint { (if key.works() { texts::REPLACED_WORKS } else { texts::REPLACED_STOPPED }) }
        }
    }
}

/// Once the new one is there: the old one is to go.
pub(super) fn to_be_ended(key: Option<&Key>) -> Markup {
    html! {
        @if let Some(key) = key.filter(|key| key.works()) {
            p { (texts::STILL_WORKS) " " a href=(key.path()) data-leaves { (key.name) } }
        }
    }
}

/// Where keys like this one are made.
pub(super) async fn place_of(viewer: &Viewer, key: &Key) -> Result<Place, Failure> {
    if key.owner.kind == "application" {
        return application(viewer, &key.owner.id).await;
    }
    Ok(if key.is_of(viewer) && key.shape == "single" {
        Place::account(&viewer.person.id)
    } else if key.is_of(viewer) {
        Place::profile()
    } else {
        Place::organization()
    })
}

/// What a key is, for a new one: the end of the old one is none for it. What was only named is described by its name.
pub(super) fn settings(viewer: &Viewer, key: &Key) -> Form {
    let mut form = filled(key, viewer);
    form.take("expires_at");
    if key.description.is_empty() {
        form.set("description", key.name.clone());
    }
    form
}

/// The place of an application's keys.
async fn application(viewer: &Viewer, id: &str) -> Result<Place, Failure> {
    #[derive(serde::Deserialize)]
    struct Application {
        id: String,
        name: String,
        api_sets: Vec<String>,
    }
    let Application { id, name, api_sets } = viewer.api.get(format!("/applications/{}", segment(id))).read().await?;
    Ok(Place::application(&id, &name, api_sets))
}
