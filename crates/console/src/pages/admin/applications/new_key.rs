//! A further key of an application: the one key form, with what its type allows.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;

use super::application::load;
use crate::Console;
use crate::failure::{Failure, Problems};
use crate::form::Form;
use crate::pages::keys::new::{Place, make, show};
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/applications/{id}/keys/new", get(page).post(save))
}

async fn place(viewer: &Viewer, id: &str) -> Result<Place, Failure> {
    let (application, _) = load(viewer, id).await?;
    Ok(Place::application(&application.id, &application.name, application.api_sets))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let place = place(&viewer, &id).await?;
    show(&viewer, &place, &Form::default(), &Problems::default()).await
}

async fn save(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let place = place(&viewer, &id).await?;
    make(&viewer, &place, form).await
}
