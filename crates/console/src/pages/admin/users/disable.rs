//! Who leaves: which of their keys stop, and which go on as an application's.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_texts::console::{form as words, keys, people as texts};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::load;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::Form;
use crate::parts::field::{Choice, Field, summary_called};
use crate::parts::frame::{Page, csrf};
use crate::parts::list::Listed;
use crate::parts::time;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

/// Applications that are offered.
const APPLICATIONS: usize = 100;
/// The fields, as the API calls them.
const APPLICATION: &str = "move_keys.application";
const KEYS: &str = "move_keys.keys";

#[derive(Deserialize)]
struct Leaving {
    stopping: Stopping,
}

#[derive(Deserialize)]
struct Stopping {
    keys: u64,
    first: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    id: String,
    name: String,
    hint: String,
    last_used_at: Option<String>,
}

#[derive(Deserialize)]
struct Application {
    slug: String,
    name: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/users/{id}/disable", get(page).post(disable))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    show(&viewer, &id, &Form::default(), &Problems::default()).await
}

async fn disable(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (user, _) = load(&viewer, &id).await?;
    match viewer.api.post(format!("/users/{}/disable", segment(&user.id))).json(&request(&form)).send().await {
        Ok(_) => Ok(Redirect::to(&told(&user.path(), "user-disabled")).into_response()),
        Err(error) => show(&viewer, &id, &form, &mend(error)?).await,
    }
}

/// The request; keys that are ticked without an application are told of by the API.
fn request(form: &Form) -> Value {
    let keys: Vec<&str> = form.all(KEYS).collect();
    let moved = (!keys.is_empty() || form.given(APPLICATION).is_some())
        .then(|| json!({"application": form.text(APPLICATION), "keys": keys}));
    let mut body = json!({"reason": form.value("reason")});
    if let Some(moved) = moved {
        body["move_keys"] = moved;
    }
    body
}

async fn show(viewer: &Viewer, id: &str, form: &Form, problems: &Problems) -> Result<Response, Failure> {
    let (user, _) = load(viewer, id).await?;
    // A question that changes nothing, put as the person who looks.
    let asking = viewer.api.clone().with_csrf(&viewer.csrf);
    let path = format!("/users/{}/disable?dry_run=true", segment(&user.id));
    let Leaving { stopping } = asking.post(path).json(&json!({})).read().await?;
    let applications = if viewer.may("keys.manage_all") && !stopping.first.is_empty() {
        let path = format!("/applications?limit={APPLICATIONS}&active=true");
        viewer.api.get(path).read_if_seen::<Listed<Application>>().await?.map(|found| found.data)
    } else {
        None
    };
    let body = html! {
        (summary_called(texts::NOT_DISABLED, problems))
        form .form .wide method="post" action={ (user.path()) "/disable" } {
            (csrf(viewer))
            div { (user.named(viewer)) p { (texts::DISABLE_CONSEQUENCE) } }
            (stopping_keys(viewer, &stopping, applications.as_deref(), form, problems))
            (Field::new("reason", texts::REASON, problems).hint(texts::REASON_HINT).text(form.text("reason")))
            div .buttons {
                button .btn data-variant="destructive" type="submit" { (texts::DISABLE) }
                a .btn data-variant="outline" href=(user.path()) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::disable_title(&user.name), body).status(status))
}

fn stopping_keys(
    viewer: &Viewer,
    stopping: &Stopping,
    applications: Option<&[Application]>,
    form: &Form,
    problems: &Problems,
) -> Markup {
    let can_move = applications.is_some_and(|all| !all.is_empty());
    let shown = stopping.first.len();
    html! {
        section .card {
            header {
                h2 { (texts::STOPPING) }
                p {
                    (texts::stopping(stopping.keys))
                    @if stopping.keys > shown as u64 { " " (texts::stopping_first(shown)) }
                }
            }
            @if shown > 0 {
                section .stack {
                    (table(viewer, stopping, can_move, form))
                    @if let Some(applications) = applications {
                        @if can_move { (destination(applications, form, problems)) } @else { p .hint { (texts::MOVE_NOWHERE) } }
                    }
                }
            }
        }
    }
}

fn table(viewer: &Viewer, stopping: &Stopping, can_move: bool, form: &Form) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::STOPPING) {
            table .table {
                thead {
                    tr {
                        @if can_move { th scope="col" { (texts::MOVE_KEY) } }
                        th scope="col" { (keys::NAME) } th scope="col" { (keys::VALUE) } th scope="col" { (keys::LAST_USED) }
                    }
                }
                tbody {
                    @for key in &stopping.first {
                        tr {
                            @if can_move {
                                td {
                                    input .input type="checkbox" name=(KEYS) value=(key.id) aria-label=(texts::move_key(&key.name))
                                        checked[form.all(KEYS).any(|ticked| ticked == key.id)];
                                }
                            }
                            th .wrap scope="row" {
                                @if viewer.may("keys.read") {
                                    a href={ "/keys/" (key.id) } { (key.name) }
                                } @else {
                                    (key.name)
                                }
                            }
                            td { code { (key.hint) } }
                            td {
                                @match &key.last_used_at {
                                    Some(at) => (time::instant(at, &viewer.zone)),
                                    None => { span .muted { (keys::NEVER) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn destination(applications: &[Application], form: &Form, problems: &Problems) -> Markup {
    let none = std::iter::once(Choice::new("", texts::MOVE_NONE));
    let choices: Vec<_> = none.chain(applications.iter().map(|found| Choice::new(&found.slug, &found.name))).collect();
    let wrong = problems.at(KEYS);
    html! {
        div {
            p { strong { (texts::MOVE) } }
            p .hint { (texts::MOVE_HINT) }
        }
        @if !wrong.is_empty() { div .field-error { @for message in &wrong { p { (message) } } } }
        (Field::new(APPLICATION, texts::MOVE_TO, problems).choice(&choices, form.text(APPLICATION)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_moved_where_some_are_ticked_or_a_place_is_named() {
        let form = |text: &str| Form::parse(text.as_bytes()).expect("few fields");
        assert_eq!(request(&form("reason=&move_keys.application=")), json!({"reason": null}));
        assert_eq!(
            request(&form("reason=left&move_keys.application=crm&move_keys.keys=a&move_keys.keys=b")),
            json!({"reason": "left", "move_keys": {"application": "crm", "keys": ["a", "b"]}})
        );
        assert_eq!(request(&form("move_keys.keys=a"))["move_keys"]["application"], "");
    }
}
