//! Deleting an application: other things go with it, so its name is typed.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::Error;
use claviger_texts::console::{applications as texts, form as words};
use http::StatusCode;
use maud::html;

use super::PATH;
use super::application::{Application, load};
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::VERSION;
use crate::pages::keys::key::Key;
use crate::parts::field::{Field, summary_called};
use crate::parts::frame::{Page, csrf};
use crate::parts::list::{Listed, ROWS};
use crate::parts::time;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

/// The field of the form.
const CONFIRM: &str = "confirm";

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/applications/{id}/delete", get(page).post(delete))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (application, version) = load(&viewer, &id).await?;
    show(&viewer, &application, &version, &Problems::default()).await
}

/// Deletes what was looked at: if it has changed since, it is shown again.
async fn delete(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (application, version) = load(&viewer, &id).await?;
    if form.text(CONFIRM).trim() != application.name {
        let problems = Problems::new(&Error::field(CONFIRM, texts::OTHER_NAME));
        return show(&viewer, &application, &version, &problems).await;
    }
    let call = viewer.api.delete(format!("/applications/{}", application.id));
    match call.if_match(form.given(VERSION)).send().await {
        Ok(_) => Ok(Redirect::to(&told(PATH, "deleted")).into_response()),
        Err(error) => show(&viewer, &application, &version, &mend(error)?).await,
    }
}

async fn show(
    viewer: &Viewer,
    application: &Application,
    version: &str,
    problems: &Problems,
) -> Result<Response, Failure> {
    let path = format!("/applications/{}/keys?limit={ROWS}&sort=name", application.id);
    let keys: Listed<Key> = viewer.api.get(path).read().await?;
    let counts = &application.counts;
    let more = (counts.keys as usize).saturating_sub(keys.data.len());
    let label = texts::type_name(&application.name);
    let body = html! {
        (summary_called(words::NOT_DELETED, problems))
        section .card .parting {
            header { h2 { (application.name) } }
            section {
                p {
                    (texts::LAST_USED) ": "
                    @match &application.last_used { Some(used) => (time::instant(&used.at, &viewer.zone)), None => (texts::NEVER) }
                }
                p .irreversible { (texts::delete_consequence(counts.keys, counts.api_users, counts.sessions)) }
                ul .affected {
                    @for key in &keys.data { li { a href=(key.path()) { (key.name) } " " code { (key.hint) } } }
                    @if more > 0 { li .muted { (texts::more(more)) } }
                }
            }
        }
        form .form method="post" action={ (application.path()) "/delete" } {
            (csrf(viewer))
            input type="hidden" name=(VERSION) value=(version);
            (Field::new(CONFIRM, &label, problems).required().text(""))
            div .buttons {
                button .btn data-variant="destructive" type="submit" { (texts::DELETE) }
                a .btn data-variant="outline" href=(application.path()) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, format!("{}: {}", texts::DELETE, application.name), body).status(status))
}
