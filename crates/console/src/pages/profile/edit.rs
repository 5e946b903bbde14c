//! Changing oneself: name, language and zone at once, the address once the link was followed that goes to the new one.

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_texts::console::{form as words, people as texts};
use http::StatusCode;
use maud::html;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::keys::tabs;
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::Form;
use crate::parts::field::{Field, summary};
use crate::parts::frame::{Page, csrf};
use crate::parts::zone::zone;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

const FIELDS: [&str; 4] = ["name", "email", "language", "time_zone"];

#[derive(Deserialize)]
struct Edited {
    address_to_confirm: Option<String>,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/profile/edit", get(page).post(save))
}

fn filled(viewer: &Viewer) -> Form {
    let person = &viewer.person;
    let mut form = Form::default();
    for (name, value) in FIELDS.into_iter().zip([&person.name, &person.email, &person.language, &person.time_zone]) {
        form.set(name, value.clone());
    }
    form
}

/// Only what differs: an address that stays asks for no link.
fn change(before: &Form, form: &Form) -> Value {
    let differing = FIELDS.into_iter().filter(|name| before.text(name) != form.text(name).trim());
    let members: Map<String, Value> = differing.map(|name| (name.to_owned(), json!(form.text(name).trim()))).collect();
    Value::Object(members)
}

async fn page(viewer: Viewer) -> Response {
    show(&viewer, &filled(&viewer), &Problems::default())
}

fn show(viewer: &Viewer, form: &Form, problems: &Problems) -> Response {
    let field = |name, label| Field::new(name, label, problems);
    let body = html! {
        (tabs(viewer))
        (summary(problems))
        form .form method="post" action="/profile/edit" {
            (csrf(viewer))
            (field("name", texts::NAME).required().hint(texts::OWN_NAME_HINT).input("text", form.text("name"), "name"))
            (field("email", texts::EMAIL).required().hint(texts::OWN_EMAIL_HINT).input("email", form.text("email"), "email"))
            (field("language", texts::LANGUAGE).required().hint(texts::LANGUAGE_HINT).text(form.text("language")))
            (zone(field("time_zone", texts::TIME_ZONE).required().hint(texts::OWN_TIME_ZONE_HINT), form.text("time_zone")))
            div .buttons {
                button .btn type="submit" { (words::SAVE) }
                a .btn data-variant="outline" href="/profile" { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Page::new(viewer, texts::EDIT_PROFILE, body).status(status)
}

async fn save(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    match viewer.api.patch("/me").json(&change(&filled(&viewer), &form)).read::<Edited>().await {
        Ok(edited) => {
            let word = if edited.address_to_confirm.is_some() { "address-asked" } else { "saved" };
            Ok(Redirect::to(&told("/profile", word)).into_response())
        }
        Err(error) => Ok(show(&viewer, &form, &mend(error)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_stays_is_not_sent() {
        let form = |text: &str| Form::parse(text.as_bytes()).expect("few fields");
        let before = form("name=Ann&email=ann%40example.com&language=en&time_zone=UTC");
        let after = form("name=Anna&email=+ann%40example.com&language=en&time_zone=UTC");
        assert_eq!(change(&before, &after), json!({"name": "Anna"}));
    }
}
