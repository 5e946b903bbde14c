//! Taking a key out of service and putting it back, ending it, and seeing its secret again.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use claviger_texts::console::keys as texts;
use serde_json::json;

use super::key::Key;
use super::shown_once::{self, Made};
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::form::Form;
use crate::pages::sign_in::local;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/keys/{id}/disable", post(disable))
        .route("/keys/{id}/enable", post(enable))
        .route("/keys/{id}/end-overlap", post(end_overlap))
        .route("/keys/{id}/reveal", post(reveal))
        .route("/keys/{id}/delete", post(delete))
}

/// Back to where the button was, with a word about what was done.
fn back(form: &Form, id: &str, word: &str) -> Response {
    let page = format!("/keys/{}", segment(id));
    Redirect::to(&told(form.given("back").map_or(page.as_str(), local), word)).into_response()
}

async fn act(viewer: &Viewer, id: &str, action: &str) -> Result<(), Failure> {
    viewer.api.post(format!("/keys/{}/{action}", segment(id))).json(&json!({})).send().await?;
    Ok(())
}

async fn disable(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    act(&viewer, &id, "disable").await?;
    Ok(back(&form, &id, "key-disabled"))
}

async fn enable(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    act(&viewer, &id, "enable").await?;
    Ok(back(&form, &id, "key-enabled"))
}

async fn end_overlap(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    act(&viewer, &id, "end-overlap").await?;
    Ok(back(&form, &id, "overlap-ended"))
}

async fn reveal(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let made: Made = viewer.api.post(format!("/keys/{}/reveal", segment(&id))).read().await?;
    Ok(shown_once::show(&viewer, &made, texts::CREATED_TITLE, &made.key.path()))
}

async fn delete(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let path = format!("/keys/{}", segment(&id));
    let key: Key = viewer.api.get(path.clone()).read().await?;
    viewer.api.delete(path).send().await?;
    let list = if key.is_of(&viewer) { "/profile/keys" } else { "/keys" };
    let list = form.given("back").map_or(list, local);
    Ok(Redirect::to(&told(list, "deleted")).into_response())
}
