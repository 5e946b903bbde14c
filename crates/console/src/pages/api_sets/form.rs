//! The form of a set: its fields, what they send, and what they hold.

use claviger_domain::limit::Place;
use claviger_texts::console::api_sets as texts;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::Set;
use crate::failure::Problems;
use crate::form::Form;
use crate::pages::picker::{self, For, Offer, picker};
use crate::parts::changed::Labels;
use crate::parts::dual_list::dual_list;
use crate::parts::field::Field;
use crate::parts::limits::{self, LIMITS};

/// What of a set can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    New,
    Edit,
    /// Of a General set: its operations.
    OperationsOnly,
}

/// The fields.
pub(super) fn fields(scope: Scope, action: &str, offer: &Offer, form: &Form, problems: &Problems) -> Markup {
    let field = |name, label| Field::new(name, label, problems);
    let is_edit = scope == Scope::Edit;
    html! {
        @if scope != Scope::OperationsOnly {
            (field("name", texts::NAME).required().text(form.text("name")))
            (Field { is_required: is_edit, ..field("slug", texts::SLUG).hint(if is_edit { "" } else { texts::SLUG_HINT }) }.text(form.text("slug")))
            (dual_list(field("apis", texts::WHOLE).hint(texts::WHOLE_HINT), texts::AVAILABLE, texts::SELECTED, &offer.apis, &form.all("apis").collect::<Vec<_>>()))
        }
        (picker(if scope == Scope::OperationsOnly { For::OneApi } else { For::Set }, action, offer, form, problems))
            (limits::fields(Place::ApiSet, form, problems))
    }
}

// === what the form sends ===

/// The request that makes the set, with these operations.
pub(super) fn creation(form: &Form, operations: &[String]) -> Value {
    let mut body = members(form, json!(operations));
    body.retain(|_, value| !value.is_null());
    limits::change(&Form::default(), form, &mut body);
    Value::Object(body)
}

/// The request that changes what `before` was into what the form says: only what differs.
pub(super) fn change(scope: Scope, before: &Form, form: &Form, operations: &[String]) -> Value {
    let (was, mut body) = (members(before, json!(picker::wanted(before))), members(form, json!(operations)));
    body.retain(|name, value| was.get(name).map(unordered) != Some(unordered(value)));
    if scope == Scope::OperationsOnly {
        body.retain(|name, _| name == "operations");
    }
    limits::change(before, form, &mut body);
    Value::Object(body)
}

fn members(form: &Form, operations: Value) -> Map<String, Value> {
    let apis: Vec<_> = form.all("apis").collect();
    let members = [
        ("name", json!(form.text("name"))),
        ("slug", form.value("slug")),
        ("apis", json!(apis)),
        ("operations", operations),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// In which order a set lists what it holds says nothing.
fn unordered(value: &Value) -> Value {
    let Some(list) = value.as_array() else { return value.clone() };
    let mut list = list.clone();
    list.sort_by_key(ToString::to_string);
    list.into()
}

// === what the form holds ===

/// The form that holds what a set is.
pub(super) fn filled(set: &Set) -> Form {
    let mut form = Form::default();
    form.set("name", set.name.clone());
    form.set("slug", set.slug.clone());
    for api in &set.apis {
        form.push("apis", api.clone());
    }
    limits::fill(&mut form, &set.limits);
    picker::fill(&mut form, &set.operations);
    form
}

/// What a stale edit is compared by.
pub(super) const LABELS: Labels<'_> = &[
    ("name", texts::NAME),
    ("slug", texts::SLUG),
    ("apis", texts::WHOLE),
    ("operations", texts::OPERATIONS),
    ("patterns", texts::PATTERNS),
    (LIMITS, claviger_texts::console::limits::LIMITS),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).expect("few fields")
    }

    fn wanted(form: &Form) -> Vec<String> {
        picker::wanted(form).into_iter().map(str::to_owned).collect()
    }

    fn set(operations: &[&str]) -> Set {
        serde_json::from_value(json!({
            "id": "set_1", "slug": "a", "name": "A", "kind": "plain", "apis": ["x"], "operations": operations, "limits": [],
            "template": null, "created_at": "", "updated_at": "",
        }))
        .expect("a set")
    }

    #[test]
    fn names_are_chosen_and_patterns_are_written() {
        let form = filled(&set(&["x:a", "x:b/*", "!x:b/c", "x:d@v2", "x:e"]));
        assert_eq!(form.all("operations").collect::<Vec<_>>(), ["x:a", "x:e"]);
        assert_eq!(form.lines("patterns").collect::<Vec<_>>(), ["x:b/*", "!x:b/c", "x:d@v2"]);
        assert_eq!(creation(&form, &wanted(&form))["operations"], json!(["x:a", "x:e", "x:b/*", "!x:b/c", "x:d@v2"]));
    }

    #[test]
    fn a_change_says_only_what_differs_whatever_the_order() {
        let before = filled(&set(&["x:b/*", "x:a"]));
        assert_eq!(change(Scope::Edit, &before, &before, &wanted(&before)), json!({}));
        let other = form("name=A&slug=b&apis=x&operations=x:a&patterns=x:b/*&find_text=q");
        assert_eq!(change(Scope::Edit, &before, &other, &wanted(&other)), json!({"slug": "b"}));
        let less = form("patterns=x:b/*%0Ax:b/*");
        assert_eq!(change(Scope::OperationsOnly, &before, &less, &wanted(&less)), json!({"operations": ["x:b/*"]}));
    }
}
