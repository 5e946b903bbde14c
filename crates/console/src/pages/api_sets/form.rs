//! The form of a set: its fields, what they send, and what they hold. Operations are chosen from two lists, of which the left
//! one holds what the server found: an API may have thousands. Patterns and exceptions are written.

use std::collections::BTreeSet;

use claviger_manage::FieldError;
use claviger_texts::console::{api_sets as texts, form as words};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::Set;
use super::offer::Offer;
use crate::failure::Problems;
use crate::form::Form;
use crate::pages::keys::try_it::METHODS;
use crate::parts::changed::Labels;
use crate::parts::dual_list::dual_list;
use crate::parts::field::{Choice, Field};

/// What a button of the form does.
pub(super) const DO: &str = "do";
pub(super) const FIND: &str = "find";

/// What of a set can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    New,
    Edit,
    /// Of a General set: its operations.
    OperationsOnly,
}

/// The fields.
pub(super) fn fields(scope: Scope, offer: &Offer, form: &Form, problems: &Problems) -> Markup {
    let field = |name, label| Field::new(name, label, problems);
    let is_edit = scope == Scope::Edit;
    html! {
        @if scope != Scope::OperationsOnly {
            (field("name", texts::NAME).required().text(form.text("name")))
            (Field { is_required: is_edit, ..field("slug", texts::SLUG).hint(if is_edit { "" } else { texts::SLUG_HINT }) }.text(form.text("slug")))
            (dual_list(field("apis", texts::WHOLE).hint(texts::WHOLE_HINT), texts::AVAILABLE, texts::SELECTED, &offer.apis, &form.all("apis").collect::<Vec<_>>()))
        }
        (search(scope, offer, form))
        (operations(offer, form, problems))
        (field("patterns", texts::PATTERNS).hint(texts::PATTERNS_HINT).area(form.text("patterns"), 5))
    }
}

fn search(scope: Scope, offer: &Offer, form: &Form) -> Markup {
    let none = Problems::default();
    let apis: Vec<_> = std::iter::once(Choice::new("", words::CHOOSE)).chain(offer.apis.iter().cloned()).collect();
    let any = std::iter::once(Choice::new("", claviger_texts::console::apis::operations::ANY_METHOD));
    let methods: Vec<_> = any.chain(METHODS.map(|method| Choice::new(method, method))).collect();
    html! {
        fieldset #find .find-operations {
            legend { (texts::FIND_TITLE) }
            @if scope != Scope::OperationsOnly {
                (Field::new("find_api", texts::FIND_API, &none).choice(&apis, form.text("find_api")))
            }
            (Field::new("find_text", texts::FIND_TEXT, &none).input("search", form.text("find_text"), "off"))
            (Field::new("find_method", texts::FIND_METHOD, &none).choice(&methods, form.text("find_method")))
            button .btn data-variant="outline" type="submit" name=(DO) value=(FIND) formnovalidate { (texts::FIND) }
            @if offer.has_searched { p .hint role="status" { (texts::found(offer.found.len(), offer.is_more)) } }
        }
    }
}

/// What is held and what was found, the latter with method and path.
fn operations(offer: &Offer, form: &Form, problems: &Problems) -> Markup {
    let chosen: Vec<&str> = form.all("operations").collect();
    let is_found = |name: &&&str| !offer.found.iter().any(|operation| operation.name == **name);
    let mut choices: Vec<_> = chosen.iter().filter(is_found).map(|name| Choice::new(*name, *name)).collect();
    choices.extend(offer.found.iter().map(|operation| {
        Choice::new(operation.name.clone(), format!("{} · {} {}", operation.name, operation.method, operation.path))
    }));
    let field = Field::new("operations", texts::OPERATIONS, problems);
    html! { div .tall { (dual_list(field, texts::AVAILABLE, texts::SELECTED, &choices, &chosen)) } }
}

// === what the form sends ===

/// The request that makes the set.
pub(super) fn creation(form: &Form) -> Value {
    let mut body = members(form);
    body.retain(|_, value| !value.is_null());
    Value::Object(body)
}

/// The request that changes what `before` was into what the form says: only what differs.
pub(super) fn change(scope: Scope, before: &Form, form: &Form) -> Value {
    let (was, mut body) = (members(before), members(form));
    body.retain(|name, value| was.get(name).map(unordered) != Some(unordered(value)));
    if scope == Scope::OperationsOnly {
        body.retain(|name, _| name == "operations");
    }
    Value::Object(body)
}

fn members(form: &Form) -> Map<String, Value> {
    let apis: Vec<_> = form.all("apis").collect();
    let members = [
        ("name", json!(form.text("name"))),
        ("slug", form.value("slug")),
        ("apis", json!(apis)),
        ("operations", json!(all_operations(form))),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Those that were chosen and those that were written, each once.
fn all_operations(form: &Form) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    form.all("operations").chain(form.lines("patterns")).filter(|name| seen.insert(*name)).collect()
}

/// In which order a set lists what it holds says nothing.
fn unordered(value: &Value) -> Value {
    let Some(list) = value.as_array() else { return value.clone() };
    let mut list = list.clone();
    list.sort_by_key(ToString::to_string);
    list.into()
}

/// What is wrong with an operation names it: its place in the request is none of the form's.
pub(super) fn named(problems: Problems, form: &Form) -> Problems {
    let all = all_operations(form);
    problems.map(|error| {
        let index = error.field.strip_prefix("operations[").and_then(|rest| rest.split(']').next()?.parse().ok());
        match index.and_then(|index: usize| all.get(index)) {
            Some(name) => FieldError::new("operations", format!("{name}: {}", error.message)),
            None => error,
        }
    })
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
    let (patterns, names): (Vec<_>, Vec<_>) = set.operations.iter().partition(|text| is_pattern(text));
    for name in names {
        form.push("operations", name.clone());
    }
    form.set("patterns", patterns.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n"));
    form
}

/// Whether it is more than an operation's name.
fn is_pattern(text: &str) -> bool {
    text.starts_with('!') || text.contains(['*', '@'])
}

/// What a stale edit is compared by.
pub(super) const LABELS: Labels<'_> = &[
    ("name", texts::NAME),
    ("slug", texts::SLUG),
    ("apis", texts::WHOLE),
    ("operations", texts::OPERATIONS),
    ("patterns", texts::PATTERNS),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).expect("few fields")
    }

    fn set(operations: &[&str]) -> Set {
        serde_json::from_value(json!({
            "id": "set_1", "slug": "a", "name": "A", "kind": "plain", "apis": ["x"], "operations": operations,
            "template": null, "created_at": "", "updated_at": "",
        }))
        .expect("a set")
    }

    #[test]
    fn names_are_chosen_and_patterns_are_written() {
        let form = filled(&set(&["x:a", "x:b/*", "!x:b/c", "x:d@v2", "x:e"]));
        assert_eq!(form.all("operations").collect::<Vec<_>>(), ["x:a", "x:e"]);
        assert_eq!(form.lines("patterns").collect::<Vec<_>>(), ["x:b/*", "!x:b/c", "x:d@v2"]);
        assert_eq!(creation(&form)["operations"], json!(["x:a", "x:e", "x:b/*", "!x:b/c", "x:d@v2"]));
    }

    #[test]
    fn a_change_says_only_what_differs_whatever_the_order() {
        let before = filled(&set(&["x:b/*", "x:a"]));
        assert_eq!(change(Scope::Edit, &before, &before), json!({}));
        let other = form("name=A&slug=b&apis=x&operations=x:a&patterns=x:b/*&find_text=q");
        assert_eq!(change(Scope::Edit, &before, &other), json!({"slug": "b"}));
        let less = form("patterns=x:b/*%0Ax:b/*");
        assert_eq!(change(Scope::OperationsOnly, &before, &less), json!({"operations": ["x:b/*"]}));
    }

    #[test]
    fn what_is_wrong_with_an_operation_names_it() {
        let form = form("operations=x:a&patterns=%0A!x:nothing");
        let error = claviger_manage::Error::names_unknown(vec![FieldError::new("operations[1]", "there is none")]);
        let problems = named(Problems::new(&error), &form);
        assert_eq!(problems.at("operations"), ["!x:nothing: there is none"]);
        assert_eq!(problems.summary.as_deref(), Some(error.detail()));
        let error = claviger_manage::Error::field("operations[0]", "is odd");
        assert_eq!(named(Problems::new(&error), &form).summary.as_deref(), Some("x:a: is odd"));
    }
}
