//! What is shown once: a token that needs no sign-in, and recovery codes.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use claviger_texts::console::{api_users as texts, keys, second_factor};
use maud::html;
use serde::Deserialize;

use super::show::show;
use super::user::{ApiUser, load};
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, mend};
use crate::parts::copy;
use crate::parts::frame::Page;
use crate::viewer::{Posted, Viewer};

/// The name of the file of recovery codes.
const FILE: &str = "claviger-recovery-codes.txt";

/// What the API answers to a creation and to another token.
#[derive(Deserialize)]
pub(super) struct Made {
    pub(super) api_user: ApiUser,
    pub(super) token: Option<String>,
}

#[derive(Deserialize)]
struct Codes {
    recovery_codes: Vec<String>,
}

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/admin/api-users/{id}/token", post(rotate))
        .route("/admin/api-users/{id}/recovery-codes", post(make_codes))
}

async fn rotate(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let call = viewer.api.post(format!("/api-users/{}/rotate-token", segment(&id)));
    match call.read::<Made>().await {
        Ok(Made { api_user, token }) => {
            Ok(show_token(&viewer, &api_user, token.as_deref().unwrap_or_default(), texts::NEW_TOKEN))
        }
        Err(error) => show(&viewer, &load(&viewer, &id).await?.0, &mend(error)?).await,
    }
}

/// The page of a token, this once.
pub(super) fn show_token(viewer: &Viewer, user: &ApiUser, token: &str, title: &str) -> Response {
    let body = html! {
        shown-once .shown-once data-leave=(texts::TOKEN_LEAVE) data-at={ (user.path()) "?after=token" } {
            div .card {
                header { h2 { (user.user_name) } p { (texts::TOKEN_ONCE) } }
                section .form {
                    (copy::once("token", texts::TOKEN, token))
                    p .hint { (texts::TOKEN_USE) }
                    div .buttons { a .btn data-variant="outline" href=(user.path()) data-leaves { (keys::CLOSE) } }
                }
            }
        }
    };
    Page::new(viewer, title, body).ok()
}

/// The page of a user that was made before, and its token shown.
pub(super) fn already(viewer: &Viewer, user: &ApiUser) -> Response {
    let body = html! {
        p { (texts::ALREADY_HINT) }
        div .buttons { a .btn href=(user.path()) { (user.user_name) } }
    };
    Page::new(viewer, texts::ALREADY, body).ok()
}

async fn make_codes(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let (user, _) = load(&viewer, &id).await?;
    let call = viewer.api.post(format!("/api-users/{}/recovery-codes", user.id));
    let codes = match call.read::<Codes>().await {
        Ok(Codes { recovery_codes }) => recovery_codes,
        Err(error) => return show(&viewer, &user, &mend(error)?).await,
    };
    let body = html! {
        shown-once .shown-once data-leave=(second_factor::LEAVE) data-at={ (user.path()) "?after=codes" } {
            div .card {
                header { h2 { (user.user_name) } p { (texts::CODES_ONCE) } }
                section .form {
                    (copy::lines("codes", second_factor::CODES, &codes))
                    div .buttons {
                        button .btn data-variant="outline" type="button" data-download=(FILE) hidden { (keys::DOWNLOAD) }
                        a .btn data-variant="outline" href=(user.path()) data-leaves { (keys::CLOSE) }
                    }
                }
            }
        }
    };
    Ok(Page::new(&viewer, second_factor::NEW_CODES, body).ok())
}
