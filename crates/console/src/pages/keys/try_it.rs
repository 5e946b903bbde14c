//! *Try it*: what a request with a key would get, check by check.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use claviger_texts::console::keys as texts;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::key::Key;
use super::show;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::Form;
use crate::pages::sign_in::without_nulls;
use crate::parts::field::{Choice, Field, summary};
use crate::parts::frame::csrf;
use crate::parts::list::Listed;
use crate::viewer::{Posted, Viewer};

pub(crate) const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// What came of a try.
#[derive(Debug)]
pub(super) enum Tried {
    Explained(Explained),
    Refused(Problems),
}

/// What the API explains.
#[derive(Debug, Deserialize)]
pub(super) struct Explained {
    valid: bool,
    code: String,
    operation: Option<String>,
    checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
struct Check {
    name: String,
    input: String,
    rule: String,
    result: String,
    reason: Option<String>,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys/{id}/try", post(try_it))
}

async fn try_it(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let path = form.given("path");
    let request = without_nulls(json!({
        "method": path.and(form.given("method")),
        "path": path,
        "client_ip": form.value("client_ip"),
        "api": form.value("api"),
    }));
    let call = viewer.api.post(format!("/keys/{}/check", segment(&id))).json(&request);
    let tried = match call.read().await {
        Ok(explained) => Tried::Explained(explained),
        Err(error) => Tried::Refused(mend(error)?),
    };
    show::page(&viewer, &id, &form, Some(&tried)).await
}

#[derive(Debug, Deserialize)]
struct Api {
    slug: String,
    name: String,
    kind: String,
}

/// The APIs at whose doors a request can be tried: one's own that have operations.
async fn doors(viewer: &Viewer) -> Result<Vec<Choice>, Failure> {
    let apis = viewer.api.get("/apis?limit=100").read_if_seen::<Listed<Api>>().await?;
    let apis = apis.map(|page| page.data).unwrap_or_default();
    let own = apis.into_iter().filter(|api| api.kind == "plain");
    let any = Choice::new("", texts::ANY_DOOR);
    Ok(own.map(|api| Choice::new(api.slug, api.name)).chain([any]).collect())
}

/// The panel on a key's page.
pub(super) async fn panel(viewer: &Viewer, key: &Key, form: &Form, tried: Option<&Tried>) -> Result<Markup, Failure> {
    let doors = doors(viewer).await?;
    let none = Problems::default();
    let problems = match tried {
        Some(Tried::Refused(problems)) => problems,
        _ => &none,
    };
    let methods = METHODS.map(|method| Choice::new(method, method));
    Ok(html! {
        section #try .card {
            header { h2 { (texts::TRY) } p { (texts::TRY_HINT) } }
            section {
                (summary(problems))
                form .form .try method="post" action={ (key.path()) "/try#try" } {
                    (csrf(viewer))
                    (Field::new("method", texts::METHOD, problems).choice(&methods, form.given("method").unwrap_or("GET")))
                    (Field::new("api", texts::DOOR, problems).choice(&doors, form.text("api")))
                    (Field::new("path", texts::PATH, problems).text(form.text("path")))
                    (Field::new("client_ip", texts::CLIENT_IP, problems).text(form.text("client_ip")))
                    button .btn type="submit" { (texts::CHECK) }
                }
                @if let Some(Tried::Explained(explained)) = tried { (outcome(explained)) }
            }
        }
    })
}

fn outcome(explained: &Explained) -> Markup {
    html! {
        div .outcome data-valid=(explained.valid) role="status" {
            strong { @if explained.valid { (texts::PASSES) } @else { (texts::refused(&explained.code)) } }
            @if let Some(operation) = &explained.operation { " " code { (operation) } }
        }
        div .table-container tabindex="0" role="region" aria-label=(texts::TRY) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (texts::CHECK_NAME) } th scope="col" { (texts::CHECK_RESULT) }
                        th scope="col" { (texts::CHECK_INPUT) } th scope="col" { (texts::CHECK_RULE) }
                    }
                }
                tbody {
                    @for check in &explained.checks {
                        tr {
                            th scope="row" { (check.name) }
                            td { span .result data-result=(check.result) { (check.result) } @if let Some(reason) = &check.reason { br; small { (reason) } } }
                            td .wrap { code { (check.input) } }
                            td .wrap { (check.rule) }
                        }
                    }
                }
            }
        }
    }
}
