//! Changing a key. A stale edit shows what stands there by now beside what was typed.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::{form as words, keys as texts, picker as picker_texts};
use http::StatusCode;
use maud::html;

use super::approval;
use super::form::{Part, edit_fields};
use super::key::Key;
use super::offer::Offer;
use super::sent::{change, filled};
use super::term::Term;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, VERSION};
use crate::pages::picker;
use crate::parts::changed;
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::parts::limits::{LIMITS, in_words};
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
    key.require_change(&viewer).await?;
    let form = filled(&key, &viewer);
    show(&viewer, &key, &version, &form, &Problems::default()).await
}

async fn save(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (key, version) = load(&viewer, &id).await?;
    if form.is_on(picker::DO) {
        return show(&viewer, &key, form.text(VERSION), &form, &Problems::default()).await;
    }
    let said = picker::understood(&viewer, &form).await?;
    let before = filled(&key, &viewer);
    let call = viewer.api.patch(format!("/keys/{}", segment(&id))).json(&change(&before, &form, &said.operations));
    match call.if_match(form.given(VERSION)).send().await {
        Ok(_) => Ok(Redirect::to(&told(&key.path(), "saved")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            show(&viewer, &key, &version, &form, &Problems::of(words::STALE)).await
        }
        Err(error) => {
            let problems = picker::named(&viewer, mend(error)?, said).await?.quoting(&form, "allowed_ips");
            show(&viewer, &key, form.text(VERSION), &form, &problems).await
        }
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
    let picker = picker::Offer::load(viewer, form, None).await?;
    let action = format!("{}/edit", key.path());
    let term = Term::of_key(viewer, key).await?;
    let note = approval::note(viewer).await?;
    let part = Part { offer: &offer, picker: &picker, term: &term, action: &action, form, problems };
    let body = html! {
        (summary(problems))
        (note)
        @if !problems.is_empty() { (changed::now(SHOWN, &in_words(&filled(key, viewer)), &in_words(form))) }
        form .form method="post" action=(action) {
            (picker::enter())
            (csrf(viewer))
            input type="hidden" name=(VERSION) value=(version);
            (edit_fields(&part))
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
    ("operations", picker_texts::OPERATIONS),
    ("patterns", picker_texts::PATTERNS),
    ("allowed_ips", texts::ALLOWED_IPS),
    ("expires_at", texts::EXPIRES_AT),
    ("external_id", texts::EXTERNAL_ID),
    ("tags", texts::TAGS),
    (LIMITS, claviger_texts::console::limits::LIMITS),
];
