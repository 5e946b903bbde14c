//! *Add application*: it is made with its first key, which is shown once.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::{applications as texts, connect, form as words, keys};
use http::StatusCode;
use maud::{Markup, html};

use super::application::{Kind, kinds};
use super::connect::Connection;
use super::form::{Fields, creation, empty};
use super::{PATH, TYPES, tabs};
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, ONCE};
use crate::pages::keys::shown_once::{self, Made};
use crate::parts::field::{Choice, Field, summary};
use crate::parts::frame::{Page, csrf};
use crate::parts::list;
use crate::viewer::{Posted, Viewer};

/// Which button was pressed.
const STEP: &str = "step";
/// The one that shows the fields of another type.
const TYPE: &str = "type";

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/applications/new", get(page).post(make))
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    let kinds = kinds(&viewer).await?;
    Ok(show(&viewer, &kinds, &empty(), &Problems::default()))
}

async fn make(Posted { viewer, mut form }: Posted) -> Result<Response, Failure> {
    let kinds = kinds(&viewer).await?;
    let Some(kind) = chosen(&kinds, &form).filter(|_| form.take(STEP).as_deref() != Some(TYPE)) else {
        return Ok(show(&viewer, &kinds, &form, &Problems::default()));
    };
    let call = viewer.api.post("/applications").json(&creation(&form, kind)).once(form.given(ONCE));
    let answer = match call.send().await {
        Ok(answer) => answer,
        Err(error) if error.code() == ErrorCode::IdempotencyMismatch => {
            // Sent before with other entries: that application is there, and this one is meant to be a further one.
            form.take(ONCE);
            return Ok(show(&viewer, &kinds, &form, &Problems::of(keys::ALREADY)));
        }
        Err(error) => return Ok(show(&viewer, &kinds, &form, &mend(error)?)),
    };
    let mut made: Made = answer.read()?;
    let back = format!("{PATH}/{}", made.key.owner.id);
    if answer.is_replayed() {
        return Ok(shown_once::already(&viewer, &made, &back));
    }
    made.call = first_call(&viewer, kind, &made, form.text("name").trim());
    Ok(shown_once::show(&viewer, &made, keys::CREATED_TITLE, &back))
}

/// What a call of an application with users is; others are asked about like any key.
fn first_call(viewer: &Viewer, kind: &Kind, made: &Made, name: &str) -> Option<(String, &'static str)> {
    let (password, key) = (made.password.as_deref(), made.secret.as_deref());
    let line = Connection { application: name, password, key, user: None }.line(viewer, kind);
    let hint = if kind.signs_in() { connect::FIRST_HINT } else { connect::FIRST_TOKEN_HINT };
    line.filter(|_| kind.has_users()).map(|line| (line, hint))
}

fn chosen<'k>(kinds: &'k [Kind], form: &Form) -> Option<&'k Kind> {
    let slug = form.text(TYPE);
    if slug.is_empty() { kinds.first() } else { kinds.iter().find(|kind| kind.slug == slug) }
}

fn show(viewer: &Viewer, kinds: &[Kind], form: &Form, problems: &Problems) -> Response {
    let body = match chosen(kinds, form) {
        Some(kind) => fields(viewer, kinds, kind, form, problems),
        None => list::empty(
            texts::NO_TYPES,
            texts::NO_TYPES_HINT,
            &html! { a .btn href={ (TYPES) "/new" } { (texts::types::NEW) } },
        ),
    };
    let body = html! { (tabs(viewer)) (body) };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Page::new(viewer, texts::NEW, body).status(status)
}

fn fields(viewer: &Viewer, kinds: &[Kind], kind: &Kind, form: &Form, problems: &Problems) -> Markup {
    let part = Fields { form, problems, kind };
    let once = form.given(ONCE).unwrap_or(&viewer.once);
    html! {
        (summary(problems))
        p .muted { (words::REQUIRED) }
        form .form method="post" action={ (PATH) "/new" } {
            (csrf(viewer))
            input type="hidden" name=(ONCE) value=(once);
            (part.name())
            (part.password(texts::PASSWORD_HINT))
            (part.status())
            (type_choice(kinds, kind, problems))
            (part.addresses())
            (part.public_url())
            details .advanced open[!problems.is_empty()] {
                summary { (words::ADVANCED) }
                (part.limits())
                (part.slug())
                (part.environment())
            }
            div .buttons {
                button .btn type="submit" { (words::SAVE) }
                a .btn data-variant="outline" href=(PATH) { (words::CANCEL) }
            }
        }
    }
}

/// The types; where they have different fields, with the button that shows those of another one.
fn type_choice(kinds: &[Kind], kind: &Kind, problems: &Problems) -> Markup {
    let choices: Vec<_> = kinds.iter().map(|kind| Choice::new(kind.slug.clone(), kind.name.clone())).collect();
    let field = Field::new(TYPE, texts::TYPE, problems).required().hint(texts::TYPE_HINT);
    html! {
        (field.choice(&choices, &kind.slug))
        @if kinds.iter().any(|other| other.fields != kind.fields || other.has_password() != kind.has_password()) {
            div { button .btn data-variant="outline" type="submit" name=(STEP) value=(TYPE) formnovalidate { (texts::SHOW_FIELDS) } }
        }
    }
}
