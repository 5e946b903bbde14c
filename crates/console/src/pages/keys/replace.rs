//! *Create a replacement with the same settings*: the form, filled with what a key is.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;

use super::form::filled;
use super::key::Key;
use super::new::{Place, show};
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems};
use crate::viewer::Viewer;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys/{id}/replace", get(page))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let key: Key = viewer.api.get(format!("/keys/{}", segment(&id))).read().await?;
    let place = if key.owner.kind == "application" {
        application(&viewer, &key.owner.id).await?
    } else if key.is_of(&viewer) && key.shape == "single" {
        Place::account(&viewer.person.id)
    } else if key.is_of(&viewer) {
        Place::profile()
    } else {
        Place::organization()
    };
    // Its name is taken while the old one lives, and the end of the old one is none for the new one.
    let mut form = filled(&key, &viewer);
    form.take("name");
    form.take("expires_at");
    show(&viewer, &place, &form, &Problems::default()).await
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
