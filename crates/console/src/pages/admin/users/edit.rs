//! Changing a person: what is the organization's, and what is theirs.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::{form as words, people as texts};
use http::StatusCode;
use maud::html;

use super::form::{Fields, change, filled};
use super::{User, load};
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, VERSION};
use crate::pages::admin::roles;
use crate::parts::changed;
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

/// What a stale edit is compared by.
const SHOWN: &[(&str, &str)] = &[
    ("roles", texts::ROLES),
    ("username", texts::USERNAME),
    ("account_expires_at", texts::ACCOUNT_EXPIRES),
    ("name", texts::NAME),
    ("email", texts::EMAIL),
    ("language", texts::LANGUAGE),
    ("time_zone", texts::TIME_ZONE),
];

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/users/{id}/edit", get(page).post(save))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (user, version) = load(&viewer, &id).await?;
    let form = filled(&user, &viewer);
    show(&viewer, &user, &version, &form, &Problems::default()).await
}

async fn save(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (user, version) = load(&viewer, &id).await?;
    let body = change(&filled(&user, &viewer), &form);
    let call = viewer.api.patch(format!("/users/{}", segment(&user.id))).json(&body);
    match call.if_match(form.given(VERSION)).send().await {
        Ok(_) => Ok(Redirect::to(&told(&user.path(), "saved")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            show(&viewer, &user, &version, &form, &Problems::of(words::STALE)).await
        }
        Err(error) => show(&viewer, &user, form.text(VERSION), &form, &mend(error)?).await,
    }
}

async fn show(
    viewer: &Viewer,
    user: &User,
    version: &str,
    form: &Form,
    problems: &Problems,
) -> Result<Response, Failure> {
    let fields = Fields { form, problems };
    let roles = roles::all(viewer).await?;
    let body = html! {
        (summary(problems))
        @if !problems.is_empty() { (changed::now(SHOWN, &filled(user, viewer), form)) }
        form .form method="post" action={ (user.path()) "/edit" } {
            (csrf(viewer))
            input type="hidden" name=(VERSION) value=(version);
            h2 { (texts::MEMBERSHIP) }
            (fields.roles(&roles))
            (fields.username(""))
            (fields.account_expires())
            h2 { (texts::PERSON) }
            @if !user.is(viewer) { p .hint { (texts::PERSON_HINT) } }
            (fields.name(""))
            (fields.email())
            (fields.language())
            (fields.time_zone(texts::OWN_TIME_ZONE_HINT))
            div .buttons {
                button .btn type="submit" { (words::SAVE) }
                a .btn data-variant="outline" href=(user.path()) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::edit_title(&user.name), body).status(status))
}
