//! What is done to an API user in a step: in and out of service, unlocked, sent a link, without its codes, deleted.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use serde::Deserialize;

use super::PATH;
use super::show::show;
use super::user::load;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, mend};
use crate::pages::admin::applications::turn;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

/// The type of an application.
#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    kind: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/admin/api-users/{id}/enable", post(enable))
        .route("/admin/api-users/{id}/disable", post(disable))
        .route("/admin/api-users/{id}/unlock", post(unlock))
        .route("/admin/api-users/{id}/mail-link", post(mail_link))
        .route("/admin/api-users/{id}/reset-second-factor", post(reset_second_factor))
        .route("/admin/api-users/{id}/delete", post(delete))
}

async fn enable(Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    turn("api-users", &id, posted, "enable", "api-user-enabled").await
}

async fn disable(Path(id): Path<String>, posted: Posted) -> Result<Response, Failure> {
    turn("api-users", &id, posted, "disable", "api-user-disabled").await
}

async fn unlock(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    act(&viewer, &id, "unlock", "api-user-unlocked").await
}

async fn mail_link(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    act(&viewer, &id, "reset-password", "api-user-link").await
}

async fn reset_second_factor(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    act(&viewer, &id, "reset-2fa", "second-factor-reset").await
}

/// Does it, and goes back to the user's page with a word about it, or with the reason why not.
async fn act(viewer: &Viewer, id: &str, action: &str, word: &str) -> Result<Response, Failure> {
    let (user, _) = load(viewer, id).await?;
    match viewer.api.post(format!("/api-users/{}/{action}", user.id)).send().await {
        Ok(_) => Ok(Redirect::to(&told(&user.path(), word)).into_response()),
        Err(error) => show(viewer, &user, &mend(error)?).await,
    }
}

async fn delete(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let (user, _) = load(&viewer, &id).await?;
    let application = viewer.api.get(format!("/applications/{}", user.application.id)).read_if_seen::<Typed>().await?;
    viewer.api.delete(format!("/api-users/{}", user.id)).send().await?;
    let list = application.map_or_else(|| PATH.to_owned(), |found| format!("{PATH}/of/{}", segment(&found.kind)));
    Ok(Redirect::to(&told(&list, "deleted")).into_response())
}
