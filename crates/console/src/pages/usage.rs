//! Usage: the organization's requests over time, by one thing at a time.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_domain::Timestamp;
use claviger_texts::console::usage as texts;
use maud::{Markup, html};

use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::parts::chart::Usage;
use crate::parts::frame::Page;
use crate::parts::list::Asked;
use crate::viewer::Viewer;

const HOUR_MICROS: i64 = 3_600_000_000;
/// How many hours each range goes back, and its steps.
const RANGES: [(&str, i64, &str); 4] =
    [("24h", 24, "hour"), ("7d", 7 * 24, "hour"), ("30d", 30 * 24, "day"), ("90d", 90 * 24, "day")];

pub(super) fn router() -> Router<Console> {
    Router::new().route("/usage", get(page)).route("/usage/export", get(export))
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(&["by", "range"]);
    let (by, range) = (chosen(&asked, "by", &texts::BYS), chosen(&asked, "range", &texts::RANGES));
    let usage: Usage = viewer.api.get(query(viewer.now, by, range)).read().await?;
    let named = texts::BYS.iter().find(|(word, _)| *word == by).map_or(by, |(_, name)| name);
    let body = html! {
        div .tools {
            (choices(texts::BY, "by", &texts::BYS, by, range))
            (choices(texts::RANGE, "range", &texts::RANGES, by, range))
        }
        section .card {
            header { h2 { (texts::requests_by(named)) } @if by == "set" { p .hint { (texts::SET_HINT) } } }
            section {
                @if usage.is_empty() { (nothing(&viewer)) } @else {
                    (usage.draw(&viewer, "usage", texts::TITLE))
                    @if by != "code" { p .hint { (texts::TOP_HINT) } }
                }
            }
        }
    };
    let export = format!("/usage/export?by={by}&range={range}");
    let actions = html! { a .btn data-variant="outline" href=(export) download { (texts::EXPORT) } };
    Ok(Page::new(&viewer, texts::TITLE, body).actions(actions).ok())
}

/// The same as a file, as the API writes it.
async fn export(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(&["by", "range"]);
    let (by, range) = (chosen(&asked, "by", &texts::BYS), chosen(&asked, "range", &texts::RANGES));
    Ok(viewer.api.get(format!("{}&format=csv", query(viewer.now, by, range))).respond().await?)
}

/// What the address asks for, or the first.
fn chosen(asked: &Asked, name: &str, choices: &[(&'static str, &'static str)]) -> &'static str {
    let found = choices.iter().find(|(word, _)| *word == asked.value(name));
    found.or(choices.first()).map_or("", |(word, _)| word)
}

fn query(now: Timestamp, by: &str, range: &str) -> String {
    let (_, hours, step) = RANGES.iter().find(|(word, ..)| *word == range).unwrap_or(&RANGES[0]);
    // The step that is under way counts as one.
    let from = Timestamp::from_micros(now.as_micros().saturating_sub((hours - 1) * HOUR_MICROS));
    format!("/usage?by={by}&step={step}&from={}", segment(&from.to_string()))
}

fn choices(label: &str, name: &str, choices: &[(&str, &str)], by: &str, range: &str) -> Markup {
    let address = |word: &str| match name {
        "by" => format!("/usage?by={word}&range={range}"),
        _ => format!("/usage?by={by}&range={word}"),
    };
    html! {
        nav .choices aria-label=(label) {
            span .hint { (label) }
            @for (word, shown) in choices {
                a .btn data-variant="outline" data-size="sm" href=(address(word)) aria-current=[(*word == by || *word == range).then_some("true")] { (shown) }
            }
        }
    }
}

fn nothing(viewer: &Viewer) -> Markup {
    html! {
        p { (texts::NONE) }
        p .muted { (texts::NONE_HINT) }
        @if viewer.may("apis.read") || viewer.may("apis.manage") { a .btn data-variant="outline" href="/gateways" { (texts::NONE_STEP) } }
    }
}

/// The last day by verdict, for the overview; nothing for who may not see it.
pub(super) async fn last_day(viewer: &Viewer) -> Result<Markup, Failure> {
    if !viewer.may("usage.read") {
        return Ok(html! {});
    }
    let usage: Option<Usage> = viewer.api.get(query(viewer.now, "code", "24h")).read_if_seen().await?;
    let Some(usage) = usage else { return Ok(html! {}) };
    Ok(html! {
        section .card {
            header .title { h2 { (texts::OVERVIEW) } a href="/usage" { (texts::MORE) } }
            section { @if usage.is_empty() { (nothing(viewer)) } @else { (usage.draw(viewer, "requests", texts::OVERVIEW)) } }
        }
    })
}

/// The last week of a key by verdict; `path` is the key's page.
pub(super) async fn of_key(viewer: &Viewer, path: &str) -> Result<Markup, Failure> {
    let from = Timestamp::from_micros(viewer.now.as_micros().saturating_sub((7 * 24 - 1) * HOUR_MICROS));
    let query = format!("{path}/usage?step=hour&from={}", segment(&from.to_string()));
    let usage: Option<Usage> = viewer.api.get(query).read_if_seen().await?;
    let Some(usage) = usage else { return Ok(html! {}) };
    Ok(html! {
        section .card {
            header .title { h2 { (texts::OF_KEY) } a href={ (path) "/unused-rights" } { (texts::unused::TITLE) } }
            section {
                @if usage.is_empty() { p .muted { (texts::OF_KEY_NONE) } } @else { (usage.draw(viewer, "requests", texts::OF_KEY)) }
            }
        }
    })
}
