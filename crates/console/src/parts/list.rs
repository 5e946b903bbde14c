//! Lists: search and filters as a form, rows in a table, the next page, the file, and what to do where there is nothing.

use std::fmt::Write as _;

use claviger_manage::Error;
use claviger_texts::console::list as texts;
use maud::{Markup, html};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::field::Choice;
use super::icon::Icon;
use crate::call::{Caller, segment};

/// Rows of one call where several pages are read.
const ROWS_OF_CALL: usize = 100;

/// Rows of a page.
pub(crate) const ROWS: usize = 25;

/// A page of a list as the API answers it.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed<T> {
    pub(crate) data: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

/// What the address of a list asks for: pairs, as they are handed to the API.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked(Vec<(String, String)>);

/// A filter that one chooses.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) choices: Vec<Choice>,
}

/// A list's frame.
#[derive(Debug)]
pub(crate) struct List<'a> {
    /// Its path.
    pub(crate) path: &'a str,
    pub(crate) asked: &'a Asked,
    pub(crate) search_label: &'a str,
    pub(crate) filters: Vec<Filter<'a>>,
    /// The path of the same rows as CSV, where there is one.
    pub(crate) export: Option<&'a str>,
}

/// The first rows of a list of the API, read page by page, at most about `max`, and whether there are more. Nothing for who
/// may not see it.
pub(crate) async fn first_rows<T: DeserializeOwned>(
    api: &Caller,
    path: &str,
    max: usize,
) -> Result<(Vec<T>, bool), Error> {
    let joint = if path.contains('?') { '&' } else { '?' };
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{path}{joint}limit={ROWS_OF_CALL}{cursor}");
        let Some(page) = api.get(path).read_if_seen::<Listed<T>>().await? else { return Ok((rows, false)) };
        rows.extend(page.data);
        match page.next_cursor {
            Some(next) if rows.len() < max => cursor = format!("&cursor={}", segment(&next)),
            next => return Ok((rows, next.is_some())),
        }
    }
}

// === impl Asked ===

impl Asked {
    /// Reads a query, keeping what the list knows.
    pub(crate) fn read(query: &str, known: &[&str]) -> Self {
        let form = crate::form::Form::parse(query.as_bytes()).unwrap_or_default();
        let kept = form.fields().filter(|(name, value)| known.contains(name) && !value.trim().is_empty());
        Self(kept.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
    }

    pub(crate) fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// The same where a value of the page means others to the API.
    #[must_use]
    pub(crate) fn meaning(&self, name: &str, pairs: &[(&str, &str)]) -> Self {
        let kept = self.0.iter().filter(|(found, _)| found != name).cloned();
        let meant = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self(kept.chain(meant).collect())
    }

    /// Whether anything narrows the list.
    pub(crate) fn is_narrow(&self) -> bool {
        self.0.iter().any(|(name, _)| !["cursor", "sort", "limit"].contains(&name.as_str()))
    }

    /// As a query for the API, with its rows a page.
    pub(crate) fn query(&self) -> String {
        self.query_of(ROWS)
    }

    /// The same with so many rows.
    pub(crate) fn query_of(&self, rows: usize) -> String {
        let mut query = format!("?limit={rows}");
        for (name, value) in &self.0 {
            let _ = write!(query, "&{name}={}", segment(value));
        }
        query
    }

    /// The same with other names and values.
    pub(crate) fn renamed(&self, rename: impl Fn(&str, &str) -> (String, String)) -> Self {
        Self(self.0.iter().map(|(name, value)| rename(name, value)).collect())
    }

    /// As an address of the console, with one value changed or taken out.
    pub(crate) fn with(&self, path: &str, name: &str, value: Option<&str>) -> String {
        let kept = self.0.iter().filter(|(found, _)| found != name && found != "cursor");
        let mut pairs: Vec<_> = kept.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        pairs.extend(value.map(|value| (name, value)));
        let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }
}

// === impl List ===

impl List<'_> {
    /// Search and filters.
    pub(crate) fn tools(&self) -> Markup {
        self.tools_with(&html! {})
    }

    /// The same with further filters of the list's own.
    pub(crate) fn tools_with(&self, further: &Markup) -> Markup {
        html! {
            form .tools method="get" action=(self.path) data-submit-on-change {
                div .field .grow {
                    label .sr-only for="text" { (self.search_label) }
                    input #text .input type="search" name="text" value=(self.asked.value("text")) placeholder=(self.search_label)
                        autocomplete="off" spellcheck="false";
                }
                @for filter in &self.filters {
                    div .field {
                        label .sr-only for=(filter.name) { (filter.label) }
                        select .select id=(filter.name) name=(filter.name) aria-label=(filter.label) {
                            option value="" { (filter.label) }
                            @for choice in &filter.choices {
                                option value=(choice.value) selected[choice.value == self.asked.value(filter.name)] { (choice.label) }
                            }
                        }
                    }
                }
                (further)
                @if !self.asked.value("sort").is_empty() {
                    input type="hidden" name="sort" value=(self.asked.value("sort"));
                }
                button .btn data-variant="outline" type="submit" { (Icon::Search.draw()) (texts::SEARCH) }
                @if self.asked.is_narrow() { a .btn data-variant="ghost" href=(self.path) { (texts::ALL) } }
                @if let Some(export) = self.export {
                    a .btn data-variant="ghost" href=(self.asked.with(export, "format", Some("csv"))) download { (texts::EXPORT) }
                }
            }
        }
    }

    /// The head of a column that the list can be sorted by.
    pub(crate) fn sorted_head(&self, sort: &str, label: &str) -> Markup {
        let now = self.asked.value("sort");
        let (next, order) = if now == sort {
            (format!("-{sort}"), Some("ascending"))
        } else {
            (sort.to_owned(), (now.strip_prefix('-') == Some(sort)).then_some("descending"))
        };
        html! {
            th scope="col" aria-sort=[order] { a href=(self.asked.with(self.path, "sort", Some(&next))) { (label) } }
        }
    }

    /// The way to the next page from one of `rows` rows; a page that is not full and not the last one says why.
    pub(crate) fn pager(&self, rows: usize, next_cursor: Option<&str>) -> Markup {
        html! {
            @if next_cursor.is_some() && rows < ROWS { p .muted role="status" { (texts::PART_SEARCHED) } }
            @if next_cursor.is_some() || !self.asked.value("cursor").is_empty() {
                nav .pager aria-label=(texts::PAGES) {
                    @if !self.asked.value("cursor").is_empty() {
                        a .btn data-variant="outline" href=(self.asked.with(self.path, "cursor", None)) { (texts::FIRST) }
                    }
                    @if let Some(cursor) = next_cursor {
                        a .btn data-variant="outline" rel="next" href=(self.asked.with(self.path, "cursor", Some(cursor))) { (texts::NEXT) }
                    }
                }
            }
        }
    }

    /// What stands where there are no rows.
    pub(crate) fn empty(&self, title: &str, text: &str, step: &Markup) -> Markup {
        if self.asked.is_narrow() || !self.asked.value("cursor").is_empty() {
            return empty(
                texts::NOTHING_FOUND,
                texts::NOTHING_FOUND_HINT,
                &html! {
                    a .btn data-variant="outline" href=(self.path) { (texts::ALL) }
                },
            );
        }
        empty(title, text, step)
    }
}

/// Nothing there yet, and the next step.
pub(crate) fn empty(title: &str, text: &str, step: &Markup) -> Markup {
    html! { div .nothing { h2 { (title) } p { (text) } (step) } }
}
