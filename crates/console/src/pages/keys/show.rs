//! A key's page: what it is, what it may, what came of its last requests, and what can be done with it.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_manage::{Error, ErrorCode};
use claviger_texts::console::confirm::{self, Answers};
use claviger_texts::console::{keys as texts, tried as tried_texts};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use super::approval;
use super::facts::allowed;
use super::key::{Key, Sighting};
use super::list::delete;
use super::try_it::{self, Attempt};
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::admin::audit::{history, history_of_the_gone};
use crate::parts::confirm::Question;
use crate::parts::field::{Choice, Field};
use crate::parts::frame::Page;
use crate::parts::list::Listed;
use crate::parts::{badge, limits_used, time};
use crate::viewer::Viewer;

/// Refusals on the page.
const REFUSALS: usize = 10;

#[derive(Debug, Deserialize)]
struct Refusal {
    at: String,
    method: Option<String>,
    path: Option<String>,
    ip: Option<String>,
    code: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys/{id}", get(show))
}

async fn show(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    page(&viewer, &id, Attempt::default()).await
}

/// The page, with what was tried.
pub(super) async fn page(viewer: &Viewer, id: &str, attempt: Attempt) -> Result<Response, Failure> {
    let id = segment(id);
    let answer = match viewer.api.get(format!("/keys/{id}")).send().await {
        Err(error) if error.code() == ErrorCode::NotFound && viewer.may("audit.read") => {
            return gone(viewer, &id, error).await;
        }
        found => found?,
    };
    let key: Key = answer.read()?;
    let refusals: Option<Listed<Refusal>> =
        viewer.api.get(format!("/keys/{id}/requests?limit={REFUSALS}")).read_if_seen().await?;
    let used = limits_used::card(viewer, &format!("/keys/{id}")).await?;
    let try_it = try_it::panel(viewer, &key, attempt).await?;
    let usage = crate::pages::usage::of_key(viewer, &key.path()).await?;
    let history = history(viewer, &key.id).await?;
    let body = html! {
        (approval::notice(viewer, &key, answer.version().unwrap_or_default()))
        (overlap(viewer, &key))
        section .card { header { h2 { (texts::FACTS) } } section { (facts(viewer, &key)) } }
        (try_it)
        (used)
        (usage)
        @if let Some(refusals) = &refusals { (refused(viewer, &refusals.data)) }
        (history)
    };
    Ok(Page::new(viewer, key.name.clone(), body).actions(actions(viewer, &key)).status(StatusCode::OK))
}

/// What was done to a key that is no more; as not found as any other where nothing ever was.
async fn gone(viewer: &Viewer, id: &str, error: Error) -> Result<Response, Failure> {
    let Some(history) = history_of_the_gone(viewer, id).await? else { return Err(error.into()) };
    let body = html! { p .muted { (texts::GONE_HINT) } (history) };
    Ok(Page::new(viewer, texts::GONE, body).status(StatusCode::NOT_FOUND))
}

fn actions(viewer: &Viewer, key: &Key) -> Markup {
    let path = key.path();
    html! {
        (badge::state(&key.state))
        a .btn data-variant="outline" href="#try" { (tried_texts::TITLE) }
        @if key.is_changed_by(viewer) {
            a .btn data-variant="outline" href={ (path) "/edit" } { (texts::EDIT) }
            (rotate(viewer, key))
            @if key.reveal == "recoverable" && viewer.may("keys.reveal") {
                (ask(viewer, key, texts::REVEAL, texts::REVEAL_CONSEQUENCE, confirm::REVEAL, "reveal"))
            }
            a .btn data-variant="outline" href={ (path) "/replace" } title=(texts::REPLACE_WHY) { (texts::REPLACE) }
            a .btn data-variant="outline" href={ (path) "/leaked" } { (texts::LEAKED) }
        }
        @if key.is_ended_by(viewer) {
            @if key.state == "disabled" {
                (ask(viewer, key, texts::ENABLE, texts::ENABLE_CONSEQUENCE, confirm::ENABLE_KEY, "enable"))
            } @else {
                (ask(viewer, key, texts::DISABLE, texts::DISABLE_CONSEQUENCE, confirm::DISABLE_KEY, "disable"))
            }
            (delete(viewer, key))
        }
    }
}

/// A question about what goes to `verb` below the key's page.
fn ask(viewer: &Viewer, key: &Key, action: &str, consequence: &str, answers: Answers, verb: &str) -> Markup {
    let (what, path, fields) = (key.named(viewer), format!("{}/{verb}", key.path()), html! {});
    let is_destructive = ["disable", "end-overlap"].contains(&verb);
    Question { action, what: &what, consequence, answers, path: &path, fields: &fields, is_destructive }.ask(viewer)
}

fn rotate(viewer: &Viewer, key: &Key) -> Markup {
    let choices = texts::OVERLAPS.map(|(seconds, words)| Choice::new(seconds, words));
    let problems = crate::failure::Problems::default();
    let fields = Field::new("overlap_seconds", texts::OVERLAP, &problems).choice(&choices, "86400");
    let question = Question {
        action: texts::ROTATE,
        what: &key.named(viewer),
        consequence: texts::ROTATE_CONSEQUENCE,
        answers: confirm::ROTATE_KEY,
        path: &format!("{}/rotate", key.path()),
        fields: &fields,
        is_destructive: false,
    };
    html! { div #rotate { (question.ask(viewer)) } }
}

/// Two secrets work at once: until when, and the end of it.
fn overlap(viewer: &Viewer, key: &Key) -> Markup {
    html! {
        @if let Some(rotation) = &key.rotation {
            div .alert role="status" {
                p { (texts::overlap_until(&rotation.old_hint)) " " (time::instant(&rotation.old_valid_until, &viewer.zone)) }
                @if key.is_changed_by(viewer) {
                    (ask(viewer, key, texts::END_OVERLAP, texts::END_OVERLAP_CONSEQUENCE, confirm::END_OVERLAP, "end-overlap"))
                }
            }
        }
    }
}

fn facts(viewer: &Viewer, key: &Key) -> Markup {
    let zone = &viewer.zone;
    html! {
        dl .facts {
            @if !key.description.is_empty() { dt { (texts::DESCRIPTION) } dd { (key.description) } }
            dt { (texts::VALUE) } dd { code { (key.hint) } }
            dt { (texts::STATUS) } dd {
                (badge::state(&key.state))
                @if let Some(at) = &key.state_at { " " (time::instant(at, zone)) }
                @if let Some(by) = &key.state_by { " · " (by.shown()) }
                @if let Some(reason) = &key.state_reason { " · " (texts::REASON) ": " (reason) }
            }
            (approval::fact(viewer, key))
            (allowed(viewer, key))
            @if let Some(id) = &key.external_id { dt { (texts::EXTERNAL_ID) } dd { (id) } }
            @if !key.tags.is_empty() { dt { (texts::TAGS) } dd { @for tag in &key.tags { (badge::tag(tag)) " " } } }
            dt { (texts::LAST_USED) } dd { (sighting(viewer, key.last_used.as_ref())) }
            dt { (texts::LAST_REFUSED) } dd { (sighting(viewer, key.last_refused.as_ref())) }
            dt { (texts::CREATED) } dd { (time::instant(&key.created_at, zone)) " · " (key.created_by.shown()) }
            dt { (texts::ID) } dd { code { (key.id) } }
        }
    }
}

fn sighting(viewer: &Viewer, sighting: Option<&Sighting>) -> Markup {
    html! {
        @match sighting {
            None => (texts::NEVER),
            Some(sighting) => {
                (time::instant(&sighting.at, &viewer.zone))
                @if let Some(ip) = &sighting.ip { " · " code { (ip) } }
                @if let Some(agent) = &sighting.agent { " · " (agent) }
                @if sighting.code != "VALID" { " · " (sighting.code) }
            }
        }
    }
}

fn refused(viewer: &Viewer, refusals: &[Refusal]) -> Markup {
    html! {
        section .card {
            header { h2 { (texts::REFUSALS) } }
            section {
                @if refusals.is_empty() { p .muted { (texts::NO_REFUSALS) } } @else {
                    div .table-container tabindex="0" role="region" aria-label=(texts::REFUSALS) {
                        table .table {
                            thead { tr { th scope="col" { (texts::AT) } th scope="col" { (texts::REQUEST) } th scope="col" { (texts::CLIENT_IP) } th scope="col" { (texts::CODE) } } }
                            tbody {
                                @for refusal in refusals {
                                    tr {
                                        td { (time::instant(&refusal.at, &viewer.zone)) }
                                        td .wrap { code { (refusal.method.as_deref().unwrap_or_default()) " " (refusal.path.as_deref().unwrap_or_default()) } }
                                        td { @if let Some(ip) = &refusal.ip { code { (ip) } } }
                                        td { code { (refusal.code) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
