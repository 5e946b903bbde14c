//! Making a key of the organization, and what all three places share of making one.

use axum::Router;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::routing::get;
use claviger_manage::{Error, ErrorCode};
use claviger_texts::console::{applications, form as words, keys as texts};
use http::StatusCode;
use maud::html;

use super::form::{Arrangement, creation, fields, numbered};
use super::offer::Offer;
use super::shown_once::{self, Made};
use crate::Console;
use crate::call::Answer;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, ONCE};
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
    let mut offer = Offer::load(viewer).await?;
    if let Some(within) = &place.within {
        offer.narrow(within);
    }
    let once = form.given(ONCE).unwrap_or(&viewer.once);
    let body = html! {
        (summary(problems))
        p .muted { (words::REQUIRED) }
        form .form method="post" action=(place.form) {
            (csrf(viewer))
            input type="hidden" name=(ONCE) value=(once);
            (fields(place.arrangement, &offer, form, problems))
            div .buttons {
                button .btn type="submit" { (place.button) }
                a .btn data-variant="outline" href=(place.list) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, place.title.as_str(), body).status(status))
}

/// Makes the key and shows its secret; a form that was sent before says so.
pub(crate) async fn make(viewer: &Viewer, place: &Place, mut form: Form) -> Result<Response, Failure> {
    let answer = match send(viewer, place, &form).await {
        Ok(answer) => answer,
        Err(error) if error.code() == ErrorCode::IdempotencyMismatch => {
            // Sent before with other entries: that key is there, and this one is meant to be a further one.
            form.take(ONCE);
            return show(viewer, place, &form, &Problems::of(texts::ALREADY)).await;
        }
        Err(error) => return show(viewer, place, &form, &at_all_places(mend(error)?)).await,
    };
    let made: Made = answer.read()?;
    Ok(shown_once::page(viewer, &made, answer.is_replayed(), place.made_title, &place.list))
}

/// A name that was only derived is made unique.
async fn send(viewer: &Viewer, place: &Place, form: &Form) -> Result<Answer, Error> {
    let mut body = creation(place.arrangement, form);
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

/// What is wrong with the sets stands below the dropdown too, what is wrong with a derived name below the description.
fn at_all_places(problems: Problems) -> Problems {
    problems.also("api_sets", "right").also("name", "description")
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
