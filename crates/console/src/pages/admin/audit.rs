//! The audit log, and the history of a record.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::audit as texts;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::parts::field::Choice;
use crate::parts::frame::Page;
use crate::parts::list::{Filter, List, Listed};
use crate::parts::time;
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["text", "actor", "action", "object", "sort", "cursor"];
/// Entries of a record's history on its page.
const HISTORY: usize = 20;

#[derive(Debug, Deserialize)]
struct Entries {
    #[serde(flatten)]
    page: Listed<Entry>,
    removed: Option<Removed>,
}

/// What was removed because the log is not kept for ever.
#[derive(Debug, Deserialize)]
struct Removed {
    until: String,
}

#[derive(Debug, Deserialize)]
struct Entry {
    at: String,
    actor: Subject,
    action: String,
    object: Subject,
    before: Option<Value>,
    after: Option<Value>,
    ip: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Subject {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    name: Option<String>,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/audit", get(list)).route("/admin/audit/export", get(export))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let found = viewer.api.get(format!("/audit{}", asked.query())).read::<Entries>().await?;
    let Entries { page: found, removed } = found;
    let list = List {
        path: "/admin/audit",
        asked: &asked,
        search_label: texts::SEARCH,
        filters: vec![Filter {
            name: "action",
            label: texts::ANY_OBJECT,
            choices: texts::OBJECTS.iter().map(|(code, label)| Choice::new(*code, *label)).collect(),
        }],
        export: Some("/admin/audit/export"),
    };
    let body = html! {
        (list.tools())
        @if found.data.is_empty() {
            (list.empty(texts::NONE, texts::NONE_HINT, &html! {}))
        } @else {
            (table(&viewer, &found.data))
        }
        (told(&viewer, removed.as_ref()))
        (list.pager(found.data.len(), found.next_cursor.as_deref()))
    };
    Ok(Page::new(&viewer, texts::TITLE, body).ok())
}

async fn export(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(&["text", "actor", "action", "object", "format"]);
    Ok(viewer.api.get(asked.with("/audit/export", "cursor", None)).respond().await?)
}

/// What was done to a record, newest first; nothing for who may not read the log.
pub(crate) async fn history(viewer: &Viewer, id: &str) -> Result<Markup, Failure> {
    history_of(viewer, id, "").await
}

/// The same of actions such as `policy.*` alone.
pub(crate) async fn history_of(viewer: &Viewer, id: &str, action: &str) -> Result<Markup, Failure> {
    let Some(Entries { page, removed }) = entries_of(viewer, id, action).await? else { return Ok(html! {}) };
    let none = if removed.is_some() { texts::NO_HISTORY_SINCE } else { texts::NO_HISTORY };
    Ok(html! {
        section .card {
            header { h2 { (texts::HISTORY) } }
            section {
                @if page.data.is_empty() { p .muted { (none) } } @else { (table(viewer, &page.data)) }
                // What is older than the oldest that is shown may be gone, where all that is left is shown.
                @if page.next_cursor.is_none() { (told(viewer, removed.as_ref())) }
            }
        }
    })
}

/// The history of a record that is no more; `None` where the log knows of none.
pub(crate) async fn history_of_the_gone(viewer: &Viewer, id: &str) -> Result<Option<Markup>, Failure> {
    let found = entries_of(viewer, id, "").await?.filter(|found| !found.page.data.is_empty());
    Ok(found.map(|found| table(viewer, &found.page.data)))
}

/// The newest entries of a record; `None` for who may not read the log.
async fn entries_of(viewer: &Viewer, id: &str, action: &str) -> Result<Option<Entries>, Failure> {
    let action = if action.is_empty() { String::new() } else { format!("&action={}", segment(action)) };
    let path = format!("/audit?limit={HISTORY}&object={}{action}", segment(id));
    Ok(viewer.api.get(path).read_if_seen().await?)
}

/// That older entries were removed, where some were.
fn told(viewer: &Viewer, removed: Option<&Removed>) -> Markup {
    html! {
        @if let Some(removed) = removed {
            p .muted { (texts::REMOVED_UNTIL) " " (time::second(&removed.until, &viewer.zone)) " " (texts::REMOVED_WHY) }
        }
    }
}

fn table(viewer: &Viewer, entries: &[Entry]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::TITLE) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (texts::AT) } th scope="col" { (texts::ACTOR) } th scope="col" { (texts::ACTION) }
                        th scope="col" { (texts::OBJECT) } th scope="col" { (texts::IP) } th scope="col" { (texts::DETAILS) }
                    }
                }
                tbody { @for entry in entries { (row(viewer, entry)) } }
            }
        }
    }
}

fn row(viewer: &Viewer, entry: &Entry) -> Markup {
    html! {
        tr {
            td { (time::second(&entry.at, &viewer.zone)) }
            td .wrap { (entry.actor.shown()) }
            td { span title=(entry.action) { (texts::action(&entry.action)) } }
            td .wrap { @match entry.object.page() { Some(path) => { a href=(path) { (entry.object.shown()) } }, None => (entry.object.shown()) } }
            td { @if let Some(ip) = &entry.ip { code { (ip) } } }
            td .wrap { (details(entry)) }
        }
    }
}

/// The members that differ.
fn details(entry: &Entry) -> Markup {
    let changes = changes(entry.before.as_ref(), entry.after.as_ref());
    html! {
        @if !changes.is_empty() {
            details {
                summary { (texts::SHOW) }
                dl .changes {
                    @for (name, before, after) in &changes {
                        dt { (name) }
                        dd {
                            @if let Some(before) = before { del title=(texts::BEFORE) { (before) } " " }
                            @if let Some(after) = after { ins title=(texts::AFTER) { (after) } }
                        }
                    }
                }
            }
        }
    }
}

type Change = (String, Option<String>, Option<String>);

fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let members = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
    let (before, after) = (members(before), members(after));
    let mut names: Vec<&String> = before.keys().collect();
    names.extend(after.keys().filter(|name| !before.contains_key(*name)));
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let shown = |value: Option<&Value>| value.filter(|value| !value.is_null()).map(text);
    differing.map(|name| (name.clone(), shown(before.get(name)), shown(after.get(name)))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

// === impl Subject ===

impl Subject {
    fn shown(&self) -> &str {
        self.name.as_deref().or(self.id.as_deref()).unwrap_or(&self.kind)
    }

    /// Its page, where it has one.
    fn page(&self) -> Option<String> {
        let id = segment(self.id.as_deref()?);
        match self.kind.as_str() {
            "key" => Some(format!("/keys/{id}")),
            "user" => Some(format!("/admin/users/{id}")),
            "role" => Some(format!("/admin/roles/{id}")),
            "application" => Some(format!("/admin/applications/{id}")),
            "api_user" => Some(format!("/admin/api-users/{id}")),
            "application_type" => Some(format!("/admin/applications/types/{id}")),
            "policy" => Some("/admin/policy".to_owned()),
            "mail_template" => {
                let (kind, language) = self.id.as_deref()?.split_once('/')?;
                Some(format!("/admin/mail/{}/{}", segment(kind), segment(language)))
            }
            "organization" => Some("/admin/organization".to_owned()),
            "api" => Some(format!("/apis/{id}")),
            "api_set" => Some(format!("/api-sets/{id}")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let (before, after) =
            (json!({"name": "a", "tags": [], "gone": 1}), json!({"name": "b", "tags": [], "new": null}));
        let told = changes(Some(&before), Some(&after));
        let change = |name: &str, before: Option<&str>, after: Option<&str>| {
            (name.to_owned(), before.map(str::to_owned), after.map(str::to_owned))
        };
        assert_eq!(
            told,
            [change("name", Some("a"), Some("b")), change("gone", Some("1"), None), change("new", None, None)]
        );
    }
}
