//! The form of an API: its fields, what they send, and what they hold.

use std::collections::HashMap;

use claviger_texts::console::apis as texts;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::api::{Api, Host, SharedWith};
use super::operations::Operation;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::changed::Labels;
use crate::parts::field::{Choice, Field};

/// The most operations that stand in a field; more come by a document.
pub(super) const OPERATIONS_EDITED_MAX: i64 = 300;

/// What is to be done with the form.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose<'a> {
    New,
    Edit(&'a Api),
}

/// The fields.
pub(super) fn fields(purpose: Purpose<'_>, form: &Form, problems: &Problems) -> Markup {
    let field = |name, label| Field::new(name, label, problems);
    let (is_new, slug_hint) = match purpose {
        Purpose::New => (true, texts::SLUG_HINT),
        Purpose::Edit(_) => (false, texts::SLUG_EDIT_HINT),
    };
    html! {
        (field("name", texts::NAME).required().text(form.text("name")))
        (Field { is_required: !is_new, ..field("slug", texts::SLUG).hint(slug_hint) }.text(form.text("slug")))
        (field("hosts", texts::HOSTS).hint(texts::HOSTS_HINT).area(form.text("hosts"), 3))
        (Field { is_required: !is_new, ..field("base_paths", texts::BASE_PATHS).hint(texts::BASE_PATHS_HINT) }.area(form.text("base_paths"), 2))
        (operations(purpose, form, problems))
        (field("manual_url", texts::MANUAL_URL).hint(texts::MANUAL_URL_HINT).input("url", form.text("manual_url"), "off"))
        (field("report_only", texts::REPORT_ONLY).hint(texts::REPORT_ONLY_HINT).tick(form.is_on("report_only")))
        details .advanced open[!problems.is_empty()] {
            summary { (texts::ADVANCED) }
            (field("version_pattern", texts::VERSION_PATTERN).hint(texts::VERSION_PATTERN_HINT).text(form.text("version_pattern")))
            (field("versions", texts::VERSIONS).hint(texts::VERSIONS_HINT).text(form.text("versions")))
            (field("credential_sources", texts::SOURCES).hint(texts::SOURCES_HINT).area(form.text("credential_sources"), 3))
            (field("unlisted_paths", texts::UNLISTED_ON).tick(form.is_on("unlisted_paths")))
            (field("preflight_without_key", texts::PREFLIGHT_ON).tick(form.is_on("preflight_without_key")))
            @if !is_new { (sharing(form, problems)) }
        }
    }
}

fn sharing(form: &Form, problems: &Problems) -> Markup {
    let choices = [
        Choice::new("none", texts::NOT_SHARED),
        Choice::new("all", texts::SHARED_ALL),
        Choice::new("chosen", texts::SHARED_CHOSEN),
    ];
    html! {
        (Field::new("shared", texts::SHARED_WITH, problems).choice(&choices, form.text("shared")))
        (Field::new("shared_with", texts::SHARED_IDS, problems).hint(texts::SHARED_IDS_HINT).area(form.text("shared_with"), 2))
        (Field::new("shared_full_access", texts::SHARED_FULL, problems).tick(form.is_on("shared_full_access")))
    }
}

fn operations(purpose: Purpose<'_>, form: &Form, problems: &Problems) -> Markup {
    let count = match purpose {
        Purpose::New => 0,
        Purpose::Edit(api) => api.operations_count,
    };
    html! {
        @if count > OPERATIONS_EDITED_MAX { p .hint { (texts::operations_too_many(count)) } } @else {
            (Field::new("operations", texts::OPERATIONS, problems).hint(texts::OPERATIONS_HINT).area(form.text("operations"), 6))
        }
    }
}

// === what the form sends ===

/// The request that makes the API.
pub(super) fn creation(form: &Form) -> Result<Value, Problems> {
    let mut body = shared(form);
    let is_given = |value: &Value| !value.is_null() && !value.as_array().is_some_and(Vec::is_empty);
    body.retain(|_, value| is_given(value));
    body.insert("operations".to_owned(), lines_of_operations(form.text("operations"), &[])?);
    Ok(Value::Object(body))
}

/// The request that changes what `before` was into what the form says: only what differs. `listed` are the operations that
/// are there, whose tags a line does not say.
pub(super) fn change(before: &Form, form: &Form, listed: &[Operation]) -> Result<Value, Problems> {
    let (was, mut body) = (edited(before), edited(form));
    body.retain(|name, value| was.get(name) != Some(value));
    let lines = |form: &Form| form.lines("operations").map(str::to_owned).collect::<Vec<_>>();
    if form.is_on("operations") && lines(before) != lines(form) {
        body.insert("operations".to_owned(), lines_of_operations(form.text("operations"), listed)?);
    }
    Ok(Value::Object(body))
}

fn edited(form: &Form) -> Map<String, Value> {
    let mut body = shared(form);
    let with = match form.text("shared") {
        "all" => json!("all"),
        "chosen" => json!(form.lines("shared_with").collect::<Vec<_>>()),
        _ => json!("none"),
    };
    body.insert("shared_with".to_owned(), with);
    body.insert("shared_full_access".to_owned(), json!(form.is_on("shared_full_access")));
    body
}

fn shared(form: &Form) -> Map<String, Value> {
    let lines = |name: &str| json!(form.lines(name).collect::<Vec<_>>());
    let versions = form.text("versions").split([',', '\n']).map(str::trim).filter(|version| !version.is_empty());
    let members = [
        ("name", json!(form.text("name"))),
        ("slug", form.value("slug")),
        ("hosts", form.lines("hosts").map(host).collect()),
        ("base_paths", lines("base_paths")),
        ("manual_url", form.value("manual_url")),
        ("version_pattern", form.value("version_pattern")),
        ("versions", json!(versions.collect::<Vec<_>>())),
        ("credential_sources", lines("credential_sources")),
        ("unlisted_paths", json!(form.is_on("unlisted_paths"))),
        ("preflight_without_key", json!(form.is_on("preflight_without_key"))),
        ("report_only", json!(form.is_on("report_only"))),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `HOST [live|test]`.
fn host(line: &str) -> Value {
    match line.rsplit_once(char::is_whitespace) {
        Some((host, environment @ ("live" | "test"))) => json!({"host": host.trim(), "environment": environment}),
        _ => json!(line),
    }
}

fn lines_of_operations(text: &str, listed: &[Operation]) -> Result<Value, Problems> {
    let mut tags: HashMap<&str, &[String]> = HashMap::new();
    for operation in listed {
        tags.insert(operation.own_name(), &operation.tags);
    }
    let mut operations = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let unreadable = || Problems::with_field("operations", texts::operation_line(index + 1));
        let mut operation = line_of_operation(line).ok_or_else(unreadable)?;
        let name = operation.get("name").and_then(Value::as_str);
        if let Some(tags) = name.and_then(|name| tags.get(name)) {
            operation.insert("tags".to_owned(), json!(tags));
        }
        operations.push(Value::Object(operation));
    }
    Ok(operations.into())
}

/// `METHOD PATH [NAME] [versions=A,B] [multi=A,B] [# SUMMARY]`; none where there is no path.
fn line_of_operation(line: &str) -> Option<Map<String, Value>> {
    let (head, summary) = line.split_once(" # ").unwrap_or((line, ""));
    let mut words = head.split_whitespace();
    let (method, path) = (words.next()?, words.next()?);
    let mut operation = Map::new();
    let mut set = |name: &str, value: Value| drop(operation.insert(name.to_owned(), value));
    set("method", json!(method));
    set("path", json!(path));
    set("summary", json!(summary.trim()));
    for word in words {
        let list = |text: &str| json!(text.split(',').filter(|item| !item.is_empty()).collect::<Vec<_>>());
        match word.split_once('=') {
            Some(("versions", text)) => set("versions", list(text)),
            Some(("multi", text)) => set("multi_segment", list(text)),
            _ => set("name", json!(word)),
        }
    }
    Some(operation)
}

/// An operation as its line.
fn line(operation: &Operation) -> String {
    let Operation { method, path, versions, multi_segment, summary, .. } = operation;
    let list = |name: &str, items: &[String]| {
        if items.is_empty() { String::new() } else { format!(" {name}={}", items.join(",")) }
    };
    let summary = if summary.is_empty() { String::new() } else { format!(" # {summary}") };
    let (versions, multi) = (list("versions", versions), list("multi", multi_segment));
    format!("{method} {path} {}{versions}{multi}{summary}", operation.own_name())
}

// === what the form holds ===

/// The form that holds what an API is.
pub(super) fn filled(api: &Api, operations: &[Operation]) -> Form {
    let mut form = Form::default();
    form.set("name", api.name.clone());
    form.set("slug", api.slug.clone());
    form.set("hosts", api.hosts.iter().map(Host::line).collect::<Vec<_>>().join("\n"));
    form.set("base_paths", api.base_paths.join("\n"));
    form.set("manual_url", api.manual_url.clone().unwrap_or_default());
    form.set("version_pattern", api.version_pattern.clone().unwrap_or_default());
    form.set("versions", api.versions.join(", "));
    form.set("credential_sources", api.credential_sources.join("\n"));
    let ticks = [
        ("unlisted_paths", api.unlisted_paths),
        ("preflight_without_key", api.preflight_without_key),
        ("report_only", api.report_only),
        ("shared_full_access", api.shared_full_access),
    ];
    for (name, _) in ticks.into_iter().filter(|(_, is_on)| *is_on) {
        form.set(name, "on");
    }
    match &api.shared_with {
        Some(SharedWith::Chosen(ids)) => {
            form.set("shared", "chosen");
            form.set("shared_with", ids.join("\n"));
        }
        Some(SharedWith::Word(word)) => form.set("shared", word.clone()),
        None => form.set("shared", "none"),
    }
    form.set("operations", operations.iter().map(line).collect::<Vec<_>>().join("\n"));
    form
}

/// What a stale edit is compared by.
pub(super) const LABELS: Labels<'_> = &[
    ("name", texts::NAME),
    ("slug", texts::SLUG),
    ("hosts", texts::HOSTS),
    ("base_paths", texts::BASE_PATHS),
    ("manual_url", texts::MANUAL_URL),
    ("version_pattern", texts::VERSION_PATTERN),
    ("versions", texts::VERSIONS),
    ("credential_sources", texts::SOURCES),
    ("report_only", texts::REPORT_ONLY),
    ("unlisted_paths", texts::UNLISTED),
    ("preflight_without_key", texts::PREFLIGHT_ON),
    ("shared", texts::SHARED_WITH),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).expect("few fields")
    }

    fn operation(name: &str, tags: &[&str]) -> Operation {
        serde_json::from_value(json!({
            "name": format!("orders:{name}"), "method": "GET", "path": "/orders/{id}", "multi_segment": ["id"],
            "summary": "One # order", "tags": tags, "versions": ["v1", "v2"],
        }))
        .expect("an operation")
    }

    #[test]
    fn an_operation_comes_back_from_its_line_as_it_was() {
        let text = line(&operation("getOrder", &["a, b"]));
        assert_eq!(text, "GET /orders/{id} getOrder versions=v1,v2 multi=id # One # order");
        let read = lines_of_operations(&text, &[operation("getOrder", &["a, b"])]).expect("readable");
        assert_eq!(
            read,
            json!([{"method": "GET", "path": "/orders/{id}", "summary": "One # order", "name": "getOrder",
                "versions": ["v1", "v2"], "multi_segment": ["id"], "tags": ["a, b"]}])
        );
        let short = lines_of_operations("\nPOST /event\n", &[]).expect("readable");
        assert_eq!(short, json!([{"method": "POST", "path": "/event", "summary": ""}]));
        let odd = lines_of_operations("GET /a\nGET\n", &[]).expect_err("no path");
        assert_eq!(odd.summary, Some(texts::operation_line(2)));
    }

    #[test]
    fn a_new_api_says_only_what_was_given() {
        let sent =
            form("name=Orders&slug=&hosts=a.example%0D%0Ab.example++test&base_paths=&versions=v1,+v2&report_only=on");
        assert_eq!(
            creation(&sent).expect("readable"),
            json!({"name": "Orders", "hosts": ["a.example", {"host": "b.example", "environment": "test"}],
                "versions": ["v1", "v2"], "unlisted_paths": false, "preflight_without_key": false, "report_only": true,
                "operations": []})
        );
    }

    #[test]
    fn a_change_says_only_what_differs() {
        let before = form("name=a&slug=a&base_paths=/&manual_url=https://x.example&shared=none&operations=GET+/a+a");
        let after = form("name=a&slug=b&base_paths=/&manual_url=&shared=chosen&shared_with=org_1&operations=GET+/a+a");
        let sent = change(&before, &after, &[]).expect("readable");
        assert_eq!(sent, json!({"slug": "b", "manual_url": null, "shared_with": ["org_1"]}));
        assert_eq!(change(&before, &before, &[]).expect("readable"), json!({}));
        let without_the_field = form("name=a&slug=a&base_paths=/&manual_url=https://x.example&shared=none");
        assert_eq!(change(&before, &without_the_field, &[]).expect("readable"), json!({}), "none is none to take away");
        let emptied = form("name=a&slug=a&base_paths=/&manual_url=https://x.example&shared=none&operations=");
        assert_eq!(change(&before, &emptied, &[]).expect("readable"), json!({"operations": []}));
    }
}
