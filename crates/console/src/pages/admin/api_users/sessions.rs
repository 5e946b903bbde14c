//! The sessions of an API user: which there are, and ending them.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use claviger_texts::console::{api_users as texts, confirm, people};
use maud::{Markup, html};
use serde::Deserialize;

use super::PATH;
use super::user::ApiUser;
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::admin::named;
use crate::parts::confirm::Question;
use crate::parts::frame::csrf;
use crate::parts::list::Listed;
use crate::parts::{badge, time};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

#[derive(Debug, Deserialize)]
struct Session {
    id: String,
    key: String,
    created_at: String,
    last_used: String,
    ends_at: String,
    enrolment_only: bool,
    ip: Option<String>,
    agent: Option<String>,
    language: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/admin/api-users/{id}/sessions/end", post(end_all))
        .route("/admin/api-users/{id}/sessions/{session}/end", post(end))
}

/// The part of the user's page.
pub(super) async fn card(viewer: &Viewer, user: &ApiUser) -> Result<Markup, Failure> {
    let path = format!("/api-users/{}/sessions", user.id);
    let sessions = viewer.api.get(path).read::<Listed<Session>>().await?.data;
    let mut keys = BTreeMap::new();
    for session in &sessions {
        if !keys.contains_key(&session.key) {
            keys.insert(session.key.clone(), named::key(viewer, &session.key).await?);
        }
    }
    Ok(html! {
        section .card {
            header { h2 { (people::SESSIONS) } p { (texts::SESSIONS_HINT) } }
            section .stack {
                @if sessions.is_empty() { p .muted { (texts::NO_SESSIONS) } } @else {
                    (table(viewer, user, &sessions, &keys))
                    (ask_all(viewer, user))
                }
            }
        }
    })
}

fn table(viewer: &Viewer, user: &ApiUser, sessions: &[Session], keys: &BTreeMap<String, Markup>) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(people::SESSIONS) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (texts::AGENT) } th scope="col" { (people::IP) } th scope="col" { (texts::KEY) }
                        th scope="col" { (people::LANGUAGE) } th scope="col" { (people::SINCE) } th scope="col" { (texts::LAST_USED) }
                        th scope="col" { (texts::ENDS) } th scope="col" { span .sr-only { (people::END) } }
                    }
                }
                tbody { @for session in sessions { (row(viewer, user, session, keys)) } }
            }
        }
    }
}

fn row(viewer: &Viewer, user: &ApiUser, session: &Session, keys: &BTreeMap<String, Markup>) -> Markup {
    let zone = &viewer.zone;
    html! {
        tr {
            td .wrap {
                (session.agent.as_deref().unwrap_or(texts::UNKNOWN_AGENT))
                @if session.enrolment_only { " " (badge::tag(texts::ENROLMENT_ONLY)) }
            }
            td { @if let Some(ip) = &session.ip { code { (ip) } } }
            td .wrap { @if let Some(key) = keys.get(&session.key) { (key) } }
            td { (session.language) }
            td { (time::instant(&session.created_at, zone)) }
            td { (time::instant(&session.last_used, zone)) }
            td { (time::instant(&session.ends_at, zone)) }
            td {
                form method="post" action={ (user.path()) "/sessions/" (session.id) "/end" } {
                    (csrf(viewer))
                    button .btn data-variant="outline" data-size="sm" type="submit" { (people::END) }
                }
            }
        }
    }
}

fn ask_all(viewer: &Viewer, user: &ApiUser) -> Markup {
    let question = Question {
        action: texts::END_ALL,
        what: &html! { p { strong { (user.user_name) } } },
        consequence: texts::END_ALL_CONSEQUENCE,
        answers: confirm::END_SESSIONS,
        path: &format!("{}/sessions/end", user.path()),
        fields: &html! {},
        is_destructive: true,
    };
    html! { div { (question.ask(viewer)) } }
}

async fn end_all(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let id = segment(&id);
    viewer.api.delete(format!("/api-users/{id}/sessions")).send().await?;
    Ok(Redirect::to(&told(&format!("{PATH}/{id}"), "sessions-ended")).into_response())
}

async fn end(Path((id, session)): Path<(String, String)>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let (id, session) = (segment(&id), segment(&session));
    viewer.api.delete(format!("/api-users/{id}/sessions/{session}")).send().await?;
    Ok(Redirect::to(&told(&format!("{PATH}/{id}"), "session-ended")).into_response())
}
