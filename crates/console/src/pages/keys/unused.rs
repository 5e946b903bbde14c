//! What a key holds and never uses, with the way to take it off.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::usage::unused as texts;
use maud::{Markup, html};
use serde::Deserialize;

use super::key::Key;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems};
use crate::parts::field::{Choice, Field};
use crate::parts::frame::Page;
use crate::parts::time;
use crate::viewer::Viewer;

const DAYS: &str = "90";

#[derive(Debug, Deserialize)]
#[allow(clippy::struct_field_names, reason = "the API's own names")]
struct Unused {
    since: String,
    complete: bool,
    sets: Vec<Set>,
    operations: Vec<String>,
    operations_unused: usize,
    operations_held: usize,
}

#[derive(Debug, Deserialize)]
struct Set {
    slug: String,
    name: String,
    operations: usize,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys/{id}/unused-rights", get(page))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let id = segment(&id);
    let key: Key = viewer.api.get(format!("/keys/{id}")).read().await?;
    let asked = viewer.asked(&["days"]);
    let days = Some(asked.value("days")).filter(|days| !days.is_empty()).unwrap_or(DAYS);
    let unused: Unused = viewer.api.get(format!("/keys/{id}/unused-rights?days={}", segment(days))).read().await?;
    let choices = texts::DAYS_CHOICES.map(|(days, words)| Choice::new(days, words));
    let problems = Problems::default();
    let body = html! {
        p .muted { (texts::HINT) }
        form .tools method="get" action={ (key.path()) "/unused-rights" } data-submit-on-change {
            (Field::new("days", texts::DAYS, &problems).choice(&choices, days))
            button .btn data-variant="outline" { (texts::LOOK) }
        }
        p { (texts::SINCE) " " (time::instant(&unused.since, &viewer.zone)) }
        @if !unused.complete { div .alert role="status" { p { (texts::INCOMPLETE) } } }
        (sets(&unused.sets))
        (operations(&unused))
    };
    let actions = html! {
        a .btn data-variant="outline" href=(key.path()) { (key.name) }
        @if key.is_changed_by(&viewer) { a .btn href={ (key.path()) "/edit" } { (texts::EDIT) } }
    };
    Ok(Page::new(&viewer, texts::TITLE, body).actions(actions).ok())
}

fn sets(sets: &[Set]) -> Markup {
    html! {
        section .card {
            header { h2 { (texts::SETS) } }
            section {
                @if sets.is_empty() { p .muted { (texts::NO_SETS) } } @else {
                    div .table-container tabindex="0" role="region" aria-label=(texts::SETS) {
                        table .table {
                            thead { tr { th scope="col" { (texts::SET) } th .number scope="col" { (texts::HOLDS) } } }
                            tbody {
                                @for set in sets {
                                    tr { th .wrap scope="row" { (set.name) " " code .muted { (set.slug) } } td .number { (set.operations) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn operations(unused: &Unused) -> Markup {
    html! {
        section .card {
            header { h2 { (texts::OPERATIONS) } }
            section {
                @if unused.operations.is_empty() { p .muted { (texts::NO_OPERATIONS) } } @else {
                    p { (texts::share(unused.operations_unused, unused.operations_held)) }
                    ul .names { @for operation in &unused.operations { li { code { (operation) } } } }
                    @if unused.operations_unused > unused.operations.len() {
                        p .muted { (texts::more(unused.operations_unused - unused.operations.len())) }
                    }
                }
            }
        }
    }
}
