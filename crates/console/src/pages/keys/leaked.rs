//! A key that got out: it is stopped first, then a new one with the same settings takes its place.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use claviger_texts::console::{form as words, keys as texts};
use maud::html;
use serde_json::json;

use super::key::Key;
use super::new::show_with;
use super::replace::{place_of, settings};
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems};
use crate::parts::field::{Choice, Field};
use crate::parts::frame::{Page, csrf};
use crate::parts::icon::Icon;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer, not_yours};

/// What becomes of the old one.
const END: &str = "end";
const DISABLE: &str = "disable";
const DELETE: &str = "delete";

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys/{id}/leaked", get(page).post(stop))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let key: Key = viewer.api.get(format!("/keys/{}", segment(&id))).read().await?;
    if !key.is_changed_by(&viewer) {
        return Err(not_yours());
    }
    let none = Problems::default();
    let choices = [Choice::new(DISABLE, texts::LEAKED_DISABLE), Choice::new(DELETE, texts::LEAKED_DELETE)];
    let body = html! {
        div { (key.named(&viewer)) }
        p { (texts::LEAKED_HINT) }
        form .form method="post" action={ (key.path()) "/leaked" } {
            (csrf(&viewer))
            (Field::new(END, texts::LEAKED_END, &none).choice(&choices, DISABLE))
            div .buttons {
                button .btn data-variant="destructive" type="submit" { (texts::LEAKED_GO) }
                a .btn data-variant="outline" href=(key.path()) { (words::CANCEL) }
            }
        }
    };
    Ok(Page::new(&viewer, texts::leaked_title(&key.name), body).ok())
}

async fn stop(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let path = format!("/keys/{}", segment(&id));
    let key: Key = viewer.api.get(path.clone()).read().await?;
    // What follows is a replacement, which is for them alone.
    if !key.is_changed_by(&viewer) {
        return Err(not_yours());
    }
    if form.text(END) != DELETE {
        // Who was faster has stopped it already.
        if key.state != "disabled" {
            viewer.api.post(format!("{path}/{DISABLE}")).json(&json!({})).send().await?;
        }
        return Ok(Redirect::to(&told(&format!("{path}/replace"), "key-disabled")).into_response());
    }
    let place = place_of(&viewer, &key).await?;
    viewer.api.delete(path).send().await?;
    let stopped = html! { div .alert .told role="status" { (Icon::Done.draw()) p { (texts::LEAKED_STOPPED) } } };
    show_with(&viewer, &place, &settings(&viewer, &key), &Problems::default(), &stopped).await
}
