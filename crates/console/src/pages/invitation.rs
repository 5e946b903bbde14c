//! The page that the link of an invitation leads to.
//!
//! Who comes for the first time chooses a password. Who is known by the address already accepts as who they are, in a session;
//! without one they sign in in between.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::{Error, ErrorCode};
use claviger_texts::console::sign_in as texts;
use http::StatusCode;
use http::request::Parts;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::sign_in::{self, without_nulls};
use crate::Console;
use crate::call::{Answer, Caller};
use crate::failure::Problems;
use crate::form::{CSRF, Form};
use crate::parts::field::{Field, summary_called};
use crate::parts::frame;
use crate::prompts::told;
use crate::theme::Theme;

const PATH: &str = "/invitation";
/// The button of who accepts as who they are.
const AS_ONESELF: &str = "as_oneself";

/// Who has a session in this browser.
struct Present {
    csrf: String,
    email: String,
}

#[derive(Deserialize)]
struct Session {
    csrf_token: String,
}

#[derive(Deserialize)]
struct Me {
    user: User,
}

#[derive(Deserialize)]
struct User {
    email: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route(PATH, get(page).post(accept))
}

async fn present(caller: &Caller) -> Option<Present> {
    let session: Session = caller.get("/session").read().await.ok()?;
    let me: Me = caller.get("/me").read().await.ok()?;
    Some(Present { csrf: session.csrf_token, email: me.user.email })
}

async fn page(State(console): State<Console>, parts: Parts) -> Response {
    let caller = Caller::new(console.api, &parts);
    show(&caller, &Form::default(), &Problems::default(), Theme::read(&parts.headers)).await
}

async fn show(caller: &Caller, form: &Form, problems: &Problems, theme: Theme) -> Response {
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let present = present(caller).await;
    let body = html! {
        (summary_called(texts::NOT_ACCEPTED, problems))
        form .form method="post" action=(PATH) {
            from-fragment data-into="token" {
                (Field::new("token", texts::TOKEN, problems).required().hint(texts::TOKEN_HINT).text(form.text("token")))
            }
            (Field::new("name", texts::NAME, problems).hint(texts::NAME_HINT).input("text", form.text("name"), "name"))
            (Field::new("password", texts::NEW_PASSWORD, problems).required().hint(texts::NEW_PASSWORD_HINT)
                .input("password", "", "new-password"))
            div .buttons { button .btn type="submit" { (texts::ACCEPT) } }
            @if let Some(present) = &present { (oneself(present)) }
        }
    };
    frame::plain(status, theme, texts::INVITATION, &body)
}

/// Behind the other button: Enter in a field presses the first one.
fn oneself(present: &Present) -> Markup {
    html! {
        input type="hidden" name=(CSRF) value=(present.csrf);
        p .muted { (texts::signed_in_as(&present.email)) }
        div .buttons {
            button .btn data-variant="outline" type="submit" name=(AS_ONESELF) value="yes" formnovalidate {
                (texts::accept_as(&present.email))
            }
        }
    }
}

fn request(form: &Form) -> Value {
    without_nulls(json!({
        "token": form.text("token").trim(),
        "name": form.value("name"),
        "password": form.find("password").filter(|text| !text.is_empty()),
    }))
}

async fn send(caller: &Caller, form: &Form) -> Result<Answer, Error> {
    caller.post("/invitations/accept").json(&request(form)).send().await
}

async fn accept(State(console): State<Console>, parts: Parts, body: bytes::Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    let (caller, theme) = (Caller::new(console.api, &parts), Theme::read(&parts.headers));
    if !form.is_on(AS_ONESELF) {
        match send(&caller.as_nobody(), &form).await {
            Ok(_) => return Redirect::to("/sign-in?told=accepted").into_response(),
            Err(error) if error.code() == ErrorCode::Unauthenticated => {}
            Err(error) => return show(&caller, &form, &Problems::new(&error), theme).await,
        }
    }
    // In a session a form bears its token: no other site has somebody join.
    match send(&caller.clone().with_csrf(form.text(CSRF)), &form).await {
        Ok(_) => Redirect::to(&told("/profile", "joined")).into_response(),
        Err(error) if error.code() == ErrorCode::Unauthenticated => {
            sign_in::prompt(PATH, &form, "", &Problems::of(texts::KNOWN), theme)
        }
        Err(error) => show(&caller, &form, &Problems::new(&error), theme).await,
    }
}
