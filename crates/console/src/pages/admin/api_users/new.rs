//! *Add record*: another API user.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::{api_users as texts, form as words};
use http::StatusCode;
use maud::html;

use super::PATH;
use super::form::{Fields, creation, empty, placed};
use super::list::tabs;
use super::offer::Offer;
use super::secrets::{Made, already, show_token};
use super::user::kinds_with_users;
use crate::Console;
use crate::call::{Answer, segment};
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, ONCE};
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/api-users/of/{type}/new", get(page).post(make))
}

async fn page(viewer: Viewer, Path(slug): Path<String>) -> Result<Response, Failure> {
    show(&viewer, &slug, &empty(), &Problems::default()).await
}

async fn make(Path(slug): Path<String>, Posted { viewer, mut form }: Posted) -> Result<Response, Failure> {
    let kinds = kinds_with_users(&viewer).await?;
    let signs_in = kinds.iter().any(|kind| kind.slug == slug && kind.signs_in());
    let call = viewer.api.post("/api-users").json(&creation(&form, signs_in)).once(form.given(ONCE));
    match call.send().await {
        Ok(answer) => done(&viewer, &answer),
        Err(error) if error.code() == ErrorCode::IdempotencyMismatch => {
            // Sent before with other entries: that user is there, and this one is meant to be a further one.
            form.take(ONCE);
            show(&viewer, &slug, &form, &Problems::of(words::SENT_BEFORE)).await
        }
        Err(error) => show(&viewer, &slug, &form, &placed(mend(error)?)).await,
    }
}

/// On to its page; a token is shown first, once.
fn done(viewer: &Viewer, answer: &Answer) -> Result<Response, Failure> {
    let made: Made = answer.read()?;
    Ok(match &made.token {
        Some(token) => show_token(viewer, &made.api_user, token, texts::CREATED_TITLE),
        None if made.api_user.has_static_token => already(viewer, &made.api_user),
        None => Redirect::to(&told(&made.api_user.path(), "created")).into_response(),
    })
}

async fn show(viewer: &Viewer, slug: &str, form: &Form, problems: &Problems) -> Result<Response, Failure> {
    let kinds = kinds_with_users(viewer).await?;
    let kind = kinds.iter().find(|kind| kind.slug == slug);
    let kind = kind.ok_or_else(|| claviger_manage::Error::not_found("application type"))?;
    let offer = Offer::of_type(viewer, slug).await?;
    let fields = Fields { form, problems, offer: &offer, signs_in: kind.signs_in() };
    let once = form.given(ONCE).unwrap_or(&viewer.once);
    let list = format!("{PATH}/of/{}", segment(slug));
    let body = html! {
        (tabs(&kinds, slug))
        (summary(problems))
        p .muted { (words::REQUIRED) }
        form .form method="post" action={ (list) "/new" } {
            (csrf(viewer))
            input type="hidden" name=(ONCE) value=(once);
            (fields.server())
            (fields.status())
            (fields.password())
            (fields.rest())
            div .buttons {
                button .btn type="submit" { (words::SAVE) }
                a .btn data-variant="outline" href=(list) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::ADD_TITLE, body).status(status))
}
