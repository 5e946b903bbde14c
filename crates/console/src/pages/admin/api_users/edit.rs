//! Changing an API user. Its application never changes.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::{api_users as texts, form as words};
use http::StatusCode;
use maud::html;

use super::form::{Fields, LABELS, change, filled, placed};
use super::offer::Offer;
use super::user::{ApiUser, load};
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, VERSION};
use crate::parts::changed::now;
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/api-users/{id}/edit", get(page).post(save))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (user, version) = load(&viewer, &id).await?;
    show(&viewer, &user, &version, &filled(&user), &Problems::default()).await
}

async fn save(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (user, version) = load(&viewer, &id).await?;
    let call = viewer.api.patch(format!("/api-users/{}", user.id)).json(&change(&filled(&user), &form));
    match call.if_match(form.given(VERSION)).send().await {
        Ok(_) => Ok(Redirect::to(&told(&user.path(), "saved")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            show(&viewer, &user, &version, &form, &Problems::of(words::STALE)).await
        }
        Err(error) => show(&viewer, &user, form.text(VERSION), &form, &placed(mend(error)?)).await,
    }
}

async fn show(
    viewer: &Viewer,
    user: &ApiUser,
    version: &str,
    form: &Form,
    problems: &Problems,
) -> Result<Response, Failure> {
    let offer = Offer::people(viewer).await?;
    let fields = Fields { form, problems, offer: &offer, signs_in: !user.has_static_token };
    let body = html! {
        (summary(problems))
        @if !problems.is_empty() { (now(LABELS, &filled(user), form)) }
        form .form method="post" action={ (user.path()) "/edit" } {
            (csrf(viewer))
            input type="hidden" name=(VERSION) value=(version);
            div .field { span .label { (texts::SERVER) } p { (user.application.name) } }
            (fields.status())
            (fields.rest())
            div .buttons {
                button .btn type="submit" { (words::SAVE) }
                a .btn data-variant="outline" href=(user.path()) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::edit_title(&user.user_name), body).status(status))
}
