//! Making, changing and deleting a role.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use claviger_manage::ErrorCode;
use claviger_texts::console::{form as words, roles as texts};
use http::StatusCode;
use maud::{Markup, html};

use super::form::{SHOWN, change, creation, fields, filled};
use super::{Role, authorities};
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, ONCE, VERSION};
use crate::pages::keys::offer::Offer;
use crate::parts::changed;
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

const NEW: &str = "/admin/roles/new";

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route(NEW, get(new).post(make))
        .route("/admin/roles/{role}/edit", get(page).post(save))
        .route("/admin/roles/{role}/delete", post(delete))
}

/// A form of a role, and where it goes.
struct Sheet<'a> {
    title: &'a str,
    action: &'a str,
    hint: String,
    back: &'a str,
    /// What bears the version, or has the form do its work once.
    hidden: Markup,
    /// What stands there now.
    stored: Option<Form>,
}

// === impl Sheet ===

impl Sheet<'_> {
    async fn show(&self, viewer: &Viewer, form: &Form, problems: &Problems) -> Result<Response, Failure> {
        let (authorities, offer) = (authorities(viewer).await?, Offer::load(viewer).await?);
        let body = html! {
            (summary(problems))
            @if let Some(stored) = self.stored.as_ref().filter(|_| !problems.is_empty()) {
                (changed::now(SHOWN, stored, form))
            }
            p .muted { (self.hint) }
            form .form method="post" action=(self.action) {
                (csrf(viewer))
                (self.hidden)
                (fields(form, problems, &authorities, &offer.sets))
                div .buttons {
                    button .btn type="submit" { (words::SAVE) }
                    a .btn data-variant="outline" href=(self.back) { (words::CANCEL) }
                }
            }
        };
        let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        Ok(Page::new(viewer, self.title, body).status(status))
    }
}

async fn new(viewer: Viewer) -> Result<Response, Failure> {
    show_new(&viewer, &Form::default(), &Problems::default()).await
}

async fn show_new(viewer: &Viewer, form: &Form, problems: &Problems) -> Result<Response, Failure> {
    let once = form.given(ONCE).unwrap_or(&viewer.once);
    let hidden = html! { input type="hidden" name=(ONCE) value=(once); };
    let sheet = Sheet {
        title: texts::NEW,
        action: NEW,
        hint: words::REQUIRED.to_owned(),
        back: "/admin/roles",
        hidden,
        stored: None,
    };
    sheet.show(viewer, form, problems).await
}

async fn make(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    match viewer.api.post("/roles").json(&creation(&form)).once(form.given(ONCE)).read::<Role>().await {
        Ok(role) => Ok(Redirect::to(&told(&role.path(), "created")).into_response()),
        Err(error) => show_new(&viewer, &form, &mend(error)?).await,
    }
}

async fn load(viewer: &Viewer, name: &str) -> Result<(Role, String), Failure> {
    let answer = viewer.api.get(format!("/roles/{}", segment(name))).send().await?;
    Ok((answer.read()?, answer.version().unwrap_or_default().to_owned()))
}

async fn page(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Failure> {
    let (role, version) = load(&viewer, &name).await?;
    show_edit(&viewer, &role, &version, &filled(&role), &Problems::default()).await
}

async fn show_edit(
    viewer: &Viewer,
    role: &Role,
    version: &str,
    form: &Form,
    problems: &Problems,
) -> Result<Response, Failure> {
    let (title, path) = (texts::edit_title(&role.name), role.path());
    let sheet = Sheet {
        title: &title,
        action: &format!("{path}/edit"),
        hint: texts::edit_hint(role.counts.users),
        back: &path,
        hidden: html! { input type="hidden" name=(VERSION) value=(version); },
        stored: Some(filled(role)),
    };
    sheet.show(viewer, form, problems).await
}

async fn save(Path(name): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (role, version) = load(&viewer, &name).await?;
    let call = viewer.api.patch(format!("/roles/{}", segment(&role.id))).json(&change(&filled(&role), &form));
    match call.if_match(form.given(VERSION)).read::<Role>().await {
        Ok(role) => Ok(Redirect::to(&told(&role.path(), "saved")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            show_edit(&viewer, &role, &version, &form, &Problems::of(words::STALE)).await
        }
        Err(error) => show_edit(&viewer, &role, form.text(VERSION), &form, &mend(error)?).await,
    }
}

async fn delete(Path(name): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    viewer.api.delete(format!("/roles/{}", segment(&name))).send().await?;
    Ok(Redirect::to(&told("/admin/roles", "deleted")).into_response())
}
