//! The one search box: keys, also by a pasted secret, applications, users, and pages of the menu.
//!
//! What was typed is posted, so that no secret stands in an address. What is no credential goes on to an address that can be kept.

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_domain::credential::{Form as Shape, form as shape};
use claviger_domain::pair::is_identifier;
use claviger_manage::ErrorCode;
use claviger_texts::console::search as texts;
use maud::{Markup, html};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::apis::operations::Operation;
use super::keys::key::Key;
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::parts::badge;
use crate::parts::frame::{Page, places_named};
use crate::parts::list::{Listed, empty};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

/// The field.
const Q: &str = "q";
/// Rows of each part.
const FOUND: usize = 8;
/// APIs whose operations are looked through.
const APIS_LOOKED_AT: usize = 10;
/// A text without white space that is this long may be an imported key.
const SECRET_LENGTH_MIN: usize = 16;

#[derive(Debug, Deserialize)]
struct Found {
    key: Key,
    standing: String,
}

/// What lists answer of applications and people.
#[derive(Debug, Deserialize)]
struct Named {
    id: String,
    name: String,
    #[serde(default)]
    slug: String,
    #[serde(default)]
    email: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/search", get(page).post(post))
}

/// What a text may be, by its form alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    /// It is a credential, or a mistyped one: it is never put into an address.
    Credential,
    /// It may be an imported key: it stands in no address either.
    Perhaps,
    /// A word to look for.
    Word,
}

fn kind_of(text: &str) -> Text {
    let identifier = text.split_once(':').map_or(text, |(identifier, _)| identifier);
    // One that was cut off or pasted with more behind it is a credential still.
    let is_marked = text.contains("_live_") || text.contains("_test_");
    let is_own =
        is_marked || matches!(shape(text), Shape::Native | Shape::BadChecksum) || is_identifier(identifier.as_bytes());
    let is_token = text.len() >= SECRET_LENGTH_MIN && !text.contains(|c: char| c.is_whitespace() || c == '@');
    match is_own {
        true => Text::Credential,
        false if is_token && !is_id(text) => Text::Perhaps,
        false => Text::Word,
    }
}

/// `key_…`, `usr_…` and the like are public.
fn is_id(text: &str) -> bool {
    text.split_once('_').is_some_and(|(kind, rest)| kind.len() == 3 && rest.len() == 26)
}

async fn post(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let text = form.text(Q).trim();
    let kind = kind_of(text);
    if kind != Text::Word {
        return match look_up(&viewer, text, kind).await? {
            Some(response) => Ok(response),
            None => results(&viewer, text, texts::TITLE.to_owned()).await,
        };
    }
    Ok(Redirect::to(&format!("/search?{Q}={}", segment(text))).into_response())
}

/// The page of the key that a secret belongs to, with its switch at hand; `None`: it may be a word all the same.
async fn look_up(viewer: &Viewer, text: &str, kind: Text) -> Result<Option<Response>, Failure> {
    let call = viewer.api.post("/keys/lookup").json(&json!({"credential": text}));
    match call.read::<Found>().await {
        Ok(Found { key, .. }) if key.state == "deleted" => Ok(Some(deleted(viewer, &key))),
        Ok(Found { key, standing }) => {
            let word = if standing == "ended" { "found-ended" } else { "found" };
            Ok(Some(Redirect::to(&told(&key.path(), word)).into_response()))
        }
        Err(error)
            if [ErrorCode::NotFound, ErrorCode::InvalidRequest, ErrorCode::Forbidden].contains(&error.code()) =>
        {
            Ok((kind == Text::Credential).then(|| unknown(viewer)))
        }
        Err(error) => Err(error.into()),
    }
}

fn unknown(viewer: &Viewer) -> Response {
    let body = empty(texts::UNKNOWN_KEY, texts::UNKNOWN_KEY_HINT, &html! {});
    Page::new(viewer, texts::TITLE, body).ok()
}

fn deleted(viewer: &Viewer, key: &Key) -> Response {
    let history = html! {
        @if viewer.may("audit.read") {
            a .btn data-variant="outline" href={ "/admin/audit?object=" (segment(&key.id)) } { (texts::HISTORY) }
        }
    };
    let body = empty(&texts::deleted_key(&key.name), texts::DELETED_KEY_HINT, &history);
    Page::new(viewer, texts::TITLE, body).ok()
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(&[Q]);
    let text = asked.value(Q);
    if text.is_empty() {
        return Ok(Page::new(&viewer, texts::TITLE, empty(texts::EMPTY, texts::EMPTY_HINT, &html! {})).ok());
    }
    if kind_of(text) == Text::Credential {
        return Ok(Page::new(&viewer, texts::TITLE, empty(texts::IN_ADDRESS, texts::IN_ADDRESS_HINT, &html! {})).ok());
    }
    results(&viewer, text, texts::title_of(text)).await
}

/// All that has this in its name.
async fn results(viewer: &Viewer, text: &str, title: String) -> Result<Response, Failure> {
    let parts = [
        pages(viewer, text),
        keys(viewer, text).await?,
        named(viewer, text, "/apis", "/apis", texts::APIS).await?,
        named(viewer, text, "/api-sets", "/api-sets", texts::API_SETS).await?,
        operations(viewer, text).await?,
        named(viewer, text, "/applications", "/admin/applications", texts::APPLICATIONS).await?,
        named(viewer, text, "/users", "/admin/users", texts::USERS).await?,
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let body = html! {
        @if parts.is_empty() { (empty(texts::NONE, texts::NONE_HINT, &html! {})) }
        @for part in &parts { (part) }
    };
    Ok(Page::new(viewer, title, body).ok())
}

fn part(title: &str, rows: &[Markup], all: Option<&str>) -> Markup {
    html! {
        section .card .found {
            header .title { h2 { (title) } @if let Some(all) = all { a href=(all) { (texts::ALL) } } }
            section { ul .rows { @for row in rows { li { (row) } } } }
        }
    }
}

fn pages(viewer: &Viewer, text: &str) -> Option<Markup> {
    let found = places_named(viewer, text);
    let rows: Vec<_> = found.into_iter().map(|(path, label)| html! { a href=(path) { (label) } }).collect();
    (!rows.is_empty()).then(|| part(texts::PAGES, &rows, None))
}

async fn keys(viewer: &Viewer, text: &str) -> Result<Option<Markup>, Failure> {
    let query = format!("?text={}", segment(text));
    let path = if viewer.may("keys.read") { "/keys" } else { "/me/keys" };
    let page = if viewer.may("keys.read") { "/keys" } else { "/profile/keys" };
    let Some(found) = listed::<Key>(viewer, &format!("{path}{query}&limit={FOUND}")).await? else { return Ok(None) };
    let mut rows: Vec<_> = found.data.iter().map(key_row).collect();
    if rows.len() < FOUND && found.next_cursor.is_some() {
        rows.push(html! { span .muted { (texts::NEWEST_KEYS_ALONE) } });
    }
    let all = found.next_cursor.map(|_| format!("{page}{query}"));
    Ok(Some(part(texts::KEYS, &rows, all.as_deref())))
}

/// What fits; nothing for who may not see it, and for a text that no record can have.
async fn listed<T: DeserializeOwned>(viewer: &Viewer, path: &str) -> Result<Option<Listed<T>>, Failure> {
    match viewer.api.get(path).read_if_seen::<Listed<T>>().await {
        Ok(found) => Ok(found.filter(|found| !found.data.is_empty() || found.next_cursor.is_some())),
        Err(error) if error.code() == ErrorCode::InvalidRequest => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn key_row(key: &Key) -> Markup {
    html! {
        a href=(key.path()) { (key.name) } " " code { (key.hint) } " " (badge::state(&key.state))
        @if !key.description.is_empty() { " " span .muted { (key.description) } }
    }
}

/// Operations of the first APIs.
async fn operations(viewer: &Viewer, text: &str) -> Result<Option<Markup>, Failure> {
    let apis = listed::<Named>(viewer, &format!("/apis?limit={APIS_LOOKED_AT}")).await?;
    let mut rows = Vec::new();
    for api in apis.map(|page| page.data).unwrap_or_default() {
        let path = format!("/apis/{}/operations?limit={FOUND}&text={}", segment(&api.slug), segment(text));
        let found = listed::<Operation>(viewer, &path).await?;
        let page = format!("/apis/{}?text={}#operations", segment(&api.slug), segment(text));
        let row = |operation: &Operation| {
            html! {
                a href=(page) { (operation.name) } " " code .muted { (operation.method) " " (operation.path) }
            }
        };
        rows.extend(found.map(|page| page.data).unwrap_or_default().iter().map(row));
        if rows.len() >= FOUND {
            break;
        }
    }
    rows.truncate(FOUND);
    Ok((!rows.is_empty()).then(|| part(texts::OPERATIONS, &rows, None)))
}

async fn named(viewer: &Viewer, text: &str, api: &str, page: &str, title: &str) -> Result<Option<Markup>, Failure> {
    let query = format!("?text={}", segment(text));
    let Some(found) = listed::<Named>(viewer, &format!("{api}{query}&limit={FOUND}")).await? else { return Ok(None) };
    let row = |named: &Named| {
        html! { a href={ (page) "/" (named.id) } { (named.name) } " " span .muted { (named.slug) (named.email) } }
    };
    let rows: Vec<_> = found.data.iter().map(row).collect();
    let all = found.next_cursor.map(|_| format!("{page}{query}"));
    Ok(Some(part(title, &rows, all.as_deref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_credential_is_known_by_its_form() {
        let native = "clv_live_NwYudGhaySfpkF1ez058M23RbdaZaqZw2XrMbh";
        for credential in [native, "acme_test_00000000000000000000000000000000000000", "ci_0123456789abcdefghij"] {
            assert_eq!(kind_of(credential), Text::Credential, "{credential}");
        }
        assert_eq!(kind_of(&format!("{native}x")), Text::Credential, "more was pasted than the key");
        assert_eq!(kind_of(&native[..30]), Text::Credential, "it was cut off");
        assert_eq!(kind_of("ci_0123456789abcdefghij:password"), Text::Credential);
        assert_eq!(kind_of("sk-9f8e7d6c5b4a39281706"), Text::Perhaps);
        let words =
            ["Order import", "ann@example.com", "key_01m8cah09cfncsqz6wrjaggp7e", "portal", "a long name of a key"];
        for word in words {
            assert_eq!(kind_of(word), Text::Word, "{word}");
        }
    }
}
