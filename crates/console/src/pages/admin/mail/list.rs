//! All mails in all languages.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::mail as texts;
use maud::{Markup, html};

use super::{PATH, Summary};
use crate::Console;
use crate::failure::Failure;
use crate::parts::frame::Page;
use crate::parts::list::Listed;
use crate::parts::{badge, time};
use crate::viewer::Viewer;

pub(super) fn router() -> Router<Console> {
    Router::new().route(PATH, get(page))
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    let found: Listed<Summary> = viewer.api.get("/mail/templates").read().await?;
    let body = html! { p .muted { (texts::HINT) } (table(&viewer, &found.data)) };
    Ok(Page::new(&viewer, texts::TITLE, body).ok())
}

fn table(viewer: &Viewer, mails: &[Summary]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::TITLE) {
            table .table {
                thead {
                    tr {
                        @for head in [texts::MAIL, texts::LANGUAGE, texts::SUBJECT, texts::WORDS, texts::CHANGED] {
                            th scope="col" { (head) }
                        }
                    }
                }
                tbody {
                    @for mail in mails {
                        tr {
                            th .wrap scope="row" { a href=(mail.path()) { (texts::title(&mail.template, &mail.language_name)) } }
                            td { (mail.language_name) }
                            td .wrap lang=(mail.language) { (mail.subject) }
                            td { (badge::tag(if mail.is_default { texts::DEFAULT } else { texts::OWN })) }
                            td {
                                @if let Some(at) = &mail.updated_at { (time::instant(at, &viewer.zone)) }
                                @if let Some(by) = &mail.updated_by { " · " (by.shown()) }
                            }
                        }
                    }
                }
            }
        }
    }
}
