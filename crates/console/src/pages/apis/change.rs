//! What a change of an API gives and takes: by an import, an edit or its deletion, done or previewed.

use claviger_texts::console::apis::change as texts;
use maud::{Markup, html};
use serde::Deserialize;

/// The most names of a list that stands open.
const OPEN_MAX: usize = 20;

/// What the API says of it; a deletion says less than an import.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    operations: Counts,
    changes: Changes,
    gaining_sets: Vec<SetShare>,
    pub(super) losing_sets: Vec<SetShare>,
    gaining_keys: Vec<KeyShare>,
    pub(super) losing_keys: Vec<KeyShare>,
    gaining_others: Others,
    pub(super) losing_others: Others,
    gaining_organizations: Organizations,
    losing_organizations: Organizations,
    more: bool,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Counts {
    added: usize,
    changed: usize,
    removed: usize,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Changes {
    added: Vec<NamedOperation>,
    changed: Vec<Changed>,
    removed: Vec<NamedOperation>,
}

#[derive(Debug, Clone, Deserialize)]
struct NamedOperation {
    name: String,
    requests: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Changed {
    name: String,
    before: Vec<String>,
    after: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct SetShare {
    slug: String,
    operations: usize,
    names: Vec<String>,
    keys: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct KeyShare {
    id: String,
    name: String,
    operations: usize,
    names: Vec<String>,
}

/// Who gains or loses operations, and what is said of one that nobody does.
struct Concerned<'a> {
    sets: &'a [SetShare],
    keys: &'a [KeyShare],
    otherwise: &'static str,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Others {
    keys: usize,
    sets: usize,
    keys_by_sets: i64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Organizations {
    organizations: usize,
}

// === impl Change ===

impl Change {
    /// Whether nobody loses anything by it.
    pub(super) fn takes_nothing(&self) -> bool {
        self.losing_sets.is_empty()
            && self.losing_keys.is_empty()
            && self.losing_others == Others::default()
            && self.losing_organizations.organizations == 0
    }

    fn gives_nothing(&self) -> bool {
        self.gaining_sets.is_empty()
            && self.gaining_keys.is_empty()
            && self.gaining_others == Others::default()
            && self.gaining_organizations.organizations == 0
    }

    /// Operations and shares.
    pub(super) fn shown(&self) -> Markup {
        html! {
            (self.operations())
            @if self.takes_nothing() && self.gives_nothing() { p .muted { (texts::NOBODY) } }
            (self.gains())
            (self.losses())
            @if self.more { p { (texts::MORE) } }
        }
    }

    fn gains(&self) -> Markup {
        let Self { gaining_sets, gaining_keys, gaining_others, gaining_organizations, .. } = self;
        html! { @if !self.gives_nothing() { (shares(texts::GAIN, gaining_sets, gaining_keys, *gaining_others, *gaining_organizations)) } }
    }

    /// Who loses what.
    pub(super) fn losses(&self) -> Markup {
        let Self { losing_sets, losing_keys, losing_others, losing_organizations, .. } = self;
        html! { @if !self.takes_nothing() { (shares(texts::LOSE, losing_sets, losing_keys, *losing_others, *losing_organizations)) } }
    }

    /// Which operations are added, changed and removed.
    fn operations(&self) -> Markup {
        self.operations_else(texts::NOBODY_GAINS)
    }

    /// Those of an API that is not there yet, of which no set and no key holds anything but by Full access.
    pub(super) fn operations_of_new(&self) -> Markup {
        self.operations_else(texts::FULL_ACCESS_ALONE)
    }

    /// `otherwise` is said of what is added and nobody is known to gain.
    fn operations_else(&self, otherwise: &'static str) -> Markup {
        let Self { operations: counts, changes, .. } = self;
        if counts.added + counts.changed + counts.removed == 0 {
            return html! { p .muted { (texts::SAME) } };
        }
        let losing = Concerned { sets: &self.losing_sets, keys: &self.losing_keys, otherwise: texts::NOBODY_LOSES };
        let gaining = Concerned { sets: &self.gaining_sets, keys: &self.gaining_keys, otherwise };
        let removed = changes.removed.iter().map(|operation| operation.row("-", &losing));
        let added = changes.added.iter().map(|operation| operation.row("+", &gaining));
        html! {
            (rows(&texts::removed(counts.removed), counts.removed, removed))
            (rows(&texts::changed(counts.changed), counts.changed, changes.changed.iter().map(Changed::row)))
            (rows(&texts::added(counts.added), counts.added, added))
        }
    }
}

// === impl NamedOperation ===

impl NamedOperation {
    fn row(&self, sign: &str, concerned: &Concerned<'_>) -> Markup {
        row(&self.name, &requests(&self.requests, sign), &concerned.by(&self.name))
    }
}

// === impl Changed ===

impl Changed {
    fn row(&self) -> Markup {
        let shown = html! {
            @if self.before == self.after { (requests(&self.after, "")) p .hint { (texts::TEXTS_ALONE) } }
            @else { (requests(&self.before, "-")) (requests(&self.after, "+")) }
        };
        row(&self.name, &shown, &html! { span .muted { (texts::HOLDERS) } })
    }
}

// === impl Concerned ===

impl Concerned<'_> {
    /// Who gains or loses an operation. Of a share that names no more than its first operations, the table of shares says more.
    fn by(&self, operation: &str) -> Markup {
        let holds = |names: &[String]| {
            names.iter().any(|name| name.split_once('@').map_or(name.as_str(), |(name, _)| name) == operation)
        };
        let sets: Vec<_> = self.sets.iter().filter(|set| holds(&set.names)).collect();
        let keys: Vec<_> = self.keys.iter().filter(|key| holds(&key.names)).collect();
        let is_cut = self.sets.iter().any(|set| set.operations > set.names.len())
            || self.keys.iter().any(|key| key.operations > key.names.len());
        html! {
            @if sets.is_empty() && keys.is_empty() {
                span .muted { (if is_cut { texts::SEE_BELOW } else { self.otherwise }) }
            } @else {
                ul .names {
                    @for set in sets { li { a href={ "/api-sets/" (set.slug) } { (set.slug) } " " small .muted { (texts::set_of(set.keys)) } } }
                    @for key in keys { li { a href={ "/keys/" (key.id) } { (key.name) } " " small .muted { (texts::KEY) } } }
                }
            }
        }
    }
}

fn row(name: &str, requests: &Markup, concerned: &Markup) -> Markup {
    html! { tr { th .wrap scope="row" { code { (name) } } td .wrap { div { (requests) } } td .wrap { div { (concerned) } } } }
}

/// Methods and paths, each a line: gone, new, or as it was.
fn requests(requests: &[String], sign: &str) -> Markup {
    html! {
        @for request in requests {
            div {
                @match sign {
                    "-" => del { code { (request) } },
                    "+" => ins { code { (request) } },
                    _ => code { (request) },
                }
            }
        }
    }
}

/// A table that opens; nothing where there is none.
fn rows(title: &str, count: usize, shown: impl ExactSizeIterator<Item = Markup>) -> Markup {
    let rest = count.saturating_sub(shown.len());
    html! {
        @if count > 0 {
            details .advanced open[count <= OPEN_MAX] {
                summary { (title) }
                div .table-container .changes-list tabindex="0" role="region" aria-label=(title) {
                    table .table {
                        thead {
                            tr { th scope="col" { (texts::OPERATION) } th scope="col" { (texts::REQUEST) } th scope="col" { (texts::CONCERNED) } }
                        }
                        tbody { @for row in shown { (row) } }
                    }
                }
                @if rest > 0 { p .muted { (texts::further(rest)) } }
            }
        }
    }
}

fn shares(title: &str, sets: &[SetShare], keys: &[KeyShare], others: Others, organizations: Organizations) -> Markup {
    html! {
        h3 { (title) }
        @if !sets.is_empty() || !keys.is_empty() {
            div .table-container tabindex="0" role="region" aria-label=(title) {
                table .table {
                    thead {
                        tr { th scope="col" { (texts::WHO) } th .number scope="col" { (texts::KEYS) } th scope="col" { (texts::OPERATIONS) } }
                    }
                    tbody {
                        @for set in sets {
                            tr {
                                th .wrap scope="row" { a href={ "/api-sets/" (set.slug) } { (set.slug) } " " small .muted { (texts::SET) } }
                                td .number { (set.keys) }
                                td .wrap { (some_of(set.operations, &set.names)) }
                            }
                        }
                        @for key in keys {
                            tr {
                                th .wrap scope="row" { a href={ "/keys/" (key.id) } { (key.name) } " " small .muted { (texts::KEY) } }
                                td {}
                                td .wrap { (some_of(key.operations, &key.names)) }
                            }
                        }
                    }
                }
            }
        }
        @if others != Others::default() { p { (texts::others(others.keys, others.sets, others.keys_by_sets)) } }
        @if organizations.organizations > 0 { p { (texts::organizations(organizations.organizations)) } }
    }
}

/// How many, and the first of them.
fn some_of(count: usize, names: &[String]) -> Markup {
    let rest = count.saturating_sub(names.len());
    html! {
        details {
            summary { (count) }
            ul .names { @for name in names { li { code { (name) } } } @if rest > 0 { li .muted { (texts::further(rest)) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_escaped_and_more_than_are_named_are_counted() {
        let change: Change = serde_json::from_value(json!({
            "operations": {"added": 3, "changed": 0, "removed": 0},
            "changes": {"added": [{"name": "<b>", "requests": ["GET /<i>"]}]},
            "losing_sets": [{"slug": "issues", "operations": 2, "names": ["a/b"], "keys": 7}],
            "losing_keys": [{"id": "key_1", "name": "<i>", "operations": 1, "names": ["a/b"]}],
        }))
        .expect("a change");
        assert!(!change.takes_nothing() && change.gives_nothing());
        let shown = change.shown().into_string();
        for part in [
            "<code>&lt;b&gt;</code>",
            "<ins><code>GET /&lt;i&gt;</code></ins>",
            "and 2 more",
            "href=\"/api-sets/issues\"",
            "href=\"/keys/key_1\">&lt;i&gt;",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains(texts::GAIN), "{shown}");
    }

    #[test]
    fn each_operation_is_shown_with_its_request_and_whom_it_concerns() {
        let change: Change = serde_json::from_value(json!({
            "operations": {"added": 1, "changed": 1, "removed": 2},
            "changes": {
                "added": [{"name": "new", "requests": ["GET /new"]}],
                "changed": [{"name": "moved", "before": ["GET /a"], "after": ["PUT /a"]}],
                "removed": [{"name": "old", "requests": ["GET /old"]}, {"name": "idle", "requests": ["GET /idle"]}],
            },
            "gaining_keys": [{"id": "key_1", "name": "ERP", "operations": 1, "names": ["new"]}],
            "losing_sets": [{"slug": "olds", "operations": 1, "names": ["old@v1"], "keys": 2}],
        }))
        .expect("a change");
        let row = |name: &str| {
            let shown = change.operations().into_string();
            let rows: Vec<_> =
                shown.split("<tr>").filter(|row| row.contains(&format!("<code>{name}</code>"))).collect();
            rows.concat()
        };
        assert!(row("new").contains("GET /new") && row("new").contains("/keys/key_1"), "{}", row("new"));
        assert!(row("old").contains("<del><code>GET /old") && row("old").contains("/api-sets/olds"), "{}", row("old"));
        assert!(row("idle").contains(texts::NOBODY_LOSES), "{}", row("idle"));
        assert!(
            row("moved").contains("<del><code>GET /a") && row("moved").contains("<ins><code>PUT /a"),
            "{}",
            row("moved")
        );
    }

    #[test]
    fn what_changes_nothing_says_so() {
        let shown = Change::default().shown().into_string();
        assert!(shown.contains(texts::SAME) && shown.contains(texts::NOBODY), "{shown}");
    }
}
