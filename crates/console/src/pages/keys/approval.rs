//! Keys that wait for a second person: the page that lists them, and what that person decides.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use claviger_texts::console::{approval as texts, confirm, keys as key_texts};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::key::Key;
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::form::VERSION;
use crate::pages::sign_in::local;
use crate::parts::badge;
use crate::parts::confirm::Question;
use crate::parts::frame::Page;
use crate::parts::list::{Listed, ROWS, empty};
use crate::parts::time;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

const PATH: &str = "/approvals";
const WAITING: &str = "/keys?state=pending&sort=created_at";

/// A key with the version that is looked at: what is approved is what was seen.
struct Seen {
    key: Key,
    version: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route(PATH, get(page)).route("/keys/{id}/approve", post(approve)).route("/keys/{id}/deny", post(deny))
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    let found: Listed<Key> = viewer.api.get(format!("{WAITING}&limit={ROWS}")).read().await?;
    let mut seen = Vec::with_capacity(found.data.len());
    for key in found.data {
        let answer = viewer.api.get(key.path()).send().await?;
        seen.push(Seen { key: answer.read()?, version: answer.version().unwrap_or_default().to_owned() });
    }
    // One may have been decided about since the list was read.
    seen.retain(|seen| seen.key.is_pending());
    let body = html! {
        @if seen.is_empty() {
            (empty(texts::NONE, texts::NONE_HINT, &html! {}))
        } @else {
            p .muted { (texts::HINT) }
            (table(&viewer, &seen))
            @if found.next_cursor.is_some() { p { a href="/keys?state=pending" { (claviger_texts::console::overview::ALL) } } }
        }
    };
    Ok(Page::new(&viewer, texts::TITLE, body).ok())
}

fn table(viewer: &Viewer, seen: &[Seen]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::TITLE) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (key_texts::NAME) }
                        th scope="col" { (key_texts::RIGHTS) }
                        th scope="col" { (texts::ASKED_BY) }
                        th scope="col" { (texts::SINCE) }
                        th scope="col" { (texts::DECISION) }
                    }
                }
                tbody {
                    @for Seen { key, version } in seen {
                        tr id=(key.id) {
                            th .wrap scope="row" {
                                a href=(key.path()) { (key.name) }
                                br; small .muted { (key.owner.name.as_deref().unwrap_or(&key.owner.kind)) }
                            }
                            td .wrap { (key.rights()) }
                            td { @if let Some(by) = &key.state_by { (by.shown()) } }
                            td { @if let Some(at) = &key.state_at { (time::instant(at, &viewer.zone)) } }
                            td .wrap { div .buttons { (decisions(viewer, key, version, PATH)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The buttons for who may decide about a key that waits, or why the viewer may not. Afterwards it goes `back`.
pub(super) fn decisions(viewer: &Viewer, key: &Key, version: &str, back: &str) -> Markup {
    let why_not = key.involvement(viewer);
    html! {
        @if key.is_pending() && viewer.may("keys.manage_all") {
            @match why_not {
                Some(why) => small .muted { (why) },
                None => { (ask(viewer, key, version, back, true)) (ask(viewer, key, version, back, false)) }
            }
        }
    }
}

fn ask(viewer: &Viewer, key: &Key, version: &str, back: &str, approves: bool) -> Markup {
    let (action, consequence, answers, verb) = if approves {
        (texts::APPROVE, texts::APPROVE_CONSEQUENCE, confirm::APPROVE_KEY, "approve")
    } else {
        (texts::DENY, texts::DENY_CONSEQUENCE, confirm::DENY_KEY, "deny")
    };
    let fields = html! {
        input type="hidden" name="back" value=(back);
        input type="hidden" name=(VERSION) value=(version);
        // Without an id: there are several on one page.
        label .field {
            span { (if approves { texts::REASON_OPTIONAL } else { texts::REASON }) }
            input .input type="text" name="reason" maxlength="500" autocomplete="off" required[!approves];
        }
    };
    let what = html! { (key.named(viewer)) p { (key.rights()) } };
    let path = format!("{}/{verb}", key.path());
    let question =
        Question { action, what: &what, consequence, answers, path: &path, fields: &fields, is_destructive: !approves };
    question.ask(viewer)
}

async fn approve(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let path = format!("/keys/{}", segment(&id));
    let body = json!({"reason": form.text("reason").trim()});
    viewer.api.post(format!("{path}/approve")).json(&body).if_match(form.given(VERSION)).send().await?;
    Ok(Redirect::to(&told(form.given("back").map_or(path.as_str(), local), "key-approved")).into_response())
}

async fn deny(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let path = format!("/keys/{}", segment(&id));
    let body = json!({"reason": form.text("reason").trim()});
    viewer.api.post(format!("{path}/deny")).json(&body).send().await?;
    Ok(Redirect::to(&told(form.given("back").map_or(path.as_str(), local), "key-denied")).into_response())
}

/// What a key's own page says of its waiting, with the buttons for who may decide.
pub(super) fn notice(viewer: &Viewer, key: &Key, version: &str) -> Markup {
    html! {
        @if key.is_pending() {
            div .alert role="status" {
                p { (texts::OTHERS) }
                div .buttons { (decisions(viewer, key, version, &key.path())) }
            }
        }
    }
}

/// Who approved a key, when and why.
pub(super) fn fact(viewer: &Viewer, key: &Key) -> Markup {
    let approved = key.approval.as_ref().and_then(|approval| Some((approval, approval.approved_at.as_ref()?)));
    html! {
        @if let Some((approval, at)) = approved {
            dt { (texts::APPROVED) }
            dd {
                (time::instant(at, &viewer.zone))
                @if let Some(by) = &approval.approved_by { " · " (by.shown()) }
                @if let Some(reason) = &approval.reason { " · " (key_texts::REASON) ": " (reason) }
            }
        }
    }
}

/// Above the form of a key: which rights somebody else has to approve.
pub(super) async fn note(viewer: &Viewer) -> Result<Markup, Failure> {
    #[derive(Deserialize)]
    struct Policy {
        #[serde(default)]
        approval: Vec<String>,
    }
    let policy = viewer.api.get("/policy").read_if_seen::<Policy>().await?;
    let sets = policy.map(|policy| policy.approval).unwrap_or_default();
    Ok(html! {
        @if !sets.is_empty() {
            div .alert #approval-note { p { (texts::NOTE) " " @for set in &sets { (badge::tag(set)) " " } } }
        }
    })
}

/// The overview's card, for who may decide, while keys wait.
pub(crate) async fn overview(viewer: &Viewer) -> Result<Markup, Failure> {
    if !viewer.may("keys.manage_all") || !viewer.may("keys.read") {
        return Ok(html! {});
    }
    let found: Listed<Key> = viewer.api.get(format!("{WAITING}&limit={ROWS}")).read().await?;
    if found.data.is_empty() {
        return Ok(html! {});
    }
    Ok(html! {
        section #waiting .card {
            header .title { h2 { (texts::WAITING) } a href=(PATH) { (texts::SHOW) } }
            section { p { (texts::waiting(found.data.len(), found.next_cursor.is_some())) } }
        }
    })
}
