//! The overview: what ends soon, what was refused of late, and how the nodes stand.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use claviger_domain::Timestamp;
use claviger_texts::console::overview as texts;
use maud::{Markup, html};
use serde::Deserialize;

use super::admin::requests;
use super::keys::approval;
use super::keys::key::Key;
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::parts::frame::Page;
use crate::parts::list::Listed;
use crate::parts::{badge, time};
use crate::viewer::Viewer;

const DAY_MICROS: i64 = 86_400_000_000;
/// Keys that end within so many days are shown.
const ENDING_DAYS: i64 = 30;
/// Keys that were refused within so many days are shown.
const REFUSED_DAYS: i64 = 7;
/// Keys that are looked at for the first of them: a page of the API.
const LOOKED_AT: usize = 100;
const SHOWN: usize = 10;
/// What the slugs of sets begin with that administer Claviger.
const BUILT_IN: &str = "claviger-";

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    state: String,
    answers: bool,
    applied: Option<String>,
    host: Option<String>,
    version: String,
    started_at: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/overview", get(page))
}

async fn page(State(console): State<Console>, viewer: Viewer) -> Result<Response, Failure> {
    let now = console.clock.now();
    let parts =
        [ending(&viewer, days_from(now, ENDING_DAYS)).await?, refused(&viewer, days_from(now, -REFUSED_DAYS)).await?];
    let latest = requests::latest(
        &viewer,
        claviger_texts::console::requests::LATEST_WITHOUT_KEY,
        "/organization/requests",
        "/admin/organization/requests",
    )
    .await?;
    let steps = first_steps(&viewer).await?;
    let waiting = approval::overview(&viewer).await?;
    let usage = super::usage::last_day(&viewer).await?;
    let nodes = nodes(&viewer).await?;
    let body = html! {
        (steps)
        (waiting)
        (usage)
        div .columns { @for part in &parts { (part) } }
        (latest)
        (nodes)
    };
    Ok(Page::new(&viewer, texts::TITLE, body).ok())
}

fn days_from(now: Timestamp, days: i64) -> Timestamp {
    Timestamp::from_micros(now.as_micros().saturating_add(days * DAY_MICROS))
}

/// What is to be done first, for who may do it, until it is done.
async fn first_steps(viewer: &Viewer) -> Result<Markup, Failure> {
    #[derive(Deserialize)]
    struct Api {
        kind: String,
    }
    if !viewer.may("apis.manage") || !viewer.may("keys.manage_all") {
        return Ok(html! {});
    }
    let apis: Listed<Api> = viewer.api.get("/apis?limit=10").read().await?;
    let keys: Listed<Key> = viewer.api.get("/keys?limit=10").read().await?;
    // A key that only administers Claviger, such as comes with the organization, is for no API.
    let is_for_apis =
        |key: &Key| !key.operations.is_empty() || key.api_sets.iter().any(|set| !set.starts_with(BUILT_IN));
    let has_api = apis.data.iter().any(|api| api.kind == "plain");
    let has_key = keys.data.iter().any(is_for_apis);
    if has_api && has_key {
        return Ok(html! {});
    }
    let steps = [
        (has_api, "/apis/import", texts::IMPORT, texts::IMPORT_WHY),
        (has_key, "/keys/new", texts::MAKE_KEY, texts::MAKE_KEY_WHY),
        (false, "/gateways", texts::ASK_DOOR, texts::ASK_DOOR_WHY),
    ];
    Ok(html! {
        section .card {
            header { h2 { (texts::FIRST_STEPS) } p .hint { (texts::FIRST_STEPS_HINT) } }
            section {
                ol .steps {
                    @for (is_done, path, what, why) in steps {
                        li data-done[is_done] {
                            @if is_done { span .sr-only { (texts::DONE) " " } }
                            a href=(path) { (what) }
                            p .muted { (why) }
                        }
                    }
                }
            }
        }
    })
}

/// All keys, or one's own for who may not see those of others.
async fn keys(viewer: &Viewer, query: &str) -> Result<Vec<Key>, Failure> {
    let path = if viewer.may("keys.read") { "/keys" } else { "/me/keys" };
    let found = viewer.api.get(format!("{path}?limit={LOOKED_AT}&{query}")).read_if_seen::<Listed<Key>>().await?;
    Ok(found.map(|page| page.data).unwrap_or_default())
}

fn list_of(viewer: &Viewer, query: &str) -> String {
    format!("{}?{query}", if viewer.may("keys.read") { "/keys" } else { "/profile/keys" })
}

/// When a key ends if nobody uses it, and whether that is for want of use.
fn end_of(key: &Key) -> Option<(Timestamp, bool)> {
    let at = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let (end, idle) = (at(&key.expires_at), at(&key.idle_at));
    [end.map(|at| (at, false)), idle.map(|at| (at, true))].into_iter().flatten().min()
}

async fn ending(viewer: &Viewer, until: Timestamp) -> Result<Markup, Failure> {
    let query = format!("state=active&ends_before={}", segment(&until.to_string()));
    let mut rows: Vec<_> =
        keys(viewer, &query).await?.into_iter().filter_map(|key| Some((end_of(&key)?, key))).collect();
    rows.sort_by_key(|(end, _)| *end);
    let table = html! {
        table .table {
            thead { tr { th scope="col" { (texts::KEY) } th scope="col" { (texts::OWNER) } th scope="col" { (texts::ENDS) } th scope="col" { (texts::WHY) } } }
            tbody {
                @for ((at, is_idle), key) in rows.iter().take(SHOWN) {
                    tr {
                        th .wrap scope="row" { (link(key)) }
                        td .wrap { (key.owner.name.as_deref().unwrap_or(&key.owner.kind)) }
                        td { (shown_end(viewer, *at, *is_idle)) }
                        td { (if *is_idle { texts::BY_IDLING } else { texts::BY_END }) }
                    }
                }
            }
        }
    };
    let all = (rows.len() > SHOWN).then(|| list_of(viewer, &query));
    Ok(card(texts::ENDING, texts::ENDING_HINT, all.as_deref(), (!rows.is_empty()).then_some(&table), texts::NO_ENDING))
}

async fn refused(viewer: &Viewer, since: Timestamp) -> Result<Markup, Failure> {
    let query = format!("last_refused_after={}", segment(&since.to_string()));
    let keys = keys(viewer, &query).await?;
    let mut rows: Vec<_> = keys.iter().filter_map(|key| Some((key.last_refused.as_ref()?, key))).collect();
    rows.sort_by(|(one, _), (other, _)| other.at.cmp(&one.at));
    let table = html! {
        table .table {
            thead { tr { th scope="col" { (texts::KEY) } th scope="col" { (texts::VERDICT) } th scope="col" { (texts::AT) } } }
            tbody {
                @for (refusal, key) in rows.iter().take(SHOWN) {
                    tr {
                        th .wrap scope="row" { (link(key)) }
                        td { code { (refusal.code) } @if let Some(ip) = &refusal.ip { br; small .muted { (texts::FROM) " " code { (ip) } } } }
                        td { (time::instant(&refusal.at, &viewer.zone)) }
                    }
                }
            }
        }
    };
    let all = (rows.len() > SHOWN).then(|| list_of(viewer, &query));
    let table = (!rows.is_empty()).then_some(&table);
    Ok(card(texts::REFUSED, texts::REFUSED_HINT, all.as_deref(), table, texts::NO_REFUSED))
}

/// An end is a day of the organization; a key that nobody uses goes at an instant.
fn shown_end(viewer: &Viewer, at: Timestamp, is_idle: bool) -> Markup {
    let at = at.to_string();
    if is_idle { time::instant(&at, &viewer.zone) } else { time::end_day(&at, &viewer.home_zone) }
}

fn link(key: &Key) -> Markup {
    html! { a href=(key.path()) { (key.name) } br; code .muted { (key.hint) } }
}

fn card(title: &str, hint: &str, all: Option<&str>, table: Option<&Markup>, none: &str) -> Markup {
    html! {
        section .card {
            header .title { h2 { (title) } @if let Some(all) = all { a href=(all) { (texts::ALL) } } }
            section .parting {
                @match table {
                    Some(table) => { p .hint { (hint) } div .table-container tabindex="0" role="region" aria-label=(title) { (table) } },
                    None => p .muted { (none) },
                }
            }
        }
    }
}

/// The nodes, for who may see them.
async fn nodes(viewer: &Viewer) -> Result<Markup, Failure> {
    let found: Option<Listed<Node>> = viewer.api.get("/nodes?sort=started_at").read_if_seen().await?;
    let Some(found) = found else { return Ok(html! {}) };
    Ok(html! {
        section .card {
            header { h2 { (texts::NODES) } }
            section {
                div .table-container tabindex="0" role="region" aria-label=(texts::NODES) {
                    table .table {
                        thead {
                            tr {
                                th scope="col" { (texts::NODE) } th scope="col" { (texts::STATE) } th scope="col" { (texts::VERSION) }
                                th scope="col" { (texts::APPLIED) } th scope="col" { (texts::STARTED) }
                            }
                        }
                        tbody { @for node in &found.data { (node_row(viewer, node)) } }
                    }
                }
            }
        }
    })
}

fn node_row(viewer: &Viewer, node: &Node) -> Markup {
    html! {
        tr {
            th .wrap scope="row" {
                @if let Some(host) = &node.host { (host) " " }
                @if node.answers { (badge::tag(texts::ANSWERS)) }
                @if node.host.is_some() || node.answers { br; }
                code .muted { (node.id) }
            }
            td { (badge::state(&node.state)) }
            td { (node.version) }
            td { @if let Some(applied) = &node.applied { code { (applied) } } }
            td { (time::instant(&node.started_at, &viewer.zone)) }
        }
    }
}
