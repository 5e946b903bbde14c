//! The list of webhooks; they are few.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::webhooks as texts;
use maud::{Markup, html};

use super::{PATH, Webhook};
use crate::Console;
use crate::failure::Failure;
use crate::parts::frame::Page;
use crate::parts::icon::Icon;
use crate::parts::list::{Listed, empty};
use crate::parts::time;
use crate::viewer::Viewer;

pub(super) fn router() -> Router<Console> {
    Router::new().route(PATH, get(list))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let found: Listed<Webhook> = viewer.api.get("/webhooks").read().await?;
    let new = html! {
        @if viewer.may("policy.manage") { a .btn href={ (PATH) "/new" } { (Icon::Plus.draw()) (texts::NEW) } }
    };
    let body = html! {
        p .muted { (texts::HINT) }
        @if found.data.is_empty() { (empty(texts::NONE, texts::NONE_HINT, &new)) } @else { (table(&viewer, &found.data)) }
    };
    Ok(Page::new(&viewer, texts::TITLE, body).actions(new).ok())
}

fn table(viewer: &Viewer, webhooks: &[Webhook]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::TITLE) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (texts::NAME) }
                        th scope="col" { (texts::STATUS) }
                        th scope="col" { (texts::URL) }
                        th scope="col" { (texts::EVENTS) }
                        th scope="col" { (texts::CREATED) }
                    }
                }
                tbody {
                    @for webhook in webhooks {
                        tr {
                            th .wrap scope="row" { a href=(webhook.path()) { (webhook.name) } }
                            td { (webhook.status()) }
                            td .wrap { code { (webhook.url) } }
                            td { (webhook.types()) }
                            td { (time::instant(&webhook.created_at, &viewer.zone)) }
                        }
                    }
                }
            }
        }
    }
}
