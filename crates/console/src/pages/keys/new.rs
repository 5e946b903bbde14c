//! Making a key of the organization, and what all three places share of making one.

use axum::Router;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::routing::get;
use claviger_manage::{Error, ErrorCode, FieldError};
use claviger_texts::console::{applications, form as words, keys as texts};
use http::StatusCode;
use maud::{Markup, html};

use super::approval;
use super::form::{Arrangement, Part, fields};
use super::offer::Offer;
use super::replace::{self, REPLACES};
use super::sent::{creation, numbered};
use super::shown_once::{self, Made};
use super::term::{EXPIRES_AT, EXPIRES_IN, OTHER, Term};
use crate::Console;
use crate::call::Answer;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, ONCE};
use crate::pages::picker;
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::viewer::{Posted, Viewer};

/// A place in which keys are made.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) arrangement: Arrangement,
    pub(crate) title: String,
    /// Of the page that shows the secret.
    pub(crate) made_title: &'static str,
    pub(crate) button: &'static str,
    /// Where its list is, and where its form stands and goes.
    pub(crate) list: String,
    pub(crate) form: String,
    /// The API's path of its keys.
    pub(crate) api: String,
    /// The sets that its keys can have at the most, where there is a bound.
    pub(crate) within: Option<Vec<String>>,
}

/// How many names are tried that follow from one description.
const DERIVED_NAMES_MAX: u32 = 50;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys/new", get(page).post(make_of_organization))
}

async fn page(viewer: Viewer, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    show(&viewer, &Place::organization(), &form, &Problems::default()).await
}

async fn make_of_organization(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    make(&viewer, &Place::organization(), form).await
}

/// The empty form, or the one that was sent with what is wrong in it.
pub(crate) async fn show(
    viewer: &Viewer,
    place: &Place,
    form: &Form,
    problems: &Problems,
) -> Result<Response, Failure> {
    show_with(viewer, place, form, problems, &html! {}).await
}

/// The same below a word about what was done before.
pub(super) async fn show_with(
    viewer: &Viewer,
    place: &Place,
    form: &Form,
    problems: &Problems,
    above: &Markup,
) -> Result<Response, Failure> {
    let mut offer = Offer::load(viewer).await?;
    if let Some(within) = &place.within {
        offer.narrow(within);
    }
    let replaced = replace::replaced(viewer, form).await?;
    // One of the three arrangements has the dropdown.
    let has_dropdown = place.arrangement == Arrangement::Organization;
    let form = &if replaced.is_some() && has_dropdown { offer.with_right(form) } else { form.clone() };
    let picker = picker::Offer::load(viewer, form, None).await?;
    let term = Term::of_new(viewer, place).await?;
    let part = Part { offer: &offer, picker: &picker, term: &term, action: &place.form, form, problems };
    let once = form.given(ONCE).unwrap_or(&viewer.once);
    let note = approval::note(viewer).await?;
    let body = html! {
        (above)
        (summary(problems))
        (note)
        @if let Some(key) = &replaced { (replace::about(key)) }
        p .muted { (words::REQUIRED) }
        form .form method="post" action=(place.form) {
            (picker::enter())
            (csrf(viewer))
            input type="hidden" name=(ONCE) value=(once);
            @if let Some(key) = &replaced { input type="hidden" name=(REPLACES) value=(key.id); }
            (fields(place.arrangement, &part))
            div .buttons {
                button .btn type="submit" { (place.button) }
                a .btn data-variant="outline" href=(place.list) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let title = replaced.map_or_else(|| place.title.clone(), |key| texts::replace_title(&key.name));
    Ok(Page::new(viewer, title, body).status(status))
}

/// Makes the key and shows its secret; a form that was sent before says so.
pub(crate) async fn make(viewer: &Viewer, place: &Place, mut form: Form) -> Result<Response, Failure> {
    if form.is_on(picker::DO) {
        return show(viewer, place, &form, &Problems::default()).await;
    }
    let said = picker::understood(viewer, &form).await?;
    let end = Term::of_new(viewer, place).await?.chosen(&form);
    let answer = match send(viewer, place, &form, &said.operations, end.as_deref()).await {
        Ok(answer) => answer,
        Err(error) if error.code() == ErrorCode::IdempotencyMismatch => {
            // Sent before with other entries: that key is there, and this one is meant to be a further one.
            form.take(ONCE);
            return show(viewer, place, &form, &Problems::of(texts::ALREADY)).await;
        }
        Err(error) => {
            let problems = picker::named(viewer, mend(error)?, said).await?;
            return show(viewer, place, &form, &in_place(problems, place.arrangement, &form)).await;
        }
    };
    let made: Made = answer.read()?;
    if answer.is_replayed() {
        return Ok(shown_once::already(viewer, &made, &place.list));
    }
    let replaced = replace::replaced(viewer, &form).await?;
    let further = replace::to_be_ended(replaced.as_ref());
    Ok(shown_once::show_with(viewer, &made, place.made_title, &place.list, &further))
}

/// A name that was only derived is made unique.
async fn send(
    viewer: &Viewer,
    place: &Place,
    form: &Form,
    operations: &[String],
    end: Option<&str>,
) -> Result<Answer, Error> {
    let mut body = creation(place.arrangement, form, operations, end);
    let derived = form.given("name").is_none().then(|| body["name"].as_str().unwrap_or_default().to_owned());
    let mut count = 1;
    loop {
        let sent = viewer.api.post(place.api.clone()).json(&body).once(form.given(ONCE)).send().await;
        match (sent, &derived) {
            (Err(error), Some(name)) if error.code() == ErrorCode::NameTaken && count < DERIVED_NAMES_MAX => {
                count += 1;
                body["name"] = numbered(name, count).into();
            }
            (sent, _) => return sent,
        }
    }
}

/// What is wrong stands by the field that the person filled: of the first set by the dropdown, of a name that follows from the
/// description by that.
fn in_place(problems: Problems, arrangement: Arrangement, form: &Form) -> Problems {
    let is_organization = arrangement == Arrangement::Organization;
    let has_rights = ["right", "api_sets"].into_iter().any(|name| form.given(name).is_some());
    let problems = problems.map(|error| match error.field.as_str() {
        "api_sets" if !has_rights => {
            FieldError::new(if is_organization { "right" } else { "api_sets" }, texts::CHOOSE_RIGHTS)
        }
        "api_sets[0]" if form.given("right").is_some() => FieldError::new("right", error.message),
        EXPIRES_AT if form.given(EXPIRES_AT).is_some() => error,
        EXPIRES_AT if form.text(EXPIRES_IN) == OTHER => FieldError::new(EXPIRES_AT, texts::term::CHOOSE_DAY),
        EXPIRES_AT => FieldError::new(EXPIRES_IN, error.message),
        "name" if is_organization && form.given("name").is_none() => FieldError::new("description", error.message),
        _ => error,
    });
    problems.quoting(form, "allowed_ips")
}

// === impl Place ===

impl Place {
    /// Settings → API.
    pub(crate) fn organization() -> Self {
        Self {
            arrangement: Arrangement::Organization,
            title: texts::NEW_TITLE.to_owned(),
            made_title: texts::CREATED_TITLE,
            button: texts::NEW,
            list: "/keys".to_owned(),
            form: "/keys/new".to_owned(),
            api: "/keys".to_owned(),
            within: None,
        }
    }

    /// View profile → API Keys.
    pub(crate) fn profile() -> Self {
        Self {
            arrangement: Arrangement::Profile,
            title: texts::NEW_OWN_TITLE.to_owned(),
            made_title: texts::CREATED_TITLE,
            button: words::SAVE,
            list: "/profile/keys".to_owned(),
            form: "/profile/keys/new".to_owned(),
            api: "/me/keys".to_owned(),
            within: None,
        }
    }

    /// Users → User Account Details → API Keys.
    pub(crate) fn account(user: &str) -> Self {
        let user = crate::call::segment(user);
        Self {
            arrangement: Arrangement::Account,
            title: texts::NEW_WINDOW.to_owned(),
            made_title: texts::GENERATED_TITLE,
            button: texts::FINISH,
            list: format!("/admin/users/{user}"),
            form: format!("/admin/users/{user}/keys/new"),
            api: format!("/users/{user}/keys"),
            within: None,
        }
    }

    /// An application's page: a key of the application, with what its type allows.
    pub(crate) fn application(id: &str, name: &str, sets: Vec<String>) -> Self {
        let id = crate::call::segment(id);
        Self {
            arrangement: Arrangement::Application,
            title: applications::new_key_of(name),
            made_title: texts::CREATED_TITLE,
            button: words::SAVE,
            list: format!("/admin/applications/{id}"),
            form: format!("/admin/applications/{id}/keys/new"),
            api: format!("/applications/{id}/keys"),
            within: Some(sets),
        }
    }
}
