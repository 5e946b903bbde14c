//! A set's page: what it holds, its history, and its end.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use claviger_texts::console::{api_sets as texts, confirm, form as words, limits as limit_texts};
use http::StatusCode;
use maud::{Markup, html};

use super::Set;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::pages::admin::audit::history;
use crate::pages::apis::subplaces;
use crate::parts::confirm::Question;
use crate::parts::field::summary_called;
use crate::parts::frame::Page;
use crate::parts::{copy, limits, limits_used, time};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

/// Operations that stand open.
const OPEN_MAX: usize = 100;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/api-sets/{set}", get(show)).route("/api-sets/{set}/delete", post(delete))
}

/// The set of this id or slug.
pub(super) async fn load(viewer: &Viewer, name: &str) -> Result<(Set, String), Failure> {
    let answer = viewer.api.get(format!("/api-sets/{}", segment(name))).send().await?;
    Ok((answer.read()?, answer.version().unwrap_or_default().to_owned()))
}

async fn show(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Failure> {
    page(&viewer, &name, &Problems::default()).await
}

async fn delete(Path(name): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    match viewer.api.delete(format!("/api-sets/{}", segment(&name))).send().await {
        Ok(_) => Ok(Redirect::to(&told("/api-sets", "deleted")).into_response()),
        Err(error) => page(&viewer, &name, &mend(error)?).await,
    }
}

async fn page(viewer: &Viewer, name: &str, problems: &Problems) -> Result<Response, Failure> {
    let (set, _) = load(viewer, name).await?;
    let used = limits_used::card(viewer, &format!("/api-sets/{}", set.id)).await?;
    let history = history(viewer, &set.id).await?;
    let body = html! {
        (subplaces(viewer))
        (summary_called(words::NOT_DELETED, problems))
        div .columns {
            section .card { header { h2 { (texts::FACTS) } } section { (facts(viewer, &set)) } }
            section .card { header { h2 { (texts::HOLDS) } } section .stack { (holds(&set)) } }
        }
        (used)
        (history)
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    Ok(Page::new(viewer, set.name.clone(), body).actions(actions(viewer, &set)).status(status))
}

fn actions(viewer: &Viewer, set: &Set) -> Markup {
    html! {
        @if set.is_changed_by(viewer) { a .btn data-variant="outline" href={ (set.path()) "/edit" } { (texts::EDIT) } }
        @if set.is_deleted_by(viewer) {
            (Question {
                action: texts::DELETE,
                what: &html! { p { strong { (set.name) } " " code { (set.slug) } } p { (set.held()) } },
                consequence: texts::DELETE_CONSEQUENCE,
                answers: confirm::DELETE_SET,
                path: &format!("{}/delete", set.path()),
                fields: &html! {},
                is_destructive: true,
            }.ask(viewer))
        }
    }
}

fn facts(viewer: &Viewer, set: &Set) -> Markup {
    html! {
        dl .facts {
            dt { (texts::SLUG) } dd { code { (set.slug) } }
            dt { (texts::KIND) } dd {
                (texts::kind(&set.kind))
                @if !texts::kind_hint(&set.kind).is_empty() { p .hint { (texts::kind_hint(&set.kind)) } }
            }
            @if let Some(template) = &set.template { dt { (texts::TEMPLATE) } dd { code { (template) } } }
            @if viewer.may("keys.read") { dt { (texts::KEYS) } dd { a href={ "/keys?set=" (segment(&set.slug)) } { (texts::SHOW_KEYS) } } }
            dt { (limit_texts::LIMITS) } dd { (limits::shown(&set.limits)) }
            dt { (texts::CREATED) } dd { (time::instant(&set.created_at, &viewer.zone)) }
            dt { (texts::UPDATED) } dd { (time::instant(&set.updated_at, &viewer.zone)) }
            dt { (texts::ID) } dd { code { (set.id) } }
        }
    }
}

fn holds(set: &Set) -> Markup {
    let (first, rest) = set.operations.split_at(set.operations.len().min(OPEN_MAX));
    html! {
        @if set.kind == "full" { p { (texts::EVERYTHING) } }
        @if !set.apis.is_empty() {
            h3 { (if set.is_general() { texts::OF_API } else { texts::WHOLE }) }
            ul .links { @for api in &set.apis { li { a href={ "/apis/" (segment(api)) } { (api) } } } }
        }
        @if !set.operations.is_empty() { h3 { (texts::listed(set.operations.len())) } (names(first)) }
        @if !rest.is_empty() { details { summary { (texts::further(rest.len())) } (names(rest)) } }
        @if set.kind != "full" && set.operations.is_empty() && (set.apis.is_empty() || set.is_general()) { p .muted { (texts::NOTHING) } }
    }
}

fn names(operations: &[String]) -> Markup {
    html! { ul .names { @for name in operations { li { (copy::name(name)) } } } }
}
