//! The policy as a form: what it holds, and what it sends.

use std::collections::{BTreeMap, BTreeSet};

use claviger_manage::{Error, FieldError};
use claviger_texts::console::form::{NO, YES};
use claviger_texts::console::policy as texts;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::failure::Problems;
use crate::form::Form;
use crate::parts::field::{Choice, Field};
use crate::parts::picks::{Pick, picks};

const OWNERS: [&str; 3] = ["user", "application", "organization"];
/// Those whose keys can be recoverable.
const REVEALED: [&str; 2] = ["organization", "application"];
/// The sets whose keys are approved.
pub(super) const APPROVAL: &str = "approval";
const UNITS: [&str; 3] = ["years", "months", "days"];

type PerOwner<T> = BTreeMap<String, T>;

/// The policy of the API.
#[derive(Debug, Deserialize)]
pub(super) struct Policy {
    max_lifetime: PerOwner<Option<BTreeMap<String, u32>>>,
    idle_days: u32,
    ip_list_required: bool,
    reveal: PerOwner<String>,
    max_keys: PerOwner<Option<u32>>,
    unique_names: String,
    status_profile: String,
    old_secret_use: String,
    delegated_creation: bool,
    #[serde(default)]
    approval: Vec<String>,
}

/// The form that holds what is in force.
pub(super) fn filled(policy: &Policy) -> Form {
    let mut form = Form::default();
    for owner in OWNERS {
        let lifetime = policy.max_lifetime.get(owner).and_then(Option::as_ref).and_then(BTreeMap::first_key_value);
        form.set(&lifetime_name(owner), lifetime.map(|(_, count)| count.to_string()).unwrap_or_default());
        form.set(&unit_name(owner), lifetime.map_or("years", |(unit, _)| unit.as_str()));
        let count = policy.max_keys.get(owner).copied().flatten();
        form.set(&count_name(owner), count.map(|count| count.to_string()).unwrap_or_default());
    }
    for owner in REVEALED {
        form.set(&reveal_name(owner), policy.reveal.get(owner).cloned().unwrap_or_default());
    }
    form.set("idle_days", policy.idle_days.to_string());
    form.set("unique_names", policy.unique_names.clone());
    form.set("status_profile", policy.status_profile.clone());
    form.set("old_secret_use", policy.old_secret_use.clone());
    for (name, is_on) in
        [("ip_list_required", policy.ip_list_required), ("delegated_creation", policy.delegated_creation)]
    {
        if is_on {
            form.set(name, "on");
        }
    }
    for set in &policy.approval {
        form.push(APPROVAL, set.clone());
    }
    form
}

fn lifetime_name(owner: &str) -> String {
    format!("max_lifetime.{owner}")
}

fn unit_name(owner: &str) -> String {
    format!("max_lifetime_unit.{owner}")
}

fn count_name(owner: &str) -> String {
    format!("max_keys.{owner}")
}

fn reveal_name(owner: &str) -> String {
    format!("reveal.{owner}")
}

/// The request that makes of `before` what the form says: only what differs.
pub(super) fn change(before: &Form, form: &Form) -> Result<Value, Error> {
    let mut wrong = Vec::new();
    let mut number = |name: &str| match form.given(name).map(str::parse::<u32>) {
        None => None,
        Some(Ok(number)) => Some(number),
        Some(Err(_)) => {
            wrong.push(FieldError::new(name, texts::WHOLE_NUMBER));
            None
        }
    };
    let (mut lifetimes, mut counts, mut reveal, mut body) = (Map::new(), Map::new(), Map::new(), Map::new());
    for owner in OWNERS {
        let (name, unit) = (lifetime_name(owner), unit_name(owner));
        if lifetime(before, owner) != lifetime(form, owner) {
            let count = number(&name);
            lifetimes.insert(owner.to_owned(), count.map(|count| json!({ form.text(&unit): count })).into());
        }
        let name = count_name(owner);
        if differs(before, form, &name) {
            counts.insert(owner.to_owned(), number(&name).into());
        }
    }
    for owner in REVEALED.iter().filter(|owner| differs(before, form, &reveal_name(owner))) {
        reveal.insert((*owner).to_owned(), form.value(&reveal_name(owner)));
    }
    if differs(before, form, "idle_days") {
        body.insert("idle_days".to_owned(), number("idle_days").unwrap_or_default().into());
    }
    for name in
        ["unique_names", "status_profile", "old_secret_use"].into_iter().filter(|name| differs(before, form, name))
    {
        body.insert(name.to_owned(), form.value(name));
    }
    for name in ["ip_list_required", "delegated_creation"] {
        if before.is_on(name) != form.is_on(name) {
            body.insert(name.to_owned(), form.is_on(name).into());
        }
    }
    let [sets, new_sets] = [before, form].map(|form| form.all(APPROVAL).collect::<BTreeSet<_>>());
    if sets != new_sets {
        body.insert(APPROVAL.to_owned(), json!(new_sets));
    }
    for (name, members) in [("max_lifetime", lifetimes), ("max_keys", counts), ("reveal", reveal)] {
        if !members.is_empty() {
            body.insert(name.to_owned(), Value::Object(members));
        }
    }
    if wrong.is_empty() { Ok(Value::Object(body)) } else { Err(Error::invalid(wrong)) }
}

fn differs(before: &Form, form: &Form, name: &str) -> bool {
    before.given(name) != form.given(name)
}

/// Count and unit; without a count there is none.
fn lifetime<'f>(form: &'f Form, owner: &str) -> Option<(&'f str, &'f str)> {
    Some((form.given(&lifetime_name(owner))?, form.text(&unit_name(owner))))
}

/// The same form in words, as changes are told.
pub(super) fn in_words(form: &Form) -> Form {
    let mut words = Form::default();
    for owner in OWNERS {
        let lifetime = lifetime(form, owner).map(|(count, unit)| texts::lifetime(count, unit));
        words.set(&lifetime_name(owner), lifetime.unwrap_or_default());
        words.set(&count_name(owner), form.text(&count_name(owner)));
    }
    words.set("idle_days", form.text("idle_days"));
    for (name, choices) in choices() {
        let chosen = choices.into_iter().find(|choice| choice.value == form.text(&name));
        words.set(&name, chosen.map(|choice| choice.label).unwrap_or_default());
    }
    for name in ["ip_list_required", "delegated_creation"] {
        words.set(name, if form.is_on(name) { YES } else { NO });
    }
    for set in form.all(APPROVAL) {
        words.push(APPROVAL, set);
    }
    words
}

/// The fields with a few choices.
fn choices() -> Vec<(String, Vec<Choice>)> {
    let reveal = || vec![Choice::new("once", texts::ONCE), Choice::new("recoverable", texts::RECOVERABLE)];
    let names =
        vec![Choice::new("owner", texts::UNIQUE_OWNER), Choice::new("organization", texts::UNIQUE_ORGANIZATION)];
    let profiles =
        vec![Choice::new("default", texts::PROFILE_DEFAULT), Choice::new("gotransverse", texts::PROFILE_GOTRANSVERSE)];
    let mut all: Vec<_> = REVEALED.iter().map(|owner| (reveal_name(owner), reveal())).collect();
    all.push(("unique_names".to_owned(), names));
    all.push(("status_profile".to_owned(), profiles));
    let uses = vec![Choice::new("alert", texts::OLD_SECRET_ALERT), Choice::new("disable", texts::OLD_SECRET_DISABLE)];
    all.push(("old_secret_use".to_owned(), uses));
    all
}

// === fields ===

/// All fields; `sets` are those whose keys can be approved.
pub(super) fn fields(form: &Form, sets: &[Choice], problems: &Problems) -> Markup {
    let part = Part { form, problems };
    html! {
        (group(texts::LIFETIMES, texts::LIFETIMES_HINT, &html! { @for owner in OWNERS { (part.lifetime(owner)) } }))
        (group(texts::USE, "", &html! {
            (part.number("idle_days", texts::IDLE_DAYS, texts::IDLE_DAYS_HINT))
            (part.tick("ip_list_required", texts::IP_LIST_REQUIRED, texts::IP_LIST_REQUIRED_HINT))
        }))
        (part.approval(sets))
        (group(texts::COUNTS, texts::COUNTS_HINT, &html! {
            @for owner in OWNERS { (part.number(&count_name(owner), texts::owner(owner), "")) }
        }))
        (group(texts::SECRETS, texts::SECRETS_HINT, &html! {
            @for owner in REVEALED { (part.choice(&reveal_name(owner), texts::owners(owner), "")) }
            (part.choice("old_secret_use", texts::OLD_SECRET_USE, texts::OLD_SECRET_USE_HINT))
        }))
        (group(texts::OTHER, "", &html! {
            (part.choice("unique_names", texts::UNIQUE_NAMES, ""))
            (part.choice("status_profile", texts::STATUS_PROFILE, texts::STATUS_PROFILE_HINT))
            (part.tick("delegated_creation", texts::DELEGATED, texts::DELEGATED_HINT))
        }))
    }
}

/// A part of the form.
fn group(title: &str, hint: &str, fields: &Markup) -> Markup {
    html! {
        fieldset .group {
            legend { (title) }
            @if !hint.is_empty() { p .hint { (hint) } }
            (fields)
        }
    }
}

struct Part<'a> {
    form: &'a Form,
    problems: &'a Problems,
}

// === impl Part ===

impl Part<'_> {
    fn lifetime(&self, owner: &str) -> Markup {
        let (name, unit) = (lifetime_name(owner), unit_name(owner));
        let field = Field::new(&name, texts::owners(owner), self.problems);
        field.frame(&html! {
            div .with-unit {
                input #(name) .input name=(name) type="number" min="1" inputmode="numeric" value=(self.form.text(&name))
                    aria-invalid=[field.is_wrong().then_some("true")] aria-describedby=[field.described_by()];
                select .select name=(unit) aria-label={ (texts::owners(owner)) ": " (texts::UNIT) } {
                    @for choice in UNITS {
                        option value=(choice) selected[choice == self.form.text(&unit)] { (texts::unit(choice)) }
                    }
                }
            }
        })
    }

    fn approval(&self, sets: &[Choice]) -> Markup {
        let pick = |set: &Choice| Pick { value: set.value.clone(), label: set.label.clone(), note: String::new() };
        let choices: Vec<_> = sets.iter().map(pick).collect();
        let chosen: Vec<_> = self.form.all(APPROVAL).collect();
        picks(Field::new(APPROVAL, texts::APPROVAL, self.problems).hint(texts::APPROVAL_HINT), &choices, &chosen)
    }

    fn number(&self, name: &str, label: &str, hint: &str) -> Markup {
        Field::new(name, label, self.problems).hint(hint).input("number", self.form.text(name), "off")
    }

    fn tick(&self, name: &str, label: &str, hint: &str) -> Markup {
        Field::new(name, label, self.problems).hint(hint).tick(self.form.is_on(name))
    }

    fn choice(&self, name: &str, label: &str, hint: &str) -> Markup {
        let choices = choices().into_iter().find(|(found, _)| found == name).map(|(_, choices)| choices);
        Field::new(name, label, self.problems).hint(hint).choice(&choices.unwrap_or_default(), self.form.text(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        serde_json::from_value(json!({
            "max_lifetime": {"user": {"years": 1}, "application": null, "organization": null}, "idle_days": 90,
            "ip_list_required": false, "reveal": {"organization": "once", "application": "recoverable"},
            "max_keys": {"user": null, "application": 5, "organization": null}, "unique_names": "owner",
            "status_profile": "default", "old_secret_use": "alert", "delegated_creation": true, "approval": ["refunds"], "updated_at": null,
        }))
        .expect("a policy")
    }

    #[test]
    fn what_is_in_force_changes_nothing() {
        let form = filled(&policy());
        assert_eq!(change(&form, &form).expect("whole numbers"), json!({}));
    }

    #[test]
    fn only_what_differs_is_sent_and_empty_is_no_bound() {
        let (before, mut form) = (filled(&policy()), filled(&policy()));
        form.set("max_lifetime.user", "90");
        form.set("max_lifetime_unit.user", "days");
        form.set("max_keys.application", " ");
        form.set("reveal.application", "once");
        form.set("idle_days", "");
        form.take("delegated_creation");
        form.set("ip_list_required", "on");
        form.push(APPROVAL, "full-access");
        let expected = json!({
            "max_lifetime": {"user": {"days": 90}}, "max_keys": {"application": null}, "reveal": {"application": "once"},
            "idle_days": 0, "delegated_creation": false, "ip_list_required": true, "approval": ["full-access", "refunds"],
        });
        assert_eq!(change(&before, &form).expect("whole numbers"), expected);
        // Another unit alone means nothing where there is no end.
        let mut form = filled(&policy());
        form.set("max_lifetime_unit.application", "days");
        assert_eq!(change(&before, &form).expect("whole numbers"), json!({}));
    }

    #[test]
    fn what_is_no_number_is_refused_by_its_field() {
        let (before, mut form) = (filled(&policy()), filled(&policy()));
        form.set("idle_days", "many");
        form.set("max_lifetime.user", "-1");
        let error = change(&before, &form).expect_err("no numbers");
        let fields: Vec<_> = error.errors().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["max_lifetime.user", "idle_days"]);
    }

    #[test]
    fn changes_are_told_in_words() {
        let words = in_words(&filled(&policy()));
        assert_eq!(words.text("max_lifetime.user"), "1 year");
        assert_eq!(words.text("reveal.application"), texts::RECOVERABLE);
        assert_eq!((words.text("ip_list_required"), words.text("delegated_creation")), (NO, YES));
    }
}
