//! The diagnostic log: refused requests of the organization and of an application, with the check that failed.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_domain::verdict::{CODES, Code};
use claviger_texts::console::requests as texts;
use http::StatusCode;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde::Deserialize;

use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::parts::field::{Choice, refusal};
use crate::parts::frame::Page;
use crate::parts::list::{Asked, Filter, List, Listed};
use crate::parts::{badge, time};
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["text", "code", "api", "ip", "from", "to", "sort", "cursor"];
/// Refusals on the page of a record.
const LATEST: usize = 10;
const APIS: usize = 100;

/// A refused request.
#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    at: String,
    key: Option<String>,
    code: String,
    check: String,
    ip: Option<String>,
    method: Option<String>,
    path: Option<String>,
    api: Option<String>,
    operation: Option<String>,
    report_only: bool,
}

#[derive(Debug, Deserialize)]
struct Api {
    slug: String,
    name: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/admin/organization/requests", get(of_organization))
        .route("/admin/applications/{id}/requests", get(of_application))
}

async fn of_organization(viewer: Viewer) -> Result<Response, Failure> {
    page(&viewer, texts::TITLE.to_owned(), "/organization/requests", "/admin/organization/requests", texts::HINT).await
}

async fn of_application(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let id = segment(&id);
    let Named { name } = viewer.api.get(format!("/applications/{id}")).read().await?;
    let title = format!("{}: {name}", texts::TITLE);
    page(&viewer, title, &format!("/applications/{id}/requests"), &format!("/admin/applications/{id}/requests"), "")
        .await
}

/// A log with its filters.
async fn page(viewer: &Viewer, title: String, api: &str, path: &str, hint: &str) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let found = viewer.api.get(format!("{api}{}", for_api(&asked, &viewer.zone).query())).read::<Listed<Refusal>>();
    let (found, problems) = match found.await {
        Ok(found) => (found, Problems::default()),
        Err(error) => (Listed { data: Vec::new(), next_cursor: None }, mend(error)?),
    };
    let filters = filters(viewer).await?;
    let list = List { path, asked: &asked, search_label: texts::SEARCH, filters, export: None };
    let body = html! {
        @if !hint.is_empty() { p .muted { (hint) } }
        (refusal(&problems))
        (list.tools_with(&places_and_days(&asked)))
        @if found.data.is_empty() { (list.empty(texts::NONE, texts::NONE_HINT, &html! {})) } @else {
            (table(viewer, &found.data, Some(&list)))
        }
        (list.pager(found.data.len(), found.next_cursor.as_deref()))
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, title, body).status(status))
}

/// Days of the viewer's zone as the instants that the API asks for; what is no day goes on as it is, and is refused there.
fn for_api(asked: &Asked, zone: &TimeZone) -> Asked {
    asked.renamed(|name, value| match name {
        "from" => ("after".to_owned(), start_of(value, 0, zone)),
        "to" => ("before".to_owned(), start_of(value, 1, zone)),
        _ => (name.to_owned(), value.to_owned()),
    })
}

fn start_of(day: &str, days_later: i64, zone: &TimeZone) -> String {
    let start = |day: Date| {
        let start = day.checked_add(days_later.days()).ok()?.to_zoned(zone.clone()).ok()?;
        Some(start.timestamp().to_string())
    };
    day.parse().ok().and_then(start).unwrap_or_else(|| day.to_owned())
}

async fn filters(viewer: &Viewer) -> Result<Vec<Filter<'static>>, Failure> {
    let codes = CODES.iter().filter(|code| **code != Code::Valid);
    let codes = codes.map(|code| Choice::new(code.as_str(), code.as_str())).collect();
    let mut filters = vec![Filter { name: "code", label: texts::ANY_CODE, choices: codes }];
    let apis = viewer.api.get(format!("/apis?limit={APIS}")).read_if_seen::<Listed<Api>>().await?;
    let apis: Vec<_> =
        apis.map(|page| page.data).unwrap_or_default().into_iter().map(|api| Choice::new(api.slug, api.name)).collect();
    if !apis.is_empty() {
        filters.push(Filter { name: "api", label: texts::ANY_API, choices: apis });
    }
    Ok(filters)
}

fn places_and_days(asked: &Asked) -> Markup {
    html! {
        div .field {
            label .sr-only for="ip" { (texts::IP) }
            input #ip .input type="text" name="ip" placeholder=(texts::IP) value=(asked.value("ip")) autocomplete="off" spellcheck="false";
        }
        @for (name, label) in [("from", texts::FROM), ("to", texts::TO)] {
            div .field .inline {
                label for=(name) { (label) }
                input #(name) .input type="date" name=(name) value=(asked.value(name));
            }
        }
    }
}

/// The last refusals on the page of a record, with the way to all of them; nothing for who may not see them.
pub(crate) async fn latest(viewer: &Viewer, title: &str, api: &str, page: &str) -> Result<Markup, Failure> {
    let found: Option<Listed<Refusal>> = viewer.api.get(format!("{api}?limit={LATEST}")).read_if_seen().await?;
    let Some(found) = found else { return Ok(html! {}) };
    Ok(html! {
        section .card {
            header .title { h2 { (title) } @if !found.data.is_empty() { a href=(page) { (texts::ALL) } } }
            section {
                @if found.data.is_empty() { p .muted { (texts::NONE) "." } } @else { (table(viewer, &found.data, None)) }
            }
        }
    })
}

/// The rows; sorted by the list, where they are one.
fn table(viewer: &Viewer, refusals: &[Refusal], list: Option<&List<'_>>) -> Markup {
    let has_keys = refusals.iter().any(|refusal| refusal.key.is_some());
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::TITLE) {
            table .table {
                thead {
                    tr {
                        @match list { Some(list) => (list.sorted_head("at", texts::AT)), None => { th scope="col" { (texts::AT) } } }
                        @if has_keys { th scope="col" { (texts::KEY) } }
                        th scope="col" { (texts::REQUEST) } th scope="col" { (texts::CLIENT_IP) }
                        th scope="col" { (texts::CODE) } th scope="col" { (texts::CHECK) }
                    }
                }
                tbody { @for refusal in refusals { (row(viewer, refusal, has_keys)) } }
            }
        }
    }
}

fn row(viewer: &Viewer, refusal: &Refusal, has_keys: bool) -> Markup {
    html! {
        tr {
            td { (time::instant(&refusal.at, &viewer.zone)) }
            @if has_keys {
                td { @if let Some(key) = &refusal.key { a href={ "/keys/" (segment(key)) } { code { (short(key)) } } } }
            }
            td .wrap {
                code { (refusal.method.as_deref().unwrap_or_default()) " " (refusal.path.as_deref().unwrap_or_default()) }
                @if let Some(operation) = &refusal.operation {
                    br; small .muted { (refusal.api.as_deref().unwrap_or_default()) ":" (operation) }
                } @else if let Some(api) = &refusal.api {
                    br; small .muted { (api) }
                }
            }
            td { @if let Some(ip) = &refusal.ip { code { (ip) } } }
            td { code { (refusal.code) } @if refusal.report_only { " " (badge::tag(texts::REPORT_ONLY)) } }
            td .wrap { (refusal.check) }
        }
    }
}

/// The end of an id: its beginning is the time of its making, alike for all that were made together.
fn short(id: &str) -> String {
    let tail: String = id.chars().rev().take(6).collect::<Vec<_>>().into_iter().rev().collect();
    format!("…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_the_viewer_s_and_the_last_one_counts_whole() {
        let zone = TimeZone::get("Europe/Warsaw").expect("a zone");
        let asked = Asked::read("from=2026-07-01&to=2026-07-01&code=EXPIRED", KNOWN);
        let query = for_api(&asked, &zone).query();
        assert!(query.contains(&format!("after={}", segment("2026-06-30T22:00:00Z"))), "{query}");
        assert!(query.contains(&format!("before={}", segment("2026-07-01T22:00:00Z"))), "{query}");
        assert!(query.contains("code=EXPIRED"), "{query}");
        assert_eq!(start_of("soon", 0, &zone), "soon");
        assert_eq!(start_of("9999-12-31", 1, &zone), "9999-12-31");
    }
}
