//! *Try it*: what a request with a key would get, check by check.

mod offer;
mod outcome;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use claviger_manage::FieldError;
use claviger_texts::console::{list as words, tried as texts};
use maud::{Markup, html};
use serde_json::json;

use self::offer::Offer;
use self::outcome::Explained;
use super::key::Key;
use super::show;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::Form;
use crate::pages::apis::operations::Operation;
use crate::pages::apis::sample;
use crate::pages::sign_in::without_nulls;
use crate::parts::field::{Choice, Field, summary_called};
use crate::parts::frame::csrf;
use crate::viewer::{Posted, Viewer};

pub(crate) const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
/// The field of the button that shows what hangs on the API that was chosen.
const CHOOSE: &str = "choose";
/// What operations are searched for where there are more than are offered, and what they were searched for last.
const FIND: &str = "find";
const FOUND: &str = "found";
/// The operation that method and path were filled in from.
const PICKED: &str = "picked";
/// Where the eye goes after a try.
const RESULT: &str = "tried";

/// What was asked in the panel, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    form: Form,
    /// Read already to fill the form.
    offer: Option<Offer>,
    tried: Option<Tried>,
}

#[derive(Debug)]
enum Tried {
    Explained(Explained),
    Refused(Problems),
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys/{id}/try", post(try_it))
}

async fn try_it(Path(id): Path<String>, Posted { viewer, mut form }: Posted) -> Result<Response, Failure> {
    let is_chosen = form.is_on(CHOOSE);
    if is_chosen {
        for name in ["operation", PICKED, "path", "host", FIND, FOUND] {
            form.set(name, "");
        }
    }
    let offer = Offer::load(&viewer, form.text("api"), form.given(FIND)).await?;
    // Enter in the field of the search presses the button that checks.
    if is_chosen || form.text(FIND) != form.text(FOUND) {
        return show::page(&viewer, &id, Attempt { form, offer: Some(offer), tried: None }).await;
    }
    offer.fill(&mut form);
    let path = form.given("path");
    let request = without_nulls(json!({
        "method": path.and(form.given("method")),
        "path": path,
        "host": path.and(form.given("host").or(offer.only_host())),
        "client_ip": form.value("client_ip"),
        "api": form.value("api"),
    }));
    let call = viewer.api.post(format!("/keys/{}/check", segment(&id))).json(&request);
    let tried = match call.read().await {
        Ok(explained) => Tried::Explained(explained),
        Err(error) => Tried::Refused(mend(error)?.map(in_words)),
    };
    show::page(&viewer, &id, Attempt { form, offer: Some(offer), tried: Some(tried) }).await
}

/// What is no address is said so.
fn in_words(error: FieldError) -> FieldError {
    if error.field == "client_ip" { FieldError::new(error.field, texts::CLIENT_IP_EXPECTED) } else { error }
}

/// The panel on a key's page.
pub(super) async fn panel(viewer: &Viewer, key: &Key, attempt: Attempt) -> Result<Markup, Failure> {
    let Attempt { form, offer, tried } = attempt;
    let offer = match offer {
        Some(offer) => offer,
        None => Offer::of_key(viewer, key).await?,
    };
    let none = Problems::default();
    let problems = match &tried {
        Some(Tried::Refused(problems)) => problems,
        _ => &none,
    };
    Ok(html! {
        section #try .card .try {
            header { h2 { (texts::TITLE) } p { (texts::HINT) } }
            section .columns {
                (request(viewer, key, &offer, &form, problems))
                div #(RESULT) .stack {
                    (summary_called(texts::NOT_CHECKED, problems))
                    @match &tried {
                        Some(Tried::Explained(explained)) => (explained.shown(viewer, key, &offer, &form)),
                        _ => p .muted { (texts::NOT_YET) },
                    }
                }
            }
        }
    })
}

fn request(viewer: &Viewer, key: &Key, offer: &Offer, form: &Form, problems: &Problems) -> Markup {
    let methods = METHODS.map(|method| Choice::new(method, method));
    let field = |name, label| Field::new(name, label, problems);
    html! {
        form .form method="post" action={ (key.path()) "/try#" (RESULT) } {
            (csrf(viewer))
            // The button that Enter presses in any field of the form.
            input .sr-only type="submit" value=(texts::CHECK) tabindex="-1" aria-hidden="true";
            @if !offer.apis.is_empty() {
                (apis(key, offer, problems))
                @if offer.is_more || form.given(FIND).is_some() { (search(form, problems)) }
                @if !offer.operations.is_empty() { (operations(offer, form, problems)) }
            }
            div .request-line {
                (field("method", texts::METHOD).choice(&methods, form.given("method").unwrap_or(METHODS[0])))
                (field("path", texts::PATH).hint(texts::PATH_HINT).text(form.text("path")))
            }
            @if offer.asks_for_host() {
                (field("host", texts::HOST).hint(texts::HOST_HINT).suggested(form.given("host").unwrap_or(offer.usual_host(key)), &offer.hosts()))
            }
            (field("client_ip", texts::CLIENT_IP).hint(texts::CLIENT_IP_HINT).text(form.text("client_ip")))
            div .buttons { button .btn type="submit" { (texts::CHECK) } }
        }
    }
}

/// What hangs on the choice is shown at once with scripts, by a button without.
fn apis(key: &Key, offer: &Offer, problems: &Problems) -> Markup {
    let any = Choice::new("", texts::ANY_API);
    let choices: Vec<_> = offer.apis.iter().cloned().chain([any]).collect();
    html! {
        (Field::new("api", texts::API, problems).choice(&choices, offer.chosen_name()))
        button #choose-api .btn data-variant="outline" data-size="sm" data-pressed-by="api" type="submit" name=(CHOOSE) value="on"
            formaction={ (key.path()) "/try#try" } { (texts::CHOOSE) }
    }
}

/// Where an API has more operations than are offered.
fn search(form: &Form, problems: &Problems) -> Markup {
    let field = Field::new(FIND, texts::FIND, problems);
    field.frame(&html! {
        div .search-line {
            input #(FIND) .input type="search" name=(FIND) value=(form.text(FIND)) autocomplete="off";
            input type="hidden" name=(FOUND) value=(form.text(FIND));
            button .btn data-variant="outline" type="submit" { (words::SEARCH) }
        }
    })
}

/// A choice of them, each with the method and path that it fills in.
fn operations(offer: &Offer, form: &Form, problems: &Problems) -> Markup {
    let Some(api) = &offer.chosen else { return html! {} };
    let chosen = form.text("operation");
    let option = |operation: &Operation| {
        let (name, path) = (operation.own_name(), sample::path(api, operation));
        html! {
            option value=(name) selected[name == chosen] data-method=(operation.method) data-path=(path) data-picked=(name) {
                (name) " · " (operation.method) " " (operation.path)
            }
        }
    };
    let more = texts::first_operations(offer.operations.len());
    let hint = if offer.is_more { more.as_str() } else { texts::OPERATION_HINT };
    let field = Field::new("operation", texts::OPERATION, problems).hint(hint);
    field.frame(&html! {
        select #operation .select name="operation" aria-describedby=[field.described_by()] data-fills {
            option value="" { (texts::BY_HAND) }
            @for operation in &offer.operations { (option(operation)) }
        }
        input type="hidden" name=(PICKED) value=(form.text(PICKED));
    })
}
