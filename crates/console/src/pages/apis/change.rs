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
    added: Vec<String>,
    changed: Vec<Changed>,
    removed: Vec<String>,
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
    pub(super) fn operations(&self) -> Markup {
        let Self { operations: counts, changes, .. } = self;
        if counts.added + counts.changed + counts.removed == 0 {
            return html! { p .muted { (texts::SAME) } };
        }
        let changed = changes.changed.iter().map(|changed| {
            let (before, after) = (changed.before.join(", "), changed.after.join(", "));
            html! {
                code { (changed.name) } " "
                @if before != after { del { (before) } " " ins { (after) } }
            }
        });
        html! {
            (names(&texts::removed(counts.removed), counts.removed, changes.removed.iter().map(|name| html! { code { (name) } })))
            (names(&texts::changed(counts.changed), counts.changed, changed))
            (names(&texts::added(counts.added), counts.added, changes.added.iter().map(|name| html! { code { (name) } })))
        }
    }
}

/// A list that opens; nothing where there is none.
fn names(title: &str, count: usize, shown: impl ExactSizeIterator<Item = Markup>) -> Markup {
    let rest = count.saturating_sub(shown.len());
    html! {
        @if count > 0 {
            details .advanced open[count <= OPEN_MAX] {
                summary { (title) }
                ul .names .changes-list {
                    @for name in shown { li { (name) } }
                    @if rest > 0 { li .muted { (texts::further(rest)) } }
                }
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
            "operations": {"added": 3, "changed": 0, "removed": 0}, "changes": {"added": ["<b>"]},
            "losing_sets": [{"slug": "issues", "operations": 2, "names": ["a/b"], "keys": 7}],
            "losing_keys": [{"id": "key_1", "name": "<i>", "operations": 1, "names": ["a/b"]}],
        }))
        .expect("a change");
        assert!(!change.takes_nothing() && change.gives_nothing());
        let shown = change.shown().into_string();
        for part in
            ["<code>&lt;b&gt;</code>", "and 2 more", "href=\"/api-sets/issues\"", "href=\"/keys/key_1\">&lt;i&gt;"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains(texts::GAIN), "{shown}");
    }

    #[test]
    fn what_changes_nothing_says_so() {
        let shown = Change::default().shown().into_string();
        assert!(shown.contains(texts::SAME) && shown.contains(texts::NOBODY), "{shown}");
    }
}
