//! Changing an API, and what that would do. A stale edit shows what stands there by now beside what was typed.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::{Error, ErrorCode};
use claviger_texts::console::apis::{self as texts, change as change_words};
use claviger_texts::console::form as words;
use http::StatusCode;
use maud::{Markup, html};

use super::api::Api;
use super::change::Change;
use super::form::{LABELS, OPERATIONS_EDITED_MAX, Purpose, change, fields, filled};
use super::operations::Operation;
use super::show::load;
use super::subplaces;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, VERSION};
use crate::parts::changed::now;
use crate::parts::field::summary_called;
use crate::parts::frame::{Page, csrf};
use crate::parts::list::first_rows;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

const DO: &str = "do";
const PREVIEW: &str = "preview";

/// The API as it stands.
struct Stored {
    api: Api,
    version: String,
    operations: Vec<Operation>,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/apis/{api}/edit", get(page).post(save))
}

async fn page(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Failure> {
    let stored = Stored::load(&viewer, &name).await?;
    let form = stored.form();
    Ok(stored.show(&viewer, &stored.version, &form, &Problems::default(), &html! {}))
}

async fn save(Path(name): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let stored = Stored::load(&viewer, &name).await?;
    let version = form.text(VERSION);
    let nothing = html! {};
    let request = match change(&stored.form(), &form, &stored.operations) {
        Ok(request) => request,
        Err(problems) => return Ok(stored.show(&viewer, version, &form, &problems, &nothing)),
    };
    let is_preview = form.text(DO) == PREVIEW;
    let path = format!("/apis/{}?dry_run={is_preview}", segment(&name));
    let done = viewer.api.patch(path).json(&request).if_match(form.given(VERSION)).send().await;
    match done {
        Ok(answer) if is_preview => {
            let change: Change = answer.read()?;
            Ok(stored.show(&viewer, version, &form, &Problems::default(), &shown(&change)))
        }
        Ok(answer) => {
            let api: Api = answer.read()?;
            Ok(Redirect::to(&told(&api.path(&viewer), "saved")).into_response())
        }
        Err(error) => stored.refused(&viewer, &form, error),
    }
}

fn shown(change: &Change) -> Markup {
    html! {
        section #change .card {
            header { h2 { (change_words::TITLE) } p { (change_words::NOT_YET) } }
            section .stack { (change.shown()) }
        }
    }
}

// === impl Stored ===

impl Stored {
    async fn load(viewer: &Viewer, name: &str) -> Result<Self, Failure> {
        let (api, version) = load(viewer, name).await?;
        let mut operations = Vec::new();
        if api.operations_count <= OPERATIONS_EDITED_MAX {
            let path = format!("/apis/{}/operations", segment(name));
            operations = first_rows(&viewer.api, &path, OPERATIONS_EDITED_MAX as usize).await?.0;
        }
        Ok(Self { api, version, operations })
    }

    fn form(&self) -> Form {
        filled(&self.api, &self.operations)
    }

    fn refused(&self, viewer: &Viewer, form: &Form, error: Error) -> Result<Response, Failure> {
        let nothing = html! {};
        if error.code() == ErrorCode::Stale {
            return Ok(self.show(viewer, &self.version, form, &Problems::of(words::STALE), &nothing));
        }
        Ok(self.show(viewer, form.text(VERSION), form, &mend(error)?, &nothing))
    }

    fn show(&self, viewer: &Viewer, version: &str, form: &Form, problems: &Problems, change: &Markup) -> Response {
        let path = self.api.path(viewer);
        let body = html! {
            (subplaces(viewer))
            (summary_called(if form.text(DO) == PREVIEW { words::NO_PREVIEW } else { words::NOT_DONE }, problems))
            @if !problems.is_empty() { (now(LABELS, &self.form(), form)) }
            (change)
            form .form method="post" action={ (path) "/edit" } {
                (csrf(viewer))
                input type="hidden" name=(VERSION) value=(version);
                (fields(Purpose::Edit(&self.api), form, problems))
                div .buttons {
                    button .btn type="submit" { (words::SAVE) }
                    button .btn data-variant="outline" type="submit" name=(DO) value=(PREVIEW) formaction={ (path) "/edit#change" } { (texts::PREVIEW) }
                    a .btn data-variant="ghost" href=(path) { (words::CANCEL) }
                }
            }
        };
        let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        Page::new(viewer, texts::edit_title(&self.api.name), body).status(status)
    }
}
