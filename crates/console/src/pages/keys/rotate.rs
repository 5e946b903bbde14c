//! A new secret for a key.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use claviger_manage::Error;
use claviger_texts::console::keys as texts;
use serde_json::json;

use super::shown_once::{self, Made};
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::viewer::Posted;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys/{id}/rotate", post(rotate))
}

async fn rotate(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let seconds = form.text("overlap_seconds").parse::<u32>();
    let seconds = seconds.map_err(|_| Error::field("overlap_seconds", texts::OVERLAP_UNREADABLE))?;
    let call = viewer.api.post(format!("/keys/{}/rotate", segment(&id)));
    let made: Made = call.json(&json!({"overlap_seconds": seconds})).read().await?;
    Ok(shown_once::show(&viewer, &made, texts::CREATED_TITLE, &made.key.path()))
}
