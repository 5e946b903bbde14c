//! Taking an application out of service, and putting it back.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use serde_json::json;

use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::sign_in::local;
use crate::prompts::told;
use crate::viewer::Posted;

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/admin/applications/{id}/disable", post(disable))
        .route("/admin/applications/{id}/enable", post(enable))
}

async fn disable(Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    turn("applications", &id, posted, "disable", "application-disabled").await
}

async fn enable(Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    turn("applications", &id, posted, "enable", "application-enabled").await
}

/// Does it to a record of this place, and goes back to where that was asked for, or to the record's page.
pub(in crate::pages::admin) async fn turn(
    place: &str,
    id: &str,
    Posted { viewer, form }: Posted,
    action: &str,
    word: &str,
) -> Result<Response, Failure> {
    let id = segment(id);
    viewer.api.post(format!("/{place}/{id}/{action}")).json(&json!({})).send().await?;
    let page = format!("/admin/{place}/{id}");
    Ok(Redirect::to(&told(form.given("back").map_or(page.as_str(), local), word)).into_response())
}
