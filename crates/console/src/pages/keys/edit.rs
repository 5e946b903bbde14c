//! Changing a key. A stale edit shows what stands there by now beside what was typed.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::{form as words, keys as texts};
use http::StatusCode;
use maud::html;

use super::form::{change, edit_fields, filled};
use super::key::Key;
use super::offer::Offer;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, VERSION};
use crate::parts::changed;
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys/{id}/edit", get(page).post(save))
}

async fn load(viewer: &Viewer, id: &str) -> Result<(Key, String), Failure> {
    let answer = viewer.api.get(format!("/keys/{}", segment(id))).send().await?;
    Ok((answer.read()?, answer.version().unwrap_or_default().to_owned()))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (key, version) = load(&viewer, &id).await?;
    let form = filled(&key, &viewer);
    show(&viewer, &key, &version, &form, &Problems::default()).await
}

async fn save(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (key, version) = load(&viewer, &id).await?;
    let before = filled(&key, &viewer);
    let call = viewer.api.patch(format!("/keys/{}", segment(&id))).json(&change(&before, &form));
    match call.if_match(form.given(VERSION)).send().await {
        Ok(_) => Ok(Redirect::to(&told(&key.path(), "saved")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            show(&viewer, &key, &version, &form, &Problems::of(words::STALE)).await
        }
        Err(error) => show(&viewer, &key, form.text(VERSION), &form, &mend(error)?).await,
    }
}

async fn show(
    viewer: &Viewer,
    key: &Key,
    version: &str,
    form: &Form,
    problems: &Problems,
) -> Result<Response, Failure> {
    let offer = Offer::load(viewer).await?.with_held(&key.api_sets);
    let body = html! {
        (summary(problems))
        @if !problems.is_empty() { (changed::now(SHOWN, &filled(key, viewer), form)) }
        form .form method="post" action={ (key.path()) "/edit" } {
            (csrf(viewer))
            input type="hidden" name=(VERSION) value=(version);
            (edit_fields(&offer, form, problems))
            div .buttons {
                button .btn type="submit" { (words::SAVE) }
                a .btn data-variant="outline" href=(key.path()) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, format!("{}: {}", texts::EDIT, key.name), body).status(status))
}

/// What a stale edit is compared by.
const SHOWN: &[(&str, &str)] = &[
    ("name", texts::NAME),
    ("description", texts::DESCRIPTION),
    ("api_sets", texts::API_SETS),
    ("operations", texts::OPERATIONS),
    ("allowed_ips", texts::ALLOWED_IPS),
    ("expires_at", texts::EXPIRES_AT),
    ("external_id", texts::EXTERNAL_ID),
    ("tags", texts::TAGS),
];
