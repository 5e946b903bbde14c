//! What the form of a key sends, and what it holds.

use claviger_domain::name::NAME_LENGTH_MAX;
use serde_json::{Map, Value, json};

use super::form::Arrangement;
use super::key::{Key, Range};
use crate::form::Form;
use crate::pages::picker;
use crate::parts::{limits, time};
use crate::viewer::Viewer;

/// The request that makes the key, with these operations and this end.
pub(super) fn creation(arrangement: Arrangement, form: &Form, operations: &[String], end: Option<&str>) -> Value {
    let mut body = shared(form, json!(operations));
    let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    let right = form.given("right").into_iter();
    let mut sets: Vec<&str> = right.chain(form.all("api_sets")).collect();
    sets.dedup();
    // Without either of the two the API asks for a choice.
    if !sets.is_empty() || !operations.is_empty() {
        set("api_sets", json!(sets));
    }
    set("environment", json!(form.given("environment").unwrap_or("live")));
    let shape = match arrangement {
        Arrangement::Profile => "pair",
        Arrangement::Account => "single",
        Arrangement::Organization | Arrangement::Application => form.given("shape").unwrap_or("single"),
    };
    set("shape", json!(shape));
    if let Some(day) = end {
        set("expires_at", json!(day));
    }
    if let Some(day) = form.given("not_before") {
        set("not_before", json!(day));
    }
    if let Some(id) = form.given("external_id") {
        set("external_id", json!(id));
    }
    if body.get("operations") == Some(&json!([])) {
        body.remove("operations");
    }
    limits::change(&Form::default(), form, &mut body);
    if arrangement == Arrangement::Organization && form.given("name").is_none() {
        body.insert("name".to_owned(), json!(name_from(form.text("description"))));
    }
    Value::Object(body)
}

/// The name of a key that was only described: the description's beginning.
fn name_from(description: &str) -> String {
    description.trim().chars().take(NAME_LENGTH_MAX).collect::<String>().trim_end().to_owned()
}

/// The same with a number at its end.
pub(super) fn numbered(name: &str, count: u32) -> String {
    let end = format!(" {count}");
    let kept: String = name.chars().take(NAME_LENGTH_MAX - end.len()).collect();
    format!("{}{end}", kept.trim_end())
}

/// The request that changes what `before` was into what the form says, with these operations: only what differs, so that an
/// end that is shown as a day does not move by being looked at.
pub(super) fn change(before: &Form, form: &Form, operations: &[String]) -> Value {
    let was = edited(before, json!(picker::wanted(before)));
    let mut body = edited(form, json!(operations));
    body.retain(|name, value| was.get(name).map(unordered) != Some(unordered(value)));
    limits::change(before, form, &mut body);
    Value::Object(body)
}

fn edited(form: &Form, operations: Value) -> Map<String, Value> {
    let mut body = shared(form, operations);
    body.insert("api_sets".to_owned(), json!(form.all("api_sets").collect::<Vec<_>>()));
    for name in ["expires_at", "not_before", "external_id"] {
        body.insert(name.to_owned(), form.value(name));
    }
    body.insert("expire_now".to_owned(), json!(form.is_on("expire_now")));
    body
}

/// In which order a key lists what it holds says nothing.
fn unordered(value: &Value) -> Value {
    let Some(list) = value.as_array() else { return value.clone() };
    let mut list = list.clone();
    list.sort_by_key(ToString::to_string);
    list.into()
}

fn shared(form: &Form, operations: Value) -> Map<String, Value> {
    let tags = form.text("tags").split(',').map(str::trim).filter(|tag| !tag.is_empty());
    let members = [
        ("name", json!(form.text("name"))),
        ("description", json!(form.text("description"))),
        ("operations", operations),
        ("allowed_ips", form.lines("allowed_ips").map(address).collect()),
        ("tags", json!(tags.collect::<Vec<_>>())),
        ("idle_exempt", json!(form.is_on("idle_exempt"))),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A line of addresses: `RANGE [until INSTANT] [# label]`.
pub(crate) fn address(line: &str) -> Value {
    let (rest, label) = line.split_once('#').map_or((line, None), |(rest, label)| (rest, Some(label.trim())));
    let (range, until) = rest.split_once(" until ").map_or((rest, None), |(range, until)| (range, Some(until.trim())));
    if label.is_none() && until.is_none() {
        return json!(range.trim());
    }
    json!({"range": range.trim(), "label": label.filter(|label| !label.is_empty()), "until": until})
}

/// The form that holds what a key is.
pub(crate) fn filled(key: &Key, viewer: &Viewer) -> Form {
    let mut form = Form::default();
    form.set("name", key.name.clone());
    form.set("description", key.description.clone());
    picker::fill(&mut form, &key.operations);
    form.set("allowed_ips", key.allowed_ips.iter().map(Range::line).collect::<Vec<_>>().join("\n"));
    form.set("tags", key.tags.join(", "));
    form.set("external_id", key.external_id.clone().unwrap_or_default());
    form.set("environment", key.environment.clone());
    form.set("shape", key.shape.clone());
    form.set(
        "expires_at",
        key.expires_at.as_deref().map(|at| time::end_day_value(at, &viewer.home_zone)).unwrap_or_default(),
    );
    form.set(
        "not_before",
        key.not_before.as_deref().map(|at| time::day_value(at, &viewer.home_zone)).unwrap_or_default(),
    );
    if key.idle_exempt {
        form.set("idle_exempt", "on");
    }
    limits::fill(&mut form, &key.limits);
    for set in &key.api_sets {
        form.push("api_sets", set.clone());
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
    fn a_line_of_addresses_may_bear_a_label_and_an_end() {
        assert_eq!(address("10.0.0.0/8"), json!("10.0.0.0/8"));
        assert_eq!(address("10.0.0.1 # office"), json!({"range": "10.0.0.1", "label": "office", "until": null}));
        assert_eq!(
            address("10.0.0.1 until 2027-01-01 # a # b"),
            json!({"range": "10.0.0.1", "label": "a # b", "until": "2027-01-01"})
        );
    }

    #[test]
    fn a_change_says_only_what_differs() {
        let before = form("name=a&description=&tags=x,+y&api_sets=one&expires_at=2027-01-31&idle_exempt=on");
        let after = form("name=b&description=&tags=x,+y&api_sets=one&api_sets=two&expires_at=&idle_exempt=on");
        let differs = json!({"name": "b", "api_sets": ["one", "two"], "expires_at": null});
        assert_eq!(change(&before, &after, &[]), differs);
        assert_eq!(change(&before, &before, &[]), json!({}));
        assert_eq!(change(&before, &before, &["x:a".to_owned()]), json!({"operations": ["x:a"]}));
    }

    #[test]
    fn a_name_that_follows_from_a_description_keeps_to_the_length_of_names() {
        let sent = form(&format!("description={}&right=orders", "d".repeat(300)));
        let name = creation(Arrangement::Organization, &sent, &[], None)["name"].as_str().expect("a name").to_owned();
        assert_eq!(name.len(), NAME_LENGTH_MAX);
        let second = numbered(&name, 2);
        assert!(second.len() == NAME_LENGTH_MAX && second.ends_with("d 2"), "{second}");
    }

    #[test]
    fn a_form_in_which_nothing_was_chosen_asks_for_no_rights_by_itself() {
        let body = creation(Arrangement::Organization, &form("description=a&right="), &[], None);
        assert!(body.get("api_sets").is_none() && body.get("operations").is_none(), "{body}");
    }

    #[test]
    fn each_place_makes_its_own_kind_of_key() {
        let sent = form("name=a&right=full-access&shape=pair&api_sets=issues");
        assert_eq!(creation(Arrangement::Profile, &sent, &[], None)["shape"], "pair");
        assert_eq!(creation(Arrangement::Account, &sent, &[], None)["shape"], "single");
        let organization = creation(Arrangement::Organization, &sent, &[], None);
        assert_eq!(organization["api_sets"], json!(["full-access", "issues"]));
        assert_eq!(organization["shape"], "pair");
    }
}
