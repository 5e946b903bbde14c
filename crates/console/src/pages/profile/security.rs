//! One's password and sessions.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use claviger_texts::console::people as texts;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::device::device;
use super::keys::tabs;
use super::second_factor;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::pages::sign_in::with_cookies;
use crate::parts::field::{Field, summary};
use crate::parts::frame::{Page, csrf};
use crate::parts::time;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

#[derive(Debug, Deserialize)]
struct Sessions {
    data: Vec<Session>,
}

#[derive(Debug, Deserialize)]
struct Session {
    id: String,
    created_at: String,
    last_seen_at: String,
    ip: Option<String>,
    device: Option<String>,
    current: bool,
}

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/profile/security", get(page))
        .route("/profile/security/password", post(change_password))
        .route("/profile/security/sessions/end-others", post(end_others))
        .route("/profile/security/sessions/{id}/end", post(end))
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    show(&viewer, &Problems::default()).await
}

async fn show(viewer: &Viewer, problems: &Problems) -> Result<Response, Failure> {
    let sessions: Sessions = viewer.api.get("/me/sessions").read().await?;
    let second_factor = second_factor::card(viewer).await?;
    let body = html! {
        (tabs(viewer))
        (second_factor)
        section .card {
            header { h2 { (texts::CHANGE_PASSWORD) } }
            section { (password(viewer, problems)) }
        }
        section .card {
            header { h2 { (texts::SESSIONS) } }
            section .stack { (table(viewer, &sessions.data)) }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::SECURITY, body).status(status))
}

fn password(viewer: &Viewer, problems: &Problems) -> Markup {
    html! {
        (summary(problems))
        form .form method="post" action="/profile/security/password" {
            (csrf(viewer))
            input .sr-only type="text" name="username" value=(viewer.person.email) autocomplete="username" tabindex="-1" aria-hidden="true" readonly;
            (Field::new("current", texts::OLD_PASSWORD, problems).required().input("password", "", "current-password"))
            (Field::new("password", texts::NEW_PASSWORD, problems).required()
                .hint(claviger_texts::console::sign_in::NEW_PASSWORD_HINT).input("password", "", "new-password"))
            div .buttons { button .btn type="submit" { (texts::CHANGE_PASSWORD) } }
        }
    }
}

fn table(viewer: &Viewer, sessions: &[Session]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::SESSIONS) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (texts::DEVICE) } th scope="col" { (texts::IP) } th scope="col" { (texts::SEEN) }
                        th scope="col" { (texts::SINCE) } th scope="col" { span .sr-only { (texts::END) } }
                    }
                }
                tbody {
                    @for session in sessions {
                        tr {
                            td .wrap title=[session.device.as_deref()] { (session.device.as_deref().map_or_else(|| "?".to_owned(), device)) }
                            td { @if let Some(ip) = &session.ip { code { (ip) } } }
                            td { (time::instant(&session.last_seen_at, &viewer.zone)) }
                            td { (time::instant(&session.created_at, &viewer.zone)) }
                            td {
                                @if session.current { span .muted { (texts::THIS_SESSION) } } @else {
                                    form method="post" action={ "/profile/security/sessions/" (session.id) "/end" } {
                                        (csrf(viewer))
                                        button .btn data-variant="outline" data-size="sm" type="submit" { (texts::END) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if sessions.len() > 1 {
            form method="post" action="/profile/security/sessions/end-others" {
                (csrf(viewer))
                button .btn data-variant="outline" type="submit" { (texts::END_OTHERS) }
            }
        }
    }
}

async fn change_password(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let body = json!({"current": form.text("current"), "password": form.text("password")});
    match viewer.api.put("/me/password").json(&body).send().await {
        Ok(answer) => {
            let done = Redirect::to(&told("/profile/security", "password-changed")).into_response();
            Ok(with_cookies(done, answer.cookies()))
        }
        Err(error) => show(&viewer, &mend(error)?).await,
    }
}

async fn end(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    viewer.api.delete(format!("/me/sessions/{}", segment(&id))).send().await?;
    Ok(Redirect::to(&told("/profile/security", "session-ended")).into_response())
}

async fn end_others(Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    viewer.api.delete("/me/sessions").send().await?;
    Ok(Redirect::to(&told("/profile/security", "others-ended")).into_response())
}
