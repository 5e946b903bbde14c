//! Importing an OpenAPI document: first what it would do, then, with one press, doing it.

mod packed;
mod preview;
mod upload;

use axum::Router;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use claviger_manage::{Error, ErrorCode, FieldError};
use claviger_texts::console::apis::{self as words, import as texts};
use claviger_texts::console::form as form_words;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::api::Api;
use super::change::Change;
use super::subplaces;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{FORM_BYTES_MAX, Form};
use crate::parts::field::{Field, summary_called};
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::Viewer;

use upload::{FILE, TEXT, Uploaded};

/// What a button of the form does.
const DO: &str = "do";
const PREVIEW: &str = "preview";
const CARRY_OUT: &str = "import";
/// Sets to make: by slug, or all.
const SET: &str = "set";
const ALL_SETS: &str = "all_sets";
const OWN_FIELDS: [&str; 3] = ["slug", "name", "version"];

/// What the API says that an import did, or would do.
#[derive(Debug, Deserialize)]
struct Imported {
    api: Api,
    versions: Vec<String>,
    suggested_sets: Vec<SuggestedSet>,
    #[serde(flatten)]
    change: Change,
}

/// A set of a tag.
#[derive(Debug, Clone, Deserialize)]
struct SuggestedSet {
    slug: String,
    name: String,
    operations: Vec<String>,
    operations_count: usize,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/apis/import", get(page).post(send))
}

async fn page(viewer: Viewer, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let mut title = texts::TITLE.to_owned();
    if let Some(slug) = form.given("slug") {
        let known = viewer.api.get(format!("/apis/{}", segment(slug))).read_if_seen::<Api>().await?;
        title = known.map_or(title, |api| texts::title_of(&api.name));
    }
    Ok(show(&viewer, &title, &form, &Problems::default()))
}

async fn send(uploaded: Uploaded) -> Result<Response, Failure> {
    let Uploaded { viewer, form, is_whole, .. } = &uploaded;
    let wrong = |message: &str| show(viewer, texts::TITLE, form, &Problems::with_field(FILE, message));
    if !is_whole {
        return Ok(wrong(texts::UNREADABLE));
    }
    let Some(document) = uploaded.document().await? else { return Ok(wrong(texts::NO_DOCUMENT)) };
    let is_final = form.text(DO) == CARRY_OUT;
    let call = viewer.api.post(address(form, is_final)).document(media_type(&document), document.clone());
    match call.read::<Imported>().await {
        Ok(imported) if is_final => finish(viewer, form, &imported).await,
        Ok(imported) => preview::page(viewer, form, &imported, document).await,
        Err(error) => {
            // It stands at the field that the document came by.
            let came_by = if form.given(TEXT).is_some() && !uploaded.has_file() { TEXT } else { FILE };
            let there =
                |error: FieldError| if error.field == FILE { FieldError::new(came_by, error.message) } else { error };
            Ok(show(viewer, texts::TITLE, form, &mend(error)?.map(in_words).map(there)))
        }
    }
}

/// The API names the parameter that its callers send; people fill in a field. A place in the document is said by the document.
fn in_words(error: FieldError) -> FieldError {
    let is_of_form = OWN_FIELDS.contains(&error.field.as_str()) || [FILE, TEXT].contains(&error.field.as_str());
    if !is_of_form {
        return FieldError::new(FILE, format!("{}: {}", error.field, error.message));
    }
    match error.message.split_once(", say so with `") {
        Some((what, _)) => FieldError::new(error.field.clone(), texts::enter_version(&what.replace('`', ""))),
        None => error,
    }
}

/// The API's address of the import.
fn address(form: &Form, is_final: bool) -> String {
    let mut address = format!("/apis/import?dry_run={}", !is_final);
    for name in OWN_FIELDS {
        if let Some(value) = form.given(name) {
            address = format!("{address}&{name}={}", segment(value));
        }
    }
    address
}

/// A document of JSON begins with a brace.
fn media_type(document: &Bytes) -> &'static str {
    let text = document.strip_prefix("\u{feff}".as_bytes()).unwrap_or(document);
    if text.trim_ascii_start().starts_with(b"{") { "application/json" } else { "application/yaml" }
}

/// Makes the sets that were ticked, and leads to the API.
async fn finish(viewer: &Viewer, form: &Form, imported: &Imported) -> Result<Response, Failure> {
    let is_wanted = |set: &&SuggestedSet| form.is_on(ALL_SETS) || form.all(SET).any(|slug| slug == set.slug);
    let mut failed = Vec::new();
    for set in imported.suggested_sets.iter().filter(is_wanted) {
        if let Err(error) = make_set(viewer, set, &imported.api.slug).await {
            failed.push((set.name.clone(), mend(error)?.summary.unwrap_or_default()));
        }
    }
    let path = imported.api.path(viewer);
    if failed.is_empty() {
        return Ok(Redirect::to(&told(&path, "imported")).into_response());
    }
    let body = html! {
        (subplaces(viewer))
        div .alert role="alert" {
            h2 { (texts::SETS_NOT_MADE) }
            section { ul { @for (name, why) in &failed { li { strong { (name) } ": " (why) } } } }
        }
        p { a .btn href=(path) { (texts::TO_API) } }
    };
    Ok(Page::new(viewer, texts::TITLE, body).ok())
}

/// Makes a set; where another API's has its slug, the API's stands before it.
async fn make_set(viewer: &Viewer, set: &SuggestedSet, api: &str) -> Result<(), Error> {
    let try_slug = |slug: &str| {
        let request = json!({"name": set.name, "slug": slug, "operations": set.operations});
        viewer.api.post("/api-sets").json(&request).send()
    };
    match try_slug(&set.slug).await {
        Err(error) if error.code() == ErrorCode::NameTaken => try_slug(&format!("{api}-{}", set.slug)).await.map(drop),
        done => done.map(drop),
    }
}

/// The first step.
fn show(viewer: &Viewer, title: &str, form: &Form, problems: &Problems) -> Response {
    let text = Some(form.text(TEXT)).filter(|text| text.len() <= FORM_BYTES_MAX).unwrap_or_default();
    let body = html! {
        (subplaces(viewer))
        p .muted { (texts::HINT) }
        (summary_called(if form.text(DO) == CARRY_OUT { texts::NOT_IMPORTED } else { form_words::NO_PREVIEW }, problems))
        form .form method="post" action="/apis/import" enctype="multipart/form-data" {
            (csrf(viewer))
            (file(problems, false))
            (Field::new(TEXT, texts::TEXT, problems).hint(texts::TEXT_HINT).area(text, 8))
            (Field::new("slug", words::SLUG, problems).hint(texts::SLUG_HINT).text(form.text("slug")))
            (Field::new("name", words::NAME, problems).hint(texts::NAME_HINT).text(form.text("name")))
            (Field::new("version", texts::VERSION, problems).hint(texts::VERSION_HINT).text(form.text("version")))
            div .buttons {
                button .btn type="submit" name=(DO) value=(PREVIEW) { (texts::PREVIEW) }
                a .btn data-variant="outline" href="/apis" { (form_words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Page::new(viewer, title, body).status(status)
}

/// The field of the file. Scripts have it hold the file that was chosen in the step before.
fn file(problems: &Problems, is_required: bool) -> Markup {
    let field = Field { is_required, ..Field::new(FILE, texts::FILE, problems).hint(texts::FILE_HINT) };
    let (described, is_wrong) = (field.described_by(), field.is_wrong());
    field.frame(&html! {
        keep-file {
            input .input id=(FILE) name=(FILE) type="file" accept=".json,.yaml,.yml,application/json,application/yaml"
                required[is_required] aria-invalid=[is_wrong.then_some("true")] aria-describedby=[described];
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_from_yaml_by_its_first_character() {
        for text in ["{", " \n\t{\"openapi\":1}", "\u{feff}{}"] {
            assert_eq!(media_type(&Bytes::from(text)), "application/json", "{text}");
        }
        for text in ["", "openapi: 3.1.0", "# {", "[1]"] {
            assert_eq!(media_type(&Bytes::from(text)), "application/yaml", "{text}");
        }
    }

    #[test]
    fn an_import_is_a_preview_until_it_is_said_to_be_none() {
        let form = Form::parse(b"slug=a%26dry_run%3Dfalse&name=&version=v1&text=x").expect("few fields");
        assert_eq!(address(&form, false), "/apis/import?dry_run=true&slug=a%26dry_run%3Dfalse&version=v1");
        assert!(address(&form, true).starts_with("/apis/import?dry_run=false&"));
    }
}
