//! Templates of sets: what they are, and applying one to an API of one's own after a look at what that makes.

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::Error;
use claviger_texts::console::api_sets::{self as sets, templates as texts};
use claviger_texts::console::apis::IMPORT;
use claviger_texts::console::form as words;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::Form;
use crate::pages::apis::subplaces;
use crate::pages::picker::{apis, choices};
use crate::pages::sign_in::without_nulls;
use crate::parts::field::{Choice, Field, summary_called};
use crate::parts::frame::{Page, csrf};
use crate::parts::list::empty;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

/// What a button of the form does.
const DO: &str = "do";
const PREVIEW: &str = "preview";
const APPLY: &str = "apply";

#[derive(Debug, Deserialize)]
struct Templates {
    data: Vec<Template>,
}

#[derive(Debug, Deserialize)]
struct Template {
    slug: String,
    name: String,
    about: String,
    sets: Vec<TemplateSet>,
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct TemplateSet {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Group {
    name: String,
    operations: Vec<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Applied {
    sets: Vec<AppliedSet>,
}

#[derive(Debug, Deserialize)]
struct AppliedSet {
    slug: String,
    name: String,
    state: String,
    added: Vec<String>,
    unmatched: Vec<String>,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/api-sets/templates", get(list)).route("/api-sets/templates/{template}", get(page).post(apply))
}

async fn load(viewer: &Viewer) -> Result<Vec<Template>, Failure> {
    Ok(viewer.api.get("/api-sets/templates").read::<Templates>().await?.data)
}

async fn find(viewer: &Viewer, slug: &str) -> Result<Template, Failure> {
    let found = load(viewer).await?.into_iter().find(|template| template.slug == slug);
    Ok(found.ok_or_else(|| Error::not_found("template"))?)
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let templates = load(&viewer).await?;
    let asked = viewer.asked(&["api"]);
    let body = html! {
        (subplaces(&viewer))
        p .muted { (texts::HINT) }
        div .columns { @for template in &templates { (card(&viewer, template, asked.value("api"))) } }
    };
    Ok(Page::new(&viewer, texts::TITLE, body).ok())
}

fn card(viewer: &Viewer, template: &Template, api: &str) -> Markup {
    html! {
        section .card {
            header { h2 { (template.name) } p { (words::quoted(&template.about)) } }
            section .stack {
                h3 { (texts::SETS) }
                ul .names { @for set in &template.sets { li { (set.name) } } }
                details { summary { (texts::GROUPS) } (groups(template)) }
                @if viewer.may("apis.manage") {
                    div .buttons { a .btn data-variant="outline" href={ "/api-sets/templates/" (template.slug) "?api=" (segment(api)) } { (texts::USE) } }
                }
            }
        }
    }
}

fn groups(template: &Template) -> Markup {
    html! {
        dl .facts {
            @for group in &template.groups {
                dt { (group.name) }
                dd { ul .names { @for ways in &group.operations { li { (ways_shown(ways)) } } } }
            }
        }
    }
}

fn ways_shown(ways: &[String]) -> Markup {
    html! { @for (index, way) in ways.iter().enumerate() { @if index > 0 { " " (texts::OR) " " } code { (way) } } }
}

async fn page(viewer: Viewer, Path(slug): Path<String>, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let template = find(&viewer, &slug).await?;
    show(&viewer, &template, &form, &Problems::default(), None).await
}

async fn apply(Path(slug): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let template = find(&viewer, &slug).await?;
    let is_preview = form.text(DO) != APPLY;
    let request = without_nulls(json!({"api": form.text("api"), "prefix": form.value("prefix")}));
    let path = format!("/api-sets/templates/{}?dry_run={is_preview}", segment(&slug));
    match viewer.api.post(path).json(&request).read::<Applied>().await {
        Ok(applied) if is_preview => show(&viewer, &template, &form, &Problems::default(), Some(&applied)).await,
        Ok(_) => {
            let list = format!("/api-sets?api={}", segment(form.text("api")));
            Ok(Redirect::to(&told(&list, "applied")).into_response())
        }
        Err(error) => show(&viewer, &template, &form, &mend(error)?, None).await,
    }
}

async fn show(
    viewer: &Viewer,
    template: &Template,
    form: &Form,
    problems: &Problems,
    applied: Option<&Applied>,
) -> Result<Response, Failure> {
    let mut own = apis(viewer).await?;
    own.retain(|api| api.is_of(viewer));
    // Those that a template finds something in come first.
    own.sort_by_key(|api| api.operations_count == 0);
    let body = html! {
        (subplaces(viewer))
        (summary_called(if form.text(DO) == APPLY { texts::NOT_APPLIED } else { words::NO_PREVIEW }, problems))
        p .muted { (words::quoted(&template.about)) }
        @if own.is_empty() {
            (empty(texts::NO_API, texts::NO_API_HINT, &html! { a .btn href="/apis/import" { (IMPORT) } }))
        } @else {
            (fields(viewer, template, form, problems, &choices(viewer, &own), applied))
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::title(&template.name), body).status(status))
}

fn fields(
    viewer: &Viewer,
    template: &Template,
    form: &Form,
    problems: &Problems,
    apis: &[Choice],
    applied: Option<&Applied>,
) -> Markup {
    html! {
        form .form .broad method="post" action={ "/api-sets/templates/" (template.slug) } {
            (csrf(viewer))
            (Field::new("api", texts::API, problems).required().hint(texts::API_HINT).choice(apis, form.text("api")))
            (Field::new("prefix", texts::PREFIX, problems).hint(texts::PREFIX_HINT).text(form.text("prefix")))
            div .buttons {
                button .btn data-variant=[applied.map(|_| "outline")] type="submit" name=(DO) value=(PREVIEW) { (texts::PREVIEW) }
                a .btn data-variant="outline" href="/api-sets/templates" { (words::CANCEL) }
            }
            @if let Some(applied) = applied {
                section .stack role="status" {
                    h2 { (texts::OUTCOME) }
                    p .muted { (texts::NOT_YET) }
                    (outcome(applied))
                    div .buttons { button .btn type="submit" name=(DO) value=(APPLY) { (texts::APPLY) } }
                }
            }
        }
    }
}

fn outcome(applied: &Applied) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::OUTCOME) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (texts::SET) } th scope="col" { (texts::STATE) }
                        th scope="col" { (texts::ADDED) } th scope="col" { (texts::UNMATCHED) }
                    }
                }
                tbody {
                    @for set in &applied.sets {
                        tr {
                            th .wrap scope="row" { (set.name) br; code .muted { (set.slug) } }
                            td .wrap { (texts::state(&set.state)) }
                            td .wrap { (counted(&set.added)) }
                            td .wrap { (counted(&set.unmatched)) }
                        }
                    }
                }
            }
        }
        p .hint { (sets::TEMPLATE_AGAIN) }
    }
}

/// How many, and which.
fn counted(names: &[String]) -> Markup {
    html! {
        @if names.is_empty() { "0" } @else {
            details { summary { (names.len()) } ul .names { @for name in names { li { code { (name) } } } } }
        }
    }
}
