//! Types of applications: what the keys of theirs may do at the most.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use claviger_manage::ErrorCode;
use claviger_texts::console::applications::{self as words, types as texts};
use claviger_texts::console::{confirm, form, picker};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::application::Kind;
use super::{TYPES, tabs};
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, ONCE, VERSION};
use crate::pages::admin::audit::history;
use crate::pages::keys::offer::Offer;
use crate::parts::badge;
use crate::parts::changed::{Labels, now};
use crate::parts::confirm::Question;
use crate::parts::dual_list::dual_list;
use crate::parts::field::{Choice, Field, summary};
use crate::parts::frame::{Page, csrf};
use crate::parts::icon::Icon;
use crate::parts::list::{List, Listed};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

/// How applications can prove themselves, as the API calls it.
const SIGN_INS: [&str; 5] = ["session", "static_token", "key_and_token", "key_only", "signature"];
/// Fields that applications of a type have or have not.
const NEEDS: [(&str, &str); 2] = [("allowed_ips", texts::ALLOWED_IPS), ("public_url", texts::PUBLIC_URL)];
const LABELS: Labels<'_> = &[
    ("name", words::NAME),
    ("slug", words::SLUG),
    ("api_sets", texts::SETS),
    ("allowed_ips", texts::ALLOWED_IPS),
    ("public_url", texts::PUBLIC_URL),
];

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route(TYPES, get(list))
        .route("/admin/applications/types/new", get(new).post(make))
        .route("/admin/applications/types/predefined", post(predefine))
        .route("/admin/applications/types/{id}", get(page).post(save))
        .route("/admin/applications/types/{id}/delete", post(delete))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(&["text", "sort", "cursor"]);
    let found: Listed<Kind> = viewer.api.get(format!("/application-types{}", asked.query())).read().await?;
    let list = List { path: TYPES, asked: &asked, search_label: texts::SEARCH, filters: Vec::new(), export: None };
    let body = html! {
        (tabs(&viewer))
        (list.tools())
        @if found.data.is_empty() { (list.empty(texts::NONE, texts::NONE_HINT, &new_button(&viewer))) } @else {
            div .table-container {
                table .table {
                    thead {
                        tr {
                            (list.sorted_head("name", words::NAME))
                            (list.sorted_head("slug", words::SLUG))
                            th scope="col" { (texts::SIGN_IN) } th scope="col" { (texts::SETS) } th scope="col" { (texts::APPLICATIONS) }
                        }
                    }
                    tbody { @for kind in &found.data { (row(kind)) } }
                }
            }
        }
        (list.pager(found.data.len(), found.next_cursor.as_deref()))
    };
    Ok(Page::new(&viewer, texts::TITLE, body).actions(new_button(&viewer)).ok())
}

fn new_button(viewer: &Viewer) -> Markup {
    let question = Question {
        action: texts::PREDEFINE,
        what: &html! {},
        consequence: texts::PREDEFINE_CONSEQUENCE,
        answers: confirm::PREDEFINE,
        path: &format!("{TYPES}/predefined"),
        fields: &html! {},
        is_destructive: false,
    };
    html! {
        @if viewer.may("applications.manage") {
            (question.ask(viewer))
            a .btn href={ (TYPES) "/new" } { (Icon::Plus.draw()) (texts::NEW) }
        }
    }
}

async fn predefine(Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    viewer.api.post("/application-types/predefined").send().await?;
    Ok(Redirect::to(&told(TYPES, "created")).into_response())
}

fn row(kind: &Kind) -> Markup {
    html! {
        tr {
            th .wrap scope="row" { a href=(kind.path()) { (kind.name) } @if kind.predefined { " " (badge::tag(texts::PREDEFINED)) } }
            td .wrap { code { (kind.slug) } }
            td { (texts::sign_in(&kind.sign_in)) }
            td .wrap { @for set in &kind.api_sets { (badge::tag(set)) " " } }
            td { a href={ (super::PATH) "?type=" (segment(&kind.slug)) } { (kind.counts.applications) } }
        }
    }
}

// === making one ===

async fn new(viewer: Viewer) -> Result<Response, Failure> {
    let mut form = Form::default();
    form.set("sign_in", "key_only");
    show_new(&viewer, &form, &Problems::default()).await
}

async fn make(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let mut body = sent(&form);
    body.insert("sign_in".to_owned(), json!(form.text("sign_in")));
    if form.given("slug").is_none() {
        body.remove("slug");
    }
    let call = viewer.api.post("/application-types").json(&Value::Object(body)).once(form.given(ONCE));
    match call.send().await {
        Ok(_) => Ok(Redirect::to(&told(TYPES, "created")).into_response()),
        Err(error) => show_new(&viewer, &form, &placed(mend(error)?)).await,
    }
}

/// What the API says of the fields of applications, at those of the form.
fn placed(problems: Problems) -> Problems {
    problems.map(|error| match error.field.strip_prefix("fields.") {
        Some(field) => claviger_manage::FieldError::new(field.to_owned(), error.message),
        None => error,
    })
}

async fn show_new(viewer: &Viewer, form: &Form, problems: &Problems) -> Result<Response, Failure> {
    let proofs: Vec<_> = SIGN_INS.iter().map(|word| Choice::new(*word, texts::sign_in(word))).collect();
    let proof = Field::new("sign_in", texts::SIGN_IN, problems).required().hint(texts::SIGN_IN_HINT);
    let rest = fields(viewer, form, problems).await?;
    let fields = html! { (proof.choice(&proofs, form.text("sign_in"))) (rest) };
    let once = form.given(ONCE).unwrap_or(&viewer.once);
    let hidden = html! { input type="hidden" name=(ONCE) value=(once); };
    let body = form_of(viewer, &format!("{TYPES}/new"), &hidden, &fields, problems);
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::NEW, body).status(status))
}

fn form_of(viewer: &Viewer, path: &str, hidden: &Markup, fields: &Markup, problems: &Problems) -> Markup {
    html! {
        (summary(problems))
        p .muted { (form::REQUIRED) }
        form .form method="post" action=(path) {
            (csrf(viewer))
            (hidden)
            (fields)
            div .buttons {
                button .btn type="submit" { (form::SAVE) }
                a .btn data-variant="outline" href=(TYPES) { (form::CANCEL) }
            }
        }
    }
}

async fn fields(viewer: &Viewer, form: &Form, problems: &Problems) -> Result<Markup, Failure> {
    let offer = Offer::load(viewer).await?;
    let chosen: Vec<_> = form.all("api_sets").collect();
    let sets = Field::new("api_sets", texts::SETS, problems);
    let needs = texts::NEEDS.map(|(word, label)| Choice::new(word, label));
    Ok(html! {
        (Field::new("name", words::NAME, problems).required().text(form.text("name")))
        (Field::new("slug", words::SLUG, problems).hint(words::SLUG_HINT).text(form.text("slug")))
        (dual_list(sets, picker::AVAILABLE, picker::SELECTED, &offer.sets, &chosen))
        @for (name, label) in NEEDS { (Field::new(name, label, problems).choice(&needs, form.text(name))) }
    })
}

fn sent(form: &Form) -> Map<String, Value> {
    let sets = form.all("api_sets").collect::<Vec<_>>();
    let members = [("name", json!(form.text("name"))), ("slug", form.value("slug")), ("api_sets", json!(sets))];
    let mut body: Map<String, Value> = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let needs = NEEDS.iter().filter_map(|(name, _)| Some(((*name).to_owned(), json!(form.given(name)?))));
    body.insert("fields".to_owned(), Value::Object(needs.collect()));
    body
}

// === one that is there ===

fn filled(kind: &Kind) -> Form {
    let mut form = Form::default();
    form.set("name", kind.name.clone());
    form.set("slug", kind.slug.clone());
    for set in &kind.api_sets {
        form.push("api_sets", set.clone());
    }
    for (name, _) in NEEDS {
        form.set(name, kind.fields.get(name).cloned().unwrap_or_default());
    }
    form
}

async fn load(viewer: &Viewer, id: &str) -> Result<(Kind, String), Failure> {
    let answer = viewer.api.get(format!("/application-types/{}", segment(id))).send().await?;
    Ok((answer.read()?, answer.version().unwrap_or_default().to_owned()))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (kind, version) = load(&viewer, &id).await?;
    show(&viewer, &kind, &version, &filled(&kind), &Problems::default()).await
}

async fn save(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (kind, version) = load(&viewer, &id).await?;
    let before = filled(&kind);
    let mut body = sent(&form);
    let differs = |name: &str| !before.all(name).eq(form.all(name));
    body.retain(|name, _| if name == "fields" { NEEDS.iter().any(|(name, _)| differs(name)) } else { differs(name) });
    let call = viewer.api.patch(format!("/application-types/{}", kind.id)).json(&Value::Object(body));
    match call.if_match(form.given(VERSION)).send().await {
        Ok(_) => Ok(Redirect::to(&told(&kind.path(), "saved")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            show(&viewer, &kind, &version, &form, &Problems::of(form::STALE)).await
        }
        Err(error) => show(&viewer, &kind, form.text(VERSION), &form, &placed(mend(error)?)).await,
    }
}

async fn show(
    viewer: &Viewer,
    kind: &Kind,
    version: &str,
    form: &Form,
    problems: &Problems,
) -> Result<Response, Failure> {
    let fields = fields(viewer, form, problems).await?;
    let history = history(viewer, &kind.id).await?;
    let hidden = html! { input type="hidden" name=(VERSION) value=(version); };
    let body = html! {
        dl .facts {
            dt { (texts::SIGN_IN) } dd { (texts::sign_in(&kind.sign_in)) }
            dt { (texts::APPLICATIONS) } dd { a href={ (super::PATH) "?type=" (segment(&kind.slug)) } { (kind.counts.applications) } }
        }
        @if !problems.is_empty() { (now(LABELS, &filled(kind), form)) }
        @if viewer.may("applications.manage") {
            p .muted { (texts::EDIT_HINT) }
            (form_of(viewer, &kind.path(), &hidden, &fields, problems))
        } @else {
            p { (texts::SETS) ": " @for set in &kind.api_sets { (badge::tag(set)) " " } }
        }
        (history)
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, format!("{}: {}", texts::EDIT, kind.name), body).actions(ask(viewer, kind)).status(status))
}

fn ask(viewer: &Viewer, kind: &Kind) -> Markup {
    let question = Question {
        action: words::DELETE,
        what: &html! { p { strong { (kind.name) } } },
        consequence: texts::DELETE_CONSEQUENCE,
        answers: confirm::DELETE_TYPE,
        path: &format!("{}/delete", kind.path()),
        fields: &html! {},
        is_destructive: true,
    };
    html! { @if viewer.may("applications.manage") { (question.ask(viewer)) } }
}

/// Says by the page why it cannot go where applications are of it.
async fn delete(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let (kind, version) = load(&viewer, &id).await?;
    match viewer.api.delete(format!("/application-types/{}", kind.id)).send().await {
        Ok(_) => Ok(Redirect::to(&told(TYPES, "deleted")).into_response()),
        Err(error) => show(&viewer, &kind, &version, &filled(&kind), &mend(error)?).await,
    }
}
