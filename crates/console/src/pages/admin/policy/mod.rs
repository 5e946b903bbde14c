//! The organization's rules: every field of the policy, what a change would do, and the change.

mod form;
mod preview;

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::{form as words, policy as texts};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::json;

use self::form::{APPROVAL, Policy, change, fields, filled, in_words};
use super::audit;
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::{CSRF, Form, VERSION};
use crate::pages::keys::offer::Offer;
use crate::parts::changed::{before_and_after, carried, now};
use crate::parts::field::summary_called;
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

const PATH: &str = "/admin/policy";
/// What the button that was pressed asks for.
const STEP: &str = "step";
const SAVE: &str = "save";

/// The policy as it stands.
struct Stored {
    form: Form,
    version: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route(PATH, get(page).post(post))
}

async fn load(viewer: &Viewer) -> Result<Stored, Failure> {
    let answer = viewer.api.get("/policy").send().await?;
    let policy: Policy = answer.read()?;
    Ok(Stored { form: filled(&policy), version: answer.version().unwrap_or_default().to_owned() })
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    let Stored { form, version } = load(&viewer).await?;
    show(&viewer, &version, &form, &Problems::default(), &html! {}).await
}

/// Shows what the change would do, or makes it: what is saved is what was looked at.
async fn post(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let stored = load(&viewer).await?;
    let version = form.text(VERSION);
    let body = match change(&stored.form, &form) {
        Ok(body) => body,
        Err(error) => return show(&viewer, version, &form, &mend(error)?, &html! {}).await,
    };
    let is_save = form.text(STEP) == SAVE;
    if !is_save && body == json!({}) {
        let effect = card(&html! { p { (texts::NO_CHANGE) } });
        return show(&viewer, &stored.version, &form, &Problems::default(), &effect).await;
    }
    let path = if is_save { "/policy" } else { "/policy?dry_run=true" };
    match viewer.api.patch(path).json(&body).if_match(form.given(VERSION)).send().await {
        Ok(_) if is_save => Ok(Redirect::to(&told(PATH, "saved")).into_response()),
        Ok(answer) => {
            let effect = preview::effect(&viewer, &answer.read()?).await?;
            let effect = asked(&viewer, &stored.form, &form, &effect);
            show(&viewer, version, &form, &Problems::default(), &effect).await
        }
        Err(error) if error.code() == ErrorCode::Stale => {
            let problems = Problems::of(words::STALE);
            show(
                &viewer,
                &stored.version,
                &form,
                &problems,
                &now(texts::FIELDS, &in_words(&stored.form), &in_words(&form)),
            )
            .await
        }
        Err(error) => show(&viewer, version, &form, &mend(error)?, &html! {}).await,
    }
}

/// What the change is and does, with the button that makes it.
fn asked(viewer: &Viewer, stored: &Form, form: &Form, effect: &Markup) -> Markup {
    card(&html! {
        (before_and_after(texts::FIELDS, &in_words(stored), &in_words(form)))
        (effect)
        form method="post" action=(PATH) .buttons {
            (csrf(viewer))
            (carried(form, &[CSRF, STEP]))
            button .btn type="submit" name=(STEP) value=(SAVE) { (words::SAVE) }
            a .btn data-variant="outline" href=(PATH) { (words::CANCEL) }
        }
    })
}

fn card(body: &Markup) -> Markup {
    html! {
        section #effect .card .effect aria-labelledby="effect-title" {
            header { h2 #effect-title { (texts::EFFECT) } }
            section { (body) }
        }
    }
}

async fn show(
    viewer: &Viewer,
    version: &str,
    form: &Form,
    problems: &Problems,
    above: &Markup,
) -> Result<Response, Failure> {
    let history = audit::history_of(viewer, &viewer.organization.id, "policy.*").await?;
    let is_editor = viewer.may("policy.manage");
    let held: Vec<_> = form.all(APPROVAL).map(str::to_owned).collect();
    let sets = Offer::load(viewer).await?.with_held(&held).sets;
    let body = html! {
        (summary_called(if form.text(STEP) == SAVE { words::NOT_DONE } else { words::NO_PREVIEW }, problems))
        (above)
        @if is_editor {
            form .form method="post" action=(PATH) {
                (csrf(viewer))
                input type="hidden" name=(VERSION) value=(version);
                p .muted { (texts::HINT) }
                fieldset { (fields(form, &sets, problems)) }
                div .buttons { button .btn type="submit" { (texts::PREVIEW) } }
            }
        } @else {
            div .form { fieldset disabled { (fields(form, &sets, problems)) } }
        }
        (history)
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::TITLE, body).status(status))
}
