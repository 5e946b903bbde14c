//! A webhook's page: what it is told of, and what became of each event.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::confirm::{self, Answers};
use claviger_texts::console::webhooks as texts;
use maud::{Markup, html};
use serde::Deserialize;

use super::{PATH, Webhook, load};
use crate::Console;
use crate::failure::{Failure, Problems};
use crate::pages::admin::audit::history;
use crate::parts::confirm::Question;
use crate::parts::field::{Choice, Field};
use crate::parts::frame::{Page, csrf};
use crate::parts::list::{Listed, ROWS};
use crate::parts::time;
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["cursor"];

/// An event of it.
#[derive(Debug, Deserialize)]
struct Delivery {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    state: String,
    created_at: String,
    next_at: Option<String>,
    attempts: Vec<Attempt>,
    body: String,
}

#[derive(Debug, Deserialize)]
struct Attempt {
    milliseconds: i64,
    status: Option<u16>,
    reason: Option<String>,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/webhooks/{id}", get(page))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (webhook, _) = load(&viewer, &id).await?;
    let asked = viewer.asked(KNOWN);
    let path = format!("/webhooks/{}/deliveries{}", webhook.id, asked.query_of(ROWS));
    let sent: Listed<Delivery> = viewer.api.get(path).read().await?;
    let history = history(&viewer, &webhook.id).await?;
    let body = html! {
        (about(&viewer, &webhook))
        section .card {
            header { h2 { (texts::DELIVERIES) } }
            section .stack {
                @if sent.data.is_empty() { p .muted { (texts::NO_DELIVERIES) } } @else { (table(&viewer, &webhook, &sent.data)) }
                @if let Some(cursor) = &sent.next_cursor {
                    p { a href=(asked.with(&webhook.path(), "cursor", Some(cursor))) { (texts::OLDER) } }
                }
            }
        }
        (history)
    };
    Ok(Page::new(&viewer, webhook.name.clone(), body).actions(actions(&viewer, &webhook)).ok())
}

fn about(viewer: &Viewer, webhook: &Webhook) -> Markup {
    html! {
        section .card {
            header { h2 { (texts::ABOUT) } }
            section {
                dl .facts {
                    dt { (texts::STATUS) } dd { (webhook.status()) }
                    @if let Some(disabled) = &webhook.disabled {
                        dt { (texts::DISABLED) }
                        dd { (time::instant(&disabled.at, &viewer.zone)) @if let Some(reason) = &disabled.reason { " · " (reason) } }
                    }
                    dt { (texts::URL) } dd .wrap { code { (webhook.url) } }
                    dt { (texts::EVENTS) } dd { (webhook.types()) }
                    @if let Some(until) = &webhook.old_secret_valid_until {
                        dt { (texts::OLD_SECRET) } dd { (time::instant(until, &viewer.zone)) }
                    }
                    dt { (texts::CREATED) } dd { (time::instant(&webhook.created_at, &viewer.zone)) }
                }
            }
        }
    }
}

fn table(viewer: &Viewer, webhook: &Webhook, sent: &[Delivery]) -> Markup {
    let replays = viewer.may("policy.manage") && webhook.enabled;
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::DELIVERIES) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (texts::EVENT) }
                        th scope="col" { (texts::STATUS) }
                        th scope="col" { (texts::WHEN) }
                        th scope="col" { (texts::ATTEMPTS) }
                        th scope="col" { (texts::LAST) }
                        @if replays { th scope="col" { (texts::OPTIONS) } }
                    }
                }
                tbody { @for delivery in sent { (row(viewer, webhook, delivery, replays)) } }
            }
        }
    }
}

fn row(viewer: &Viewer, webhook: &Webhook, delivery: &Delivery, replays: bool) -> Markup {
    html! {
        tr {
            th .wrap scope="row" {
                (delivery.kind)
                details .payload { summary { (texts::BODY) } pre tabindex="0" { (delivery.body) } }
            }
            td {
                (texts::state(&delivery.state))
                @if let Some(next) = delivery.next_at.as_ref().filter(|_| !delivery.attempts.is_empty()) {
                    p .hint { (texts::NEXT) " " (time::second(next, &viewer.zone)) }
                }
            }
            td { (time::second(&delivery.created_at, &viewer.zone)) }
            td { (delivery.attempts.len()) }
            td .wrap { @if let Some(last) = delivery.attempts.last() { (answered(last)) } }
            @if replays {
                td {
                    form method="post" action={ (webhook.path()) "/deliveries/" (delivery.id) "/replay" } {
                        (csrf(viewer))
                        button .btn data-variant="outline" type="submit" aria-label={ (texts::REPLAY) ": " (delivery.kind) } { (texts::REPLAY) }
                    }
                }
            }
        }
    }
}

fn answered(attempt: &Attempt) -> Markup {
    html! {
        @if let Some(status) = attempt.status { (status) " · " }
        (texts::took(attempt.milliseconds))
        @if let Some(reason) = &attempt.reason { p .hint { (reason) } }
    }
}

fn actions(viewer: &Viewer, webhook: &Webhook) -> Markup {
    html! {
        @if viewer.may("policy.manage") {
            a .btn data-variant="outline" href={ (webhook.path()) "/edit" } { (texts::EDIT) }
            @if webhook.enabled {
                form method="post" action={ (webhook.path()) "/test" } {
                    (csrf(viewer))
                    button .btn data-variant="outline" type="submit" { (texts::TEST) }
                }
            }
            (rotate(viewer, webhook))
            @if webhook.enabled {
                (ask(viewer, webhook, "disable", (texts::DISABLE, texts::DISABLE_CONSEQUENCE), confirm::DISABLE_WEBHOOK))
            } @else {
                (ask(viewer, webhook, "enable", (texts::ENABLE, texts::ENABLE_CONSEQUENCE), confirm::ENABLE_WEBHOOK))
            }
            (ask(viewer, webhook, "delete", (texts::DELETE, texts::DELETE_CONSEQUENCE), confirm::DELETE_WEBHOOK))
        }
    }
}

fn ask(
    viewer: &Viewer,
    webhook: &Webhook,
    verb: &str,
    (action, consequence): (&str, &str),
    answers: Answers,
) -> Markup {
    let question = Question {
        action,
        what: &html! { p { strong { (webhook.name) } " " code { (webhook.url) } } },
        consequence,
        answers,
        path: &format!("{PATH}/{}/{verb}", webhook.id),
        fields: &html! {},
        is_destructive: verb == "delete",
    };
    question.ask(viewer)
}

fn rotate(viewer: &Viewer, webhook: &Webhook) -> Markup {
    // While two sign, only the end of the old ones is left to do.
    let is_overlapping = webhook.old_secret_valid_until.is_some();
    let offered = texts::OVERLAPS.iter().filter(|(seconds, _)| !is_overlapping || *seconds == "0");
    let choices: Vec<_> = offered.map(|(seconds, words)| Choice::new(*seconds, *words)).collect();
    let problems = Problems::default();
    let chosen = if is_overlapping { "0" } else { "86400" };
    let question = Question {
        action: texts::ROTATE,
        what: &html! { p { strong { (webhook.name) } } },
        consequence: texts::ROTATE_CONSEQUENCE,
        answers: confirm::ROTATE_WEBHOOK,
        path: &format!("{}/rotate", webhook.path()),
        fields: &Field::new("overlap_seconds", texts::OVERLAP, &problems).choice(&choices, chosen),
        is_destructive: false,
    };
    question.ask(viewer)
}
