//! What is done with a webhook at one press, and the page of its secret.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use claviger_manage::Error;
use claviger_texts::console::{keys, webhooks as texts};
use maud::html;
use serde_json::json;

use super::{Made, PATH, Webhook};
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::admin::applications::turn;
use crate::parts::copy;
use crate::parts::frame::Page;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/admin/webhooks/{id}/disable", post(disable))
        .route("/admin/webhooks/{id}/enable", post(enable))
        .route("/admin/webhooks/{id}/test", post(test))
        .route("/admin/webhooks/{id}/rotate", post(rotate))
        .route("/admin/webhooks/{id}/delete", post(delete))
        .route("/admin/webhooks/{id}/deliveries/{event}/replay", post(replay))
}

async fn disable(Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    turn("webhooks", &id, posted, "disable", "webhook-disabled").await
}

async fn enable(Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    turn("webhooks", &id, posted, "enable", "webhook-enabled").await
}

async fn test(Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    turn("webhooks", &id, posted, "test", "webhook-tested").await
}

async fn replay(Path((id, event)): Path<(String, String)>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let id = segment(&id);
    viewer.api.post(format!("/webhooks/{id}/deliveries/{}/replay", segment(&event))).send().await?;
    Ok(Redirect::to(&told(&format!("{PATH}/{id}"), "webhook-replayed")).into_response())
}

async fn delete(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    viewer.api.delete(format!("/webhooks/{}", segment(&id))).send().await?;
    Ok(Redirect::to(&told(PATH, "deleted")).into_response())
}

async fn rotate(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let seconds = form.text("overlap_seconds").parse::<u32>();
    let seconds = seconds.map_err(|_| Error::field("overlap_seconds", texts::OVERLAP_UNREADABLE))?;
    let call = viewer.api.post(format!("/webhooks/{}/rotate", segment(&id)));
    let Made { webhook, secret } = call.json(&json!({"overlap_seconds": seconds})).read().await?;
    Ok(shown_once(&viewer, &webhook, secret.as_deref(), texts::ROTATE))
}

/// The page that shows the secret, this once; where a form was sent again, it says so.
pub(super) fn shown_once(viewer: &Viewer, webhook: &Webhook, secret: Option<&str>, title: &str) -> Response {
    let back = webhook.path();
    let Some(secret) = secret else {
        let body = html! {
            p { (texts::ALREADY_HINT) }
            div .buttons { a .btn href=(back) { (webhook.name) } }
        };
        return Page::new(viewer, texts::ALREADY, body).ok();
    };
    let body = html! {
        shown-once .shown-once data-leave=(texts::SECRET_LEAVE) data-at={ (back) "?after=secret" } {
            div .card {
                header { h2 { (webhook.name) } p { (texts::SECRET_ONCE) } }
                section .form {
                    (copy::once("secret", texts::SECRET, secret))
                    div .buttons { a .btn data-variant="outline" href=(back) data-leaves { (keys::CLOSE) } }
                }
            }
        }
    };
    Page::new(viewer, title, body).ok()
}
