//! A key's page: what it is, what it may, what came of its last requests, and what can be done with it.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::keys as texts;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use super::key::{Key, Sighting};
use super::list::delete;
use super::try_it::{self, Tried};
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::form::Form;
use crate::pages::admin::audit::history;
use crate::parts::confirm::Question;
use crate::parts::field::{Choice, Field};
use crate::parts::frame::Page;
use crate::parts::list::Listed;
use crate::parts::{badge, time};
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
    page(&viewer, &id, &Form::default(), None).await
}

/// The page, with what was tried.
pub(super) async fn page(viewer: &Viewer, id: &str, form: &Form, tried: Option<&Tried>) -> Result<Response, Failure> {
    let id = segment(id);
    let key: Key = viewer.api.get(format!("/keys/{id}")).read().await?;
    let refusals: Option<Listed<Refusal>> =
        viewer.api.get(format!("/keys/{id}/requests?limit={REFUSALS}")).read_if_seen().await?;
    let try_it = try_it::panel(viewer, &key, form, tried).await?;
    let history = history(viewer, &key.id).await?;
    let body = html! {
        (overlap(viewer, &key))
        div .columns {
            section .card { header { h2 { (texts::FACTS) } } section { (facts(viewer, &key)) } }
            (try_it)
        }
        @if let Some(refusals) = &refusals { (refused(viewer, &refusals.data)) }
        (history)
    };
    Ok(Page::new(viewer, key.name.clone(), body).actions(actions(viewer, &key)).status(StatusCode::OK))
}

fn actions(viewer: &Viewer, key: &Key) -> Markup {
    let path = key.path();
    html! {
        (badge::state(&key.state))
        @if key.is_changed_by(viewer) {
            a .btn data-variant="outline" href={ (path) "/edit" } { (texts::EDIT) }
            (rotate(viewer, key))
            @if key.reveal == "recoverable" && viewer.may("keys.reveal") {
                (ask(viewer, key, texts::REVEAL, texts::REVEAL_CONSEQUENCE, &format!("{path}/reveal"), false))
            }
            a .btn data-variant="outline" href={ (path) "/replace" } { (texts::REPLACE) }
        }
        @if key.is_ended_by(viewer) {
            @if key.state == "disabled" {
                (ask(viewer, key, texts::ENABLE, texts::ENABLE_CONSEQUENCE, &format!("{path}/enable"), false))
            } @else {
                (ask(viewer, key, texts::DISABLE, texts::DISABLE_CONSEQUENCE, &format!("{path}/disable"), true))
            }
            (delete(viewer, key))
        }
    }
}

fn ask(viewer: &Viewer, key: &Key, action: &str, consequence: &str, path: &str, is_destructive: bool) -> Markup {
    let (what, fields) = (key.named(viewer), html! {});
    Question { action, what: &what, consequence, path, fields: &fields, is_destructive }.ask(viewer)
}

fn rotate(viewer: &Viewer, key: &Key) -> Markup {
    let choices = texts::OVERLAPS.map(|(seconds, words)| Choice::new(seconds, words));
    let problems = crate::failure::Problems::default();
    let fields = Field::new("overlap_seconds", texts::OVERLAP, &problems).choice(&choices, "86400");
    let question = Question {
        action: texts::ROTATE,
        what: &key.named(viewer),
        consequence: texts::ROTATE_CONSEQUENCE,
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
                    (ask(viewer, key, texts::END_OVERLAP, texts::END_OVERLAP_CONSEQUENCE, &format!("{}/end-overlap", key.path()), true))
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
            dt { (texts::OWNER) } dd { (key.owner.name.as_deref().unwrap_or(&key.owner.kind)) }
            dt { (texts::RIGHTS) } dd { (key.rights()) }
            dt { (texts::ALLOWED_IPS) } dd {
                @if key.allowed_ips.is_empty() { (texts::ANYWHERE) }
                ul .plain-list { @for range in &key.allowed_ips { li { (badge::code(&range.line())) } } }
            }
            dt { (texts::EXPIRES) } dd {
                @match &key.expires_at { Some(at) => (time::end_day(at, &viewer.home_zone)), None => { (texts::NO_END) } }
            }
            @if let Some(at) = &key.not_before { dt { (texts::NOT_BEFORE) } dd { (time::instant(at, zone)) } }
            @if let Some(days) = key.idle_days { dt { (texts::IDLE) } dd { (texts::days(days)) } }
            dt { (texts::ENVIRONMENT) } dd { (if key.environment == "test" { texts::TEST } else { texts::LIVE }) }
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
