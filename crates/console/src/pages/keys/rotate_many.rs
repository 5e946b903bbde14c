//! New secrets for all keys that a list shows, as a file that grows.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_manage::Error;
use claviger_texts::console::{form as words_of_form, keys as texts};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::list::{KNOWN, words};
use crate::Console;
use crate::failure::{Failure, Problems};
use crate::parts::field::{Choice, Field};
use crate::parts::frame::{Page, csrf};
use crate::parts::list::Asked;
use crate::viewer::{Posted, Viewer};

const PATH: &str = "/keys/rotate";
/// What is chosen where nothing was: a day.
const OVERLAP: &str = "86400";

#[derive(Debug, Deserialize)]
struct Preview {
    keys: u64,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route(PATH, get(page).post(rotate))
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    // It changes nothing, and is a POST for its body alone.
    let api = viewer.api.clone().with_csrf(&viewer.csrf);
    let body = json!({"overlap_seconds": OVERLAP.parse::<u32>().unwrap_or_default(), "dry_run": true});
    let preview: Preview = api.post(asked.with(PATH, "cursor", None)).json(&body).read().await?;
    let body = html! {
        p { (texts::rotate_many_hint(preview.keys)) }
        @if asked.is_narrow() { (words(&asked)) } @else { p .alert role="status" { (texts::ROTATE_EVERY) } }
        @if preview.keys == 0 {
            a .btn data-variant="outline" href="/keys" { (texts::BACK_TO_KEYS) }
        } @else {
            (form(&viewer, &asked, preview.keys))
        }
    };
    Ok(Page::new(&viewer, texts::ROTATE_MANY, body).ok())
}

fn form(viewer: &Viewer, asked: &Asked, keys: u64) -> Markup {
    let choices: Vec<_> = texts::OVERLAPS.into_iter().filter(|(seconds, _)| *seconds != "0").collect();
    let choices: Vec<_> = choices.into_iter().map(|(seconds, words)| Choice::new(seconds, words)).collect();
    let problems = Problems::default();
    html! {
        rotate-many data-total=(keys) data-done=(texts::ROTATED_DONE) data-refused=(texts::ROTATED_REFUSED) data-broken=(texts::ROTATED_BROKEN) {
            form .form method="post" action=(asked.with(PATH, "cursor", None)) {
                (csrf(viewer))
                (Field::new("overlap_seconds", texts::OVERLAP, &problems).choice(&choices, OVERLAP))
                div .buttons {
                    button .btn type="submit" { (texts::rotate_keys(keys)) }
                    a .btn data-variant="outline" href=(asked.with("/keys", "cursor", None)) { (words_of_form::CANCEL) }
                }
            }
            div .rotation hidden {
                label for="rotation-progress" { (texts::ROTATING) }
                progress #rotation-progress max=(keys) value="0" {}
                p role="status" aria-live="polite" {}
                a .btn download="rotated-keys.csv" hidden { (texts::SAVE_SECRETS) }
            }
        }
    }
}

/// The file as the API writes it.
async fn rotate(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let mut known = KNOWN.to_vec();
    known.push("format");
    let asked = viewer.asked(&known).meaning("format", &[("format", "csv")]);
    let seconds = form.text("overlap_seconds").parse::<u32>();
    let seconds = seconds.map_err(|_| Error::field("overlap_seconds", texts::OVERLAP_UNREADABLE))?;
    let call = viewer.api.post(asked.with(PATH, "cursor", None)).json(&json!({"overlap_seconds": seconds}));
    Ok(call.respond().await?)
}
