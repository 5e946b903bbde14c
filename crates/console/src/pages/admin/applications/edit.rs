//! Changing an application. Its type never changes.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::{Error, ErrorCode};
use claviger_texts::console::{applications as texts, form as words};
use http::StatusCode;
use maud::html;

use super::application::{Application, kinds, load};
use super::form::{Fields, LABELS, change, filled};
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, VERSION};
use crate::parts::changed::now;
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::parts::limits::in_words;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/applications/{id}/edit", get(page).post(save))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (application, version) = load(&viewer, &id).await?;
    show(&viewer, &application, &version, &filled(&application), &Problems::default()).await
}

async fn save(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (application, version) = load(&viewer, &id).await?;
    // Who had to prove who they are may have typed one before that, and it was not kept.
    if application.password_set_at.is_some() && form.find("password").is_none() {
        let problems = Problems::with_field("password", texts::PASSWORD_AGAIN);
        return show(&viewer, &application, form.text(VERSION), &form, &problems).await;
    }
    let call =
        viewer.api.patch(format!("/applications/{}", application.id)).json(&change(&filled(&application), &form));
    match call.if_match(form.given(VERSION)).send().await {
        Ok(_) => Ok(Redirect::to(&told(&application.path(), "saved")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            show(&viewer, &application, &version, &form, &Problems::of(words::STALE)).await
        }
        Err(error) => show(&viewer, &application, form.text(VERSION), &form, &mend(error)?).await,
    }
}

async fn show(
    viewer: &Viewer,
    application: &Application,
    version: &str,
    form: &Form,
    problems: &Problems,
) -> Result<Response, Failure> {
    let kinds = kinds(viewer).await?;
    let kind = kinds.iter().find(|kind| kind.slug == application.kind);
    let kind = kind.ok_or_else(|| Error::not_found("application type"))?;
    let part = Fields { form, problems, kind };
    let body = html! {
        (summary(problems))
        @if !problems.is_empty() { (now(LABELS, &in_words(&filled(application)), &in_words(form))) }
        form .form method="post" action={ (application.path()) "/edit" } {
            (csrf(viewer))
            input type="hidden" name=(VERSION) value=(version);
            (part.name())
            (part.password(texts::PASSWORD_KEEPS))
            (part.status())
            div .field { span .label { (texts::TYPE) } p { (kind.name) } }
            (part.addresses())
            (part.public_url())
            (part.limits())
            (part.slug())
            div .buttons {
                button .btn type="submit" { (words::SAVE) }
                a .btn data-variant="outline" href=(application.path()) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, format!("{}: {}", texts::EDIT, application.name), body).status(status))
}
