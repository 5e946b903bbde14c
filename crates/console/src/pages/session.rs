//! The start page, and what the bar on top does.

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::header::SET_COOKIE;
use serde_json::json;

use super::sign_in::{local, with_cookies};
use crate::Console;
use crate::failure::Failure;
use crate::form::Form;
use crate::theme::Theme;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/", get(start))
        .route("/sign-out", post(sign_out))
        .route("/organization", post(switch))
        .route("/theme", post(theme))
}

/// Where somebody begins: at the organization's keys, at their own, or at who they are.
async fn start(viewer: Viewer) -> Redirect {
    let places = [("keys.read", "/keys"), ("keys.manage_own", "/profile/keys")];
    let place = places.into_iter().find(|(authority, _)| viewer.may(authority));
    Redirect::to(place.map_or("/profile", |(_, path)| path))
}

async fn sign_out(Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let answer = viewer.api.delete("/session").send().await?;
    Ok(with_cookies(Redirect::to("/sign-in").into_response(), answer.cookies()))
}

async fn switch(Posted { viewer, form }: Posted) -> Result<Redirect, Failure> {
    viewer.api.patch("/session").json(&json!({"organization": form.text("organization")})).send().await?;
    Ok(Redirect::to("/"))
}

/// Changes how pages look in this browser, and nothing else: it needs no session.
async fn theme(body: bytes::Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    let mut response = Redirect::to(local(form.text("back"))).into_response();
    response.headers_mut().append(SET_COOKIE, Theme::of(form.text("theme")).cookie());
    response
}
