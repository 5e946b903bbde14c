//! The form of a role: its fields, what they send, and what they hold.

use claviger_texts::console::{picker, roles as texts};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::{Authority, Role};
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::dual_list::dual_list;
use crate::parts::field::{Choice, Field};
use crate::parts::picks::{Pick, picks};

/// The levels that are numbers: the form's name and label.
const NUMBERS: [(&str, &str); 3] = [
    ("levels.max_lifetime_days", texts::MAX_LIFETIME),
    ("levels.max_keys", texts::MAX_KEYS),
    ("levels.max_rate", texts::MAX_RATE),
];
const SETS: &str = "levels.api_sets";
/// Whether only the selected sets may be granted.
const BOUND: &str = "sets_bound";
const ANY: &str = "any";
const ONLY: &str = "only";

/// What a stale edit is compared by.
pub(super) const SHOWN: &[(&str, &str)] = &[
    ("name", texts::NAME),
    ("slug", texts::SLUG),
    ("authorities", texts::AUTHORITIES),
    NUMBERS[0],
    NUMBERS[1],
    NUMBERS[2],
    (BOUND, texts::API_SETS),
    (SETS, texts::SETS),
];

/// The fields.
pub(super) fn fields(form: &Form, problems: &Problems, authorities: &[Authority], sets: &[Choice]) -> Markup {
    let choices: Vec<_> = authorities
        .iter()
        .map(|authority| Pick {
            value: authority.name.clone(),
            label: authority.label.clone(),
            note: authority.name.clone(),
        })
        .collect();
    let held: Vec<&str> = form.all("authorities").collect();
    html! {
        (Field::new("name", texts::NAME, problems).required().text(form.text("name")))
        (Field::new("slug", texts::SLUG, problems).hint(texts::SLUG_HINT).text(form.text("slug")))
        (picks(Field::new("authorities", texts::AUTHORITIES, problems).hint(texts::AUTHORITIES_HINT), &choices, &held))
        (levels(form, problems, sets))
    }
}

fn levels(form: &Form, problems: &Problems, sets: &[Choice]) -> Markup {
    let chosen: Vec<&str> = form.all(SETS).collect();
    let bounds = [Choice::new(ANY, texts::SETS_ANY), Choice::new(ONLY, texts::SETS_ONLY)];
    html! {
        div { h2 { (texts::LEVELS) } p .hint { (texts::LEVELS_HINT) } }
        @for (name, label) in NUMBERS { (Field::new(name, label, problems).input("number", form.text(name), "off")) }
        (Field::new(BOUND, texts::API_SETS, problems).choice(&bounds, form.text(BOUND)))
        (dual_list(Field::new(SETS, texts::SETS, problems).hint(texts::SETS_HINT), picker::AVAILABLE, picker::SELECTED, sets, &chosen))
    }
}

/// The request that makes the role.
pub(super) fn creation(form: &Form) -> Value {
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(form.text("name").trim()));
    if let Some(slug) = form.given("slug") {
        body.insert("slug".to_owned(), json!(slug));
    }
    body.insert("authorities".to_owned(), json!(form.all("authorities").collect::<Vec<_>>()));
    body.insert("levels".to_owned(), levels_sent(form));
    Value::Object(body)
}

/// The request that makes what `before` was what the form says: only what differs.
pub(super) fn change(before: &Form, form: &Form) -> Value {
    let (was, mut body) = (creation(before), creation(form));
    if let (Some(was), Some(body)) = (was.as_object(), body.as_object_mut()) {
        body.retain(|name, value| was.get(name) != Some(value));
    }
    body
}

fn levels_sent(form: &Form) -> Value {
    let mut levels = Map::new();
    for (name, _) in NUMBERS {
        let member = name.trim_start_matches("levels.").to_owned();
        levels.insert(member, form.given(name).map_or(Value::Null, number));
    }
    let sets = (form.text(BOUND) == ONLY).then(|| form.all(SETS).collect::<Vec<_>>());
    levels.insert("api_sets".to_owned(), json!(sets));
    Value::Object(levels)
}

/// What is no number is left to the API to refuse.
fn number(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))
}

/// The form that holds what a role is.
pub(super) fn filled(role: &Role) -> Form {
    let mut form = Form::default();
    form.set("name", role.name.clone());
    form.set("slug", role.slug.clone());
    for authority in &role.authorities {
        form.push("authorities", authority.clone());
    }
    let levels = &role.levels;
    let numbers = [levels.max_lifetime_days, levels.max_keys, levels.max_rate];
    for ((name, _), number) in NUMBERS.into_iter().zip(numbers) {
        form.set(name, number.map(|number| number.to_string()).unwrap_or_default());
    }
    form.set(BOUND, if levels.api_sets.is_some() { ONLY } else { ANY });
    for set in levels.api_sets.iter().flatten() {
        form.push(SETS, set.clone());
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).expect("few fields")
    }

    #[test]
    fn no_number_is_no_bound_and_sets_count_only_where_they_are_meant() {
        let sent = form(
            "name=Desk&slug=&authorities=keys.read&levels.max_keys=5&levels.max_rate=x&sets_bound=any&levels.api_sets=a",
        );
        assert_eq!(
            creation(&sent),
            json!({"name": "Desk", "authorities": ["keys.read"],
                "levels": {"max_lifetime_days": null, "max_keys": 5, "max_rate": "x", "api_sets": null}})
        );
        let only = form("name=Desk&sets_bound=only&levels.api_sets=a&levels.api_sets=b");
        assert_eq!(creation(&only)["levels"]["api_sets"], json!(["a", "b"]));
        assert_eq!(creation(&form("name=Desk&sets_bound=only"))["levels"]["api_sets"], json!([]));
    }

    #[test]
    fn a_change_says_only_what_differs() {
        let before = form("name=Desk&slug=desk&authorities=keys.read&sets_bound=any");
        let after = form("name=Desk+2&slug=desk&authorities=keys.read&sets_bound=any");
        assert_eq!(change(&before, &after), json!({"name": "Desk 2"}));
    }
}
