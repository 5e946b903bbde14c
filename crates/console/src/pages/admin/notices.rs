//! Which notices go to whom.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::{form as words, notices as texts};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::audit;
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, VERSION};
use crate::parts::changed::now;
use crate::parts::field::{Field, summary};
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

const PATH: &str = "/admin/notices";
const KINDS: [&str; 11] = [
    "expiry",
    "idle",
    "created",
    "revealed",
    "rotated",
    "approval",
    "decided",
    "new_address",
    "old_secret_used",
    "leaked",
    "owner_disabled",
];
const AUDIENCE: [&str; 3] = ["holder", "administrators", "addresses"];

/// The settings of the API.
#[derive(Debug, Deserialize)]
struct Notices {
    kinds: BTreeMap<String, BTreeMap<String, bool>>,
    addresses: Vec<String>,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route(PATH, get(page).post(save))
}

async fn load(viewer: &Viewer) -> Result<(Form, String), Failure> {
    let answer = viewer.api.get("/notices").send().await?;
    let stored: Notices = answer.read()?;
    Ok((filled(&stored), answer.version().unwrap_or_default().to_owned()))
}

fn filled(stored: &Notices) -> Form {
    let mut form = Form::default();
    for (kind, audience) in &stored.kinds {
        for (who, _) in audience.iter().filter(|(_, is_told)| **is_told) {
            form.set(&name(kind, who), "on");
        }
    }
    form.set("addresses", stored.addresses.join("\n"));
    form
}

fn name(kind: &str, who: &str) -> String {
    format!("{kind}.{who}")
}

/// The request that makes the settings what the form says.
fn request(form: &Form) -> Value {
    let audience = |kind: &&str| AUDIENCE.map(|who| (who.to_owned(), form.is_on(&name(kind, who)).into()));
    let kinds = KINDS.iter().map(|kind| ((*kind).to_owned(), Value::Object(audience(kind).into_iter().collect())));
    let addresses: Vec<&str> = form.lines("addresses").collect();
    json!({"kinds": Value::Object(kinds.collect::<Map<_, _>>()), "addresses": addresses})
}

/// The same form in words, as changes are told.
fn in_words(form: &Form) -> Form {
    let mut words = Form::default();
    for kind in KINDS {
        let told = AUDIENCE.into_iter().filter(|who| form.is_on(&name(kind, who))).map(texts::audience);
        words.set(kind, told.collect::<Vec<_>>().join(", "));
    }
    words.set("addresses", form.text("addresses"));
    words
}

async fn page(State(console): State<Console>, viewer: Viewer) -> Result<Response, Failure> {
    let (form, version) = load(&viewer).await?;
    show(&console, &viewer, &version, &form, &Problems::default(), &html! {}).await
}

async fn save(State(console): State<Console>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (stored, version) = load(&viewer).await?;
    match viewer.api.patch("/notices").json(&request(&form)).if_match(form.given(VERSION)).send().await {
        Ok(_) => Ok(Redirect::to(&told(PATH, "saved")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            let now = now(texts::FIELDS, &in_words(&stored), &in_words(&form));
            show(&console, &viewer, &version, &form, &Problems::of(words::STALE), &now).await
        }
        Err(error) => show(&console, &viewer, form.text(VERSION), &form, &mend(error)?, &html! {}).await,
    }
}

async fn show(
    console: &Console,
    viewer: &Viewer,
    version: &str,
    form: &Form,
    problems: &Problems,
    above: &Markup,
) -> Result<Response, Failure> {
    let history = audit::history_of(viewer, &viewer.organization.id, "notices.*").await?;
    let body = html! {
        (summary(problems))
        (above)
        p .muted { (texts::HINT) }
        @if !console.sends_mail { p .alert { (texts::NO_MAIL) } }
        @if viewer.may("policy.manage") {
            form .form method="post" action=(PATH) {
                (csrf(viewer))
                input type="hidden" name=(VERSION) value=(version);
                fieldset { (fields(form, problems)) }
                div .buttons { button .btn type="submit" { (words::SAVE) } }
            }
        } @else {
            div .form { fieldset disabled { (fields(form, problems)) } }
        }
        (history)
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::TITLE, body).status(status))
}

fn fields(form: &Form, problems: &Problems) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::KINDS) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (texts::WHAT) }
                        @for who in AUDIENCE { th scope="col" { (texts::audience(who)) } }
                    }
                }
                tbody { @for kind in KINDS { (row(form, kind)) } }
            }
        }
        p .hint { (texts::WHO) }
        (Field::new("addresses", texts::ADDRESSES, problems).hint(texts::ADDRESSES_HINT).area(form.text("addresses"), 4))
    }
}

fn row(form: &Form, kind: &str) -> Markup {
    let (title, hint) = texts::kind(kind);
    html! {
        tr {
            th .wrap scope="row" { (title) @if !hint.is_empty() { p .hint { (hint) } } }
            @for who in AUDIENCE {
                @let name = name(kind, who);
                td {
                    input .input type="checkbox" name=(name) value="on" checked[form.is_on(&name)]
                        aria-label={ (title) ": " (texts::audience(who)) };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_sends_what_it_shows() {
        let audience = json!({"holder": true, "administrators": false, "addresses": true});
        let kinds: Map<String, Value> = KINDS.iter().map(|kind| ((*kind).to_owned(), audience.clone())).collect();
        let stored = json!({"kinds": kinds, "addresses": ["a@example.com", "b@example.com"]});
        let form = filled(&serde_json::from_value(stored.clone()).expect("settings"));
        assert_eq!(request(&form), stored);
        assert_eq!(in_words(&form).text("idle"), "Holder, Addresses below");
        for (field, _) in texts::FIELDS {
            assert!(KINDS.contains(field) || *field == "addresses", "{field}");
        }
    }
}
